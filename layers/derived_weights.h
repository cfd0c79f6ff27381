// Weights that a layer computes from its parameters before it uses them: multiplied by a batch normalization, or
// divided by their norms. In evaluation they stay the same from batch to batch, so they are computed once.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/ops_check.h"

namespace counterpoise {

// What a convolution or a dense layer computes with. The bias may be undefined.
struct LayerWeights {
  Var weight, bias;
};

// A module has one as a member. Not thread-safe, like the module.
class DerivedWeights {
 public:
  // derive(), which computes LayerWeights from `parameters`, some of which may be undefined, for activations in
  // `dtype`. Under NoGrad the result is kept and returned again, until one of the parameters was written, or the dtype
  // is another one. Where a graph is recorded, nothing is kept: gradients flow through what derive() records, and
  // training needs the memory. Throws what derive() throws.
  template <class Derive>
  LayerWeights get(const std::vector<Var>& parameters, DType dtype, const Derive& derive) {
    if (!NoGrad::active()) {
      forget();
      return derive();
    }
    std::vector<uint64_t> from = {static_cast<uint64_t>(dtype)};
    for (const Var& p : parameters) from.push_back(p.defined() ? p.value().version() : 0);
    if (from != from_) {
      forget();  // before the new weights take memory, too
      kept_ = derive();
      from_ = std::move(from);
    }
    return kept_;
  }
  void forget() {
    from_.clear();
    kept_ = {};
  }

 private:
  std::vector<uint64_t> from_;  // the dtype and the parameters' versions; empty if nothing is kept
  LayerWeights kept_;
};

}  // namespace counterpoise
