// Checks that several operations share.
#pragma once

#include "core/var.h"

namespace counterpoise {

inline void check_same_kind(const char* operation, const Var& a, const Var& b) {
  ENSURE(&a.backend() == &b.backend(), operation, ": one operand is on ", a.backend().name(), ", the other on ",
         b.backend().name(), "; move one with to()");
  ENSURE(a.value().dtype() == b.value().dtype(), operation, ": one operand is ", name(a.value().dtype()),
         ", the other ", name(b.value().dtype()), "; convert one with cast()");
}

inline void check_rank(const char* operation, const char* what, const Var& x, int rank, const char* axes) {
  ENSURE(x.shape().rank() == rank, operation, ": ", what, " must be ", axes, " but has shape ", x.shape());
}

// An uninitialised tensor on x's backend, of x's dtype.
inline Tensor empty_like(const Tensor& x, const Shape& shape) { return Tensor::empty(x.backend(), shape, x.dtype()); }

}  // namespace counterpoise
