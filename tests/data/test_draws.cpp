// What a training draws is as independent as numbers that are random: from epoch to epoch, from sample to sample, and
// of one thing from another. With these seeds the numbers are always the same, so the bounds are wide but certain.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "core/random.h"
#include "data/augment/pipeline.h"
#include "data/augment/spec.h"

using namespace counterpoise;

namespace {

constexpr size_t epochs = 20, samples = 4000;

// One number per epoch and sample, of mean 0 and variance 1 if they are drawn well.
using Draws = std::vector<std::vector<double>>;

// The mean of f over `n` terms, in units of its standard deviation for independent draws. Below 4.5 all but surely.
template <class F>
double deviations(size_t n, const F& f) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += f(i);
  return std::abs(sum) / std::sqrt(static_cast<double>(n));
}

void check_independent(const Draws& x) {
  const auto all = [&](size_t i) { return x[i / samples][i % samples]; };
  CHECK(deviations(epochs * samples, all) < 4.5);
  CHECK(deviations(epochs * samples - 1, [&](size_t i) { return all(i) * all(i + 1); }) < 4.5);
  for (size_t a = 0; a < epochs; ++a) {
    for (size_t b = 0; b < a; ++b) CHECK(deviations(samples, [&](size_t i) { return x[a][i] * x[b][i]; }) < 4.5);
  }
  // A sample's mean over the epochs varies as much from sample to sample as it should.
  const double excess = deviations(samples, [&](size_t i) {
    double sum = 0;
    for (size_t e = 0; e < epochs; ++e) sum += x[e][i];
    return (sum * sum / epochs - 1) / std::sqrt(2.);
  });
  CHECK(excess < 4.5);
}

}  // namespace

TEST_CASE("draws: flips, angles and orders are independent") {
  for (const uint64_t seed : {1, 2, 3}) {
    CAPTURE(seed);
    const augment::Augmenter augmenter = augment::parse_policy("flip,rotate=0.03").pipeline();
    Draws flips(epochs), angles(epochs), places(epochs);
    for (size_t e = 0; e < epochs; ++e) {
      for (size_t i = 0; i < samples; ++i) {
        Random rng(seed, Stream::augment, e + 1, i);
        const ImageTransform transform = augmenter.plan({32, 32}, rng).image_transform().value();
        const auto& m = transform.from;
        const double turns = std::atan2(m[1][0], m[1][1]) / 6.283185307179586;
        flips[e].push_back(m[0][0] * m[1][1] - m[0][1] * m[1][0] < 0 ? 1 : -1);
        angles[e].push_back(turns / 0.03 * std::sqrt(3.));
      }
      std::vector<size_t> order(samples);
      std::iota(order.begin(), order.end(), size_t(0));
      Random(seed, Stream::shuffle, e + 1).shuffle(order);
      places[e].resize(samples);
      for (size_t i = 0; i < samples; ++i) {
        places[e][order[i]] = ((static_cast<double>(i) + 0.5) / samples * 2 - 1) * std::sqrt(3.);
      }
    }
    check_independent(flips);
    check_independent(angles);
    check_independent(places);
    const auto together = [&](const Draws& a, const Draws& b) {
      return deviations(epochs * samples,
                        [&](size_t i) { return a[i / samples][i % samples] * b[i / samples][i % samples]; });
    };
    CHECK(together(flips, angles) < 4.5);
    CHECK(together(flips, places) < 4.5);
    CHECK(together(angles, places) < 4.5);
  }
}
