// How the outputs of a network become a decision between two classes. The functions are safe to call from several
// threads.
#pragma once

#include <string>
#include <vector>

#include "core/tensor.h"

namespace counterpoise {

// The logit of the positive class is (output - origin) / temperature - shift, and a sample is predicted positive if it
// reaches `cut`. All but `positive` and `origin` are set by techniques after training.
struct Decision {
  int32_t positive = 0;    // index of the positive class
  double origin = 0;       // the output at which the network is undecided; MSE's is 0.5
  double temperature = 1;  // temperature scaling
  double shift = 0;        // prior correction
  double cut = 0;          // the decision threshold
};

// One logit per sample: the output itself, or of two outputs the positive class's minus the other's. Throws for outputs
// of another shape.
std::vector<double> logits(const Tensor& outputs, const Decision& decision);

// The cut for a probability p: its logit, or p - 0.5 for a loss whose outputs are numbers (origin 0.5). Throws
// Error(invalid_argument) unless it is a number between 0 and 1.
double cut_of(const std::string& threshold, const Decision& decision);

// The index of the class with this name; where it is empty that of "cat", else the last. Throws Error for a dataset of
// other than two classes (bad_data) and for a name that is none of them (invalid_argument).
int32_t choose_positive(const std::string& name, const std::vector<std::string>& classes);

}  // namespace counterpoise
