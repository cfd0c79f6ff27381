// NumPy's broadcasting as an index computation. Any thread may use it.
#pragma once

#include "kernels/view.h"

namespace counterpoise {

// The extent of an axis that is counted from the end, where 1 is the last; 1 for an axis that the shape lacks.
inline Index extent_from_end(const Shape& shape, int axis) { return axis <= shape.rank() ? shape[-axis] : 1; }

// Whether y's axes are x's last ones, with nothing or ones before them: then x is a matrix whose rows are like y.
inline bool is_row_of(const Shape& y, const Shape& x) {
  int axis = 1;
  while (axis <= x.rank() && extent_from_end(y, axis) == x[-axis]) ++axis;
  while (axis <= x.rank() && extent_from_end(y, axis) == 1) ++axis;
  return axis > x.rank();
}

// BroadcastIndex(x, y)(i) is the offset in x of the element that is at position i of y, in row-major order, once x is
// broadcast to y's shape: axes are aligned at the end, and an axis that x lacks or has with extent 1 is repeated.
class BroadcastIndex {
 public:
  BroadcastIndex(const Shape& x, const Shape& y) : rank_(y.rank()) {
    Index stride = 1;
    for (int axis = y.rank() - 1; axis >= 0; --axis) {
      const Index extent = extent_from_end(x, y.rank() - axis);
      extent_[axis] = y[axis];
      stride_[axis] = extent == 1 ? 0 : stride;
      stride *= extent;
    }
  }
  CP_HD Index operator()(Index i) const {
    Index offset = 0;
    for (Index axis = rank_ - 1; axis >= 0 && i > 0; --axis) {
      offset += i % extent_[axis] * stride_[axis];
      i /= extent_[axis];
    }
    return offset;
  }

 private:
  // (An int would leave bytes without a value beside it, in which equal arguments of kernels could differ.)
  Index rank_;
  Index extent_[Shape::max_rank] = {}, stride_[Shape::max_rank] = {};
};

}  // namespace counterpoise
