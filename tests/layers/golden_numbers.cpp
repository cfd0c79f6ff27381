#include "tests/layers/golden_numbers.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace counterpoise::golden {

bool ends_with(const std::string& s, const std::string& end) {
  return s.size() >= end.size() && s.compare(s.size() - end.size(), end.size(), end) == 0;
}

Index product(const Extents& shape, size_t first) {
  Index n = 1;
  for (size_t axis = first; axis < shape.size(); ++axis) n *= shape[axis];
  return n;
}

namespace {

// Word i of the 32 random bits that belong to a name: i mixed with the name's FNV-1a hash by
// MurmurHash3's finalizer.
class Hashes {
 public:
  explicit Hashes(const std::string& name) {
    for (const char byte : name) seed_ = (seed_ ^ static_cast<uint8_t>(byte)) * 0x01000193u;
  }
  uint32_t operator[](Index i) const {
    uint32_t h = static_cast<uint32_t>(i) ^ seed_;
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    return h ^ (h >> 16);
  }

 private:
  uint32_t seed_ = 0x811c9dc5u;
};

}  // namespace

Numbers numbers(const std::string& name, Index count) {
  const Hashes hashes(name);
  Numbers u(count);
  for (Index i = 0; i < count; ++i) u[i] = (hashes[i] >> 8) * 0x1p-23 - 1;
  return u;
}

Numbers projections(const std::string& name, const Numbers& x) {
  const Hashes hashes(name);
  double sums[projection_count] = {};
  for (size_t i = 0; i < x.size(); ++i) {
    const uint32_t h = hashes[i];
    for (int b = 0; b < projection_count; ++b) sums[b] += (1 - 2 * static_cast<int>(h >> b & 1)) * x[i];  // no branch
  }
  return {sums, sums + projection_count};
}

std::vector<float> weights(const std::string& name, const Extents& shape) {
  Numbers u = numbers(name, product(shape));
  const double bound = std::sqrt(6.0 / static_cast<double>(product(shape, 1)));
  const bool small = ends_with(name, "bias") || ends_with(name, "running_mean");
  for (double& x : u) x = shape.size() > 1 ? x * bound : small ? 0.125 * x : 1 + 0.5 * x;
  return {u.begin(), u.end()};
}

Tensor from_torch(Backend& backend, const Numbers& values, const Extents& shape, DType dtype) {
  if (shape.size() != 4) {
    Shape same;
    for (const int64_t extent : shape) same.push_back(extent);
    return Tensor::from(backend, same, values).cast(dtype);
  }
  const Index A = shape[0], C = shape[1], B = shape[2] * shape[3];
  Numbers last(values.size());
  for (Index i = 0; i < A * B * C; ++i) last[i] = values[(i / (B * C) * C + i % C) * B + i / C % B];
  return Tensor::from(backend, {A, shape[2], shape[3], C}, last).cast(dtype);
}

Numbers to_torch(const Tensor& x) {
  const Numbers values = x.cast(DType::f64).to_vector<double>();
  if (x.shape().rank() != 4) return values;
  const Index A = x.shape()[0], B = x.shape()[1] * x.shape()[2], C = x.shape()[3];
  Numbers first(values.size());
  for (Index i = 0; i < A * B * C; ++i) first[(i / (B * C) * C + i % C) * B + i / C % B] = values[i];
  return first;
}

double norm(const Numbers& x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return std::sqrt(sum);
}

Numbers difference(const Numbers& a, const Numbers& b) {
  REQUIRE(a.size() == b.size());
  Numbers d(a.size());
  for (size_t i = 0; i < a.size(); ++i) d[i] = a[i] - b[i];
  return d;
}

double relative_norm(const Numbers& got, const Numbers& want) { return norm(difference(got, want)) / norm(want); }

double relative_worst(const Numbers& got, const Numbers& want) {
  double worst = 0;
  const Numbers d = difference(got, want);
  for (size_t i = 0; i < d.size(); ++i) worst = std::max(worst, std::fabs(d[i] / want[i]));
  return worst;
}

}  // namespace counterpoise::golden
