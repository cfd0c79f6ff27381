// Layers without parameters: activations, Flatten, Dropout. Like all modules, not thread-safe.
#pragma once

#include "layers/init.h"
#include "layers/onnx.h"

namespace counterpoise {

// max(x, 0), of any shape.
class ReLU : public Module {
 public:
  Var forward(const Var& x) override { return relu(x); }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override { return to.node("Relu", {x.name}); }
};

// tanh(x), of any shape.
class Tanh : public Module {
 public:
  Var forward(const Var& x) override { return tanh(x); }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override { return to.node("Tanh", {x.name}); }
};

// 1 / (1 + e^-x), of any shape.
class Sigmoid : public Module {
 public:
  Var forward(const Var& x) override { return sigmoid(x); }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override { return to.node("Sigmoid", {x.name}); }
};

// x [N, K] -> [N, K]: e^x_k / sum_j e^x_j in each row.
class Softmax : public Module {
 public:
  Var forward(const Var& x) override { return softmax(x); }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override { return to.node("Softmax", {x.name}, {{"axis", 1}}); }
};

// x [N, ...] -> [N, rest], for images [N, H W C].
class Flatten : public Module {
 public:
  Var forward(const Var& x) override { return flatten(x); }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override { return to.node("Flatten", {x.name}); }
};

// In training mode each element is 0 with probability p, and x / (1 - p) otherwise; in evaluation mode the output is x.
// Every call draws a new mask from Philox, keyed by a seed that the constructor draws; the mask is the same on every
// backend. Srivastava et al. 2014.
class Dropout : public Module {
 public:
  // Throws Error(invalid_argument) unless 0 <= p <= 1. With p = 1 every element is 0.
  explicit Dropout(double p = 0.5) : p_(p), key_(init::rng().below(~uint64_t(0))) {
    CP_ENSURE_AS(invalid_argument, 0 <= p && p <= 1, "dropout: p = ", p, " is no probability; give one from 0 to 1");
  }
  Var forward(const Var& x) override { return training() ? dropout(x, p_, key_, calls_++) : x; }
  std::string onnx(OnnxExport&, const OnnxValue& x) override { return x.name; }
  uint64_t* random_calls() override { return &calls_; }

 private:
  double p_;
  uint64_t key_, calls_ = 0;
};

}  // namespace counterpoise
