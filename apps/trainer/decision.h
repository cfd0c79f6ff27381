// How the outputs of a network become a decision: between two classes by a threshold, among more by the largest logit.
// The functions are safe to call from several threads.
#pragma once

#include <string>
#include <vector>

#include "core/tensor.h"

namespace counterpoise {

// Two classes: the logit of the positive class is (output - origin) / temperature - shift, and a sample is predicted
// positive if it reaches `cut`. (If the one output is of the other class, the quotient is negated.) More classes: the
// logit of class k is output / temperature - shifts[k], and the class with the largest one is predicted. All but
// `positive`, `negated` and `origin` are set by techniques after training.
struct Decision {
  int32_t positive = 0;             // of two classes: the index of the positive one
  bool negated = false;             // whether a single output is that of the other class
  double origin = 0;                // the output at which the network is undecided; MSE's is 0.5
  double temperature = 1;           // temperature scaling; 1 / scale where a loss multiplies its logits (ldam)
  double shift = 0;                 // prior correction
  double cut = 0;                   // the decision threshold
  std::vector<double> shifts = {};  // prior correction of more than two classes; empty: none
};

// Makes the other of two classes the positive one, for a network with so many outputs. Each sample keeps its predicted
// class.
void exchange_classes(Decision& decision, Index outputs);

// The logits of N samples: [N] of the positive class where there are two, else [N, K], row by row. The outputs are [N],
// [N, 1], [N, 2] (of which the positive class's minus the other's is taken) or [N, K]. Throws for another shape, and
// for other than K `shifts`.
std::vector<double> logits(const Tensor& outputs, const Decision& decision);

// The predicted class of each sample, from what logits() returned for `classes` classes: the first of equally large
// logits.
std::vector<int32_t> predicted_classes(const std::vector<double>& logits, size_t classes, const Decision& decision);

// The cut for a probability p: its logit, or p - 0.5 for a loss whose outputs are numbers (origin 0.5). Throws
// Error(invalid_argument) unless it is a number between 0 and 1.
double cut_of(const std::string& threshold, const Decision& decision);

// The inverse: the probability, or the number, from which a sample is predicted positive.
double probability_of(double cut, const Decision& decision);

// The index of the class with this name. Where it is empty that is `otherwise` or, if there is no such class, the last
// one. Throws Error(invalid_argument) for a name that is none of the classes, and for any name where there are more
// than two: then no class is the positive one, and the result is 0.
int32_t choose_positive(const std::string& name, const std::vector<std::string>& classes,
                        const std::string& otherwise = "cat");

}  // namespace counterpoise
