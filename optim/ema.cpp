#include "optim/ema.h"

#include <algorithm>
#include <utility>

#include "kernels/updates.h"
#include "optim/saved_tensor.h"

namespace counterpoise {

Ema::Ema(std::vector<Var> parameters, double decay) : parameters_(std::move(parameters)), decay_(decay) {
  CP_ENSURE_AS(invalid_argument, 0 <= decay && decay < 1, "ema: decay ", decay,
               " is out of range: at least 0 and below 1");
  for (const Var& p : parameters_) {
    const DType dtype = p.value().dtype();
    CP_ENSURE((dtype == DType::f32 || dtype == DType::f64) && dtype == parameters_[0].value().dtype(),
              "ema: parameters in ", name(parameters_[0].value().dtype()), " and ", name(dtype),
              " have no common average");
    CP_ENSURE(&p.backend() == &parameters_[0].backend(), "ema: parameters on ", parameters_[0].backend().name(),
              " and on ", p.backend().name(), " have no common average");
    averages_.push_back(p.value().clone());
  }
}

// A kernel reads averages and parameters as numbers of one dtype.
void Ema::check_parameters() const {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    detail::check_saved("ema: average", i, averages_[i], parameters_[i].value());
  }
}

void Ema::update() {
  if (parameters_.empty()) return;
  check_parameters();
  const double t = static_cast<double>(++steps_);
  std::vector<WeightTensors> all;
  for (size_t i = 0; i < parameters_.size(); ++i) all.push_back({averages_[i], parameters_[i].value(), {}});
  const double decay = std::min(decay_, (1 + t) / (10 + t));
  parameters_[0].backend().optimizer_step(formula::Average{1 - decay}, all);
}

void Ema::swap() {
  check_parameters();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Tensor value = parameters_[i].value();
    parameters_[i].set_value(averages_[i]);
    averages_[i] = std::move(value);
  }
}

void Ema::load(std::vector<Tensor> averages, int64_t steps) {
  CP_ENSURE(averages.size() == averages_.size(), "ema: ", averages.size(), " averages for ", averages_.size(),
            " parameters");
  for (size_t i = 0; i < averages.size(); ++i) {
    detail::check_saved("ema: average", i, averages[i], averages_[i]);
  }
  CP_ENSURE(steps >= 0, "ema: ", steps, " steps");
  averages_ = std::move(averages);
  steps_ = steps;
}

}  // namespace counterpoise
