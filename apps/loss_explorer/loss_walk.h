// Two calculations of the lecture "Imbalanced Data" (Quang-Vinh Dinh, AI VIETNAM All-in-One Course 2024), repeated with
// this library's losses: how much many easy samples and a few hard ones contribute to the sum.
#pragma once

#include <string>

namespace counterpoise {

// "Lie/Truth classification": nine samples that the network has nearly learned and one that it gets wrong, under the
// focal loss with gamma 0 to 4. Easy and hard samples: 100,000 with p_t = 0.9 and 100 with p_t = 0.1. Each number is
// printed beside the lecture's. Safe to call from several threads.
std::string loss_walk();

}  // namespace counterpoise
