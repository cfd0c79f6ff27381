// Products of small matrices by tensor cores. The 32 threads of a warp compute them together, and each has some of the
// numbers in its registers, two of bf16 in each. With g = lane / 4 and t = lane % 4, where `lane` is a thread's number
// in its warp, it has (PTX ISA, "matrix fragments for mma.m16n8k16"; | separates registers)
//
//   of a [16, 16] bf16: row g, columns 2t, 2t + 1 | row g + 8, the same | row g, columns 2t + 8, 2t + 9 | row g + 8
//   of b [16, 8] bf16:  column g, rows 2t, 2t + 1 | rows 2t + 8, 2t + 9
//   of d [16, 8] f32:   row g, column 2t | column 2t + 1 | row g + 8, column 2t | column 2t + 1
//
// All threads of a block call these functions together. For compute capability 8.0 and later.
#pragma once

#include "kernels/bf16.h"
#include "kernels/cuda/launch.h"

namespace counterpoise::detail {

constexpr int warp_threads = 32;

__device__ inline int lane_index() { return static_cast<int>(threadIdx.x) % warp_threads; }

#ifdef __CUDACC__

// Four matrices [8, 8] of bf16 in shared memory, each row of which is 16 bytes anywhere: thread 8 m + i gives the
// address of row i of matrix m, and gets row g, columns 2t and 2t + 1, of each matrix; or, transposed, rows 2t and
// 2t + 1 of column g.
template <bool transposed>
__device__ void load_matrices(const uint4* row, unsigned (&r)[4]) {
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(row));
#if __CUDA_ARCH__ >= 800
  if constexpr (transposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address));
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address));
  }
#endif
}

// d = d + a b
__device__ inline void multiply_add(const unsigned (&a)[4], const unsigned (&b)[2], float (&d)[4]) {
#if __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

#else  // The emulator's threads show each other what they have.

inline float half_of(unsigned pair, int i) {
  bf16 y;
  y.bits = static_cast<uint16_t>(i == 0 ? pair : pair >> 16);
  return y;
}

template <bool transposed>
void load_matrices(const uint4* row, unsigned (&r)[4]) {
  const int lane = lane_index(), g = lane / 4, t = lane % 4, first = static_cast<int>(threadIdx.x) - lane;
  const auto* const rows = static_cast<const uint4* const*>(show_to_block(&row, sizeof row)) + first;
  for (int m = 0; m < 4; ++m) {
    const auto at = [&](int i, int column) {
      return unsigned(reinterpret_cast<const uint16_t*>(rows[8 * m + i])[column]);
    };
    r[m] = transposed ? at(2 * t, g) | at(2 * t + 1, g) << 16 : at(g, 2 * t) | at(g, 2 * t + 1) << 16;
  }
}

inline void multiply_add(const unsigned (&a)[4], const unsigned (&b)[2], float (&d)[4]) {
  struct Factors {
    unsigned a[4], b[2];
  };
  const Factors mine = {{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
  const int lane = lane_index(), g = lane / 4, t = lane % 4, first = static_cast<int>(threadIdx.x) - lane;
  const auto* const all = static_cast<const Factors*>(show_to_block(&mine, sizeof mine)) + first;
  for (int i = 0; i < 4; ++i) {
    const int row = g + i / 2 * 8, column = 2 * t + i % 2;
    for (int k = 0; k < 16; ++k) {
      const unsigned of_row = all[row % 8 * 4 + k % 8 / 2].a[row / 8 + k / 8 * 2];
      const unsigned of_column = all[column * 4 + k % 8 / 2].b[k / 8];
      d[i] += half_of(of_row, k % 2) * half_of(of_column, k % 2);
    }
  }
}

#endif

}  // namespace counterpoise::detail
