#include "apps/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/version.h"

namespace counterpoise {

namespace {

// Defaults that depend on the pictures: the drawn ones are learnt small and quickly, real ones at the lectures' size.
struct Defaults {
  int image_size, epochs;
  double width, lr;
};
constexpr Defaults drawn = {48, 6, 0.125, 1e-3};
constexpr Defaults photographs = {160, 10, 1.0, 1e-4};

// The number of edits that make a into b (Levenshtein): for guessing what a mistyped flag was meant to be.
size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string unknown_option(const CLI::App& app, const std::string& given) {
  const std::string name = given.substr(0, given.find('='));
  std::string nearest;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& known : option->get_lnames()) {
      if (nearest.empty() || distance(name, "--" + known) < distance(name, nearest)) nearest = "--" + known;
    }
  }
  std::string message = "unknown option " + name;
  if (!nearest.empty() && distance(name, nearest) <= 3) message += "; did you mean " + nearest + "?";
  return message + " Valid options: ./apps/catdog " + (app.get_name() == "./apps/catdog eval" ? "eval " : "") +
         "--help";
}

double parse_number(const std::string& flag, const std::string& given) {
  if (given == "none") return -1;
  char* end = nullptr;
  const double value = std::strtod(given.c_str(), &end);
  ENSURE_OR(Exit::usage, !given.empty() && !*end, flag, ": \"", given, "\" is no number");
  ENSURE_OR(Exit::usage, value == value && value >= 0, flag, " ", given, " is out of range: it must be zero or more");
  return value;
}

// The names of the losses that take a parameter, for --help.
std::string takers(const std::string& param) {
  std::vector<std::string> names;
  for (const LossInfo& loss : losses()) {
    for (const LossParam& p : loss.params) {
      if (p.name == param) names.push_back(loss.name);
    }
  }
  return join(names);
}

// Numbers as people write them: no "nan", and no "010", which would be read as octal.
std::string plain_number(const std::string& given) {
  const size_t sign = given.rfind('-', 0) == 0 || given.rfind('+', 0) == 0 ? 1 : 0;
  const bool digits = given.find_first_not_of("0123456789.eE+-", sign) == std::string::npos;
  const bool octal =
      given.size() > sign + 1 && given[sign] == '0' && std::isdigit(static_cast<unsigned char>(given[sign + 1]));
  return digits && !octal && given.size() > sign ? "" : "\"" + given + "\" is no number";
}

class CommandLine {
 public:
  CommandLine(Options& options, const std::string& command)
      : o_(options),
        app_(
            "Train a VGG on pictures of two classes of which one may be rare, and count what it gets right.\n"
            "Without --data the pictures are drawn: cats and dogs, one to eleven.\n"
            "`catdog eval --weights FILE` evaluates saved weights; `catdog eval --help` lists its options.",
            command == "eval" ? "./apps/catdog eval" : "./apps/catdog [train]") {
    app_.set_help_flag("-h,--help", "Print this and end");
    app_.set_version_flag("--version", version_text(), "Print what this program was built with and end");
    app_.get_formatter()->column_width(36);
    app_.get_formatter()->label("REQUIRED", "(required)");
    app_.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    data_options();
    model_options();
    if (o_.command == Options::train) training_options();
    machine_options();
  }

  void parse(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::Success& wanted) {  // --help, --version
      app_.exit(wanted, std::cout, std::cerr);
      std::cout.flush();
      std::exit(0);
    } catch (const CLI::ExtrasError& error) {
      const std::vector<std::string> extras = app_.remaining();
      const std::string first = extras.empty() ? error.what() : extras.front();
      if (first.rfind('-', 0) == 0) throw Error(unknown_option(app_, first), Exit::usage);
      throw Error("unexpected argument \"" + first + "\"; see ./apps/catdog --help", Exit::usage);
    } catch (const CLI::ParseError& error) {
      std::string message = error.what();
      std::replace(message.begin(), message.end(), '\n', ' ');
      throw Error(message + "; see ./apps/catdog --help", Exit::usage);
    }
    resolve_all();
  }

 private:
  template <class T>
  CLI::Option* add(const std::string& flags, T& target, const std::string& help, const std::string& group) {
    CLI::Option* option = app_.add_option(flags, target, help)->group(group);
    if (std::is_arithmetic<T>::value) option->check(CLI::Validator(plain_number, "", "NUMBER"));
    return option;
  }

  void data_options() {
    const char* group = "Pictures";
    add("--data", o_.data, "Folder with train/CLASS/*.jpg and validation/CLASS/*.jpg; without it: drawn cats and dogs",
        group)
        ->type_name("DIR");
    add("--positive", o_.positive,
        "The class to find: metrics count it, and the logit is its logit [cat, if there is one]", group)
        ->type_name("CLASS");
    add("--image-size", o_.image_size, "Pictures are stretched to N x N [drawn: 48, --data: 160]", group)
        ->type_name("N")
        ->check(CLI::Range(32, 2048));
    add("--batch-size,-b", o_.batch_size, "Pictures in a step", group)
        ->type_name("N")
        ->check(CLI::Range(1, 65536))
        ->capture_default_str();
    add("--workers,-j", o_.workers, "Threads that read pictures; the results do not depend on it", group)
        ->type_name("N")
        ->check(CLI::Range(0, 256))
        ->capture_default_str();
    if (o_.command == Options::eval) return;
    add("--count", o_.count,
        "Training pictures of each class, the first in an order drawn from --seed, as cat=1000,dog=11000 "
        "[drawn: cat=400,dog=4400, --data: all]",
        group)
        ->type_name("SPEC");
    app_.add_flag_callback(
            "--no-shuffle", [this] { o_.shuffle = false; },
            "The same order in every epoch: the first pictures by name, the classes taking turns")
        ->group(group);
    add("--augment", augment_, "none, or some of flip,rotate=0.2 (in turns, so 0.2 is up to 72 degrees)", group)
        ->type_name("SPEC")
        ->capture_default_str();
  }

  void model_options() {
    const char* group = "Network";
    add("--model", o_.vgg.name, join(vgg_names()), group)->type_name("NAME")->capture_default_str();
    add("--width", o_.vgg.width, "Factor on the channels of all convolutions [drawn: 0.125, --data: 1]", group)
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
    add("--outputs", o_.vgg.outputs, "With --summary: units of the last layer [as the loss wants]", group)
        ->type_name("K")
        ->check(CLI::Range(Index(1), Index(100000)));
  }

  void training_options() {
    const char* group = "Loss";
    add("--loss", loss_, join(loss_names()), group)->type_name("NAME")->capture_default_str();
    for (const LossInfo& loss : losses()) {
      for (const LossParam& p : loss.params) {
        if (loss_params_.count(p.name)) continue;
        add("--" + p.name, loss_params_[p.name], p.help + " (" + takers(p.name) + ") [" + text(p.value) + "]", group)
            ->type_name("X");
      }
    }
    add("--class-weights", o_.class_weights, "none, balanced (N / (2 N_c)), or a weight for each class: cat=6,dog=0.55",
        group)
        ->type_name("SPEC");
    group = "Training";
    add("--epochs", o_.epochs, "Passes over the training pictures [drawn: 6, --data: 10]", group)
        ->type_name("N")
        ->check(CLI::Range(1, 1000000));
    add("--max-steps", o_.max_steps, "End after so many steps", group)
        ->type_name("N")
        ->check(CLI::Range(int64_t(1), int64_t(1) << 40));
    add("--optimizer", o_.optimizer, "sgd, adam or adamw", group)->type_name("NAME")->capture_default_str();
    add("--lr", o_.schedule.lr, "Learning rate [drawn: 0.001, --data: 0.0001]", group)
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

  void machine_options() {
    const char* group = "Machine and files";
    add("--threads", o_.threads, "Threads that compute [one per core]", group)
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
    add("--device", o_.device, "auto, cpu or cuda", group)
        ->type_name("NAME")
        ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
        ->capture_default_str();
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
    ENSURE_OR(Exit::usage, !o_.given.count(flag), flag, " ", reason);
  }

  void resolve_all() {
    for (const CLI::Option* option : app_.get_options()) {
      if (option->count() > 0) o_.given.insert("--" + option->get_lnames().front());
    }
    for (const auto& [flag, value] : {std::pair("--data", o_.data), std::pair("--output", o_.output),
                                      std::pair("--init", o_.init), std::pair("--positive", o_.positive)}) {
      ENSURE_OR(Exit::usage, !o_.given.count(flag) || !value.empty(), flag, ": nothing was given; an unset variable?");
    }
    const Defaults& defaults = o_.data.empty() ? drawn : photographs;
    const auto fill = [this](const char* flag, auto& value, auto otherwise) {
      if (!o_.given.count(flag)) value = otherwise;
    };
    fill("--image-size", o_.image_size, defaults.image_size);
    o_.vgg.image_size = o_.image_size;
    fill("--width", o_.vgg.width, defaults.width);
    o_.vgg.head = head_ == "lectures" ? VggConfig::lectures : VggConfig::imagenet;
    one_of("--model", o_.vgg.name, vgg_names());
    if (o_.command == Options::eval) return;

    fill("--epochs", o_.epochs, defaults.epochs);
    fill("--lr", o_.schedule.lr, defaults.lr);
    o_.augment = parse_augment(augment_);
    o_.loss = &find_loss(loss_);
    LossParams params;
    for (const auto& [name, value] : loss_params_) {
      if (o_.given.count("--" + name)) params[name] = parse_number("--" + name, value);
    }
    o_.loss_params = resolve(*o_.loss, params);
    fill("--class-weights", o_.class_weights, o_.loss->default_weights);
    one_of("--optimizer", o_.optimizer, {"sgd", "adam", "adamw"});
    if (o_.optimizer != "sgd") {
      refuse("--momentum", "belongs to --optimizer sgd, not to " + o_.optimizer);
      refuse("--nesterov", "belongs to --optimizer sgd, not to " + o_.optimizer);
      o_.momentum = 0;
    }
    o_.schedule.kind = parse_schedule(o_.schedule_name);
    if (o_.schedule.kind != Schedule::step) {
      refuse("--lr-step-size", "belongs to --schedule step, not to " + o_.schedule_name);
      refuse("--lr-gamma", "belongs to --schedule step, not to " + o_.schedule_name);
    }
    if (!o_.summary) refuse("--outputs", "goes with --summary; in training the loss decides");
    fill("--outputs", o_.vgg.outputs, Index(o_.loss->outputs == LossInfo::one_logit ? 1 : 2));
  }

  static void one_of(const char* flag, const std::string& value, const std::vector<std::string>& valid) {
    if (std::find(valid.begin(), valid.end(), value) != valid.end()) return;
    throw Error(text(flag, ": \"", value, "\" is unknown; valid are ", join(valid)), Exit::usage);
  }

  Options& o_;
  CLI::App app_;
  std::string head_ = "lectures", loss_ = "bce", augment_ = "flip";
  std::map<std::string, std::string> loss_params_;
};

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  std::string command = argc > 1 ? argv[1] : "";
  if (command == "train" || command == "eval") {
    ++argv, --argc;
  } else {
    ENSURE_OR(Exit::usage, command.empty() || command[0] == '-', "unknown command \"", command,
              "\"; valid are train (also without saying so) and eval");
    command = "train";
  }
  options.command = command == "eval" ? Options::eval : Options::train;
  CommandLine(options, command).parse(argc, argv);
  return options;
}

nlohmann::ordered_json to_json(const Options& o) {
  nlohmann::ordered_json json;
  json["data"] = o.data.empty() ? "drawn" : o.data;
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
  json["class-weights"] = o.class_weights;
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
  return json;
}

}  // namespace counterpoise
