// What backward() passes from one operation to the next: the gradient of a result, computed already or not yet.
//
// A gradient that is not computed yet lets two operations be computed as one. The gradient of a convolution's input,
// for example, is usually masked next, by the relu of the layer below, and summed for that layer's bias. A device can
// do all of this before it writes the numbers to memory, but only where both operations are known: so the convolution
// hands on a PendingGradient, and the layer below decides.
#pragma once

#include <memory>
#include <utility>

#include "core/tensor.h"

namespace counterpoise {

// A gradient that is computed when it is requested: once, by one of the two functions. Not thread-safe.
class PendingGradient {
 public:
  virtual ~PendingGradient() = default;
  // What compute() will return: its shape, its dtype, and its backend.
  virtual const Shape& shape() const = 0;
  virtual DType dtype() const = 0;
  virtual Backend& backend() const = 0;
  virtual Tensor compute() const = 0;
  // The gradient with respect to z, if this is the one with respect to y = relu(z + bias), whose last axis has the
  // size of the bias: where y > 0 it is passed on, and elsewhere 0. `db` [K] is set to its sum over all other axes.
  virtual Tensor compute_through_relu(const Tensor& y, Tensor& db) const = 0;
};

// Converts to a Tensor, which computes it if it is pending: an operation that can do nothing better takes a Tensor.
// Not thread-safe.
class Gradient {
 public:
  Gradient() = default;                                 // none
  Gradient(Tensor value) : value_(std::move(value)) {}  // NOLINT: implicit on purpose
  Gradient(std::shared_ptr<const PendingGradient> pending) : pending_(std::move(pending)) {}  // NOLINT

  bool defined() const { return pending_ || value_.defined(); }
  const Shape& shape() const { return pending_ ? pending_->shape() : value_.shape(); }
  DType dtype() const { return pending_ ? pending_->dtype() : value_.dtype(); }
  Backend& backend() const { return pending_ ? pending_->backend() : value_.backend(); }
  // Null if it is computed already.
  const PendingGradient* pending() const { return pending_.get(); }
  // The tensor. REQUIRES: not pending.
  const Tensor& value() const { return value_; }
  // Takes the tensor out, so that it has no other owner than before; a pending one is computed, and what it needed
  // released. After that there is none.
  operator Tensor() && {
    const std::shared_ptr<const PendingGradient> pending = std::move(pending_);
    return pending ? pending->compute() : std::move(value_);
  }

 private:
  Tensor value_;
  std::shared_ptr<const PendingGradient> pending_;
};

}  // namespace counterpoise
