#include "kernels/view.h"

#include <algorithm>

#include "kernels/broadcast.h"

namespace counterpoise {

const char* name(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::f64:
      return "f64";
    case DType::bf16:
      return "bf16";
    case DType::i32:
      return "i32";
    case DType::u8:
      return "u8";
  }
  return "?";
}

size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return 8;
    case DType::bf16:
      return 2;
    case DType::u8:
      return 1;
    default:
      return 4;
  }
}

Shape::Shape(std::initializer_list<Index> extents) {
  for (Index extent : extents) push_back(extent);
}

void Shape::push_back(Index extent) {
  CP_ENSURE(rank_ < max_rank, "shape: more than ", max_rank, " axes");
  Shape longer = *this;
  longer.extent_[longer.rank_++] = 1;
  longer.set(-1, extent);
  *this = longer;
}

void Shape::set(int axis, Index extent) {
  CP_ENSURE(extent >= 0, "shape: negative extent ", extent);
  Shape changed = *this;
  changed.extent_[check(axis)] = extent;
  Index size = 1;
  for (int i = 0; i < rank_; ++i) {
    const bool overflows = __builtin_mul_overflow(size, std::max<Index>(changed.extent_[i], 1), &size);
    CP_ENSURE(!overflows && size <= max_size, "shape: ", changed, " has more than ", max_size,
              " elements, the most that a tensor can have");
  }
  *this = changed;
}

bool Shape::operator==(const Shape& other) const {
  return rank_ == other.rank_ && std::equal(extent_, extent_ + rank_, other.extent_);
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  out << '[';
  for (int i = 0; i < shape.rank(); ++i) out << (i ? ", " : "") << shape[i];
  return out << ']';
}

std::string str(const Shape& shape) { return detail::text(shape); }

Shape broadcast(const Shape& a, const Shape& b, const char* operation) {
  const int rank = std::max(a.rank(), b.rank());
  Shape y;
  for (int i = rank; i > 0; --i) {
    const Index ea = extent_from_end(a, i), eb = extent_from_end(b, i);
    CP_ENSURE(ea == eb || ea == 1 || eb == 1, operation, ": shapes ", a, " and ", b,
              " do not broadcast: aligned at the end, two extents must be equal or one of them 1");
    y.push_back(ea == 1 ? eb : ea);
  }
  return y;
}

}  // namespace counterpoise
