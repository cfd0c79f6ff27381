// Two sums of the lectures, with our losses: what many easy samples and a few hard ones weigh.
#pragma once

#include <string>

namespace counterpoise {

// "Truth and lie": nine samples that the network has nearly learned and one that it gets wrong, under the focal loss
// with gamma 0 to 4. "Easy against hard": 100,000 samples at 0.9 and 100 at 0.1. Each number beside the lectures'.
std::string loss_walk();

}  // namespace counterpoise
