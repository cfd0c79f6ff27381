// What optimizers and averages check when they load the tensors that they had saved. Any thread may call it.
#pragma once

#include "core/tensor.h"

namespace counterpoise::detail {

// Throws Error(failure), which begins with `what` and the number of the parameter, unless x has the shape, the dtype
// and the backend of that parameter: a kernel reads both as one kind.
inline void check_saved(const char* what, size_t parameter, const Tensor& x, const Tensor& value) {
  const auto described = [](const Tensor& t) {
    return t.defined() ? text(name(t.dtype()), " ", t.shape(), " on ", t.backend().name()) : "undefined";
  };
  const bool fits =
      x.defined() && x.shape() == value.shape() && x.dtype() == value.dtype() && &x.backend() == &value.backend();
  CP_ENSURE(fits, what, " ", parameter, " is ", described(x), " for a parameter that is ", described(value));
}

}  // namespace counterpoise::detail
