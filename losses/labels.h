// What a batch is compared with, in the forms that losses want, and what losses make of it.
//
// Every loss works on logits z. In the binary form they are [N], and z > 0 speaks for the positive class; in the
// multi-class form they are [N, K], one for each class. p is sigmoid(z) or softmax(z), and p_t the probability of the
// true class: the shape of z says which form is meant.
#pragma once

#include <string>
#include <vector>

#include "core/ops.h"

namespace counterpoise {

struct Labels {
  std::vector<int32_t> classes;  // [N] the class of each sample
  Tensor index;                  // [N] i32, the same for a backend
  Tensor positive;               // [N] 1 for the positive class, else 0; with soft targets any number
  Tensor probabilities;          // [N, K] soft targets; undefined if each sample has one class
  int32_t positive_class = 1;

  Index size() const { return static_cast<Index>(classes.size()); }
};

// Labels of samples of the given classes, of which one is the positive.
Labels make_labels(Backend& backend, const std::vector<int32_t>& classes, int32_t positive, DType dtype = DType::f32);

// The labels [N] as rows of z's dtype: 1 at the label's column of [N, K], else 0; or the soft targets, if there are
// any. Throws for a label that is none of the K classes.
Tensor one_hot(const Var& z, const Labels& y);

// values[class of the sample], [N] in z's dtype. Throws for a class that has no value.
Tensor by_class(const Var& z, const Labels& y, const std::vector<double>& values);

// The logit x of the true class, [N]: p_t = sigmoid(x) in both forms.
//   binary: x = z for y = 1 and -z for y = 0;   multi-class: x = z_y - log sum of e^z_k over the other classes.
// From it -log p_t = softplus(-x) and log(1 - p_t) = -softplus(x), both exact where a float's 1 - p_t would be 0. So a
// loss that depends on p_t alone is one formula for both forms.
Var true_logit(const Var& z, const Labels& y);

}  // namespace counterpoise
