// Pooling layers: x [N, H, W, C] -> [N, P, Q, C]. Like all modules, not thread-safe.
#pragma once

#include "layers/conv2d.h"

namespace counterpoise {

namespace detail {
inline std::vector<OnnxAttribute> onnx_attributes(const Pool2dParams& p) {
  return {{"kernel_shape", {p.window, p.window}},
          {"strides", {p.stride, p.stride}},
          {"pads", {p.pad, p.pad, p.pad, p.pad}}};
}
}  // namespace detail

// The maximum of each window; P = (H + 2 pad - window) / stride + 1, rounded down, and Q likewise.
class MaxPool2d : public Module {
 public:
  explicit MaxPool2d(Pool2dParams params) : params_(params) {}
  Var forward(const Var& x) override { return max_pool2d(x, params_); }
  // (*this)(conv(x)) as one operation that keeps less for the backward pass. Throws Error(failure) unless conv has
  // relu.
  Var after(Conv2d& conv, const Var& x) { return traced(conv.pooled(x, params_)); }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override {
    return to.node("MaxPool", {x.name}, detail::onnx_attributes(params_));
  }
  std::string type() const override { return "MaxPooling2D"; }

 private:
  Pool2dParams params_;
};

// The mean of each window, of the same sizes; padding counts as zeros.
class AvgPool2d : public Module {
 public:
  explicit AvgPool2d(Pool2dParams params) : params_(params) {}
  Var forward(const Var& x) override { return avg_pool2d(x, params_); }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override {
    std::vector<OnnxAttribute> attributes = detail::onnx_attributes(params_);
    attributes.emplace_back("count_include_pad", 1);
    return to.node("AveragePool", {x.name}, attributes);
  }
  std::string type() const override { return "AveragePooling2D"; }

 private:
  Pool2dParams params_;
};

// P = rows, Q = columns: the means of rows x columns windows that cover an image of any size.
class AdaptiveAvgPool2d : public Module {
 public:
  AdaptiveAvgPool2d(Index rows, Index columns) : rows_(rows), columns_(columns) {}
  Var forward(const Var& x) override { return adaptive_avg_pool2d(x, rows_, columns_); }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override { return to.adaptive_avg_pool(x, rows_, columns_); }
  std::string type() const override { return "AdaptiveAveragePooling2D"; }

 private:
  Index rows_, columns_;
};

// x [N, H, W, C] -> [N, C], the mean of each channel.
class GlobalAvgPool2d : public Module {
 public:
  Var forward(const Var& x) override { return flatten(adaptive_avg_pool2d(x, 1, 1)); }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override {
    return to.node("Flatten", {to.node("GlobalAveragePool", {x.name})});
  }
  std::string type() const override { return "GlobalAveragePooling2D"; }
};

}  // namespace counterpoise
