#include "losses/labels.h"

#include <limits>

namespace counterpoise {

Labels make_labels(Backend& backend, const std::vector<int32_t>& classes, int32_t positive, DType dtype) {
  std::vector<float> is_positive(classes.size());
  for (size_t i = 0; i < classes.size(); ++i) is_positive[i] = classes[i] == positive ? 1.f : 0.f;
  const Shape shape{static_cast<Index>(classes.size())};
  return {classes,
          Tensor::from(backend, shape, classes),
          Tensor::from(backend, shape, is_positive).cast(dtype),
          {},
          positive};
}

Tensor one_hot(const Var& z, const Labels& y) {
  if (y.probabilities.defined()) return y.probabilities;
  const Index K = z.shape()[1];
  std::vector<double> rows(y.classes.size() * K);
  for (size_t n = 0; n < y.classes.size(); ++n) {
    CP_ENSURE(0 <= y.classes[n] && y.classes[n] < K, "label ", y.classes[n], " is not one of the ", K, " classes");
    rows[n * K + y.classes[n]] = 1;
  }
  return tensor_like(z, {y.size(), K}, rows);
}

Tensor by_class(const Var& z, const Labels& y, const std::vector<double>& values) {
  std::vector<double> of_samples;
  for (const int32_t label : y.classes) {
    CP_ENSURE(0 <= label && label < static_cast<int32_t>(values.size()), "label ", label, " is not one of the ",
              values.size(), " classes");
    of_samples.push_back(values[label]);
  }
  return tensor_like(z, {y.size()}, of_samples);
}

Var true_logit(const Var& z, const Labels& y) {
  if (z.shape().rank() == 1) return z * affine(y.positive, 2, -1);  // +1 and -1
  const Index N = z.shape()[0], K = z.shape()[1];
  CP_ENSURE(K >= 2, "a logit for each class: there must be two classes at least, but z is ", z.shape());
  // With the true class at minus infinity, log-softmax of any other class k is z_k - log sum of the others.
  std::vector<double> mask(N * K);
  std::vector<int32_t> another;
  for (Index n = 0; n < N; ++n) {
    CP_ENSURE(0 <= y.classes[n] && y.classes[n] < K, "label ", y.classes[n], " is not one of the ", K, " classes");
    mask[n * K + y.classes[n]] = -std::numeric_limits<double>::infinity();
    another.push_back(static_cast<int32_t>((y.classes[n] + 1) % K));
  }
  const Var others = z + tensor_like(z, {N, K}, mask);
  const Tensor k = Tensor::from(z.backend(), {N}, another);
  return gather(z, y.index) - (gather(others, k) - gather(log_softmax(others), k));
}

}  // namespace counterpoise
