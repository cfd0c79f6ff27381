// The command line of catdog and the options it resolves to. Not thread-safe.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "data/images/augment.h"
#include "data/mix.h"
#include "data/sampler.h"
#include "layers/models/models.h"
#include "losses/registry.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

namespace counterpoise {

// A field holds its option's default; its row in options.cpp says the rest.
struct Options {
  enum Command { train, eval } command = train;

  // The images. An empty `data` means synthetic ones.
  std::string data, count, positive;
  bool shuffle = true;
  Augment augment = parse_augment("flip");
  int image_size = 0, batch_size = 32, workers = 2;

  // The network.
  ModelConfig model;
  std::string init, weights;  // files: of initial weights, and of those to evaluate

  // The loss and the optimizer.
  const LossInfo* loss = &find_loss("bce");
  LossSpec loss_spec;         // with its parameters; no loss at all where nothing is trained
  std::string class_weights;  // as parse_class_weights() takes them
  std::string reduction;
  double defer_weights = 0;
  std::string optimizer = "adam";
  double momentum = 0.9, weight_decay = 0;
  bool nesterov = false;
  std::string schedule_name = "cosine";
  Schedule schedule;
  int epochs = 0;
  int64_t max_steps = 0;          // 0: no limit
  int patience = 0;               // epochs; 0: no early stopping
  double clip_norm = 0, ema = 0;  // 0: without

  // Techniques against imbalance, in training and afterwards.
  std::string sampler = "shuffle";
  Mix mix;
  int crt_epochs = 0;
  double tau_norm = 0;
  bool temperature = false;
  std::string threshold = "0.5";  // or a metric
  double adjust_logits = 0;
  double hold_out = 0;

  int64_t seed = 1;
  int threads = 0;  // 0: one per core
  std::string device = "auto", precision = "fp32";
  bool deterministic = false;
  std::string output;
  bool summary = false;  // print the network and exit

  std::set<std::string> given;  // the flags on the command line, as "--width"
};

// The options of a command line; argv[0] is the program. --help and --version print to stdout and exit with 0. Throws
// Error(invalid_argument) with one line for a wrong command line.
Options parse_options(int argc, char** argv);

// Whether o.threshold is a metric, for which the threshold is tuned, rather than a number.
bool is_tuned(const Options& o);

// The hyper-parameters of o.optimizer that have flags.
OptimizerParams optimizer_params(const Options& o);

// The resolved options as JSON: the name of each flag without "--", and its value.
nlohmann::ordered_json to_json(const Options& options);

}  // namespace counterpoise
