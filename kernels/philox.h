// Philox4x32-10, a counter-based random number generator.
// Salmon, Moraes, Dror and Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.2.
//
// A counter goes in, four random words come out. There is no state, so the number of image 17 in epoch 3 depends
// neither on the thread that computes it nor on what was computed before. The same code runs on every backend, in any
// thread.
#pragma once

#include <cstdint>

#include "kernels/host_device.h"

namespace counterpoise {

struct Philox {
  struct Words {
    uint32_t v[4];
  };

  // The four words that belong to `counter` under `key`. Ten rounds, as in the paper.
  CP_HD static Words words(uint64_t key, uint64_t counter_low, uint64_t counter_high) {
    uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
    uint32_t c0 = static_cast<uint32_t>(counter_low), c1 = static_cast<uint32_t>(counter_low >> 32);
    uint32_t c2 = static_cast<uint32_t>(counter_high), c3 = static_cast<uint32_t>(counter_high >> 32);
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = uint64_t(0xD2511F53u) * c0, p1 = uint64_t(0xCD9E8D57u) * c2;
      const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
      const uint32_t n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
      c1 = static_cast<uint32_t>(p1);
      c3 = static_cast<uint32_t>(p0);
      c0 = n0;
      c2 = n2;
      k0 += 0x9E3779B9u;  // the golden ratio
      k1 += 0xBB67AE85u;  // sqrt(3) - 1
    }
    return {{c0, c1, c2, c3}};
  }

  // A word as a number in [0, 1): its upper 24 bits, so that float and double hold it exactly.
  CP_HD static float uniform(uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }
};

}  // namespace counterpoise
