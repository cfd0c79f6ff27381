#include "losses/labels.h"

#include <algorithm>
#include <limits>

namespace counterpoise {

namespace {

// The number as a tensor of this dtype holds it.
double rounded_to(DType dtype, double x) {
  return dtype == DType::f32 ? static_cast<double>(static_cast<float>(x)) : x;
}

// Rounded on the host, so that half as much is uploaded and the backend has nothing to cast.
Tensor upload(Backend& backend, const Shape& shape, const std::vector<double>& numbers, DType dtype) {
  if (dtype != DType::f32) return Tensor::from(backend, shape, numbers).cast(dtype);
  return Tensor::from(backend, shape, std::vector<float>(numbers.begin(), numbers.end()));
}

// The labels with every tensor made from the numbers on the host, which are rounded to the dtype first.
Labels labels_of(Backend& backend, std::vector<int32_t> classes, int32_t positive, std::vector<double> positives,
                 std::vector<double> probabilities, DType dtype) {
  for (double& x : positives) x = rounded_to(dtype, x);
  for (double& x : probabilities) x = rounded_to(dtype, x);
  const Index N = static_cast<Index>(classes.size());
  Labels y;
  y.index = Tensor::from(backend, {N}, classes);
  y.positive = upload(backend, {N}, positives, dtype);
  if (!probabilities.empty()) {
    y.probabilities = upload(backend, {N, static_cast<Index>(probabilities.size()) / N}, probabilities, dtype);
  }
  y.classes = std::move(classes);
  y.positive_class = positive;
  y.positive_values = std::move(positives);
  y.probability_values = std::move(probabilities);
  return y;
}

}  // namespace

Labels make_labels(Backend& backend, const std::vector<int32_t>& classes, int32_t positive, DType dtype) {
  std::vector<double> is_positive;
  for (const int32_t c : classes) is_positive.push_back(c == positive ? 1 : 0);
  return labels_of(backend, classes, positive, std::move(is_positive), {}, dtype);
}

Labels make_soft_labels(Backend& backend, const std::vector<double>& positives, int32_t positive, DType dtype) {
  std::vector<int32_t> classes;
  for (const double p : positives) classes.push_back(p >= 0.5 ? positive : 1 - positive);
  return labels_of(backend, std::move(classes), positive, positives, {}, dtype);
}

Labels make_soft_labels(Backend& backend, const std::vector<std::vector<double>>& rows, int32_t positive, DType dtype) {
  std::vector<int32_t> classes;
  std::vector<double> positives, probabilities;
  for (const std::vector<double>& row : rows) {
    CP_ENSURE(row.size() == rows[0].size(), "soft labels: rows of ", rows[0].size(), " and of ", row.size(),
              " classes");
    CP_ENSURE(0 <= positive && positive < static_cast<int32_t>(row.size()), "soft labels: the positive class ",
              positive, " is not one of the ", row.size(), " classes");
    classes.push_back(static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin()));
    positives.push_back(row[positive]);
    probabilities.insert(probabilities.end(), row.begin(), row.end());
  }
  return labels_of(backend, std::move(classes), positive, std::move(positives), std::move(probabilities), dtype);
}

Labels interpolate_labels(const Labels& y, const Labels& other, const std::vector<float>& own, Index classes) {
  const size_t N = y.classes.size();
  CP_ENSURE(other.classes.size() == N && own.size() == N, "mixed labels of different lengths: ", N, " and ",
            other.classes.size(), ", with ", own.size(), " shares");
  const DType dtype = y.positive.dtype();
  const auto mix = [&](const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> mixed;
    for (size_t i = 0; i < a.size(); ++i) {
      const double share = own[i / (a.size() / N)];
      mixed.push_back(rounded_to(dtype, a[i] * share) + rounded_to(dtype, b[i] * rounded_to(dtype, 1 - share)));
    }
    return mixed;
  };
  std::vector<double> probabilities;
  if (classes > 0) probabilities = mix(one_hot_values(classes, y), one_hot_values(classes, other));
  return labels_of(y.positive.backend(), y.classes, y.positive_class, mix(y.positive_values, other.positive_values),
                   std::move(probabilities), dtype);
}

std::vector<double> one_hot_values(Index K, const Labels& y) {
  if (y.probabilities.defined()) return y.probability_values;
  std::vector<double> rows(y.classes.size() * K);
  for (size_t n = 0; n < y.classes.size(); ++n) {
    CP_ENSURE(0 <= y.classes[n] && y.classes[n] < K, "label ", y.classes[n], " is not one of the ", K, " classes");
    rows[n * K + y.classes[n]] = 1;
  }
  return rows;
}

Tensor one_hot(const Var& z, const Labels& y) {
  if (y.probabilities.defined()) return y.probabilities;
  const Index K = z.shape()[1];
  return tensor_like(z, {y.size(), K}, one_hot_values(K, y));
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
