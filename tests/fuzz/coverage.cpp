#include "tests/fuzz/coverage.h"

#include <cstring>

namespace {

uint8_t counts[1 << 16];
uint32_t before = 0;

// 1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, 128 and more: a bit each.
uint8_t bit_of(uint8_t count) {
  return static_cast<uint8_t>(count < 4     ? 1 << (count - 1)
                              : count < 8   ? 8
                              : count < 16  ? 16
                              : count < 32  ? 32
                              : count < 128 ? 64
                                            : 128);
}

}  // namespace

extern "C" __attribute__((no_sanitize("address", "undefined"))) void __sanitizer_cov_trace_pc() {
  // Relative to this function, because the program's place in memory is random.
  const uint64_t place =
      reinterpret_cast<uint64_t>(__builtin_return_address(0)) - reinterpret_cast<uint64_t>(&__sanitizer_cov_trace_pc);
  const auto block = static_cast<uint32_t>(place * 0x9e3779b97f4a7c15u >> 48);
  uint8_t& count = counts[block ^ before];
  if (count < 255) ++count;
  before = block >> 1;
}

namespace counterpoise::fuzz {

void start_coverage() {
  std::memset(counts, 0, sizeof(counts));
  before = 0;
}

__attribute__((no_sanitize("address", "undefined"))) int add_coverage(Branches& seen) {
  int added = 0;
  for (size_t i = 0; i < sizeof(counts); i += 8) {
    uint64_t eight;
    std::memcpy(&eight, counts + i, 8);
    if (eight == 0) continue;
    for (size_t j = i; j < i + 8; ++j) {
      if (counts[j] == 0) continue;
      const uint8_t bit = bit_of(counts[j]);
      if (seen[j] & bit) continue;
      seen[j] |= bit;
      ++added;
    }
  }
  return added;
}

}  // namespace counterpoise::fuzz
