// Which branches of the code a run takes: g++ calls __sanitizer_cov_trace_pc() in every block of the objects that are
// compiled with -fsanitize-coverage=trace-pc. Of one thread.
#pragma once

#include <array>
#include <cstdint>

namespace counterpoise::fuzz {

// A bit for each pair of consecutive blocks (by a hash) and for each power of two of how often a run takes it.
using Branches = std::array<uint8_t, 1 << 16>;

// Forgets what was counted.
void start_coverage();
// Adds the branches since start_coverage() to `seen`, and returns how many were not in it.
int add_coverage(Branches& seen);

}  // namespace counterpoise::fuzz
