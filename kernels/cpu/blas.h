// Matrix products by OpenBLAS in the calling thread: the thread pool is ours (parallel.h), so that two pools never
// compete for the cores. Any thread may call these functions, so it must be a build of OpenBLAS with locks: Debian's
// libopenblas0-serial has none.
#pragma once

#include <cblas.h>

#include <initializer_list>

#include "kernels/cpu/parallel.h"

namespace counterpoise::detail {

// Sets OpenBLAS to one thread, and to kernels for this processor where it did not know it. Before the first product, and
// while no other thread computes with OpenBLAS, whose kernels are those of the whole process.
void initialize_blas();

// An extent as OpenBLAS takes it. Throws Error(failure) if it is too large.
inline int blas_int(Index n) {
  CP_ENSURE(n <= 0x7fffffff, "matrix product: an extent of ", n, " is more than OpenBLAS can count");
  return static_cast<int>(n);
}

// Comes before a loop that calls gemm(), because the loop must not throw. Throws Error(failure) if one of the products'
// extents is too large for OpenBLAS, and makes it allocate the buffers that cpu_threads() threads need, once: OpenBLAS
// repeats an allocation for ever that fails. Throws Error(out_of_memory) where the memory is limited.
void prepare_gemms(std::initializer_list<Index> extents);

// C [M, N] = op(A) op(B) + beta C, all row-major; lda, ldb and ldc are the lengths of their rows in memory.
inline void gemm(bool transpose_a, bool transpose_b, Index M, Index N, Index L, const float* A, Index lda,
                 const float* B, Index ldb, float beta, float* C, Index ldc) {
  cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans,
              blas_int(M), blas_int(N), blas_int(L), 1.0f, A, blas_int(lda), B, blas_int(ldb), beta, C, blas_int(ldc));
}
inline void gemm(bool transpose_a, bool transpose_b, Index M, Index N, Index L, const double* A, Index lda,
                 const double* B, Index ldb, double beta, double* C, Index ldc) {
  cblas_dgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans,
              blas_int(M), blas_int(N), blas_int(L), 1.0, A, blas_int(lda), B, blas_int(ldb), beta, C, blas_int(ldc));
}

// The same on all cores. C is split along its longer side into one piece per thread, because OpenBLAS packs the other
// operand again for each piece.
template <class T>
void parallel_gemm(bool transpose_a, bool transpose_b, Index M, Index N, Index L, const T* A, Index lda, const T* B,
                   Index ldb, T beta, T* C, Index ldc) {
  prepare_gemms({M, N, L, lda, ldb, ldc});
  const bool by_rows = M >= N;
  const Index work_per_line = (by_rows ? N : M) * L;
  const Index grain = std::max<Index>(8, 100000 / std::max<Index>(1, work_per_line));
  parallel_for(
      by_rows ? M : N, grain,
      [&](Index begin, Index end) {
        if (by_rows) {
          gemm(transpose_a, transpose_b, end - begin, N, L, A + begin * (transpose_a ? 1 : lda), lda, B, ldb, beta,
               C + begin * ldc, ldc);
        } else {
          gemm(transpose_a, transpose_b, M, end - begin, L, A, lda, B + begin * (transpose_b ? ldb : 1), ldb, beta,
               C + begin, ldc);
        }
      },
      1);
}

}  // namespace counterpoise::detail
