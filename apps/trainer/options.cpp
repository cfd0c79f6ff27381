#include "apps/trainer/options.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/trainer/flags.h"
#include "apps/trainer/version.h"
#include "losses/metrics/curves.h"

namespace counterpoise {

namespace {

// Defaults that depend on the images: the synthetic ones are learned small and quickly, real ones at the lectures'
// size.
struct Defaults {
  int image_size, epochs;
  double width, lr;
};
constexpr Defaults drawn = {48, 6, 0.125, 1e-3};
constexpr Defaults photographs = {160, 10, 1.0, 1e-4};

class CommandLine {
 public:
  CommandLine(Options& options, const std::string& command)
      : o_(options),
        app_(
            "Train a VGG on images of two classes of which one may be rare, and count what it gets right.\n"
            "Without --data the images are drawn: cats and dogs, one to eleven.\n"
            "`catdog eval --weights FILE` evaluates saved weights, `catdog metrics FILE.csv` prints every metric of "
            "scores; "
            "with --help they list their options.",
            command == "eval" ? "./apps/catdog eval" : "./apps/catdog [train]") {
    app_.set_help_flag("-h,--help", "Print this and end");
    app_.set_version_flag("--version", version_text(), "Print what this program was built with and end");
    app_.get_formatter()->column_width(36);
    app_.get_formatter()->label("REQUIRED", "(required)");
    app_.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    data_options();
    model_options();
    if (o_.command == Options::train) training_options();
    else decision_options("Decision");
    machine_options();
  }

  void parse(int argc, char** argv) {
    o_.given = parse_command_line(app_, argc, argv);
    resolve_all();
  }

 private:
  template <class Value, class Otherwise>
  void fill(const char* flag, Value& value, const Otherwise& otherwise) const {
    if (!o_.given.count(flag)) value = otherwise;
  }
  template <class T>
  CLI::Option* add(const std::string& flags, T& target, const std::string& help, const std::string& group) {
    CLI::Option* option = app_.add_option(flags, target, help)->group(group);
    if (std::is_arithmetic<T>::value) option->check(CLI::Validator(plain_number, "", "NUMBER"));
    return option;
  }

  void data_options() {
    const char* group = "Images";
    add("--data", o_.data,
        "Folder with train/CLASS/*.jpg and validation/CLASS/*.jpg; without it: synthetic cats and dogs", group)
        ->type_name("DIR");
    add("--positive", o_.positive,
        "The class to find: metrics count it, and the logit is its logit [cat, if there is one]", group)
        ->type_name("CLASS");
    add("--image-size", o_.image_size, "Images are stretched to N x N [synthetic: 48, --data: 160]", group)
        ->type_name("N")
        ->check(CLI::Range(32, 2048));
    add("--batch-size,-b", o_.batch_size, "Images in a step", group)
        ->type_name("N")
        ->check(CLI::Range(1, 65536))
        ->capture_default_str();
    add("--workers,-j", o_.workers, "Threads that read images; the results do not depend on it", group)
        ->type_name("N")
        ->check(CLI::Range(0, 256))
        ->capture_default_str();
    if (o_.command == Options::eval) return;
    add("--count", o_.count,
        "Training images of each class, the first in an order drawn from --seed, as cat=1000,dog=11000 "
        "[synthetic: cat=400,dog=4400, --data: all]",
        group)
        ->type_name("SPEC");
    app_.add_flag_callback(
            "--no-shuffle", [this] { o_.shuffle = false; },
            "The same order in every epoch: the first images by name, the classes taking turns")
        ->group(group);
    add("--augment", augment_, "none, or some of flip,rotate=0.2 (in turns, so 0.2 is up to 72 degrees)", group)
        ->type_name("SPEC")
        ->capture_default_str();
  }

  void model_options() {
    const char* group = "Network";
    add("--model", o_.vgg.name, join(vgg_names()), group)->type_name("NAME")->capture_default_str();
    add("--width", o_.vgg.width, "Factor on the channels of all convolutions [synthetic: 0.125, --data: 1]", group)
        ->type_name("X")
        ->check(CLI::Range(0.015625, 8.0));
    add("--head", head_, "lectures: flatten and one dense layer; imagenet: dense 4096, 4096 and output", group)
        ->type_name("NAME")
        ->check(CLI::IsMember({"lectures", "imagenet"}))
        ->capture_default_str();
    if (o_.command == Options::eval) {
      add("--weights", o_.weights, "The weights to evaluate; what the file says of its network need not be repeated",
          group)
          ->type_name("FILE")
          ->required();
      return;
    }
    add("--init", o_.init, "Start from these weights: safetensors with torchvision's names and layouts", group)
        ->type_name("FILE");
    app_.add_flag("--summary", o_.summary, "Print the network's layers, shapes and parameters, and end")->group(group);
    add("--outputs", o_.vgg.outputs,
        "Units of the last layer: 1, one logit, or 2, one for each class [1 where the loss can]", group)
        ->type_name("K")
        ->check(CLI::Range(Index(1), Index(100000)));
  }

  void training_options() {
    const char* group = "Loss";
    add("--loss", loss_, join(loss_names()), group)->type_name("NAME")->capture_default_str();
    add("--loss-reduction", o_.reduction,
        "What a batch's sum of weighted losses is divided by: mean (its number of samples), weighted-mean (the sum of "
        "their weights), positives (the number of positive ones), sum (nothing) [mean; cross-entropy: weighted-mean]",
        group)
        ->type_name("NAME");
    add("--class-weights", o_.class_weights,
        "none, balanced (N / (K N_c)), inverse, sqrt, effective=BETA, median, or a weight for each class: "
        "cat=6,dog=0.55 "
        "[none; weighted-bce: balanced, ldam: effective=0.9999]",
        group)
        ->type_name("SPEC");
    add("--defer-weights", o_.defer_weights,
        "Class weights only from this part of training on: deferred re-weighting [0; ldam: 0.8]", group)
        ->type_name("X")
        ->check(CLI::Range(0.0, 1.0));
    loss_flags_.add_to(app_, "Parameters of losses");
    group = "Against imbalance";
    add("--sampler", o_.sampler, "What an epoch is made of: " + join(sampler_names()), group)
        ->type_name("NAME")
        ->capture_default_str();
    add("--mix", mix_, "Mix images of a batch: none, mixup=ALPHA, cutmix=ALPHA or remix=ALPHA,kappa=3,tau=0.5", group)
        ->type_name("SPEC")
        ->capture_default_str();
    add("--mixup", mixup_, "Short for --mix mixup=ALPHA", group)->type_name("ALPHA");
    add("--cutmix", cutmix_, "Short for --mix cutmix=ALPHA", group)->type_name("ALPHA");
    add("--remix", remix_, "Short for --mix remix=ALPHA", group)->type_name("ALPHA");
    group = "After training";
    add("--crt", o_.crt_epochs,
        "Classifier re-training: so many epochs for a new last layer on frozen features, with class-balanced sampling",
        group)
        ->type_name("N")
        ->check(CLI::Range(0, 10000));
    add("--tau-norm", o_.tau_norm, "Divide the weights of each class by their length to this power; needs --outputs 2",
        group)
        ->type_name("X")
        ->check(CLI::Range(0.0, 10.0));
    app_.add_flag("--temperature", o_.temperature, "Divide the logits by what makes them fit held-out training images")
        ->group(group);
    decision_options(group);
    add("--hold-out", o_.hold_out,
        "Part of the training images that is kept aside for --temperature and a tuned --threshold [0.1 with these]",
        group)
        ->type_name("X")
        ->check(CLI::Range(0.01, 0.5));
    group = "Training";
    add("--epochs", o_.epochs, "Passes over the training images [synthetic: 6, --data: 10]", group)
        ->type_name("N")
        ->check(CLI::Range(1, 1000000));
    add("--max-steps", o_.max_steps, "End after so many steps", group)
        ->type_name("N")
        ->check(CLI::Range(int64_t(1), int64_t(1) << 40));
    add("--optimizer", o_.optimizer, "sgd, adam or adamw", group)->type_name("NAME")->capture_default_str();
    add("--lr", o_.schedule.lr, "Learning rate [synthetic: 0.001, --data: 0.0001]", group)
        ->type_name("X")
        ->check(CLI::Range(0.0, 1e6));
    add("--momentum", o_.momentum, "Momentum of sgd", group)
        ->type_name("X")
        ->check(CLI::Range(0.0, 0.9999999))
        ->capture_default_str();
    app_.add_flag("--nesterov", o_.nesterov, "Nesterov's momentum (sgd)")->group(group);
    add("--weight-decay", o_.weight_decay, "Decay of weights (adamw: decoupled, the others: added to the gradient)",
        group)
        ->type_name("X")
        ->check(CLI::Range(0.0, 1e6))
        ->capture_default_str();
    add("--schedule", o_.schedule_name, "constant, step or cosine", group)->type_name("NAME")->capture_default_str();
    add("--warmup-epochs", o_.schedule.warmup, "Epochs in which the rate rises from 0", group)
        ->type_name("X")
        ->check(CLI::Range(0.0, 1e6))
        ->capture_default_str();
    add("--lr-step-size", o_.schedule.step_every, "Epochs between the drops of --schedule step", group)
        ->type_name("X")
        ->check(CLI::Range(1e-6, 1e6))
        ->capture_default_str();
    add("--lr-gamma", o_.schedule.step_gamma, "Factor of each drop", group)
        ->type_name("X")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    add("--seed", o_.seed, "Everything random is drawn from it", group)
        ->type_name("N")
        ->check(CLI::Range(int64_t(0), int64_t(1) << 62))
        ->capture_default_str();
  }

  void decision_options(const char* group) {
    add("--threshold", o_.threshold,
        std::string("Probability from which a image is predicted positive") +
            (o_.command == Options::train ? ", or the metric to tune it for: " + join(tunable_metrics()) : "") +
            " [0.5]",
        group)
        ->type_name("P");
    add("--adjust-logits", o_.adjust_logits,
        "Subtract X log(n_positive / n_negative) of the training images from the logit; 1: post-hoc logit adjustment",
        group)
        ->type_name("X")
        ->check(CLI::Range(0.0, 100.0));
  }

  void machine_options() {
    const char* group = "TestBackend and files";
    add("--threads", o_.threads, "Threads that compute [one per core]", group)
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
    add("--device", o_.device, "auto, cpu or cuda", group)
        ->type_name("NAME")
        ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
        ->capture_default_str();
    add("--precision", o_.precision,
        "How a GPU computes: fp32; tf32 (factors of products rounded to 10 bits); bf16 (activations and products in 8 "
        "bits; weights, sums and losses stay in fp32)",
        group)
        ->type_name("NAME")
        ->check(CLI::IsMember({"fp32", "tf32", "bf16"}))
        ->capture_default_str();
    app_.add_flag("--deterministic", o_.deterministic,
                  "On a GPU: the same bits in every run, for some of its speed; a processor always gives them")
        ->group(group);
    add("--output", o_.output,
        o_.command == Options::train
            ? "Folder for steps.csv, timing.csv, epochs.csv, result.json, predictions.csv, last.safetensors and "
              "best.safetensors (of the epoch with the best F1)"
            : "Folder for result.json and predictions.csv",
        group)
        ->type_name("DIR");
  }

  // An error if a flag was given where something else makes it meaningless.
  void refuse(const std::string& flag, const std::string& reason) const {
    CP_ENSURE_AS(invalid_argument, !o_.given.count(flag), flag, " ", reason);
  }

  void resolve_all() {
    for (const auto& [flag, value] : {std::pair("--data", o_.data), std::pair("--output", o_.output),
                                      std::pair("--init", o_.init), std::pair("--positive", o_.positive)}) {
      CP_ENSURE_AS(invalid_argument, !o_.given.count(flag) || !value.empty(), flag,
                   ": nothing was given; an unset variable?");
    }
    const Defaults& defaults = o_.data.empty() ? drawn : photographs;
    fill("--image-size", o_.image_size, defaults.image_size);
    o_.vgg.image_size = o_.image_size;
    fill("--width", o_.vgg.width, defaults.width);
    o_.vgg.head = head_ == "lectures" ? VggConfig::lectures : VggConfig::imagenet;
    one_of("--model", o_.vgg.name, vgg_names());
    if (o_.command == Options::eval) return;

    fill("--epochs", o_.epochs, defaults.epochs);
    fill("--lr", o_.schedule.lr, defaults.lr);
    o_.augment = with_flag("--augment", [&] { return parse_augment(augment_); });
    o_.loss = &find_loss(loss_);
    if (!o_.given.count("--outputs")) o_.vgg.outputs = o_.loss->form();
    CP_ENSURE_AS(invalid_argument, o_.summary || o_.vgg.outputs <= 2, "--outputs ", o_.vgg.outputs,
                 " goes with --summary; in training it is 1 (one logit) or 2 (a logit for each class)");
    if (o_.vgg.outputs <= 2) {
      o_.loss_params = with_flag("--loss " + loss_, [&] {
        return resolve(*o_.loss, o_.vgg.outputs == 1 ? LossInfo::one_logit : LossInfo::logit_per_class,
                       loss_flags_.given(*o_.loss, o_.given));
      });
    }
    o_.vgg.cosine = o_.loss->is(LossInfo::cosine_logits);
    fill("--class-weights", o_.class_weights, o_.loss->defaults.class_weights);
    fill("--defer-weights", o_.defer_weights, o_.class_weights == "none" ? 0 : o_.loss->defaults.defer_weights);
    fill("--loss-reduction", o_.reduction, to_string(o_.loss->defaults.reduction));
    resolve_techniques();
    one_of("--optimizer", o_.optimizer, {"sgd", "adam", "adamw"});
    if (o_.optimizer != "sgd") {
      refuse("--momentum", "belongs to --optimizer sgd, not to " + o_.optimizer);
      refuse("--nesterov", "belongs to --optimizer sgd, not to " + o_.optimizer);
      o_.momentum = 0;
    }
    o_.schedule.kind = with_flag("--schedule", [&] { return parse_schedule(o_.schedule_name); });
    if (o_.schedule.kind != Schedule::step) {
      refuse("--lr-step-size", "belongs to --schedule step, not to " + o_.schedule_name);
      refuse("--lr-gamma", "belongs to --schedule step, not to " + o_.schedule_name);
    }
  }

  void resolve_techniques() {
    one_of("--sampler", o_.sampler, sampler_names());
    if (o_.sampler != "shuffle" && !o_.shuffle) {
      throw Error(ErrorKind::invalid_argument,
                  "--sampler " + o_.sampler + " draws its order, and does not go with --no-shuffle");
    }
    int mixes = o_.given.count("--mix") > 0;
    for (const auto& [kind, alpha] :
         {std::pair("mixup", mixup_), std::pair("cutmix", cutmix_), std::pair("remix", remix_)}) {
      if (!o_.given.count(std::string("--") + kind)) continue;
      mix_ = std::string(kind) + "=" + alpha;
      ++mixes;
    }
    CP_ENSURE_AS(invalid_argument, mixes <= 1,
                 "images can be mixed in one way only: give one of --mix, --mixup, --cutmix, --remix");
    o_.mix = with_flag("--mix", [&] { return parse_mix(mix_); });
    CP_ENSURE_AS(invalid_argument, o_.mix.kind == Mix::none || !o_.loss->is(LossInfo::stateful), "--loss ",
                 o_.loss->name, " counts whole samples, and does not go with mixed images");
    CP_ENSURE_AS(
        invalid_argument, !o_.given.count("--tau-norm") || o_.vgg.outputs == 2,
        "--tau-norm balances the weights of two outputs; add --outputs 2, or a loss with a logit for each class");
    CP_ENSURE_AS(invalid_argument, !o_.given.count("--tau-norm") || !o_.vgg.cosine,
                 "--tau-norm: the weights of --loss ", o_.loss->name, " have one length already");
    const bool tuned = std::isalpha(static_cast<unsigned char>(o_.threshold[0])) != 0;
    if (tuned) one_of("--threshold", o_.threshold, tunable_metrics());
    if (tuned || o_.temperature) fill("--hold-out", o_.hold_out, 0.1);
    else refuse("--hold-out", "goes with --temperature or a --threshold that is tuned");
    CP_ENSURE_AS(invalid_argument,
                 o_.loss->defaults.threshold == 0 || !(o_.temperature || o_.given.count("--adjust-logits")), "--loss ",
                 o_.loss->name, " learns numbers, not logits: --temperature and --adjust-logits do not apply");
  }

  static void one_of(const char* flag, const std::string& value, const std::vector<std::string>& valid) {
    if (std::find(valid.begin(), valid.end(), value) != valid.end()) return;
    throw Error(ErrorKind::invalid_argument, flag, ": \"", value, "\" is unknown; valid are ", join(valid));
  }

  Options& o_;
  CLI::App app_;
  std::string head_ = "lectures", loss_ = "bce", augment_ = "flip";
  std::string mix_ = "none", mixup_, cutmix_, remix_;
  LossFlags loss_flags_;
};

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  std::string command = argc > 1 ? argv[1] : "";
  if (command == "train" || command == "eval") {
    ++argv, --argc;
  } else {
    CP_ENSURE_AS(invalid_argument, command.empty() || command[0] == '-', "unknown command \"", command,
                 "\"; valid are train (also without saying so), eval and metrics");
    command = "train";
  }
  options.command = command == "eval" ? Options::eval : Options::train;
  CommandLine(options, command).parse(argc, argv);
  return options;
}

nlohmann::ordered_json to_json(const Options& o) {
  nlohmann::ordered_json json;
  json["data"] = o.data.empty() ? "synthetic" : o.data;
  json["count"] = o.count;
  json["positive"] = o.positive;
  json["image-size"] = o.image_size;
  json["batch-size"] = o.batch_size;
  json["workers"] = o.workers;
  json["shuffle"] = o.shuffle;
  json["augment"] = to_string(o.augment);
  json["model"] = o.vgg.name;
  json["width"] = o.vgg.width;
  json["head"] = o.vgg.head == VggConfig::lectures ? "lectures" : "imagenet";
  json["init"] = o.init;
  json["loss"] = o.loss->name;
  for (const auto& [name, value] : o.loss_params) {
    if (value == -1) json[name] = "none";
    else json[name] = value;
  }
  json["loss-reduction"] = o.reduction;
  json["class-weights"] = o.class_weights;
  json["defer-weights"] = o.defer_weights;
  json["outputs"] = o.vgg.outputs;
  json["sampler"] = o.sampler;
  json["mix"] = to_string(o.mix);
  json["crt"] = o.crt_epochs;
  json["tau-norm"] = o.tau_norm;
  json["temperature"] = o.temperature;
  json["threshold"] = o.threshold;
  json["adjust-logits"] = o.adjust_logits;
  json["hold-out"] = o.hold_out;
  json["optimizer"] = o.optimizer;
  json["lr"] = o.schedule.lr;
  json["momentum"] = o.momentum;
  json["nesterov"] = o.nesterov;
  json["weight-decay"] = o.weight_decay;
  json["schedule"] = o.schedule_name;
  json["warmup-epochs"] = o.schedule.warmup;
  if (o.schedule.kind == Schedule::step) {
    json["lr-step-size"] = o.schedule.step_every;
    json["lr-gamma"] = o.schedule.step_gamma;
  }
  json["epochs"] = o.epochs;
  json["max-steps"] = o.max_steps;
  json["seed"] = o.seed;
  json["threads"] = o.threads;
  json["device"] = o.device;
  json["precision"] = o.precision;
  json["deterministic"] = o.deterministic;
  return json;
}

OptimizerParams optimizer_params(const Options& o) {
  const OptimizerParams flags = {{"lr", o.schedule.lr},
                                 {"momentum", o.momentum},
                                 {"nesterov", o.nesterov},
                                 {"weight-decay", o.weight_decay}};
  OptimizerParams params;
  for (const OptimizerParam& p : find_optimizer(o.optimizer).params) {
    if (flags.count(p.name)) params[p.name] = flags.at(p.name);
  }
  return params;
}

}  // namespace counterpoise
