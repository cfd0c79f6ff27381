// Random numbers for initialization, shuffling, sampling and augmentation.
//
// A Random is a cheap value: a position in a Philox stream that is named by its purpose. Streams with different names
// are independent, and the same name always gives the same bits, on every machine and number of threads (the last
// digits of normal() depend on the C library). An object belongs to one thread at a time:
//
//   Random rng(seed, Stream::augment, epoch, sample);
//   if (rng.uniform() < 0.5f) flip(image);
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/philox.h"

namespace counterpoise {

// The purpose of the numbers: part of the key, so that a new use does not change the numbers of another. `draw` is for
// the synthetic images.
// clang-format off
enum class Stream : uint32_t {
  init = 1, shuffle, subset, augment, draw, dropout, test, loss, mix, sample, resample, split, bootstrap
};
// clang-format on

class Random {
 public:
  // The stream named (seed, stream, a, b): for example a = epoch, b = index of the sample.
  Random(uint64_t seed, Stream stream, uint64_t a = 0, uint64_t b = 0)
      : key_(mix(seed) ^ mix(static_cast<uint64_t>(stream) + 0x5bd1e995u)),
        high_(mix(a + 1) ^ (mix(b + 0x632be59bu) << 1)) {}

  // 32 random bits.
  uint32_t bits() {
    if (used_ == 4) {
      words_ = Philox::words(key_, next_++, high_);
      used_ = 0;
    }
    return words_.v[used_++];
  }
  // 64 random bits, of which the first 32 are the upper ones.
  uint64_t bits64() {
    const uint64_t upper = bits();  // in this order with every compiler
    return upper << 32 | bits();
  }
  // Uniform in [0, 1).
  float uniform() { return Philox::uniform(bits()); }
  // Uniform in [low, high), but where low is not 0 a sum may be rounded to high.
  float uniform(float low, float high) { return low + (high - low) * uniform(); }
  // Uniform integer in [0, n). REQUIRES: 0 < n. The bias of the product is below n / 2^64.
  uint64_t below(uint64_t n) {
    __extension__ typedef unsigned __int128 Wide;  // so that -Wpedantic accepts the header
    return static_cast<uint64_t>((static_cast<Wide>(bits64()) * n) >> 64);
  }
  // Standard normal: Box and Muller 1958.
  float normal() {
    const double u = 1.0 - uniform(), v = uniform();  // u in (0, 1], so its logarithm is finite
    return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v));
  }
  // Fisher-Yates: every order is equally likely.
  template <class Container>
  void shuffle(Container& items) {
    for (size_t i = items.size(); i > 1; --i) {
      using std::swap;
      swap(items[i - 1], items[below(i)]);
    }
  }

 private:
  // SplitMix64's finalizer (Steele, Lea and Flood 2014): neighboring seeds give unrelated keys.
  static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }

  uint64_t key_, high_, next_ = 0;
  Philox::Words words_{};
  int used_ = 4;
};

}  // namespace counterpoise
