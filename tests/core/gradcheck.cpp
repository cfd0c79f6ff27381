#include "tests/core/gradcheck.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/random.h"

namespace counterpoise {

std::vector<double> numbers(const Tensor& x) {
  if (!x.defined()) return {};
  return x.cast(DType::f64).to_vector<double>();
}

double deviation(const std::vector<double>& a, const std::vector<double>& b, double floor) {
  double worst = 0, scale = floor;
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = a[i] == b[i] ? 0 : std::fabs(a[i] - b[i]);
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
    worst = std::max(worst, difference);
    scale = std::max(scale, std::fabs(b[i]));
  }
  return worst / scale;
}

Tensor output_weights(const Tensor& like) {
  Random rng(1, Stream::test, like.size());
  std::vector<float> weights(like.size());
  for (float& w : weights) w = rng.uniform(0.5f, 1.5f) * (rng.uniform() < 0.5f ? -1.f : 1.f);
  return Tensor::from(like.backend(), like.shape(), weights).cast(like.dtype());
}

Var weighted_sum(const Var& y) { return sum(y * Var(output_weights(y.value()))); }

namespace {

// weighted_sum(f()) without a graph, summed in long double: the differences are small.
long double measure(const std::function<Var()>& f) {
  const NoGrad no_grad;
  const Tensor y = f().value();
  const std::vector<double> values = numbers(y), weights = numbers(output_weights(y));
  long double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) sum += (long double)(values[i]) * weights[i];
  return sum;
}

// At most `most` of the numbers 0 ... n - 1.
std::vector<Index> some_of(Index n, Index most) {
  std::vector<Index> chosen(n);
  std::iota(chosen.begin(), chosen.end(), 0);
  if (n > most) {
    Random(2, Stream::test, n).shuffle(chosen);
    chosen.resize(most);
  }
  return chosen;
}

}  // namespace

Gradcheck gradcheck(const std::function<Var()>& f, const std::vector<Var>& wrt, Index most) {
  for (Var leaf : wrt) leaf.zero_grad();
  weighted_sum(f()).backward();

  Gradcheck result;
  for (size_t which = 0; which < wrt.size(); ++which) {
    Var leaf = wrt[which];
    const Tensor original = leaf.value();
    const std::vector<double> x = original.to_vector<double>();
    std::vector<double> gradient = numbers(leaf.grad());
    gradient.resize(x.size());  // none came back: it claims to be 0

    const auto moved = [&](Index i, double to) {
      std::vector<double> values = x;
      values[i] = to;
      leaf.set_value(Tensor::from(original.backend(), original.shape(), values));
      return measure(f);
    };
    std::vector<double> differences, gradients;
    const std::vector<Index> places = some_of(original.size(), most);
    for (const Index i : places) {
      const double h = 1e-5 * std::max(1.0, std::fabs(x[i])), up = x[i] + h, down = x[i] - h;
      differences.push_back(static_cast<double>((moved(i, up) - moved(i, down)) / (up - down)));
      gradients.push_back(gradient[i]);
    }
    leaf.set_value(original);

    const double error = deviation(differences, gradients);
    if (!(error > result.error)) continue;
    result.error = error;
    size_t worst = 0;
    for (size_t i = 0; i < places.size(); ++i) {
      const auto off = [&](size_t j) { return std::fabs(differences[j] - gradients[j]); };
      if (!(off(i) <= off(worst))) worst = i;
    }
    result.where =
        detail::text("input ", which, " ", original.shape(), ", number ", places[worst], ": the gradient is ",
                     gradients[worst], " but the difference quotient ", differences[worst]);
  }
  return result;
}

bool fails(ErrorKind kind, const std::vector<std::string>& words, const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string message = error.what();
    bool right = error.kind() == kind && message.find('\n') == std::string::npos;
    for (const std::string& word : words) right = right && message.find(word) != std::string::npos;
    if (!right) MESSAGE("code " << static_cast<int>(error.kind()) << ": " << message);
    return right;
  }
  MESSAGE("no error");
  return false;
}

}  // namespace counterpoise
