// bf16: the upper half of a float. It has a float's range and 8 bits of precision: enough for activations and products,
// too few for sums and for weights that change in small steps. So everything is computed in float and rounded once.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/host_device.h"

namespace counterpoise {

struct bf16 {
  uint16_t bits;

  bf16() = default;
  // Rounds to the nearest, ties to even; gives infinity where a float is too large, and NaN stays NaN.
  template <class N, class = std::enable_if_t<std::is_arithmetic<N>::value>>
  CP_HD explicit bf16(N number) {
    const float value = static_cast<float>(number);
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));  // one instruction, and no branch
#else
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    if ((word & 0x7fffffffu) > 0x7f800000u) bits = static_cast<uint16_t>(word >> 16 | 0x40u);
    else bits = static_cast<uint16_t>((word + 0x7fffu + (word >> 16 & 1u)) >> 16);
#endif
  }
  CP_HD operator float() const {
    const uint32_t word = static_cast<uint32_t>(bits) << 16;
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
  }
};

// The type in which formulas of T are computed.
template <class T>
struct ComputeType {
  using type = T;
};
template <>
struct ComputeType<bf16> {
  using type = float;
};
template <class T>
using Compute = typename ComputeType<T>::type;

}  // namespace counterpoise
