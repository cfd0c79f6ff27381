// A Tensor is a dense array of numbers on a backend: a shape, a type, and a share in some memory. It knows nothing
// of gradients; core/var.h adds them.
//
// Copying a Tensor copies the handle, not the numbers, as in PyTorch. No operation writes to a `const Tensor&`; whoever
// copies one gets a handle that writes to the same memory, and clone() copies the numbers.
#pragma once

#include <memory>
#include <vector>

#include "kernels/backend.h"

namespace counterpoise {

// The C++ type of a dtype, backwards: dtype_of<float>() is DType::f32.
template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::f32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::f64;
}
template <>
constexpr DType dtype_of<int32_t>() {
  return DType::i32;
}
template <>
constexpr DType dtype_of<uint8_t>() {
  return DType::u8;
}

class Tensor {
 public:
  Tensor() = default;  // no tensor at all: defined() is false

  // Memory with unspecified content.
  static Tensor empty(Backend& backend, const Shape& shape, DType dtype = DType::f32);
  static Tensor full(Backend& backend, const Shape& shape, double value, DType dtype = DType::f32);
  static Tensor zeros(Backend& backend, const Shape& shape, DType dtype = DType::f32);
  // The values in row-major order. Throws if their number is not shape.size().
  template <class T>
  static Tensor from(Backend& backend, const Shape& shape, const std::vector<T>& values) {
    CP_ENSURE(Index(values.size()) == shape.size(), "Tensor::from: ", values.size(), " values for shape ", shape);
    Tensor y = empty(backend, shape, dtype_of<T>());
    backend.upload(values.data(), y);
    return y;
  }

  bool defined() const { return memory_ != nullptr; }
  const Shape& shape() const { return shape_; }
  Index size() const { return shape_.size(); }
  DType dtype() const { return dtype_; }
  Backend& backend() const;
  // True if no other Tensor shares the memory, so that it may be overwritten.
  bool unique() const { return memory_.use_count() == 1; }

  // What a kernel gets to see: of a const Tensor only what it may read. An undefined Tensor gives one without data.
  operator ConstView() const;
  operator View();

  // The values in row-major order. REQUIRES: dtype() is that of T.
  template <class T>
  std::vector<T> to_vector() const {
    CP_ENSURE(dtype_ == dtype_of<T>(), "Tensor::to_vector: the tensor holds ", name(dtype_));
    std::vector<T> values(size());
    backend().download(*this, values.data());
    return values;
  }
  // The value of a tensor with one element. Throws for others.
  double item() const;

  // The same numbers in another shape of the same size; shares the memory.
  Tensor reshape(const Shape& shape) const;
  Tensor clone() const;
  // In another floating dtype, or on another backend; itself where nothing changes.
  Tensor cast(DType dtype) const;
  Tensor to(Backend& backend) const;

 private:
  struct Memory;  // owns the bytes

  std::shared_ptr<Memory> memory_;
  Shape shape_;
  DType dtype_ = DType::f32;
};

// x repeated to a shape that it broadcasts to, and the other way: the sum over what was repeated.
Tensor expand(const Tensor& x, const Shape& shape);
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace counterpoise
