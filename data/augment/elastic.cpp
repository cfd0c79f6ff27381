#include "data/augment/elastic.h"

#include <algorithm>
#include <cmath>

#include "data/augment/pixels.h"
#include "kernels/cpu/parallel.h"

namespace counterpoise::augment {

namespace {

// Numbers that are uniform in [-1, 1], smoothed. Beyond its edges the field is its mirror image, so that it is as
// strong there as elsewhere.
std::vector<float> smooth_noise(Size size, const std::vector<float>& weights, uint64_t key, uint64_t direction) {
  const int radius = int(weights.size()) - 1;
  const size_t width = size_t(size.width);
  std::vector<float> across(size_t(size.height) * width), y(across.size());
  const Index grain = std::max<Index>(1, 4096 / size.width);
  parallel_for(size.height, grain, [&](Index begin, Index end) {
    std::vector<float> row(width), extended(width + 2 * size_t(radius));
    for (Index i = begin; i < end; ++i) {
      Random own(key, Stream::augment, uint64_t(i), direction);  // of a row, so that threads share nothing
      for (float& v : row) v = own.uniform(-1, 1);
      for (int j = 0; j < int(extended.size()); ++j) {
        extended[size_t(j)] = row[size_t(within(j - radius, size.width, Border::reflect))];
      }
      float* to = across.data() + size_t(i) * width;
      for (int k = -radius; k <= radius; ++k) {
        const float weight = weights[size_t(std::abs(k))], *from = extended.data() + k + radius;
        for (size_t j = 0; j < width; ++j) to[j] += weight * from[j];
      }
    }
  });
  parallel_for(size.height, grain, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      float* to = y.data() + size_t(i) * width;
      for (int k = -radius; k <= radius; ++k) {
        const float weight = weights[size_t(std::abs(k))];
        const float* from = across.data() + size_t(within(i + k, size.height, Border::reflect)) * width;
        for (size_t j = 0; j < width; ++j) to[j] += weight * from[j];
      }
    }
  });
  return y;
}

}  // namespace

Displacement elastic_displacement(Size image, double alpha, double sigma, Random& rng) {
  const uint64_t key = rng.bits64();
  const std::vector<float> weights = gaussian_weights(sigma, int(std::ceil(3 * sigma)));
  Displacement field{image, smooth_noise(image, weights, key, 0), smooth_noise(image, weights, key, 1)};
  constexpr double steepest = 0.75;
  const double steep = alpha * steepness(field), factor = steep > steepest ? alpha * (steepest / steep) : alpha;
  for (std::vector<float>* d : {&field.right, &field.down}) {
    for (float& v : *d) v *= float(factor);
  }
  return field;
}

void ElasticTransform::check() const {
  alpha.check("the strength of an elastic transform", 0, 10000);
  sigma.check("the standard deviation of an elastic transform", 1, 100);
}
void ElasticTransform::draw(Random& rng, Plan& plan) const {
  const double strength = alpha.draw(rng), smoothness = sigma.draw(rng);
  if (strength > 0) plan.displace(elastic_displacement(plan.size(), strength, smoothness, rng), border, fill);
}

}  // namespace counterpoise::augment
