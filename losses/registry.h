// The table of losses. One row per loss: the command line, --help, apps/losses and the tests are made from it, so that
// adding a loss means one function and one row.
//
// Thread safety: the table is constant; all functions here may be called from several threads at once.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "losses/labels.h"
#include "losses/logit_scaling.h"

namespace counterpoise {

// Values for some of a loss's parameters, by name: {{"gamma", 2}, {"alpha", 0.5}}. -1 stands for a parameter's word, as
// "none" of alpha.
using LossParams = std::map<std::string, double>;
// What a stateful loss remembers, lists of numbers by name.
using LossState = std::map<std::string, std::vector<double>>;

// What the sum of a batch's losses is divided by. With w the class weight of a sample (1 where there are none):
//   mean           sum w L / number of samples: PyTorch's BCEWithLogitsLoss, Keras
//   weighted_mean  sum w L / sum w: PyTorch's CrossEntropyLoss
//   sum            sum w L
//   positives      sum w L / number of samples of the positive class, at least 1: usual in detection
enum class Reduction { mean, weighted_mean, sum, positives };
// "mean", "weighted-mean", "sum", "positives". Throws Error(invalid_argument) that lists them.
Reduction parse_reduction(const std::string& name);
std::string to_string(Reduction reduction);

struct LossParam {
  enum Forms { both, binary, multiclass };

  std::string name;  // "gamma"; programs name their flag after it
  double value;      // the default
  double low, high;  // the range, both ends allowed
  std::string help;
  std::string word = "";  // may be given instead of a number, and is stored as -1: "none", "auto"
  Forms forms = both;     // in the other form the parameter has no meaning, and is -1
  bool whole = false;     // a number of things, a class or a choice: no fractions

  // "0 to 1", "0 to 0.99999999", "0 to 1, or none": as messages and programs show it.
  std::string range() const;
  // Whether a value stands for the word.
  bool is_word(double value) const { return value == -1 && !word.empty(); }
};

struct LossContext;

struct LossInfo {
  // z [N] or [N, K] -> one loss per sample, [N]; or one number, [], for a batch_level loss.
  using Function = Var (*)(const Var& z, const Labels& labels, LossContext& context);

  enum Outputs { one_logit = 1, logit_per_class = 2, either = 3 };
  enum Traits {
    plain = 0,
    needs_counts = 1,    // needs the number of training samples of each class
    batch_level = 2,     // one number for a whole batch, not a sum over samples
    weighs_itself = 4,   // applies the class weights itself, so the caller must not
    soft_targets = 8,    // takes targets between 0 and 1, or [N, K] probabilities
    stateful = 16,       // remembers earlier batches
    stop_gradient = 32,  // a factor is constant to the gradient, which is therefore not the value's derivative
    cosine_logits = 64,  // expects logits between -1 and 1: cosines of features and class vectors
  };
  // What a loss that is the cross-entropy of scaled and shifted logits makes of them.
  using Scaling = LogitScaling (*)(const LossContext& context);
  // What programs use unless the user says otherwise.
  struct Defaults {
    Reduction reduction = Reduction::mean;
    std::string class_weights = "none";
    double threshold = 0;      // the decision threshold on the output
    double defer_weights = 0;  // class weights apply from this fraction of training on
  };

  std::string name;
  std::string help;
  std::string source;  // paper and equation
  Outputs outputs;
  std::vector<LossParam> params;
  Function function;
  int traits = plain;
  Defaults defaults = {};
  Scaling scaling = nullptr;

  bool is(Traits trait) const { return traits & trait; }
  // The loss's own form: one logit where it has that form.
  Outputs form() const { return outputs & one_logit ? one_logit : logit_per_class; }
};

const std::vector<LossInfo>& losses();
std::vector<std::string> loss_names();
// Throws Error(invalid_argument) that lists the valid names.
const LossInfo& find_loss(const std::string& name);

// A row of the table in one of its forms, with a valid value for each of its parameters. Only resolve() makes one, so
// that it needs no second check.
class LossSpec {
 public:
  LossSpec() = default;  // no loss, to be assigned to

  // Throws if this is no loss.
  const LossInfo& info() const {
    CP_ENSURE(info_, "no loss was chosen; resolve() makes one");
    return *info_;
  }
  LossInfo::Outputs form() const { return form_; }
  // The value of a parameter; -1 for its word, and where it does not apply to this form. Throws for a name that is not
  // in the row.
  double operator[](std::string_view name) const;
  // The same, or null for a name that is not in the row.
  const double* find(std::string_view name) const;
  // What the loss multiplies the logits by before it takes their softmax: the scale of cosines, else 1. So these times
  // the network's outputs are the logits that it learns.
  double logit_scale() const;
  // Whether a parameter of the row has a meaning in this form.
  bool applies(const LossParam& param) const;
  // All of the row's parameters by name.
  LossParams params() const;

 private:
  friend LossSpec resolve(const LossInfo& loss, LossInfo::Outputs form, const LossParams& given);
  LossSpec(const LossInfo& info, LossInfo::Outputs form) : info_(&info), form_(form) {}

  const LossInfo* info_ = nullptr;
  LossInfo::Outputs form_ = LossInfo::one_logit;
  std::vector<double> values_;  // in the order of info().params
};

// The row's defaults in one of its forms, overridden by `given`. Throws Error(invalid_argument) for a form that the
// loss does not have, a parameter that it does not take (the message lists those that it takes), or a value out of
// range.
LossSpec resolve(const LossInfo& loss, LossInfo::Outputs form, const LossParams& given = {});
// The same for a loss by its name. Throws also what find_loss() throws.
LossSpec resolve(const std::string& name, LossInfo::Outputs form, const LossParams& given = {});

// What a loss function knows besides logits and labels.
struct LossContext {
  LossSpec spec;
  std::vector<int64_t> counts;                // [K] training samples of each class; empty if unknown
  std::vector<double> weights;                // [K] class weights; empty: none
  double progress = 1;                        // the fraction of training that is done, 0 to 1
  bool training = false;                      // whether the state is updated
  Var feature_norms;                          // [N] L1 norms of the last layer's inputs; undefined: 1
  uint64_t seed = 0;                          // of random numbers
  LossState state;                            // what a loss remembers of earlier batches
  std::map<std::string, Var> variables = {};  // of a loss whose parameters are learned; gradients flow to them

  double operator[](std::string_view param) const { return spec[param]; }
};

}  // namespace counterpoise
