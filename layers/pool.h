// Pooling: x [N, H, W, C] -> [N, P, Q, C].
#pragma once

#include "layers/module.h"

namespace counterpoise {

inline Shape pooled_shape(const Shape& x, Pool2dParams p) {
  CP_ENSURE(x.rank() == 4 && x[1] + 2 * p.pad >= p.window && x[2] + 2 * p.pad >= p.window, "pooling: a window of ",
            p.window, "x", p.window, " does not fit into x ", x);
  return {x[0], p.out(x[1]), p.out(x[2]), x[3]};
}

class MaxPool2d : public Module {
 public:
  explicit MaxPool2d(Pool2dParams params) : params_(params) {}
  Var forward(const Var& x) override { return max_pool2d(x, params_); }
  std::string type() const override { return "MaxPooling2D"; }
  Shape output_shape(const Shape& x) const override { return pooled_shape(x, params_); }

 private:
  Pool2dParams params_;
};

class AvgPool2d : public Module {
 public:
  explicit AvgPool2d(Pool2dParams params) : params_(params) {}
  Var forward(const Var& x) override { return avg_pool2d(x, params_); }
  std::string type() const override { return "AveragePooling2D"; }
  Shape output_shape(const Shape& x) const override { return pooled_shape(x, params_); }

 private:
  Pool2dParams params_;
};

// Means over rows x columns windows that cover the image, whatever its size; 1 x 1 is global average pooling.
class AdaptiveAvgPool2d : public Module {
 public:
  AdaptiveAvgPool2d(Index rows, Index columns) : rows_(rows), columns_(columns) {}
  Var forward(const Var& x) override { return adaptive_avg_pool2d(x, rows_, columns_); }
  std::string type() const override { return "AdaptiveAveragePooling2D"; }
  Shape output_shape(const Shape& x) const override { return {x[0], rows_, columns_, x[3]}; }

 private:
  Index rows_, columns_;
};

// x [N, H, W, C] -> [N, C], the mean of each channel.
class GlobalAvgPool2d : public Module {
 public:
  Var forward(const Var& x) override { return flatten(adaptive_avg_pool2d(x, 1, 1)); }
  std::string type() const override { return "GlobalAveragePooling2D"; }
  Shape output_shape(const Shape& x) const override { return {x[0], x[3]}; }
};

}  // namespace counterpoise
