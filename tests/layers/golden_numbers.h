// The numbers of the golden files of networks: weights and images by the formula of golden/make_vgg.py, and how far two
// results are apart. (They go through millions of numbers, so they are compiled with optimization.) Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace counterpoise::golden {

using Numbers = std::vector<double>;
using Extents = std::vector<int64_t>;

bool ends_with(const std::string& s, const std::string& end);
// The product of the extents from `first` on.
Index product(const Extents& shape, size_t first = 0);

// -- the numbers: the same formulas as in make_vgg.py --

// Uniform in [-1, 1): multiples of 2^-23, which a float holds exactly.
Numbers numbers(const std::string& name, Index count);

// Sums of x with random signs: in the b-th, an element is negated where bit b of its hash is set.
// They represent all of x: the expected mean of their squares is its squared norm, and the same holds
// for the difference of two tensors.
constexpr int projection_count = 16;
Numbers projections(const std::string& name, const Numbers& x);

// Weights for a tensor of the network: He-uniform, biases and running means small, the scales and
// running variances of batch normalization around 1.
std::vector<float> weights(const std::string& name, const Extents& shape);

// -- between PyTorch's layout and ours --

// Images [N, C, H, W] and kernels [K, C, R, S] become [N, H, W, C] and [K, R, S, C]; other tensors
// keep their layout.
Tensor from_torch(Backend& backend, const Numbers& values, const Extents& shape, DType dtype);
Numbers to_torch(const Tensor& x);

// -- measures --

double norm(const Numbers& x);
// Of vectors of the same length.
Numbers difference(const Numbers& a, const Numbers& b);
double relative_norm(const Numbers& got, const Numbers& want);
// The largest relative difference of two elements.
double relative_worst(const Numbers& got, const Numbers& want);

}  // namespace counterpoise::golden
