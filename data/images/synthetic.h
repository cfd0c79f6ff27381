// Synthetic cats and dogs: an endless set of images that needs no download.
//
// Each image shows a head in some pose in front of some background. Five parts distinguish the two
// animals: pointed or hanging ears, a short or long muzzle, a small three-cornered or large oval
// nose, slit or round eyes, and whiskers or none. In part of the images one or two
// of the five are borrowed from the other animal (a dog with pricked ears, a cat with round dark
// eyes), so no part decides alone, but the majority always does: the labels are right. Fur,
// background, pose, light, blur and noise have the same distribution for both.
#pragma once

#include <cstdint>
#include <vector>

namespace counterpoise {

enum class Animal { cat = 0, dog = 1 };

// Image `index` of the endless series (animal, seed): size x size x 3 bytes, RGB, HWC. The same arguments give the same
// bytes, and another size gives the same drawing with other noise. Safe to call from several threads. Throws Error
// where size < 8.
std::vector<uint8_t> draw_animal(Animal animal, int size, uint64_t seed, uint64_t index);

}  // namespace counterpoise
