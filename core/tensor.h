// A Tensor is a dense array of numbers on a backend: a shape, a type, and a share in some memory. It knows nothing
// of gradients; core/var.h adds them.
//
// Copying a Tensor copies the handle, not the numbers, as in PyTorch. No operation writes to a `const Tensor&`; whoever
// copies one gets a handle that writes to the same memory, and clone() copies the numbers. Copies may be made and
// destroyed on any thread that may use the backend (kernels/backend.h); writing to memory that another thread uses is a data race.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/backend.h"

namespace counterpoise {

// The dtype of a C++ type: dtype_of<float>() is DType::f32.
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

  // A new tensor of unspecified content. Throws Error(out_of_memory), as do all functions that make one.
  static Tensor empty(Backend& backend, const Shape& shape, DType dtype = DType::f32);
  // A tensor filled with `value`, or with 0. Throws Error(failure) unless the backend computes in the dtype.
  static Tensor full(Backend& backend, const Shape& shape, double value, DType dtype = DType::f32);
  static Tensor zeros(Backend& backend, const Shape& shape, DType dtype = DType::f32);
  // A tensor of the given values, in row-major order. Throws Error(failure) if their number is not shape.size().
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
  // A number that every write to the memory changes, and that no other memory ever has: as long as it is the same, what
  // was computed from the numbers is still right. 0 if this is undefined. Making a View counts as the write, so make
  // one for each call: a write through a View that was kept is not noticed.
  uint64_t version() const;

  // What a kernel sees: of a const Tensor a read-only view. The view of an undefined Tensor has no data. A View is for
  // one call: version() says why.
  operator ConstView() const;
  operator View();

  // The values in row-major order. Throws Error(failure) if dtype() is not that of T.
  template <class T>
  std::vector<T> to_vector() const {
    CP_ENSURE(dtype_ == dtype_of<T>(), "Tensor::to_vector: the tensor holds ", name(dtype_));
    std::vector<T> values(size());
    backend().download(*this, values.data());
    return values;
  }
  // The value of a tensor with one element. Throws Error(failure) for others.
  double item() const;

  // The same numbers in another shape, sharing the memory. Throws Error(failure) if its size differs.
  Tensor reshape(const Shape& shape) const;
  // A copy of the numbers.
  Tensor clone() const;
  // The numbers in another floating dtype, or on another backend; this tensor itself if nothing changes. cast() throws
  // Error(failure) if a dtype is not floating.
  Tensor cast(DType dtype) const;
  Tensor to(Backend& backend) const;

 private:
  friend class TensorWatch;
  struct Memory;  // owns the bytes

  std::shared_ptr<Memory> memory_;
  Shape shape_;
  DType dtype_ = DType::f32;
};

// Notices writes to a tensor's memory without keeping the memory.
class TensorWatch {
 public:
  explicit TensorWatch(const Tensor& x) : memory_(x.memory_), version_(x.version()) {}
  // The tensor's version() when this was made.
  uint64_t version() const { return version_; }
  // Whether nothing has been written since; true where the memory has been released.
  bool unchanged() const;

 private:
  std::weak_ptr<Tensor::Memory> memory_;
  uint64_t version_;
};

// expand: x repeated to a shape that it broadcasts to. sum_to: the sum over the axes along which `shape` would be
// repeated to x's shape. Both throw Error(failure) for other shapes.
Tensor expand(const Tensor& x, const Shape& shape);
Tensor sum_to(const Tensor& x, const Shape& shape);

// The sum of x^2 over tensors of one dtype on one backend, of gradients for example; 0 without tensors. Waits for it.
double sum_squares(const std::vector<Tensor>& xs);

}  // namespace counterpoise
