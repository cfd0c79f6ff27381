// Layers without parameters: activations, Flatten, Dropout.
#pragma once

#include "core/random.h"
#include "layers/module.h"

namespace counterpoise {

// A layer that keeps the shape of its input.
class SameShape : public Module {
 public:
  Shape output_shape(const Shape& x) const override { return x; }
};

class ReLU : public SameShape {
 public:
  Var forward(const Var& x) override { return relu(x); }
  std::string type() const override { return "ReLU"; }
};

class Sigmoid : public SameShape {
 public:
  Var forward(const Var& x) override { return sigmoid(x); }
  std::string type() const override { return "Sigmoid"; }
};

// Over the last axis of x [N, K].
class Softmax : public SameShape {
 public:
  Var forward(const Var& x) override { return softmax(x); }
  std::string type() const override { return "Softmax"; }
};

// x [N, H, W, C] -> [N, H W C].
class Flatten : public Module {
 public:
  Var forward(const Var& x) override { return flatten(x); }
  std::string type() const override { return "Flatten"; }
  Shape output_shape(const Shape& x) const override {
    Index rest = 1;
    for (int axis = 1; axis < x.rank(); ++axis) rest *= x[axis];
    return {x[0], rest};
  }
};

// While training: each element is 0 with probability p, and the rest is scaled by 1 / (1 - p). Every call draws a new
// mask from Philox keyed by the seed, the same on every backend.
class Dropout : public SameShape {
 public:
  Dropout(double p, Random& rng) : p_(p), key_(rng.below(~uint64_t(0))) {}
  Var forward(const Var& x) override { return training() ? dropout(x, p_, key_, calls_++) : x; }
  std::string type() const override { return "Dropout"; }

 private:
  double p_;
  uint64_t key_, calls_ = 0;
};

}  // namespace counterpoise
