// What exercise 4 is given: a network with one hidden layer, its logit and its loss.
#pragma once

#include <cmath>
#include <vector>

namespace counterpoise {

// The weights of a network, or, in the same places, the derivatives of the loss with respect to them.
struct Mlp {
  std::vector<std::vector<double>> w;  // w[j][i]: from input i to hidden unit j
  std::vector<double> b, v;            // of hidden unit j: its bias, and its weight in the output
  double c = 0;                        // the output's bias
};

// h[j] = tanh(sum over i of w[j][i] x[i] + b[j])
inline std::vector<double> hidden_units(const Mlp& net, const std::vector<double>& x) {
  std::vector<double> h = net.b;
  for (size_t j = 0; j < h.size(); ++j) {
    for (size_t i = 0; i < x.size(); ++i) h[j] += net.w[j][i] * x[i];
    h[j] = std::tanh(h[j]);
  }
  return h;
}

// z = sum over j of v[j] h[j] + c
inline double logit(const Mlp& net, const std::vector<double>& x) {
  const std::vector<double> h = hidden_units(net, x);
  double z = net.c;
  for (size_t j = 0; j < h.size(); ++j) z += net.v[j] * h[j];
  return z;
}

}  // namespace counterpoise
