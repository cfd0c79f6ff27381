// What a kernel sees of a tensor: where its numbers are, their shape and their type. A View can be written to, a
// ConstView only read. Neither owns memory nor knows a gradient; core/tensor.h owns memory.
//
// All tensors are dense and row-major: the last axis is contiguous. Images are [N, H, W, C] (image, row, column,
// channel) and convolution weights [K, R, S, C] (output channel, kernel row, kernel column, input channel), the
// letters of the cuDNN manual. The output of a convolution is [N, P, Q, K].
//
// Shapes and views are plain values: different threads may use different ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>

#include "kernels/bf16.h"
#include "kernels/error.h"

namespace counterpoise {

using Index = int64_t;

// Element types: three floating-point precisions to compute in, i32 for labels, u8 for the bytes of images.
enum class DType : uint8_t { f32, f64, bf16, i32, u8 };

const char* name(DType dtype);
size_t size_of(DType dtype);  // bytes

// The extents of up to five axes. Shape{} is a scalar: no axes, one element. Throws Error(failure) for more axes, a
// negative extent, an axis that it does not have, or more than max_size elements, where extents of 0 count as 1: so no
// product of extents and no number of bytes overflows.
class Shape {
 public:
  static constexpr int max_rank = 5;
  static constexpr Index max_size = PTRDIFF_MAX / 8;  // eight bytes are the largest element

  Shape() = default;
  Shape(std::initializer_list<Index> extents);

  int rank() const { return rank_; }
  // Extent of an axis; negative axes count from the end, as in NumPy: shape[-1] is the last.
  Index operator[](int axis) const { return extent_[check(axis)]; }
  // Number of elements.
  Index size() const {
    Index n = 1;
    for (int i = 0; i < rank_; ++i) n *= extent_[i];
    return n;
  }
  void push_back(Index extent);
  // Changes the extent of an axis.
  void set(int axis, Index extent);

  bool operator==(const Shape& other) const;
  bool operator!=(const Shape& other) const { return !(*this == other); }

 private:
  int check(int axis) const {
    const int i = axis < 0 ? axis + rank_ : axis;
    CP_ENSURE(0 <= i && i < rank_, "shape: axis ", axis, " of a tensor with ", rank_, " axes");
    return i;
  }

  int rank_ = 0;
  Index extent_[max_rank] = {};
};

std::string str(const Shape& shape);  // "[16, 160, 160, 3]"
std::ostream& operator<<(std::ostream& out, const Shape& shape);

// The shape of `a` op `b` by NumPy's rule: axes are aligned at the end, and an axis of extent 1 is repeated.
// Throws Error(failure) if two extents differ and neither is 1; the message begins with the name of the operation.
Shape broadcast(const Shape& a, const Shape& b, const char* operation = "broadcast");

// What an operation reads. A ConstView without data stands for an operand that is absent, such as no bias.
struct ConstView {
  const void* data = nullptr;
  Shape shape;
  DType dtype = DType::f32;

  Index size() const { return shape.size(); }
  template <class T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
};

// What an operation writes. It can be read, too.
struct View {
  void* data = nullptr;
  Shape shape;
  DType dtype = DType::f32;

  Index size() const { return shape.size(); }
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  operator ConstView() const { return {data, shape, dtype}; }
};

// Rows `first` to first + count - 1 along the first axis, as some images of a batch. A view without data stays one. Its
// memory may be aligned to less than a tensor's, which only the kernels of a processor allow.
template <class AnyView>
AnyView rows_of(AnyView x, Index first, Index count) {
  if (!x.data) return x;
  using Byte = std::conditional_t<std::is_same_v<AnyView, View>, char, const char>;
  const Index row = x.shape[0] > 0 ? x.size() / x.shape[0] : 0;
  x.data = static_cast<Byte*>(x.data) + first * row * static_cast<Index>(size_of(x.dtype));
  x.shape.set(0, count);
  return x;
}

// The dtype of what belongs to activations of a dtype (scales, statistics and sums over many of them): f32 for bf16.
inline DType parameter_dtype(DType dtype) { return dtype == DType::bf16 ? DType::f32 : dtype; }

// Calls fn(T()) with T the C++ type of a floating dtype, so that one generic body serves f32 and f64. Throws
// Error(failure) for other dtypes.
template <class Fn>
void dispatch(DType dtype, const Fn& fn) {
  if (dtype == DType::f32) return fn(float());
  if (dtype == DType::f64) return fn(double());
  throw Error(ErrorKind::failure, "this operation needs numbers in f32 or f64 but got ", name(dtype));
}

// The same with bf16, whose formulas are computed in Compute<bf16>, which is float.
template <class Fn>
void dispatch_floating(DType dtype, const Fn& fn) {
  if (dtype == DType::bf16) return fn(bf16());
  if (dtype == DType::f32) return fn(float());
  if (dtype == DType::f64) return fn(double());
  throw Error(ErrorKind::failure, "this operation needs floating-point numbers but got ", name(dtype));
}

// The same for the dtype of positions in windows, u8 or i32.
template <class Fn>
void dispatch_positions(DType dtype, const Fn& fn) {
  if (dtype == DType::u8) return fn(uint8_t());
  if (dtype == DType::i32) return fn(int32_t());
  throw Error(ErrorKind::failure, "this operation needs positions in u8 or i32 but got ", name(dtype));
}

}  // namespace counterpoise
