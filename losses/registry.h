// The table of losses. One row a loss: the command line, --help, apps/losses and the tests are made from it, so adding
// a loss is one function and one row.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "losses/labels.h"

namespace counterpoise {

using LossParams = std::map<std::string, double>;
using LossState = std::map<std::string, std::vector<double>>;

// What the mean of a batch's losses is divided by. With w the class weight of a sample (1 where there are none):
//   mean           sum w L / number of samples: PyTorch's BCEWithLogitsLoss, Keras
//   weighted_mean  sum w L / sum w: PyTorch's CrossEntropyLoss
//   sum            sum w L
//   positives      sum w L / number of samples of the positive class, at least 1: detection's convention
enum class Reduction { mean, weighted_mean, sum, positives };
// "mean", "weighted-mean", "sum", "positives". Throws Error(invalid_argument) that lists them.
Reduction parse_reduction(const std::string& name);
std::string to_string(Reduction reduction);

// What a loss may know besides logits and labels.
struct LossContext {
  LossParams params;            // all that the row lists
  std::vector<int64_t> counts;  // [K] training samples of each class; empty if unknown
  std::vector<double> weights;  // [K] class weights; empty: none
  double progress = 1;          // the part of training that lies behind, 0 to 1
  bool training = false;        // whether the state moves
  Tensor feature_norms;         // [N] L1 norms of what the last layer sees; undefined: 1
  uint64_t seed = 0;            // of what is random
  LossState state;              // what a loss remembers of earlier batches

  double operator[](const char* name) const { return params.at(name); }
};

struct LossParam {
  enum Forms { both, binary, multiclass };

  std::string name;  // also the flag: --gamma
  double value;      // the default
  double low, high;  // allowed
  std::string help;
  std::string word = "";  // a word that may stand for the number, and gives -1: "none", "auto"
  Forms forms = both;     // in the other form it has no meaning, and is -1
};

struct LossInfo {
  // One loss a sample, [N], or for a batch_level loss one number, []. z is [N] or [N, K].
  using Function = Var (*)(const Var& z, const Labels& labels, LossContext& context);

  enum Outputs { one_logit = 1, logit_per_class = 2, either = 3 };
  enum Traits {
    plain = 0,
    needs_counts = 1,    // the training samples of each class
    batch_level = 2,     // one number for a whole batch: samples' losses do not add up
    weighs_itself = 4,   // puts the class weights to use inside
    soft_targets = 8,    // labels may lie between 0 and 1, or be [N, K] probabilities
    stateful = 16,       // remembers batches
    stop_gradient = 32,  // some factor is taken as constant, so that the gradient is not the value's derivative
    cosine_logits = 64,  // wants logits between -1 and 1: the cosines of features and class vectors
  };
  // What a run takes where nothing else is said.
  struct Defaults {
    Reduction reduction = Reduction::mean;
    std::string class_weights = "none";
    double threshold = 0;      // the output at which the decision tips
    double defer_weights = 0;  // class weights from this part of training on
  };

  std::string name;
  std::string help;
  std::string source;  // paper and equation
  Outputs outputs;
  std::vector<LossParam> params;
  Function function;
  int traits = plain;
  Defaults defaults = {};

  bool is(Traits trait) const { return traits & trait; }
  // The form that the loss takes of its own accord: one logit where it can.
  Outputs form() const { return outputs & one_logit ? one_logit : logit_per_class; }
};

const std::vector<LossInfo>& losses();
std::vector<std::string> loss_names();
// Throws Error(invalid_argument) that lists the valid names.
const LossInfo& find_loss(const std::string& name);
// The row's defaults in one of its forms, with `given` put over them. Throws Error(invalid_argument) for a form that
// this loss does not have, a parameter that it does not take (the message lists those it does), or one out of range.
LossParams resolve(const LossInfo& loss, LossInfo::Outputs form, const LossParams& given);

}  // namespace counterpoise
