// The cuda backend's matrix products, by cuBLAS.
#include <limits>

#include "kernels/cuda/check.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/libraries.h"

namespace counterpoise {

using namespace detail;

namespace {

struct GemmTypes {
  cudaDataType factors, result;
  cublasComputeType_t compute;
};

GemmTypes types(DType factors, DType result, const ComputeMode& mode) {
  if (factors == DType::f64) return {CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F};
  if (factors == DType::bf16) {
    return {CUDA_R_16BF, result == DType::f32 ? CUDA_R_32F : CUDA_R_16BF, CUBLAS_COMPUTE_32F};
  }
  return {CUDA_R_32F, CUDA_R_32F, mode.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F};
}

struct Factors {
  const void *a, *b;
  void* c;
};

// A column-major product c [m, n] = op(a) op(b), as cuBLAS is called. Throws Error(device) or Error(out_of_memory).
struct Product {
  cublasHandle_t handle;
  GemmTypes types;
  cublasOperation_t op_a, op_b;
  int m, n, k, lda, ldb;  // the leading dimension of c is m

  void start(const Factors& f) const {
    const float one = 1, zero = 0;
    const double one64 = 1, zero64 = 0;
    const bool f64 = types.result == CUDA_R_64F;
    const void* alpha = f64 ? static_cast<const void*>(&one64) : &one;
    const void* beta = f64 ? static_cast<const void*>(&zero64) : &zero;
    const cublasStatus_t status =
        cublas().gemm_ex(handle, op_a, op_b, m, n, k, alpha, f.a, types.factors, lda, f.b, types.factors, ldb, beta,
                         f.c, types.result, m, types.compute, CUBLAS_GEMM_DEFAULT);
    if (status != CUBLAS_STATUS_SUCCESS) {
      const bool memory = status == CUBLAS_STATUS_ALLOC_FAILED;
      throw CudaError(memory ? ErrorKind::out_of_memory : ErrorKind::device, cublas().get_status_string(status),
                      "cublasGemmEx", __FILE__, __LINE__);
    }
  }
};

int narrow(Index extent) {
  CP_ENSURE(extent <= std::numeric_limits<int>::max(), "matmul: an extent of ", extent, " is more than cuBLAS takes");
  return static_cast<int>(extent);
}

}  // namespace

// cuBLAS's matrices are column-major, so it sees our row-major ones transposed: it computes y^T = op(b)^T op(a)^T.
void CudaBackend::matmul(const ConstView& a, bool transpose_a, const ConstView& b, bool transpose_b, const View& y) {
  const Index M = y.shape[0], N = y.shape[1], L = a.shape[transpose_a ? 0 : 1];
  if (M == 0 || N == 0) return;
  if (L == 0) return fill(0, y);
  CP_ENSURE(!queue_.is_aside(), "matmul: not aside, because all products share cuBLAS's workspace");
  const GemmTypes t = types(a.dtype, y.dtype, mode_);
  const auto operation = [](bool transpose) { return transpose ? CUBLAS_OP_T : CUBLAS_OP_N; };
  const Factors factors = {b.data, a.data, y.data};
  const Product product = {cublas_,   t,         operation(transpose_b), operation(transpose_a), narrow(N),
                           narrow(M), narrow(L), narrow(b.shape[1]),     narrow(a.shape[1])};
  queue_.call(product, factors, [=](cudaStream_t) { product.start(factors); });
}

}  // namespace counterpoise
