// Vectors as wide as the processor's registers, by GCC's vector extensions: one source for AVX-512, AVX2, SSE and NEON.
// A Vec<T> adds and multiplies like a number; a scalar operand is broadcast to all lanes.
#pragma once

#include <cstring>

#include "kernels/view.h"

namespace counterpoise::detail {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64, vector_registers = 32;
#elif defined(__AVX__)
constexpr int vector_bytes = 32, vector_registers = 16;
#elif defined(__aarch64__)
constexpr int vector_bytes = 16, vector_registers = 32;
#else
constexpr int vector_bytes = 16, vector_registers = 16;
#endif

template <class T>
constexpr int lanes = vector_bytes / int(sizeof(T));

template <class T>
struct VecOf {
  typedef T type __attribute__((vector_size(vector_bytes)));
};
template <class T>
struct MaskOf;  // integers of T's size: the indices of a shuffle
template <>
struct MaskOf<float> : VecOf<int32_t> {};
template <>
struct MaskOf<double> : VecOf<int64_t> {};

template <class T>
using Vec = typename VecOf<T>::type;

// The memory need not be aligned.
template <class T>
inline Vec<T> load(const T* from) {
  Vec<T> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
template <class T>
inline void store(T* to, Vec<T> v) {
  std::memcpy(to, &v, sizeof v);
}

// The first `count` lanes alone, 0 <= count <= lanes<T>; the others are read as 0 and are not written.
template <class T>
inline Vec<T> load(const T* from, Index count) {
  if (count == lanes<T>) return load(from);
  T all[lanes<T>] = {};
  for (Index i = 0; i < count; ++i) all[i] = from[i];
  return load(all);
}
template <class T>
inline void store(T* to, Vec<T> v, Index count) {
  if (count == lanes<T>) return store(to, v);
  T all[lanes<T>];
  store(all, v);
  for (Index i = 0; i < count; ++i) to[i] = all[i];
}

// A non-temporal store, for memory that will not be read soon: where the processor can, it bypasses the caches, so that
// the line is not read first and nothing useful is evicted. end_of_stream() makes it visible to other threads.
template <class T>
inline void stream(T* to, Vec<T> v, Index count) {
#if defined(__AVX512F__)
  if (count == lanes<T> && reinterpret_cast<uintptr_t>(to) % vector_bytes == 0) {
    return __builtin_ia32_movntps512(reinterpret_cast<float*>(to), (Vec<float>)v);
  }
#elif defined(__AVX__)
  if (count == lanes<T> && reinterpret_cast<uintptr_t>(to) % vector_bytes == 0) {
    return __builtin_ia32_movntps256(reinterpret_cast<float*>(to), (Vec<float>)v);
  }
#endif
  store(to, v, count);
}
inline void end_of_stream() {
#if defined(__SSE2__)
  __builtin_ia32_sfence();
#endif
}

// Row i becomes column i. A perfect shuffle of the rows' halves moves one bit of the row number into the lane number;
// after as many as a lane number has bits, the two have changed places.
template <class T>
inline void transpose(Vec<T> (&rows)[lanes<T>]) {
  constexpr int n = lanes<T>;
  typename MaskOf<T>::type low, high;  // a0 b0 a1 b1 ... of the lower and the upper halves of a and b
  for (int i = 0; i < n; ++i) low[i] = i / 2 + i % 2 * n, high[i] = low[i] + n / 2;
  for (int stage = 1; stage < n; stage *= 2) {
    Vec<T> shuffled[n];
    for (int i = 0; i < n / 2; ++i) {
      shuffled[2 * i] = __builtin_shuffle(rows[i], rows[i + n / 2], low);
      shuffled[2 * i + 1] = __builtin_shuffle(rows[i], rows[i + n / 2], high);
    }
    for (int i = 0; i < n; ++i) rows[i] = shuffled[i];
  }
}

}  // namespace counterpoise::detail
