// How far two results of one computation are apart.
#pragma once

#include "kernels/backend.h"
#include "kernels/cuda/queue.h"

namespace counterpoise::detail {

// Of tensors a and b: ||a - b|| / ||b||, and max |a - b| / max |b|. Both are NaN if a number of b is not finite, and
// infinite if one of a alone is not.
struct Deviation {
  double of_norm = 0, of_largest = 0;
  bool known() const { return of_norm == of_norm; }
};

// a and b have n numbers in `dtype`, f32, f64 or bf16, on the GPU. Waits for the result.
Deviation deviation(Backend& backend, Queue& queue, DType dtype, Index n, const void* a, const void* b);

}  // namespace counterpoise::detail
