// The command line of a training or an evaluation, and the options it resolves to. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "data/augment/spec.h"
#include "data/images/image.h"
#include "data/mix.h"
#include "data/sampler.h"
#include "layers/models/models.h"
#include "losses/metrics/threshold_rule.h"
#include "losses/registry.h"
#include "optim/registry.h"
#include "optim/schedule.h"

namespace counterpoise {

// How a program's defaults differ.
struct ProgramDefaults {
  // catdog: the lectures' experiment. Without --data it trains on synthetic cats and dogs, the positive class is "cat",
  // and the network is VGG16. Otherwise --data is required, the positive class is the rarer one, and the defaults are
  // those of a network that a CPU trains in minutes.
  bool lectures = true;
};

// A field holds its option's default; its row in option_rows.cpp says the rest.
struct Options {
  enum Command { train, eval } command = train;
  ProgramDefaults defaults;

  // The images. An empty `data` means synthetic cats and dogs.
  std::string data, count, imbalance, positive;
  std::string split, groups;  // shares or a file; a file
  int folds = 0, fold = 0;    // 0: no cross-validation
  bool shuffle = true;
  std::string subset = "drawn";  // or "first": which images of a class are kept
  augment::Policy augment = augment::parse_policy("flip");
  int image_size = 0, batch_size = 32, workers = 2;
  Resize resize = Resize::antialias;

  // The network.
  ModelConfig model;
  std::string conv_init = "he";  // the distribution of the convolutions' initial weights, or "glorot"
  bool prior_bias = true;        // initial biases of the last layer by the classes' shares
  std::string init, weights;     // files: of initial weights, and of those to evaluate
  std::string pretrained;        // a file: of the body's initial weights
  bool freeze = false;           // train the head alone
  double body_lr = 1;            // a factor on the body's learning rate

  // The loss and the optimizer.
  const LossInfo* loss = &find_loss("bce");
  std::map<std::string, std::string> loss_flags;  // its parameters as given
  LossSpec loss_spec;                             // resolved; no loss at all where nothing is trained
  std::string class_weights;                      // as parse_class_weights() takes them
  std::string reduction;
  double defer_weights = 0;
  std::string optimizer = "adam";
  double momentum = 0.9, weight_decay = 0;
  bool nesterov = false;
  std::string schedule_name = "cosine";
  Schedule schedule;
  std::string milestones;  // of the schedule "multistep", as given
  int lr_patience = 5;     // epochs, of the schedule "plateau"
  int epochs = 0;
  int64_t max_steps = 0;          // 0: no limit
  std::string monitor;            // the metric that the best epoch is chosen by
  int patience = 0;               // epochs; 0: no early stopping
  double clip_norm = 0, ema = 0;  // 0: without

  // Techniques against imbalance, in training and afterwards.
  std::string sampler = "shuffle";
  Mix mix;
  int crt_epochs = 0;
  double tau_norm = 0;
  bool temperature = false;
  std::string threshold = "0.5";  // or a rule
  std::string cost;               // of the rule "cost"
  double adjust_logits = 0;
  double hold_out = 0;

  int64_t seed = 1;
  int threads = 0;  // 0: one per core
  std::string device = "auto", precision = "fp32";
  bool deterministic = false;
  bool compile = false;
  bool step_graphs = true;
  std::string output;   // "": a new folder in runs/, for training; "none": nothing is written
  std::string on;       // eval: "validation", "test" or "all"
  augment::Policy tta;  // eval and predict: test-time augmentation
  int tta_views = 1;    // and its number of views
  std::string resume, config;
  double checkpoint_minutes = 5;
  bool summary = false;  // print the network and exit
  bool check = false;    // check the options and the images, and exit
  bool keras = false;    // the lecture's Keras program: other defaults, and its lines about the files

  std::set<std::string> given;  // the flags on the command line, as "--width"
};

// The options of a command line; the first word is the command, "train" or "eval". --help and --version print to stdout
// and exit with 0. Throws Error(invalid_argument) with one line for a wrong command line.
Options parse_options(const ProgramDefaults& defaults, const std::vector<std::string>& words);

// Resolves what depends on the number of classes: the loss and the form of its outputs. Throws Error(invalid_argument)
// for what does not go together.
void resolve_for_classes(Options& o, size_t classes);

// The threshold where none is chosen.
constexpr const char* untuned_threshold = "0.5";

// Whether --data is generated images: synthetic, synthetic:K or nothing.
bool is_synthetic(const std::string& data);

// Whether o.threshold is a rule, by which the threshold is chosen, rather than a number.
bool is_tuned(const Options& o);

// That rule. Throws Error(invalid_argument) for what is none.
ThresholdRule threshold_rule(const Options& o);

// The hyper-parameters of o.optimizer that have flags.
OptimizerParams optimizer_params(const Options& o);

// The resolved options as JSON: the name of each flag without "--", and its value. Options that have no effect are left
// out, so that --config takes them all back.
nlohmann::ordered_json to_json(const Options& options);

}  // namespace counterpoise
