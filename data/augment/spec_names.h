// What was meant by a step that no augmenter is called.
//
//   suggested_step("RandomHorizontalFlip")   // "flip"
//
// Safe to call from several threads.
#pragma once

#include <string>
#include <vector>

namespace counterpoise::augment {

// Every name that a step can have: "flip", "vflip", ..., "oneof(...)".
std::vector<std::string> step_names();

// The start of a step, such as "flip" or "rotate=0.2", for a name that is mistyped, written in another way
// (RandAugment, crop_pad), or another library's: torchvision's, albumentations', imgaug's, Keras's. "" where there is
// none.
std::string suggested_step(const std::string& name);

}  // namespace counterpoise::augment
