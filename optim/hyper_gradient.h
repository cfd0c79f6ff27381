// The gradient of a bilevel problem: how the loss on validation samples changes with the hyper-parameters of the loss
// that a network is trained with.
//
//   min over alpha of L_val(theta*(alpha), alpha),   theta*(alpha) = argmin over theta of L_train(theta, alpha)
//
// Where theta is such a minimum, the implicit function theorem gives (Lorraine et al. 2020, arXiv:1911.02590, theorem
// 1; H is the Hessian of L_train in theta):
//
//   dL_val / dalpha = grad_alpha L_val - d/dalpha <grad_theta L_train, p>,   p = H^-1 grad_theta L_val
//
// and H^-1 is replaced by the first terms of its Neumann series, p = a sum_{j=0..J} (I - a H)^j grad_theta L_val, as in
// AutoBalance (Li et al. 2021, arXiv:2201.01212), which learns its loss by it (losses/autobalance.h):
//
//   Var delta(Tensor::full(backend, {K}, 1), true), l(Tensor::zeros(backend, {K}), true);
//   Sgd upper({delta, l}, 0.1, {{"momentum", 0.9}});
//   const auto training = [&] { mean(autobalance(net(x), y, delta, l)).backward(); };
//   const auto validation = [&] { mean(cross_entropy(net(x_val), y_val, 0, weights)).backward(); };
//   set_gradients({delta, l}, hyper_gradient(training, validation, net.trainable(), {delta, l}));
//   upper.step();
#pragma once

#include <functional>
#include <vector>

#include "core/var.h"

namespace counterpoise {

struct HyperGradientOptions {
  int terms = 5;    // J, the terms of the series beyond the first
  double step = 1;  // a; the series converges where a times every eigenvalue of H is between 0 and 2
  // Where ||H r|| > ||r|| / a for a term r of the series, a becomes ||r|| / ||H r|| from that term on. Without this
  // limit, curvature above 2 / a makes the terms grow. With a small enough a the limit changes nothing.
  bool limit_step = true;
  // The length h of the change of theta for a difference of gradients; 0: the cube root of 3 times the epsilon of the
  // weights' dtype, which is 7e-3 in f32 and 9e-6 in f64.
  double difference = 0;
};

struct HyperGradient {
  std::vector<Tensor> values;  // of each hyper-parameter, in its shape and dtype
  double curvature = 0;        // the largest ||H r|| / ||r|| of the series, a lower bound on the spectral norm of H
  double step = 0;             // a of the last term
};

// `training` and `validation` compute their loss with the present values of `weights` and `hyper` and call backward()
// on it, or on several parts of it: they add gradients. They are called 2 J + 2 times and once, and have to compute the
// same function each time: on the same samples, with the same random numbers (Dropout), and without effect on later
// calls (running statistics of batch normalization must be put back, or are not updated in evaluation mode). All
// gradients of `weights` and `hyper` are cleared; the values of `weights` are what they were, to the bit, even after an
// error.
//
// A graph can be walked once, so products with second derivatives are central differences of gradients:
//
//   H r = [g(theta + h r / |r|) - g(theta - h r / |r|)] |r| / 2h + error
//
// The error is h^2 / 6 times the third derivative of the gradient along r / |r|, plus u |g| / h with u the rounding
// error of a gradient, about the dtype's epsilon. The default h makes both of one size, about u^(2/3). Relative to
// PyTorch's double backward the hyper-gradients of the tests are within 1e-9 in f64, and in f32 within 1e-4, or 2e-4
// with 40 terms. Where the input of a ReLU or the choice of a max-pooling changes between the two points, the
// difference includes the jump of the gradient, which the second derivative at theta does not: of a few samples it may
// be as large as H r; of many it is the curvature that the mean of the loss has there.
//
// Throws Error(diverged) if a gradient is not finite, and Error(failure) if validation gives the weights no gradient,
// and for weights or hyper-parameters that do not require one. Not thread-safe: weights and hyper-parameters belong to
// the thread that calls.
HyperGradient hyper_gradient(const std::function<void()>& training, const std::function<void()>& validation,
                             std::vector<Var> weights, std::vector<Var> hyper,
                             const HyperGradientOptions& options = {});

// Sets the gradients of the hyper-parameters, for the step() of an optimizer. Throws Error(failure) where the numbers
// of both differ.
void set_gradients(std::vector<Var> hyper, const HyperGradient& gradient);

}  // namespace counterpoise
