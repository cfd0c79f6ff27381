// Synthetic cats and dogs: an endless image set that needs no download, so that everything here can
// be tried at once.
//
// Each image is a head in some pose before some background. Five parts tell the two animals
// apart: pointed or hanging ears, a short or long muzzle, a small three-cornered or large oval
// nose, slit or round eyes, and whiskers that are there or not. In part of the images one or two
// of the five are borrowed from the other animal (a dog with pricked ears, a cat with round dark
// eyes), so no part decides alone, but the majority always does: the labels are right. Fur,
// background, pose, light, blur and noise are drawn alike for both.
#pragma once

#include <cstdint>
#include <vector>

namespace counterpoise {

enum class Animal { cat = 0, dog = 1 };

// Image `index` of the endless series named (animal, seed): size x size x 3 bytes, RGB, HWC. The
// same arguments give the same bytes in any thread, and another size gives the same drawing with
// other noise. Throws Error where size < 8.
std::vector<uint8_t> draw_animal(Animal animal, int size, uint64_t seed, uint64_t index);

}  // namespace counterpoise
