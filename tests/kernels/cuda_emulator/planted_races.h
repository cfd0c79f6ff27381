// Kernels that have a race, and others that come close to one: for the test that races are found.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels/cuda/queue.h"

namespace counterpoise {

struct Planted {
  std::string name;
  bool is_race;
  // y: 4096 bytes of the GPU. counter: a number there, which is 0.
  std::function<void(detail::Queue&, void* y, unsigned* counter)> start;
};
std::vector<Planted> planted_races();

}  // namespace counterpoise
