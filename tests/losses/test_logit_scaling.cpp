// Losses that are the cross-entropy of scaled and shifted logits: the constant logits with the least loss.
#include "losses/logit_scaling.h"

#include <cmath>

#include "tests/losses/cases.h"

using namespace counterpoise;

namespace {

// The mean loss where all samples have the same logits z, K or one, and classes these shares of the samples.
double mean_loss(Loss& loss, const std::vector<double>& z, const std::vector<double>& shares, int positive) {
  const Index K = static_cast<Index>(shares.size()), outputs = static_cast<Index>(z.size());
  std::vector<int32_t> classes;
  std::vector<double> rows;
  for (Index k = 0; k < K; ++k) {
    classes.push_back(static_cast<int32_t>(k));
    rows.insert(rows.end(), z.begin(), z.end());
  }
  Backend& backend = cpu_backend();
  const Tensor logits = Tensor::from(backend, outputs == 1 ? Shape{K} : Shape{K, outputs}, rows);
  const Labels labels = make_labels(backend, classes, positive, DType::f64);
  const std::vector<double> each = loss.per_sample(logits, labels).value().to_vector<double>();
  double sum = 0;
  for (Index k = 0; k < K; ++k) sum += shares[k] * each[k];
  return sum;
}

}  // namespace

TEST_CASE("logit scaling: no other constant logits have a smaller loss") {
  struct Case {
    std::vector<int64_t> counts;
    int outputs, positive;
  };
  for (const LossInfo& info : losses()) {
    if (!info.scaling) continue;
    for (const Case& c : {Case{{10, 80}, 1, 0}, Case{{10, 80}, 1, 1}, Case{{10, 80}, 2, 0}, Case{{900, 30, 70}, 3, 0},
                          Case{{0, 2000}, 1, 0}}) {
      CAPTURE(info.name);
      CAPTURE(c.outputs);
      Loss loss(resolve(info, c.outputs == 1 ? LossInfo::one_logit : LossInfo::logit_per_class), {c.counts});
      if (info.name == "autobalance") {
        loss.restore(
            {{"delta", List(c.counts.size(), 0.4)}, {"l", c.counts.size() == 2 ? List{0.7, -0.3} : List{1, 2, 0}}});
      }
      std::vector<double> shares;
      for (const int64_t n : c.counts) shares.push_back(static_cast<double>(n + 3));  // those of a sampler, say
      const std::vector<double> z = constant_logits(loss.scaling().value(), shares, c.outputs, c.positive);
      REQUIRE(z.size() == static_cast<size_t>(c.outputs));
      const double least = mean_loss(loss, z, shares, c.positive);
      for (size_t k = 0; k < z.size(); ++k) {
        for (const double step : {-0.01, 0.01}) {
          std::vector<double> other = z;
          other[k] += step;
          CHECK(mean_loss(loss, other, shares, c.positive) > least);
        }
      }
    }
  }
}

TEST_CASE("logit scaling: logits that make up for the shares are 0, and unscaled ones are the log odds") {
  const LogitScaling adjusted = logit_scaling({10, 80}, 0, 1), plain = logit_scaling({10, 80}, 0, 0);
  const List shares = {10, 80};
  CHECK(constant_logits(adjusted, shares, 1, 0)[0] == doctest::Approx(0).epsilon(1e-9));
  for (const double z : constant_logits(adjusted, shares, 2, 0)) CHECK(z == doctest::Approx(0).epsilon(1e-9));
  CHECK(constant_logits(plain, shares, 1, 0)[0] == doctest::Approx(std::log(1. / 8)));
  CHECK(constant_logits(plain, shares, 1, 1)[0] == doctest::Approx(std::log(8)));
  const List two = constant_logits(plain, shares, 2, 0);
  CHECK(two[0] - two[1] == doctest::Approx(std::log(1. / 8)));
  CHECK(two[0] + two[1] == doctest::Approx(0).epsilon(1e-9));
  // Of all that are as good: those with the least squares.
  const LogitScaling scaled = logit_scaling({10, 80}, 0.5, 0);
  const List z = constant_logits(scaled, shares, 2, 0);
  for (const double c : {-0.01, 0.01}) {
    CHECK(std::hypot(z[0] + c / scaled.scale[0], z[1] + c / scaled.scale[1]) > std::hypot(z[0], z[1]));
  }
  CHECK(scaled.scale[0] * z[0] - scaled.scale[1] * z[1] == doctest::Approx(std::log(1. / 8)));
}
