#include "losses/logit_scaling.h"

#include <algorithm>
#include <cmath>

#include "kernels/formulas.h"

namespace counterpoise {

std::vector<double> at_least_one(const std::vector<int64_t>& counts) {
  std::vector<double> n;
  for (const int64_t count : counts) n.push_back(static_cast<double>(std::max<int64_t>(count, 1)));
  return n;
}

LogitScaling logit_scaling(const std::vector<int64_t>& counts, double gamma, double tau) {
  const std::vector<double> n = at_least_one(counts);
  const double largest = *std::max_element(n.begin(), n.end());
  double N = 0;
  for (const double count : n) N += count;
  LogitScaling y;
  for (const double count : n) {
    y.scale.push_back(std::pow(count / largest, gamma));
    y.shift.push_back(tau * std::log(count / N));
  }
  return y;
}

std::vector<double> constant_logits(const LogitScaling& scaling, const std::vector<double>& shares, int outputs,
                                    int positive) {
  const std::vector<double>&s = scaling.scale, &l = scaling.shift;
  if (outputs == 1) {
    // share_p softplus(-(s_p z + d)) + share_o softplus(s_o z + d) is convex in z: its slope is 0 at one place.
    const int other = 1 - positive;
    const double d = l[positive] - l[other];
    const auto sigmoid = [](double x) { return formula::Sigmoid::f(x, 0., 0.); };
    const auto slope = [&](double z) {
      return shares[other] * s[other] * sigmoid(s[other] * z + d) -
             shares[positive] * s[positive] * sigmoid(-(s[positive] * z + d));
    };
    double low = -1, high = 1;
    while (slope(low) > 0) low *= 2;
    while (slope(high) < 0) high *= 2;
    for (int halved = 0; halved < 100; ++halved) {
      const double middle = (low + high) / 2;
      (slope(middle) < 0 ? low : high) = middle;
    }
    return {(low + high) / 2};
  }
  // softmax(u) = shares where u_k = log(share_k) + c, for any c.
  std::vector<double> z;
  double weighted = 0, weights = 0;
  for (size_t k = 0; k < shares.size(); ++k) {
    z.push_back(std::log(shares[k]) - l[k]);
    weighted += z[k] / (s[k] * s[k]), weights += 1 / (s[k] * s[k]);
  }
  for (size_t k = 0; k < shares.size(); ++k) z[k] = (z[k] - weighted / weights) / s[k];
  return z;
}

}  // namespace counterpoise
