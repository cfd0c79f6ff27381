// NumPy's broadcasting as an index computation. Any thread may use it.
#pragma once

#include "kernels/view.h"

namespace counterpoise {

// BroadcastIndex(x, y)(i) is the offset in x of the element that is at position i of y, in row-major order, once x is
// broadcast to y's shape: axes are aligned at the end, and an axis that x lacks or has with extent 1 is repeated.
class BroadcastIndex {
 public:
  BroadcastIndex(const Shape& x, const Shape& y) : rank_(y.rank()) {
    Index stride = 1;
    for (int axis = y.rank() - 1; axis >= 0; --axis) {
      const int from_end = y.rank() - axis;
      const Index extent = from_end <= x.rank() ? x[-from_end] : 1;
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
