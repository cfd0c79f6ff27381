// Checks that several operations share. They throw Error(failure); any thread may call them.
#pragma once

#include "core/ops.h"

namespace counterpoise::detail {

inline void check_defined(const char* operation, const Var& x) {
  CP_ENSURE(x.defined() && x.value().defined(), operation, ": an operand was never given a value");
}

inline bool is_floating(DType dtype) { return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::bf16; }

inline void check_floating(const char* operation, const Var& x) {
  check_defined(operation, x);
  CP_ENSURE(is_floating(x.value().dtype()), operation, ": an operand is ", name(x.value().dtype()),
            "; operands must be f32, f64 or bf16");
}

inline void check_same_kind(const char* operation, const Var& a, const Var& b) {
  check_floating(operation, a);
  check_floating(operation, b);
  CP_ENSURE(&a.backend() == &b.backend(), operation, ": one operand is on ", a.backend().name(), ", the other on ",
            b.backend().name(), "; move one with to()");
  CP_ENSURE(a.value().dtype() == b.value().dtype(), operation, ": one operand is ", name(a.value().dtype()),
            ", the other ", name(b.value().dtype()), "; convert one with cast()");
}

// The same for a parameter of x such as a scale, a shift or a statistic, which is f32 if x is bf16.
inline void check_parameter(const char* operation, const Var& x, const Var& b) {
  check_floating(operation, x);
  check_floating(operation, b);
  if (x.value().dtype() != DType::bf16) return check_same_kind(operation, x, b);
  CP_ENSURE(&x.backend() == &b.backend() && b.value().dtype() == DType::f32, operation,
            ": with operands in bf16, scales, shifts and statistics are f32 on the same backend, but one is ",
            name(b.value().dtype()), " on ", b.backend().name());
}

// A scale or a shift in the parameter_dtype of x.
inline Var parameter_of(const Var& x, const Var& b) {
  return b.defined() && x.value().dtype() == DType::bf16 && b.value().dtype() == DType::bf16 ? cast(b, DType::f32) : b;
}

// cast(x, y.dtype()), where y has these numbers.
Var casted(const Var& x, const Tensor& y);

// Networks keep their weights in f32, where small steps are not lost (master weights, Micikevicius et al. 2018,
// arXiv:1710.03740); activations in bf16 are computed with their roundings, and their gradients are f32 again.
inline bool is_rounded_for(const Var& x, const Var& weight) {
  return weight.defined() && x.value().dtype() == DType::bf16 && weight.value().dtype() == DType::f32;
}
// A weight or bias in x's dtype.
inline Var cast_like(const Var& x, const Var& weight) {
  return is_rounded_for(x, weight) ? casted(weight, weight.rounded()) : weight;
}
// Its numbers alone, for operations that convert the gradient themselves. Undefined if the weight is.
inline Tensor value_like(const Var& x, const Var& weight) {
  if (!weight.defined()) return {};
  return is_rounded_for(x, weight) ? weight.rounded() : weight.value();
}

inline void check_rank(const char* operation, const char* what, const Var& x, int rank, const char* axes) {
  check_floating(operation, x);
  CP_ENSURE(x.shape().rank() == rank, operation, ": ", what, " must be ", axes, " but has shape ", x.shape());
}

// An uninitialized tensor on x's backend, of x's dtype.
inline Tensor empty_like(const Tensor& x, const Shape& shape) { return Tensor::empty(x.backend(), shape, x.dtype()); }

// x [N, H, W, C] as a convolution and the gradient of its weights read it: padded if the backend computes with more
// channels than C, else x itself.
Tensor conv2d_input(const Tensor& x);

// The shape of x [N, H, W, C] after pooling (ops_spatial.cpp). Throws Error(failure) if its windows do not fit.
Shape pooled(const char* operation, const Shape& x, Pool2dParams p);

}  // namespace counterpoise::detail
