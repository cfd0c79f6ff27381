// The table of losses. One row a loss: the command line, --help and the tests are made from it, so adding a loss is one
// function and one row.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/ops.h"

namespace counterpoise {

// What a batch is compared with, in the two forms that losses want.
struct Labels {
  Tensor positive;  // [N] 1 for the positive class, else 0
  Tensor index;     // [N] i32, the class itself
};

// Labels of samples of the given classes, of which one is the positive.
Labels make_labels(Backend& backend, const std::vector<int32_t>& classes, int32_t positive, DType dtype = DType::f32);

using LossParams = std::map<std::string, double>;

struct LossParam {
  std::string name;  // also the flag: --gamma
  double value;      // the default
  double low, high;  // allowed
  bool optional;     // may be "none", which is -1
  std::string help;
};

struct LossInfo {
  std::string name;
  std::string help;
  std::string source;  // paper and equation
  enum Outputs { one_logit, logit_per_class } outputs;
  std::vector<LossParam> params;
  // The denominator of the mean under class weights: PyTorch's BCEWithLogitsLoss divides by the number of samples, its
  // CrossEntropyLoss by the sum of the samples' weights.
  enum Denominator { samples, weights } denominator;
  std::string default_weights;  // of classes: "none" or "balanced"
  double threshold;             // the output at which the decision tips
  // One loss a sample. z is [N] for one_logit, [N, K] for logit_per_class.
  Var (*per_sample)(const Var& z, const Labels& labels, const LossParams& params);
};

const std::vector<LossInfo>& losses();
std::vector<std::string> loss_names();
// Throws Error(Exit::usage) that lists the valid names.
const LossInfo& find_loss(const std::string& name);
// The row's defaults with `given` put over them. Throws Error(Exit::usage) for a parameter that this loss does not
// have (the message lists those it has), or one out of range.
LossParams resolve(const LossInfo& loss, const LossParams& given);

// The loss of a batch: the mean of the samples' losses, each times its class's weight if there are weights [K].
// z is [N, 1], [N] or [N, K]. Throws for an empty batch and for z of the wrong shape.
Var compute(const LossInfo& loss, const Var& z, const Labels& labels, const LossParams& params,
            const std::vector<double>& class_weights);

}  // namespace counterpoise
