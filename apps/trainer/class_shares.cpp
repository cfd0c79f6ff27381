#include "apps/trainer/class_shares.h"

#include <cmath>
#include <limits>

namespace counterpoise {

Var ClassShares::watch(const Var& z, const Labels& labels, const Loss& loss, int64_t step) {
  constexpr int64_t every = 20;
  gradients_ = Tensor();
  if (z.backend().is_remote() && step % every != 0) return z;
  has_losses_ = !loss.info().is(LossInfo::batch_level);
  if (has_losses_) {
    const NoGrad no_grad;
    Loss copy = loss;
    copy.train(false);  // its state is not to be updated twice
    losses_ = copy.per_sample(detach(z), labels).value().cast(DType::f64).to_vector<double>();
  }
  return Var::from_op("watch", z.value(), {z}, [this, to = GradientEdge(z)](const Tensor& gradient) {
    gradients_ = gradient;
    to.add_grad(gradient);
  });
}

void ClassShares::collect(const std::vector<int32_t>& labels) {
  if (!gradients_.defined()) return;
  const std::vector<double> g = gradients_.cast(DType::f64).to_vector<double>();
  const size_t N = labels.size(), K = g.size() / N;
  for (size_t n = 0; n < N; ++n) {
    double sum = 0;
    for (size_t k = 0; k < K; ++k) sum += std::abs(g[n * K + k]);
    gradient_[labels[n]] += sum;
    if (has_losses_) loss_[labels[n]] += losses_[n];
  }
  samples_ += static_cast<double>(N);
  ++steps_;
  gradients_ = Tensor();
}

std::vector<double> ClassShares::loss() const {
  std::vector<double> parts = loss_;
  for (double& part : parts) {
    part = has_losses_ && samples_ > 0 ? part / samples_ : std::numeric_limits<double>::quiet_NaN();
  }
  return parts;
}

std::vector<double> ClassShares::gradient() const {
  std::vector<double> parts = gradient_;
  for (double& part : parts) part = steps_ > 0 ? part / steps_ : std::numeric_limits<double>::quiet_NaN();
  return parts;
}

std::vector<double> ClassShares::state() const {
  std::vector<double> all = {samples_, steps_, has_losses_ ? 1. : 0.};
  all.insert(all.end(), loss_.begin(), loss_.end());
  all.insert(all.end(), gradient_.begin(), gradient_.end());
  return all;
}

void ClassShares::restore(const std::vector<double>& state) {
  const size_t K = loss_.size();
  CP_ENSURE_AS(bad_data, state.size() == 3 + 2 * K, "the shares of ", K, " classes are not ", state.size(), " numbers");
  samples_ = state[0], steps_ = state[1], has_losses_ = state[2] != 0;
  for (size_t k = 0; k < K; ++k) loss_[k] = state[3 + k], gradient_[k] = state[3 + K + k];
}

}  // namespace counterpoise
