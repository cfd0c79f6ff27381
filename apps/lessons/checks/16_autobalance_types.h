// What exercise 16 is given: the gradients of a training loss and of a validation loss.
#pragma once

#include <functional>
#include <vector>

namespace counterpoise {

// A training loss of the weights w and the hyper-parameters alpha, and a validation loss of the weights alone.
struct Bilevel {
  using Numbers = std::vector<double>;

  std::function<Numbers(const Numbers& w, const Numbers& alpha)> training_by_weights;  // its gradient in w
  std::function<Numbers(const Numbers& w, const Numbers& alpha)> training_by_alpha;    // its gradient in alpha
  std::function<Numbers(const Numbers& w)> validation_by_weights;
};

}  // namespace counterpoise
