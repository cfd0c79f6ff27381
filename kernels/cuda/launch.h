// Launching kernels, and the pattern that most of them follow: elementwise, 16 bytes at a time. (The other patterns,
// maps and sums over a matrix whose threads stay in their columns, are in columns.h and sums.h.)
//
// A kernel is a function that runs once in each of many threads: blocks of `block_threads` of them, which can wait for
// each other (__syncthreads) and share some memory, and a grid of blocks, which cannot. Here every kernel gives the
// same bits in every run: no sum depends on which block finishes first, because no two blocks add to the same number.
//
// The tests compile the same files with g++. The Makefile then includes tests/kernels/cuda_emulator/emulator.h, and
// cudaLaunchKernel() runs a grid thread by thread.
#pragma once

#include <algorithm>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

#include "kernels/cuda/queue.h"
#include "kernels/view.h"

namespace counterpoise::detail {

// CP_SHARED(float, sums, n) declares sums[n] in the memory that a block's threads share. Nothing is in it at first.
// CP_RESIDENT(n) before a kernel's name limits its registers so that n of its blocks run on a multiprocessor at once.
#ifdef __CUDACC__
#define CP_SHARED(T, name, n) __shared__ T name[n]
#define CP_RESIDENT(n) __launch_bounds__(block_threads, n)
#else
#define CP_RESIDENT(n)
#endif

#ifndef __CUDACC__
// What one thread does: for the emulator, which knows a kernel by its address.
template <class... Parameters, size_t... i>
void call_kernel(const void* function, void* const* arguments, std::index_sequence<i...>) {
  const auto kernel = reinterpret_cast<void (*)(Parameters...)>(const_cast<void*>(function));
  kernel(*static_cast<Parameters*>(arguments[i])...);
}
#endif

enum class Waits { no, yes };  // whether the threads of a block wait for each other

template <Waits waits = Waits::no, class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, Queue& queue, const Arguments&... arguments) {
  const auto function = reinterpret_cast<const void*>(kernel);
#ifndef __CUDACC__
  describe_kernel(function, waits == Waits::yes, {sizeof(Parameters)...}, [](const void* kernel, void* const* values) {
    call_kernel<Parameters...>(kernel, values, std::index_sequence_for<Parameters...>());
  });
#endif
  std::tuple<Parameters...> values(arguments...);
  std::apply(
      [&](auto&... value) {
        const void* pointers[] = {&value..., nullptr};
        const size_t sizes[] = {sizeof value..., 0};
        queue.kernel(function, grid, const_cast<void**>(pointers), sizes, sizeof...(value));
      },
      values);
}

// Enough blocks for n threads, but no more than keep any GPU busy: each thread then does several.
inline dim3 grid_for(Index n, Index at_most = 132 * 16) {
  return dim3(static_cast<unsigned>(std::min<Index>((n + block_threads - 1) / block_threads, at_most)));
}

// One block for each of n items; if there are very many, a block handles several.
inline dim3 a_block_each(Index n) { return dim3(static_cast<unsigned>(std::min<Index>(n, 65535))); }

__device__ inline Index thread_index() { return static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline Index thread_count() { return static_cast<Index>(gridDim.x) * blockDim.x; }

// i / n. Where 32 bits suffice, which is nearly always, the division takes a third of the time.
__device__ inline Index quotient(Index i, Index n) {
  const auto high = static_cast<unsigned long long>(i | n) >> 32;
  return high == 0 ? static_cast<unsigned>(i) / static_cast<unsigned>(n) : i / n;
}

// -- elementwise --

template <class Body>
__global__ void for_each_kernel(Index n, Body body) {
  for (Index i = thread_index(); i < n; i += thread_count()) body(i);
}

// body(i) for i from 0 to n - 1, in any order.
template <class Body>
void for_each(Queue& queue, Index n, const Body& body) {
  if (n > 0) launch(for_each_kernel<Body>, grid_for(n), queue, n, body);
}

// The numbers that a thread reads or writes at once: 16 bytes.
template <class T, int lanes = 16 / static_cast<int>(sizeof(T))>
struct alignas(lanes * sizeof(T)) Pack {
  T v[lanes];
};

template <int lanes, class T>
__device__ Pack<T, lanes> load(const T* p) {
  return *reinterpret_cast<const Pack<T, lanes>*>(p);
}
// One store of 16 bytes in assembly, because the compiler takes some of them apart.
__device__ inline void store_whole(void* p, uint4 bits) {
#ifdef __CUDACC__
  asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(p)), "r"(bits.x), "r"(bits.y),
               "r"(bits.z), "r"(bits.w)
               : "memory");
#else
  memcpy(p, &bits, sizeof bits);
#endif
}
template <int lanes, class T>
__device__ void store(T* p, const Pack<T, lanes>& pack) {
  if constexpr (sizeof pack == 16) {
    uint4 bits;
    memcpy(&bits, &pack, sizeof bits);
    store_whole(p, bits);
  } else {
    *reinterpret_cast<Pack<T, lanes>*>(p) = pack;
  }
}

// Calls fn with the number of columns that a thread takes at once, as a type: 16 bytes' worth if that divides a row.
template <class T, class Fn>
void with_lanes(Index columns, const Fn& fn) {
  constexpr int full = 16 / static_cast<int>(sizeof(T));
  if (columns % full == 0) fn(std::integral_constant<int, full>());
  else fn(std::integral_constant<int, 1>());
}

template <class T, int count>
struct Inputs {
  const T* p[count];
};

template <int count, class T, class Formula>
__global__ void map_kernel(Index n, Inputs<T, count> x, T* y, Formula formula) {
  constexpr int lanes = 16 / static_cast<int>(sizeof(T));
  const Index packs = n / lanes;
  Compute<T> v[count];
  for (Index i = thread_index(); i < packs; i += thread_count()) {
    Pack<T> in[count], out;
    for (int k = 0; k < count; ++k) in[k] = reinterpret_cast<const Pack<T>*>(x.p[k])[i];
    for (int lane = 0; lane < lanes; ++lane) {
      for (int k = 0; k < count; ++k) v[k] = in[k].v[lane];
      out.v[lane] = T(formula(v));
    }
    reinterpret_cast<Pack<T>*>(y)[i] = out;
  }
  for (Index i = packs * lanes + thread_index(); i < n; i += thread_count()) {  // what is left
    for (int k = 0; k < count; ++k) v[k] = x.p[k][i];
    y[i] = T(formula(v));
  }
}

// y[i] = formula({x0[i], x1[i], ...}), computed in Compute<T>; y may be one of the x. Tensors are aligned to 16 bytes.
template <class T, int count, class Formula>
void map(Queue& queue, Index n, const Inputs<T, count>& x, T* y, const Formula& formula) {
  constexpr int lanes = 16 / static_cast<int>(sizeof(T));
  if (n > 0) launch(map_kernel<count, T, Formula>, grid_for((n + lanes - 1) / lanes), queue, n, x, y, formula);
}

// -- sums --

// combine() of `value` over the threads of a block, known to all of them, always in the same order: a few threads
// combine the values of all, then each what these have. (So the block waits twice, and not for each of eight halvings.)
template <class T, class Combine>
__device__ T block_reduce(T value, const Combine& combine) {
  constexpr int few = 16;
  CP_SHARED(T, values, block_threads);
  CP_SHARED(T, parts, few);
  values[threadIdx.x] = value;
  __syncthreads();
  if (threadIdx.x < few) {
    for (int i = threadIdx.x + few; i < block_threads; i += few) value = combine(value, values[i]);
    parts[threadIdx.x] = value;
  }
  __syncthreads();
  T result = parts[0];
  for (int i = 1; i < few; ++i) result = combine(result, parts[i]);
  return result;  // (the next call writes to `parts` when all threads have called it)
}

template <class T>
__device__ T block_sum(T value) {
  return block_reduce(value, [](T a, T b) { return a + b; });
}

template <class T>
__device__ T block_max(T value) {
  return block_reduce(value, [](T a, T b) { return b > a ? b : a; });
}

}  // namespace counterpoise::detail
