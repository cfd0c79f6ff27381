// Every differentiable operation, computed by the operands' backend. Operands must be on the same backend and have the
// same dtype. If backends, dtypes, shapes or parameters do not fit, every function throws Error(failure) that names the
// operation and what it got. (A backend that does not compute in bf16 says so without the name.) Different threads may
// work on different graphs.
//
// Letters as in kernels/view.h: images [N, H, W, C], weights [K, R, S, C], outputs [N, P, Q, K].
#pragma once

#include <optional>

#include "core/var.h"

namespace counterpoise {

// -- pointwise (ops_pointwise.cpp): the formulas are in kernels/formulas.h --
Var affine(const Var& x, double a, double b);  // a x + b
Var relu(const Var& x);                        // max(x, 0)
Var sigmoid(const Var& x);                     // 1 / (1 + e^-x)
Var tanh(const Var& x);
Var softplus(const Var& x);     // log(1 + e^x), finite for all x
Var log_sigmoid(const Var& x);  // log(1 / (1 + e^-x)) = -softplus(-x)
Var exp(const Var& x);
Var log(const Var& x);
Var log1p(const Var& x);  // log(1 + x)
Var expm1(const Var& x);  // e^x - 1
Var sqrt(const Var& x);
Var square(const Var& x);
Var abs(const Var& x);
Var pow(const Var& x, double exponent);
Var clamp(const Var& x, double low, double high);  // the gradient is 0 outside

// Two operands broadcast as in NumPy: see broadcast() in kernels/view.h.
Var operator+(const Var& a, const Var& b);
Var operator-(const Var& a, const Var& b);
Var operator*(const Var& a, const Var& b);
Var operator/(const Var& a, const Var& b);
Var operator/(double a, const Var& x);
Var maximum(const Var& a, const Var& b);  // where both are equal, each gets half of the gradient
Var minimum(const Var& a, const Var& b);
inline Var operator-(const Var& x) { return affine(x, -1, 0); }
inline Var operator+(const Var& x, double b) { return affine(x, 1, b); }
inline Var operator+(double a, const Var& x) { return affine(x, 1, a); }
inline Var operator-(const Var& x, double b) { return affine(x, 1, -b); }
inline Var operator-(double a, const Var& x) { return affine(x, -1, a); }
inline Var operator*(const Var& x, double b) { return affine(x, b, 0); }
inline Var operator*(double a, const Var& x) { return affine(x, a, 0); }
// x times 1 / b, whose last digit may differ from that of the quotient; x / Var(b) divides.
inline Var operator/(const Var& x, double b) { return affine(x, 1 / b, 0); }

// -- shape and reductions (ops_reduce.cpp) --
Var cast(const Var& x, DType dtype);            // the same numbers in another floating dtype; x itself in its own
Var reshape(const Var& x, const Shape& shape);  // shares the numbers
Var flatten(const Var& x);                      // [N, ...] -> [N, rest], in the order of memory: H, W, C
Var sum(const Var& x);                          // all elements -> []
Var mean(const Var& x);                         // all elements -> []; an error if there are none
Var sum_to(const Var& x, const Shape& shape);   // over the axes along which `shape` would be broadcast to x
Var row_sum(const Var& x);                      // of each row, [N, K] -> [N]; x itself if it is [N]
// A tensor of the given numbers, in row-major order, on x's backend and in x's dtype.
Tensor tensor_like(const Var& x, const Shape& shape, const std::vector<double>& numbers);
// x [N, K] -> [N, K]: x - log sum_k e^x, row by row, and its exponential.
Var log_softmax(const Var& x);
Var softmax(const Var& x);
// x [N, K], index [N] i32 in [0, K) -> [N]: x[n, index[n]]. Throws for another index; a remote backend gives NaN.
Var gather(const Var& x, const Tensor& index);
// x / (1 - p) with probability 1 - p, else 0; 0 <= p <= 1. The mask is a function of (key, stream): kernels/backend.h.
Var dropout(const Var& x, double p, uint64_t key, uint64_t stream);

// -- products (ops_linear.cpp) --
// a [M, L] and b [L, N] -> [M, N]; each may be given transposed. The result has the operands' dtype, or the dtype
// `result`: f32 for operands in bf16, whose sums are then not rounded to bf16.
Var matmul(const Var& a, const Var& b, bool transpose_a = false, bool transpose_b = false,
           std::optional<DType> result = {});
// x [N, C], weight [K, C], bias [K] or undefined -> x weight^T + bias [N, K]. If x is bf16, weight and bias may be f32,
// as networks keep them; they are then rounded. With x in bf16 and `result` f32, neither the product nor the bias is.
Var linear(const Var& x, const Var& weight, const Var& bias, std::optional<DType> result = {});
// x [N, H, W, C], weight [K, R, S, C], bias [K] or undefined -> [N, P, Q, K], plus `residual`, which has the shape of
// the result or is undefined, followed by max(., 0) if `relu`: one operation, so that the activation is neither written
// nor read a second time. The formula is in kernels/backend.h. If x is bf16, weight and bias may be f32, as above.
Var conv2d(const Var& x, const Var& weight, const Var& bias, Conv2dParams params, bool relu = false,
           const Var& residual = {});
// max_pool2d(conv2d(x, weight, bias, params, /*relu=*/true), pool) as one operation, which keeps the maxima and their
// positions for the backward pass, and not the large activation before them.
Var conv2d_relu_max_pool2d(const Var& x, const Var& weight, const Var& bias, Conv2dParams params, Pool2dParams pool);

// -- images (ops_spatial.cpp): x [N, H, W, C] -> [N, P, Q, C] --
Var max_pool2d(const Var& x, Pool2dParams params);
Var avg_pool2d(const Var& x, Pool2dParams params);                 // padding counts as zeros
Var adaptive_avg_pool2d(const Var& x, Index rows, Index columns);  // 1, 1: the global mean
// x [..., C], scale and shift [C]. In training, x is normalized by the mean and the (biased) variance of this batch,
// which also update the running ones in place (momentum is the weight of the new; the variance is the unbiased one, as
// in PyTorch); otherwise by the running ones. `residual`, of x's shape and dtype or undefined, is added, and max(., 0)
// follows if `relu`, in the same operation. If x is bf16, scale, shift and the running statistics are f32.
Var batch_norm(const Var& x, const Var& scale, const Var& shift, Tensor& running_mean, Tensor& running_var,
               bool training, double momentum = 0.1, double eps = 1e-5, bool relu = false, const Var& residual = {});

}  // namespace counterpoise
