#include "apps/trainer/options.h"

#include <algorithm>
#include <functional>
#include <sstream>

#include "apps/trainer/autobalance.h"
#include "apps/trainer/config.h"
#include "apps/trainer/decision.h"
#include "apps/trainer/flags.h"
#include "apps/trainer/loss_flags.h"
#include "apps/trainer/option_rows.h"
#include "apps/trainer/pretraining.h"
#include "apps/trainer/version.h"

namespace counterpoise {

namespace {

const char* const exit_codes =
    "Exit codes: 0 success, 1 failure, 2 wrong command line, 3 unusable data or weights, 4 device missing or out of "
    "memory, 5 training diverged, 128 + N after signal N.";

std::string training_text(const ProgramDefaults& defaults) {
  const std::string program = program_command();
  const std::string last = text("  ", program, defaults.lectures ? "" : " train",
                                " --resume runs/2026-05-04-093000-focal\n\nOther commands: ", program, " help");
  if (defaults.lectures) {
    return text(
        "Train a network, by default VGG16, to tell cats from dogs, of which one may be rare, and report how well it "
        "finds them. Without --data it trains on synthetic images of 400 cats and 4400 dogs.\n\n  ",
        program, " --loss focal --gamma 2\n  ", program,
        " --data DIR --count cat=1000,dog=11000 --class-weights balanced\n", last);
  }
  return text(
      "Train a network to tell the images of two or more classes apart, of which some may be rare, and report how well "
      "it does on images that it was not trained on.\n\n  ",
      program, " train --data DIR --loss focal --gamma 2\n  ", program,
      " train --data labels.csv --class-weights balanced --threshold recall=0.95\n", last);
}

const char* const evaluation_text =
    "Evaluate saved weights on images: the confusion matrix, or precision, recall and F1 of each class.";

// The arguments, without the word --help-all, which becomes --help.
struct Arguments {
  explicit Arguments(const std::vector<std::string>& words) : all(words) {
    for (std::string& argument : all) {
      if (argument == "--help-all") argument = "--help", help = OptionTable::full;
    }
  }
  // The value that an option is given last; "" if it is not.
  std::string find(const std::string& flag) const {
    std::string value;
    for (size_t i = 1; i < all.size(); ++i) {
      if (all[i] == flag && i + 1 < all.size()) value = all[i + 1];
      if (all[i].rfind(flag + "=", 0) == 0) value = all[i].substr(flag.size() + 1);
    }
    return value;
  }
  std::vector<std::string> all;
  OptionTable::Help help = OptionTable::brief;
};

class CommandLine {
 public:
  CommandLine(Options& options, const std::string& command)
      : o_(options), command_(command), table_(option_rows(options)) {}

  void parse(Arguments arguments) {
    const bool train = o_.command == Options::train;
    CLI::App app(train ? training_text(o_.defaults) : evaluation_text,
                 usage(o_.defaults.lectures && train ? "[train]" : command_));
    app.set_version_flag("--version", version_text(), "Print version and build, and exit");
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    table_.add_to(app, command_, arguments.help);
    if (train) {
      loss_flags_.add_to(app, arguments.help == OptionTable::full ? "Parameters of losses; `help LOSS` says more" : "");
      add_config(arguments);
    }
    app.footer((arguments.help == OptionTable::full ? "" : "More options: --help-all. ") + std::string(exit_codes));
    std::vector<char*> argv;
    for (std::string& argument : arguments.all) argv.push_back(argument.data());
    o_.given = parse_command_line(app, static_cast<int>(argv.size()), argv.data());
    resolve_all();
  }

 private:
  bool given(const std::string& flag) const { return o_.given.count(flag) > 0; }

  template <class Value, class Otherwise>
  void fill(const char* flag, Value& value, const Otherwise& otherwise) const {
    if (!given(flag)) value = otherwise;
  }

  // An error if a flag was given where something else makes it meaningless.
  void refuse(const std::string& flag, const std::string& reason) const {
    CP_ENSURE_AS(invalid_argument, !given(flag), flag, " ", reason);
  }

  // Puts the options of --config, or of the run that is resumed, before those of the command line.
  void add_config(Arguments& arguments) {
    std::string file = arguments.find("--config");
    const std::string resume = arguments.find("--resume");
    if (!resume.empty() && resume != "auto") {
      check_resumed(arguments);
      file = config_of_run(resume);
    }
    if (file.empty()) return;
    has_config_ = true;
    std::set<std::string> given;
    // (A run that is resumed keeps what belongs to an option, too, and the last value of an option counts.)
    for (const std::string& argument : arguments.all) {
      if (resume.empty() || resume == "auto") given.insert(argument.substr(0, argument.find('=')));
    }
    const std::vector<std::string> more = config_arguments(file, table_, command_, given);
    arguments.all.insert(arguments.all.begin() + 1, more.begin(), more.end());
  }

  // What a run that is resumed may be given another time: nothing that its result depends on, and files that moved.
  static void check_resumed(const Arguments& arguments) {
    for (size_t i = 1; i < arguments.all.size(); ++i) {
      const std::string flag = arguments.all[i].substr(0, arguments.all[i].find('='));
      const bool allowed = flag == "--resume" || flag == "--workers" || flag == "-j" || flag == "--threads" ||
                           flag == "--device" || flag == "--checkpoint-minutes" || flag == "--help" || flag == "-h" ||
                           (flag.rfind("--", 0) == 0 && movable_options().count(flag.substr(2)));
      CP_ENSURE_AS(invalid_argument, flag.rfind('-', 0) != 0 || allowed, flag,
                   ": a run that is resumed keeps its options; beside --resume there may be --workers, --threads, "
                   "--device, --checkpoint-minutes and, for files that have moved, --data, --groups, --split, "
                   "--pretrained and --init");
    }
  }

  // Defaults that depend on other options, and what does not go together.
  void resolve_all() {
    CP_ENSURE_AS(invalid_argument, !o_.data.empty() || o_.defaults.lectures || given("--data") || o_.summary,
                 "--data is required: a folder of images, a CSV file, or synthetic for a trial");
    const bool synthetic = is_synthetic(o_.data);
    table_.fill(command_, synthetic, o_.given);
    if (!o_.defaults.lectures && !given("--model")) o_.model.name = "vgg11_bn";
    if (o_.keras) apply_keras(synthetic);
    CP_ENSURE_AS(invalid_argument, !synthetic || o_.resize == Resize::antialias || o_.command == Options::eval,
                 "--resize ", to_string(o_.resize), ": synthetic images are generated in their size, not resized");
    // (The options of an earlier run say all that the file does, which may be gone since.)
    const bool known = has_config_ && given("--model") && given("--width") && given("--image-size");
    if (!o_.pretrained.empty() && !known) describe_pretrained(o_);
    o_.model.image_size = o_.image_size;
    if (!is_tuned(o_)) cut_of(o_.threshold, Decision());  // throws now rather than after training
    if (o_.command == Options::eval) return;

    o_.loss_flags = loss_flags_.given(o_.given);
    CP_ENSURE_AS(invalid_argument, (o_.folds > 0) == (o_.fold > 0),
                 "--folds and --fold go together: --folds 5 --fold 1 "
                 "validates on the first of five parts; `compare --folds 5` runs all five");
    CP_ENSURE_AS(invalid_argument, o_.fold <= o_.folds, "--fold ", o_.fold, " is more than --folds ", o_.folds);
    CP_ENSURE_AS(invalid_argument, o_.count.empty() || o_.imbalance.empty(),
                 "--count and --imbalance both choose the training images: give one of them");
    if (o_.count.empty() && o_.imbalance.empty()) {
      refuse("--subset", "says which images --count or --imbalance keep: give one of them");
    }
    resolve_techniques();
    CP_ENSURE_AS(invalid_argument, o_.pretrained.empty() || o_.init.empty(),
                 "--pretrained and --init both give initial weights: give one of them");
    CP_ENSURE_AS(invalid_argument, !o_.freeze || !o_.pretrained.empty() || !o_.init.empty(),
                 "--freeze keeps the body as it begins: give its weights by --pretrained or --init");
    if (o_.freeze) refuse("--body-lr", "has no effect with --freeze");
    if (!o_.pretrained.empty() || !o_.init.empty()) {
      refuse("--conv-init", "has no effect where the convolutions' weights come from a file");
    }
    for (const char* parameter : {"momentum", "nesterov", "weight-decay"}) refuse_unless_taken(parameter);
    if (!takes(o_.optimizer, "momentum")) o_.momentum = 0;
    const bool plateau = o_.schedule_name == "plateau", step = o_.schedule_name == "step";
    const bool multistep = o_.schedule_name == "multistep";
    o_.schedule.kind = plateau ? Schedule::constant : parse_schedule(o_.schedule_name);
    if (!step) refuse("--lr-step-size", "belongs to --schedule step, not to " + o_.schedule_name);
    if (!plateau) refuse("--lr-patience", "belongs to --schedule plateau, not to " + o_.schedule_name);
    if (!multistep) refuse("--lr-milestones", "belongs to --schedule multistep, not to " + o_.schedule_name);
    if (!step && !multistep && !plateau)
      refuse("--lr-gamma", "belongs to --schedule step, multistep and plateau, not to " + o_.schedule_name);
    if (multistep) o_.schedule.milestones = parse_milestones(o_.milestones);
    CP_ENSURE_AS(invalid_argument, !plateau || (o_.schedule.step_gamma > 0 && o_.schedule.step_gamma < 1),
                 "--lr-gamma ", o_.schedule.step_gamma, ": for --schedule plateau it is above 0 and below 1");
    // What depends on the classes is resolved when they are known. For cats and dogs that is now.
    if (o_.summary) {
      if (!given("--outputs")) o_.model.outputs = o_.loss->form();
    } else if (o_.data.empty()) {
      resolve_for_classes(o_, 2);
    }
  }

  // The program on the slides of the lecture "Imbalanced Data" (Anh-Khoa Nguyen and Quang-Vinh Dinh): its
  // preprocessing, and Keras' defaults where it names none.
  void apply_keras(bool synthetic) {
    fill("--batch-size", o_.batch_size, 256);
    fill("--augment", o_.augment, augment::parse_policy("flip,rotate=0.2"));
    if (o_.pretrained.empty() && o_.init.empty()) fill("--conv-init", o_.conv_init, "glorot");
    fill("--head-init", o_.model.head_init, ModelConfig::glorot);
    o_.prior_bias = false;
    if (synthetic) return;
    fill("--model", o_.model.name, "vgg16");
    fill("--width", o_.model.width, 1.0);
    fill("--image-size", o_.image_size, 160);
    fill("--resize", o_.resize, Resize::keras);
  }

  static std::vector<double> parse_milestones(const std::string& list) {
    std::vector<double> milestones;
    std::istringstream in(list);
    for (std::string part; std::getline(in, part, ',');) milestones.push_back(parse_number("--lr-milestones", part));
    const bool rising =
        std::adjacent_find(milestones.begin(), milestones.end(), std::greater_equal<double>()) == milestones.end();
    CP_ENSURE_AS(invalid_argument, !milestones.empty() && milestones[0] > 0 && rising,
                 "--lr-milestones: --schedule multistep needs the epochs of its drops, rising, as 160,180");
    return milestones;
  }

  // The flag of a hyper-parameter goes only with optimizers that have it.
  void refuse_unless_taken(const std::string& parameter) const {
    if (takes(o_.optimizer, parameter)) return;
    std::string takers;
    for (const OptimizerInfo& optimizer : optimizers()) {
      if (takes(optimizer.name, parameter)) takers += (takers.empty() ? "" : " or ") + optimizer.name;
    }
    refuse("--" + parameter, "belongs to --optimizer " + takers + ", not to " + o_.optimizer);
  }

  void resolve_techniques() {
    check_autobalance(o_);
    if (o_.sampler != "shuffle" && !o_.shuffle) {
      throw Error(ErrorKind::invalid_argument,
                  "--sampler " + o_.sampler + " draws its order, and does not go with --no-shuffle");
    }
    if (is_tuned(o_)) threshold_rule(o_);  // throws now rather than after training
    CP_ENSURE_AS(invalid_argument, o_.cost.empty() || o_.threshold == "cost", "--cost belongs to --threshold cost");
    if (!is_tuned(o_) && !o_.temperature) {
      refuse("--hold-out", "goes with --temperature or a --threshold that is chosen by a rule");
    }
  }

  Options& o_;
  const std::string command_;
  OptionTable table_;
  LossFlags loss_flags_;
  bool has_config_ = false;  // options of a file stand before those of the command line
};

}  // namespace

Options parse_options(const ProgramDefaults& defaults, const std::vector<std::string>& words) {
  Options options;
  options.defaults = defaults;
  options.command = words[0] == "eval" ? Options::eval : Options::train;
  CommandLine(options, words[0]).parse(Arguments(words));
  return options;
}

void resolve_for_classes(Options& o, size_t classes) {
  const auto given = [&](const char* flag) { return o.given.count(flag) > 0; };
  if (classes > 2 && !given("--loss")) o.loss = &find_loss("cross-entropy");
  const std::string loss = "--loss " + o.loss->name;
  if (classes > 2) {
    std::string others;
    for (const LossInfo& other : losses()) {
      if (other.outputs & LossInfo::logit_per_class) others += (others.empty() ? "" : ", ") + other.name;
    }
    CP_ENSURE_AS(invalid_argument, o.loss->outputs & LossInfo::logit_per_class, loss,
                 " is for two classes, and there are ", classes, "; these take more: ", others);
    CP_ENSURE_AS(invalid_argument, !given("--outputs") || o.model.outputs == static_cast<Index>(classes), "--outputs ",
                 o.model.outputs, ": there are ", classes, " classes");
    // That of every run is in its config.json.
    const bool chosen = given("--threshold") && o.threshold != untuned_threshold;
    for (const auto& [flag, is_given] : {std::pair("--threshold", chosen), std::pair("--cost", given("--cost"))}) {
      CP_ENSURE_AS(invalid_argument, !is_given, flag, ": a threshold is for two classes; among ", classes,
                   " the one with the largest logit is predicted");
    }
    CP_ENSURE_AS(invalid_argument, o.reduction != "positives",
                 "--loss-reduction positives: there is no positive class "
                 "among ",
                 classes);
    o.model.outputs = static_cast<Index>(classes);
  } else {
    if (!given("--outputs")) o.model.outputs = o.loss->form();
    CP_ENSURE_AS(invalid_argument, o.model.outputs <= 2, "--outputs ", o.model.outputs,
                 ": for two classes it is 1 (one logit) or 2 (a logit for each class)");
  }
  o.loss_spec = with_flag(loss, [&] {
    return resolve(*o.loss, o.model.outputs == 1 ? LossInfo::one_logit : LossInfo::logit_per_class,
                   parse_loss_params(*o.loss, o.loss_flags));
  });
  o.model.cosine = o.loss->is(LossInfo::cosine_logits);
  if (!given("--class-weights")) o.class_weights = o.loss->defaults.class_weights;
  CP_ENSURE_AS(invalid_argument, !given("--defer-weights") || o.defer_weights == 0 || o.class_weights != "none",
               "--defer-weights ", o.defer_weights, ": there are no class weights to defer; see --class-weights");
  if (!given("--defer-weights")) o.defer_weights = o.class_weights == "none" ? 0 : o.loss->defaults.defer_weights;
  if (!given("--loss-reduction")) o.reduction = to_string(o.loss->defaults.reduction);
  if (!given("--monitor")) o.monitor = classes > 2 ? "balanced-accuracy" : "average-precision";
  CP_ENSURE_AS(invalid_argument, o.mix.kind == Mix::none || !o.loss->is(LossInfo::stateful), loss,
               " counts whole samples, and does not go with mixed images");
  const bool takes_two = o.loss->outputs & LossInfo::logit_per_class;
  CP_ENSURE_AS(invalid_argument, o.tau_norm == 0 || o.model.outputs > 1,
               "--tau-norm balances the weights of two outputs; ",
               takes_two ? "add --outputs 2" : loss + " has one; choose another, such as --loss cross-entropy");
  CP_ENSURE_AS(invalid_argument, o.tau_norm == 0 || !o.model.cosine, "--tau-norm: the weights of ", loss,
               " have one length already");
  CP_ENSURE_AS(invalid_argument, o.loss->defaults.threshold == 0 || !(o.temperature || o.adjust_logits > 0), loss,
               " learns numbers, not logits: --temperature and --adjust-logits do not apply");
}

nlohmann::ordered_json to_json(const Options& options) {
  Options copy = options;
  nlohmann::ordered_json json = option_rows(copy).to_json();
  for (const LossParam& param : options.loss_spec.info().params) {
    if (!options.loss_spec.applies(param)) continue;
    const double value = options.loss_spec[param.name];
    if (param.is_word(value)) json[param.name] = param.word;
    else json[param.name] = value;
  }
  return json;
}

bool is_synthetic(const std::string& data) {
  return data.empty() || data == "synthetic" || data.rfind("synthetic:", 0) == 0;
}

bool is_tuned(const Options& o) { return !plain_number(o.threshold).empty(); }

ThresholdRule threshold_rule(const Options& o) {
  return with_flag("--threshold", [&] {
    if (o.threshold != "cost") return parse_threshold_rule(o.threshold);
    return parse_threshold_rule("cost " + (o.cost.empty() ? "fn=1,fp=1" : o.cost));
  });
}

OptimizerParams optimizer_params(const Options& o) {
  const OptimizerParams flags = {
      {"lr", o.schedule.lr}, {"momentum", o.momentum}, {"nesterov", o.nesterov}, {"weight-decay", o.weight_decay}};
  OptimizerParams params;
  for (const OptimizerParam& p : find_optimizer(o.optimizer).params) {
    if (flags.count(p.name)) params[p.name] = flags.at(p.name);
  }
  return params;
}

}  // namespace counterpoise
