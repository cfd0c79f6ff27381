// Dense layers, and tau-normalization of a trained one. Like all modules, not thread-safe.
#pragma once

#include "layers/derived_weights.h"
#include "layers/init.h"
#include "layers/onnx.h"

namespace counterpoise {

// What a layer computes. The last layer of a network computes logits: where x is bf16 they are f32, because with 8 bits
// of precision many samples would have equal logits, which metrics of ranking cannot tell apart.
enum class LinearOutput { activations, logits };

namespace detail {
inline DType output_dtype(LinearOutput output, const Var& x) {
  const DType dtype = x.value().dtype();
  return output == LinearOutput::logits ? parameter_dtype(dtype) : dtype;
}
}  // namespace detail

// x [N, C] -> x weight^T + bias [N, K], weight [K, C], bias [K].
class Linear : public Module {
 public:
  // C = features, K = outputs. The initial weights are Glorot-uniform, or normal with the standard deviation
  // `deviation` if it is positive (torchvision's VGG: 0.01); the initial biases are 0. (PyTorch's are both uniform
  // between -1 / sqrt(C) and 1 / sqrt(C).) If x is a flattened image, `layout` gives the image's size, so that files
  // can store the weights in torchvision's order.
  Linear(Index features, Index outputs, double deviation = 0, FileLayout layout = {},
         LinearOutput output = LinearOutput::activations)
      : output_(output) {
    const Shape shape{outputs, features};
    weight_ =
        add("weight", deviation > 0 ? init::normal(shape, deviation) : init::xavier_uniform(shape, features, outputs),
            layout);
    bias_ = add("bias", init::zeros({outputs}));
  }

  Var forward(const Var& x) override { return linear(x, weight_, bias_, detail::output_dtype(output_, x)); }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override {
    return to.node("Gemm", {x.name, to.weight("weight"), to.weight("bias")}, {{"transB", 1}});
  }
  std::string type() const override { return "Dense"; }

 private:
  LinearOutput output_;
  Var weight_, bias_;
};

// x [N, C] -> [N, K]: the cosine of the angle between x and each row of weight [K, C], between -1 and 1. The norm of a
// weight vector, which grows for frequent classes, has no influence; LDAM's margins (Cao et al. 2019, arXiv:1906.07413)
// are measured on it. There is no bias. Norms are computed in f32, even where x is bf16.
class CosineLinear : public Module {
 public:
  // Initial weights, layout and output as Linear's.
  CosineLinear(Index features, Index outputs, FileLayout layout = {}, LinearOutput output = LinearOutput::activations)
      : output_(output) {
    weight_ = add("weight", init::xavier_uniform({outputs, features}, features, outputs), layout);
  }

  Var forward(const Var& x) override {
    const DType dtype = x.value().dtype();
    const Var unit_x = counterpoise::cast(unit_rows(counterpoise::cast(x, parameter_dtype(dtype))), dtype);
    const auto unit_weight = [&]() -> LayerWeights { return {detail::cast_like(x, unit_rows(weight_)), {}}; };
    const Var weight = unit_weight_.get({weight_}, dtype, unit_weight).weight;
    return matmul(unit_x, weight, false, true, detail::output_dtype(output_, x));
  }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override {
    const auto unit_rows = [&to](const std::string& x, const std::string& epsilon) {
      const std::string squares = to.node("ReduceSumSquare", {x}, {{"axes", std::vector<int64_t>{1}}, {"keepdims", 1}});
      return to.node("Div", {x, to.node("Sqrt", {to.node("Add", {squares, epsilon})})});
    };
    const std::string epsilon = to.constant("epsilon", {1}, {1e-12f}), weight = to.weight("weight");
    return to.node("Gemm", {unit_rows(x.name, epsilon), unit_rows(weight, epsilon)}, {{"transB", 1}});
  }
  std::string type() const override { return "CosineDense"; }

 private:
  // Rows divided by their norms; the 1e-12 avoids 0 / 0 for a row of zeros.
  static Var unit_rows(const Var& x) { return x / sqrt(sum_to(square(x), {x.shape()[0], 1}) + 1e-12); }

  LinearOutput output_;
  Var weight_;
  DerivedWeights unit_weight_;
};

// tau-normalization, Kang et al. 2020 (arXiv:1910.09217) section 4.3: rebalances a trained classifier. Each row w_k of
// the layer's "weight" [K, C] becomes w_k / ||w_k||^tau, and its "bias" 0. Classes with many samples get rows of large
// norm; tau = 0 keeps the norms, tau = 1 makes all norms 1. Throws Error(failure) if the weight is not a matrix or has
// fewer than two rows, since there is nothing to balance. Not thread-safe: it changes the layer.
void tau_normalize(Module& layer, double tau);

}  // namespace counterpoise
