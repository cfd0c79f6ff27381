// The labels of a batch in the forms that losses need, and the helpers that losses are composed of.
//
// Every loss works on logits z. In the binary form z is [N], the logit of the positive class; in the multi-class form
// it is [N, K], one logit per class. p is sigmoid(z) or softmax(z), and p_t the probability of the true class.
//
// Thread safety: the functions use no state of their own; Labels may be read from several threads at once.
#pragma once

#include <string>
#include <vector>

#include "core/ops.h"

namespace counterpoise {

// What a batch of N samples is compared with: a class for each, or soft targets. The same numbers are kept twice, on
// the host and on the backend: losses count and look up on the host, so that no training step waits for a download.
// Make them with the functions below, which keep both equal.
struct Labels {
  // [N] the class of each sample; with soft targets the most probable one; of mixed samples that of the first.
  std::vector<int32_t> classes;
  Tensor index;          // [N] i32, the same on the backend
  Tensor positive;       // [N] 1 for the positive class, else 0; with soft targets its probability
  Tensor probabilities;  // [N, K] soft targets; undefined if each sample has one class
  int32_t positive_class = 1;
  std::vector<double> positive_values;     // [N] the numbers of `positive`
  std::vector<double> probability_values;  // [N * K] the numbers of `probabilities`, row by row; empty without them

  Index size() const { return static_cast<Index>(classes.size()); }
};

// Labels of samples of the given classes, of which one is the positive class. dtype is that of the logits, f32 or f64.
Labels make_labels(Backend& backend, const std::vector<int32_t>& classes, int32_t positive, DType dtype = DType::f32);

// Soft targets for one logit: the probability of the positive class, in [0, 1], for each sample. At 1/2 and above the
// sample's class is the positive one.
Labels make_soft_labels(Backend& backend, const std::vector<double>& positives, int32_t positive,
                        DType dtype = DType::f32);
// Soft targets for a logit per class: a row of K probabilities for each sample. The sample's class is the most probable
// one, the first of equals. Throws for rows of different lengths and for a positive class that is not in them.
Labels make_soft_labels(Backend& backend, const std::vector<std::vector<double>>& rows, int32_t positive,
                        DType dtype = DType::f32);

// The labels of mixed samples: own[n] times those of `y` plus 1 - own[n] times those of `other`, with the classes of
// `y`. With `classes` > 0 also as [N, classes] probabilities. Throws for lengths that differ.
Labels interpolate_labels(const Labels& y, const Labels& other, const std::vector<float>& own, Index classes = 0);

// The labels as rows of [N, K], on the backend in z's dtype and as numbers on the host: 1 at the label's column, else
// 0; or the soft targets, if there are any. Throws for a label that is none of the K classes.
Tensor one_hot(const Var& z, const Labels& y);
std::vector<double> one_hot_values(Index K, const Labels& y);

// values[class of the sample], [N] in z's dtype. Throws for a class that has no value.
Tensor by_class(const Var& z, const Labels& y, const std::vector<double>& values);

// The logit x of the true class, [N]: p_t = sigmoid(x) in both forms.
//   binary:       x = z for y = 1 and -z for y = 0
//   multi-class:  x = z_y - log sum of e^z_k over the other classes
// From it -log p_t = softplus(-x) and log(1 - p_t) = -softplus(x), both exact where a float's 1 - p_t would be 0. So a
// loss that depends on p_t alone is one formula for both forms.
Var true_logit(const Var& z, const Labels& y);

}  // namespace counterpoise
