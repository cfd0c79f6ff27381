#include "optim/hyper_gradient.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/ops.h"

namespace counterpoise {

namespace {

using Tensors = std::vector<Tensor>;

Tensor zeros_like(const Tensor& x) { return Tensor::zeros(x.backend(), x.shape(), x.dtype()); }

// x + factor y
Tensors add(const Tensors& x, double factor, const Tensors& y) {
  Tensors sum;
  for (size_t i = 0; i < x.size(); ++i) sum.push_back((Var(x[i]) + affine(Var(y[i]), factor, 0)).value());
  return sum;
}

double norm(const Tensors& x, const char* what) {
  const double norm = std::sqrt(sum_squares(x));
  if (std::isfinite(norm)) return norm;
  throw Error(ErrorKind::diverged, "hyper-gradient: ", what, " is not finite");
}

// The gradients of variables, which are cleared; zeros where a variable has none.
Tensors take_gradients(std::vector<Var>& variables) {
  Tensors all;
  for (Var& v : variables) {
    all.push_back(v.grad().defined() ? v.grad() : zeros_like(v.value()));
    v.zero_grad();
  }
  return all;
}

// Gradients of the training loss near the present weights, which the destructor puts back.
class Differences {
 public:
  Differences(const std::function<void()>& training, std::vector<Var>& weights, std::vector<Var>& hyper, double h)
      : training_(training), weights_(weights), hyper_(hyper), h_(h) {
    for (const Var& w : weights_) start_.push_back(w.value());
  }
  ~Differences() {
    for (size_t i = 0; i < weights_.size(); ++i) weights_[i].set_value(start_[i]), weights_[i].zero_grad();
    for (Var& v : hyper_) v.zero_grad();
  }
  Differences(const Differences&) = delete;
  Differences& operator=(const Differences&) = delete;

  // The derivatives of grad_theta, or of grad_alpha, along a direction of the given norm.
  Tensors of_weights(const Tensors& direction, double norm) { return along(direction, norm, weights_); }
  Tensors of_hyper(const Tensors& direction, double norm) { return along(direction, norm, hyper_); }

 private:
  Tensors along(const Tensors& direction, double norm, std::vector<Var>& variables) {
    const Tensors above = at(direction, h_ / norm, variables), below = at(direction, -h_ / norm, variables);
    Tensors change = add(above, -1, below);
    for (Tensor& c : change) c = affine(Var(c), norm / (2 * h_), 0).value();
    return change;
  }
  Tensors at(const Tensors& direction, double factor, std::vector<Var>& variables) {
    const Tensors moved = add(start_, factor, direction);
    for (size_t i = 0; i < weights_.size(); ++i) weights_[i].set_value(moved[i]), weights_[i].zero_grad();
    for (Var& v : hyper_) v.zero_grad();
    training_();
    return take_gradients(variables);
  }

  const std::function<void()>& training_;
  std::vector<Var>&weights_, &hyper_;
  const double h_;
  Tensors start_;
};

double default_difference(DType dtype) {
  return std::cbrt(3 * (dtype == DType::f64 ? std::numeric_limits<double>::epsilon()
                                            : double(std::numeric_limits<float>::epsilon())));
}

}  // namespace

HyperGradient hyper_gradient(const std::function<void()>& training, const std::function<void()>& validation,
                             std::vector<Var> weights, std::vector<Var> hyper, const HyperGradientOptions& o) {
  CP_ENSURE(!weights.empty() && !hyper.empty(), "hyper-gradient: needs weights and hyper-parameters");
  for (const auto* variables : {&weights, &hyper}) {
    for (const Var& v : *variables) {
      CP_ENSURE(v.requires_grad(), "hyper-gradient: a ", variables == &weights ? "weight" : "hyper-parameter", " ",
                v.shape(), " requires no gradient");
    }
  }
  CP_ENSURE(o.terms >= 0 && o.step > 0 && o.difference >= 0, "hyper-gradient: terms ", o.terms, ", step ", o.step,
            " or difference ", o.difference, " is out of range");
  const double h = o.difference > 0 ? o.difference : default_difference(weights[0].value().dtype());
  Differences derivatives(training, weights, hyper, h);
  take_gradients(weights), take_gradients(hyper);
  validation();
  HyperGradient result;
  result.values = take_gradients(hyper);
  result.step = o.step;
  Tensors rest = take_gradients(weights);  // (I - a H)^j grad_theta L_val, by turns of j
  double length = norm(rest, "the gradient of the validation loss");
  CP_ENSURE(length > 0, "hyper-gradient: the validation loss gives the weights no gradient");
  Tensors p;
  for (const Tensor& r : rest) p.push_back(zeros_like(r));
  for (int j = 0; j <= o.terms; ++j) {
    Tensors product;
    const bool last = j == o.terms || length == 0;
    if (!last) {
      product = derivatives.of_weights(rest, length);
      const double curvature = norm(product, "a product with the Hessian of the training loss") / length;
      result.curvature = std::max(result.curvature, curvature);
      if (o.limit_step && result.step * curvature > 1) result.step = 1 / curvature;
    }
    p = add(p, result.step, rest);
    if (last) break;
    rest = add(rest, -result.step, product);
    length = norm(rest, "a term of the Neumann series");
  }
  const double size = norm(p, "the sum of the Neumann series");
  if (size == 0) return result;
  result.values = add(result.values, -1, derivatives.of_hyper(p, size));
  norm(result.values, "the derivative in the hyper-parameters");
  return result;
}

void set_gradients(std::vector<Var> hyper, const HyperGradient& gradient) {
  CP_ENSURE(hyper.size() == gradient.values.size(), "hyper-gradient: of ", gradient.values.size(),
            " hyper-parameters, not of ", hyper.size());
  for (size_t i = 0; i < hyper.size(); ++i) hyper[i].zero_grad(), hyper[i].add_grad(gradient.values[i].clone());
}

}  // namespace counterpoise
