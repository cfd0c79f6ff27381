// The calculations of the lecture "Imbalanced Data" (Quang-Vinh Dinh, AI VIETNAM All-in-One Course 2024), repeated with
// this library's losses: how much many easy samples and a few hard ones contribute to the sum.
#pragma once

#include <string>

namespace counterpoise {

// "Lie/Truth classification": nine samples of class 1 and one of class 0, in the slides' four contexts, each with the
// sums of the loss and of the gradient of both classes under cross-entropy, class weights and the focal loss; then the
// focal loss with gamma 0 to 4 in the fourth. Easy and hard samples: 100,000 with p_t = 0.9 and 100 with p_t = 0.1.
// What the lecture prints stands beside ours; what it does not print is called ours. Safe to call from several threads.
std::string loss_walk();

}  // namespace counterpoise
