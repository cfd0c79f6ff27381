#include "apps/trainer/options.h"

#include <algorithm>

#include "apps/trainer/decision.h"
#include "apps/trainer/flags.h"
#include "apps/trainer/loss_flags.h"
#include "apps/trainer/option_table.h"
#include "apps/trainer/version.h"
#include "losses/metrics/curves.h"

namespace counterpoise {

// -- values that are neither numbers nor strings, as a command line and JSON write them --

static void read_option(const std::string& text, Augment& augment) { augment = parse_augment(text); }
static std::string option_text(const Augment& augment) { return to_string(augment); }

static void read_option(const std::string& text, Mix& mix) { mix = parse_mix(text); }
static std::string option_text(const Mix& mix) { return to_string(mix); }

static void read_option(const std::string& text, const LossInfo*& loss) { loss = &find_loss(text); }
static std::string option_text(const LossInfo* const& loss) { return loss->name; }

static void read_option(const std::string& text, ModelConfig::Head& head) {
  head = text == "lectures" ? ModelConfig::lectures : ModelConfig::imagenet;
}
static std::string option_text(const ModelConfig::Head& head) {
  return head == ModelConfig::lectures ? "lectures" : "imagenet";
}

static void read_option(const std::string& text, ModelConfig::HeadInit& init) {
  init = text == "normal" ? ModelConfig::normal : ModelConfig::glorot;
}
static std::string option_text(const ModelConfig::HeadInit& init) {
  return init == ModelConfig::normal ? "normal" : "glorot";
}

namespace {

const std::vector<std::string> valid_schedules = {"constant", "step", "cosine"};

// What the losses have as their default: the usual one, then those that differ, "none; weighted-bce: balanced".
template <class Default>
std::string by_loss(const Default& default_of) {
  const auto usual = default_of(losses().front());
  std::string all = text(usual);
  for (const LossInfo& loss : losses()) {
    if (default_of(loss) != usual)
      all += text(all.find(':') == std::string::npos ? "; " : ", ", loss.name, ": ", default_of(loss));
  }
  return all;
}

// Every option of catdog but the parameters of losses, which come from the losses' registry. Adding an option: one
// field in struct Options, with its default, and one row here.
// clang-format off
OptionTable option_table(Options& o) {
  OptionTable t;
  const char* saved = "as in the file";
  t.group("Images");
  t.row(o.data, "--data", "DIR").empty_is("synthetic")
      .help("Folder with train/CLASS/*.jpg and validation/CLASS/*.jpg, or synthetic: generated cats and dogs");
  t.row(o.positive, "--positive", "CLASS").otherwise("cat; without one, the last class").otherwise_for("eval", saved)
      .help("The class to find: precision, recall and F1 are those of this class");
  t.row(o.image_size, "--image-size", "N").range(32, 2048).by_data(48, 160).otherwise_for("eval", saved)
      .help("Images are resized to N x N pixels");
  t.row(o.batch_size, "--batch-size,-b", "N").range(1, 65536)
      .help("Images per step");
  t.row(o.workers, "--workers,-j", "N").range(0, 256)
      .help("Threads that load images; results do not depend on their number");
  t.row(o.count, "--count", "SPEC").only("train").otherwise("synthetic: cat=400,dog=4400, --data: all")
      .help("Training images per class, as in cat=1000,dog=11000; --seed chooses which ones");
  t.row(o.shuffle, "--no-shuffle").only("train")
      .help("The same order in every epoch, and the first --count images: by name, the classes in turn");
  t.row(o.augment, "--augment", "SPEC").only("train")
      .help("Random changes of training images: " + augment_help());

  t.group("Network");
  t.row(o.model.name, "--model", "NAME").one_of(model_names()).otherwise_for("eval", saved)
      .help("The network:");
  t.row(o.model.width, "--width", "X").range(0.015625, 8.0).by_data(0.125, 1.0).otherwise_for("eval", saved)
      .help("Factor on the channels of every convolution");
  t.row(o.model.head, "--head", "NAME").one_of({"lectures", "imagenet"}).otherwise_for("eval", saved)
      .help("After the convolutions: lectures (one dense layer), imagenet (dense layers of 4096, 4096 and K units)");
  t.row(o.model.head_init, "--head-init", "NAME").only("train").one_of({"normal", "glorot"})
      .help("Initial weights of the head: normal (standard deviation 0.01, as torchvision), glorot (as Keras)");
  t.row(o.weights, "--weights", "FILE").only("eval").required().in_json(false)
      .help("The weights to evaluate. The file also says what they are for: network, image size, classes, decision");
  t.row(o.init, "--init", "FILE").only("train").otherwise("random")
      .help("Initial weights: safetensors with torchvision's names and layouts");
  t.row(o.summary, "--summary").only("train").in_json(false)
      .help("Print the network's layers, shapes and parameters, and exit");
  t.row(o.model.outputs, "--outputs", "K").only("train").range(1, 100000).otherwise("1 where the loss allows it")
      .help("Units of the last layer: 1 (one logit) or 2 (a logit per class)");

  t.group("Loss", "train");
  t.row(o.loss, "--loss", "NAME").one_of(loss_names())
      .help("The loss, with parameters of its own below:");
  t.row(o.reduction, "--loss-reduction", "NAME")
      .otherwise(by_loss([](const LossInfo& loss) { return to_string(loss.defaults.reduction); }))
      .help("What the sum of a batch's weighted losses is divided by: mean (the number of samples), weighted-mean (the "
            "sum of their class weights), positives (the number of positive samples), sum (nothing)");
  t.row(o.class_weights, "--class-weights", "SPEC")
      .otherwise(by_loss([](const LossInfo& loss) { return loss.defaults.class_weights; }))
      .help("none, balanced (N / (K N_c)), inverse, sqrt, effective=BETA, median, or one per class: cat=6,dog=0.55");
  t.row(o.defer_weights, "--defer-weights", "X").range(0, 1)
      .otherwise(by_loss([](const LossInfo& loss) { return loss.defaults.defer_weights; }))
      .help("Deferred re-weighting: class weights only after this fraction of training");

  t.group("Against imbalance", "train");
  t.row(o.sampler, "--sampler", "NAME").one_of(sampler_names())
      .help("How the images of an epoch are drawn:");
  t.row(o.mix, "--mix", "SPEC")
      .help("Mix the images of a batch: none, mixup=ALPHA, cutmix=ALPHA or remix=ALPHA,kappa=3,tau=0.5");
  t.row(o.mix, "--mixup", "ALPHA").short_for("mixup=").help("Short for --mix mixup=ALPHA");
  t.row(o.mix, "--cutmix", "ALPHA").short_for("cutmix=").help("Short for --mix cutmix=ALPHA");
  t.row(o.mix, "--remix", "ALPHA").short_for("remix=").help("Short for --mix remix=ALPHA");

  t.group("After training", "train");
  t.row(o.crt_epochs, "--crt", "N").range(0, 10000)
      .help("Classifier re-training: N epochs of class-balanced sampling for a new last layer on frozen features");
  t.row(o.tau_norm, "--tau-norm", "X").range(0, 10)
      .help("Divide the weights of each class by their norm to the power X; needs --outputs 2");

  t.group("Decision");
  t.row(o.temperature, "--temperature").only("train")
      .help("Temperature scaling: divide the logits by the number that calibrates held-out training images best");
  t.row(o.adjust_logits, "--adjust-logits", "X").range(0, 100).otherwise_for("eval", saved)
      .help("Post-hoc logit adjustment: subtract X log(n_positive / n_negative) of the training images from the logit");
  t.row(o.threshold, "--threshold", "P").only("train").number_or(tunable_metrics())
      .help("Probability from which an image is predicted positive, or the metric to tune it for:");
  t.row(o.threshold, "--threshold", "P").only("eval").otherwise(saved)
      .help("Probability from which an image is predicted positive");
  t.row(o.hold_out, "--hold-out", "X").only("train").range(0.01, 0.5).otherwise("0.1 with these")
      .help("Fraction of the training images that is held out for --temperature and for tuning --threshold");

  t.group("Training", "train");
  t.row(o.epochs, "--epochs", "N").range(1, 1000000).by_data(6, 10)
      .help("Passes over the training images");
  t.row(o.max_steps, "--max-steps", "N").range(1, int64_t(1) << 40).otherwise("no limit")
      .help("Stop after N steps");
  t.row(o.optimizer, "--optimizer", "NAME").one_of(optimizer_names())
      .help("The optimizer:");
  t.row(o.schedule.lr, "--lr", "X").range(0, 1e6).by_data(1e-3, 1e-4)
      .help("Learning rate");
  t.row(o.momentum, "--momentum", "X").range(0, 0.9999999)
      .help("Momentum of sgd");
  t.row(o.nesterov, "--nesterov")
      .help("Nesterov momentum, for sgd");
  t.row(o.weight_decay, "--weight-decay", "X").range(0, 1e6)
      .help("Weight decay (adamw: decoupled; the others: added to the gradient)");
  t.row(o.schedule_name, "--schedule", "NAME").one_of(valid_schedules)
      .help("Learning rate over time:");
  t.row(o.schedule.warmup, "--warmup-epochs", "X").range(0, 1e6)
      .help("Epochs in which the learning rate rises linearly from 0");
  t.row(o.schedule.step_every, "--lr-step-size", "X").range(1e-6, 1e6).in_json(o.schedule.kind == Schedule::step)
      .help("Epochs between the drops of --schedule step");
  t.row(o.schedule.step_gamma, "--lr-gamma", "X").range(0, 1).in_json(o.schedule.kind == Schedule::step)
      .help("Factor on the learning rate at each of these drops");
  t.row(o.clip_norm, "--clip-norm", "X").range(0, 1e30).otherwise("none").in_json(o.clip_norm > 0)
      .help("Clip the gradients of a step to this norm of all of them together");
  t.row(o.ema, "--ema", "X").range(0, 0.9999999).otherwise("none").in_json(o.ema > 0)
      .help("Evaluate and save the exponential moving average of the weights with this decay, as 0.999");
  t.row(o.patience, "--patience", "N").range(0, 1000000).otherwise("none").in_json(o.patience > 0)
      .help("Early stopping: end after N epochs without a better F1 on validation");
  t.row(o.seed, "--seed", "N").range(0, int64_t(1) << 62)
      .help("Seed of everything random");

  t.group("Device and files");
  t.row(o.threads, "--threads", "N").range(1, 1024).otherwise("one per core")
      .help("Threads that compute");
  t.row(o.device, "--device", "NAME").one_of({"auto", "cpu", "cuda"})
      .help("auto (a GPU where there is one), cpu or cuda");
  t.row(o.precision, "--precision", "NAME").one_of({"fp32", "tf32", "bf16"})
      .help("On a GPU: fp32, tf32 (factors of products rounded to 10 bits) or bf16 (activations and products in "
            "bfloat16; weights, sums and losses in fp32)");
  t.row(o.deterministic, "--deterministic")
      .help("On a GPU: the same bits in every run, at some cost in speed; on the CPU that is always so");
  t.row(o.output, "--output", "DIR").only("train").in_json(false).otherwise("none")
      .help("Folder for steps.csv, timing.csv, epochs.csv, result.json, predictions.csv, last.safetensors and "
            "best.safetensors (of the epoch with the best F1)");
  t.row(o.output, "--output", "DIR").only("eval").in_json(false).otherwise("none")
      .help("Folder for result.json and predictions.csv");
  return t;
}
// clang-format on

constexpr const char* training_text =
    "Train a VGG to tell images of two classes apart, one of which may be rare, and report the confusion matrix, "
    "accuracy, precision, recall and F1. Without --data it trains on synthetic images of 400 cats and 4400 dogs.\n\n"
    "Other commands, with options of their own:\n"
    "  ./apps/catdog eval --weights FILE     evaluate saved weights\n"
    "  ./apps/catdog export --weights FILE   write them as an ONNX file, for other programs\n"
    "  ./apps/catdog metrics FILE.csv        print every metric of a classifier's scores";
constexpr const char* evaluation_text =
    "Evaluate saved weights on validation images: confusion matrix, accuracy, precision, recall and F1.";
constexpr const char* exit_codes =
    "Exit codes: 0 success, 1 failure, 2 wrong command line, 3 unusable data or weights, 4 device missing or out of "
    "memory, 5 training diverged, 128 + N after signal N.";

class CommandLine {
 public:
  explicit CommandLine(Options& options)
      : o_(options), command_(o_.command == Options::train ? "train" : "eval"), table_(option_table(options)) {}

  void parse(int argc, char** argv) {
    const bool train = o_.command == Options::train;
    CLI::App app(train ? training_text : evaluation_text, train ? "./apps/catdog [train]" : "./apps/catdog eval");
    app.set_help_flag("-h,--help", "Print this help and exit");
    app.set_version_flag("--version", version_text(), "Print version and build, and exit");
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    table_.add_to(app, command_);
    if (train) loss_flags_.add_to(app, "Parameters of losses, described by ./apps/losses list");
    app.footer(exit_codes);
    o_.given = parse_command_line(app, argc, argv);
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

  // Defaults that depend on other options, and what does not go together.
  void resolve_all() {
    table_.fill(command_, o_.data.empty(), o_.given);
    o_.model.image_size = o_.image_size;
    if (!is_tuned(o_)) cut_of(o_.threshold, Decision());  // throws now rather than after training
    if (o_.command == Options::eval) return;

    if (!given("--outputs")) o_.model.outputs = o_.loss->form();
    CP_ENSURE_AS(invalid_argument, o_.summary || o_.model.outputs <= 2, "--outputs ", o_.model.outputs,
                 " goes with --summary; in training it is 1 (one logit) or 2 (a logit for each class)");
    if (o_.model.outputs <= 2) {
      o_.loss_spec = with_flag("--loss " + o_.loss->name, [&] {
        return resolve(*o_.loss, o_.model.outputs == 1 ? LossInfo::one_logit : LossInfo::logit_per_class,
                       loss_flags_.given(*o_.loss, o_.given));
      });
    }
    o_.model.cosine = o_.loss->is(LossInfo::cosine_logits);
    fill("--class-weights", o_.class_weights, o_.loss->defaults.class_weights);
    fill("--defer-weights", o_.defer_weights, o_.class_weights == "none" ? 0 : o_.loss->defaults.defer_weights);
    fill("--loss-reduction", o_.reduction, to_string(o_.loss->defaults.reduction));
    resolve_techniques();
    for (const char* parameter : {"momentum", "nesterov", "weight-decay"}) refuse_unless_taken(parameter);
    if (!takes(find_optimizer(o_.optimizer), "momentum")) o_.momentum = 0;
    o_.schedule.kind = parse_schedule(o_.schedule_name);
    if (o_.schedule.kind != Schedule::step) {
      refuse("--lr-step-size", "belongs to --schedule step, not to " + o_.schedule_name);
      refuse("--lr-gamma", "belongs to --schedule step, not to " + o_.schedule_name);
    }
  }

  static bool takes(const OptimizerInfo& optimizer, const std::string& parameter) {
    return std::any_of(optimizer.params.begin(), optimizer.params.end(),
                       [&](const OptimizerParam& p) { return p.name == parameter; });
  }
  // The flag of a hyper-parameter goes only with optimizers that have it.
  void refuse_unless_taken(const std::string& parameter) const {
    if (takes(find_optimizer(o_.optimizer), parameter)) return;
    std::string takers;
    for (const OptimizerInfo& optimizer : optimizers()) {
      if (takes(optimizer, parameter)) takers += (takers.empty() ? "" : " or ") + optimizer.name;
    }
    refuse("--" + parameter, "belongs to --optimizer " + takers + ", not to " + o_.optimizer);
  }

  void resolve_techniques() {
    if (o_.sampler != "shuffle" && !o_.shuffle) {
      throw Error(ErrorKind::invalid_argument,
                  "--sampler " + o_.sampler + " draws its order, and does not go with --no-shuffle");
    }
    CP_ENSURE_AS(invalid_argument, given("--mix") + given("--mixup") + given("--cutmix") + given("--remix") <= 1,
                 "images can be mixed in one way only: give one of --mix, --mixup, --cutmix, --remix");
    CP_ENSURE_AS(invalid_argument, o_.mix.kind == Mix::none || !o_.loss->is(LossInfo::stateful), "--loss ",
                 o_.loss->name, " counts whole samples, and does not go with mixed images");
    CP_ENSURE_AS(
        invalid_argument, !given("--tau-norm") || o_.model.outputs == 2,
        "--tau-norm balances the weights of two outputs; add --outputs 2, or a loss with a logit for each class");
    CP_ENSURE_AS(invalid_argument, !given("--tau-norm") || !o_.model.cosine, "--tau-norm: the weights of --loss ",
                 o_.loss->name, " have one length already");
    if (is_tuned(o_) || o_.temperature) fill("--hold-out", o_.hold_out, 0.1);
    else refuse("--hold-out", "goes with --temperature or a --threshold that is tuned");
    CP_ENSURE_AS(invalid_argument, o_.loss->defaults.threshold == 0 || !(o_.temperature || given("--adjust-logits")),
                 "--loss ", o_.loss->name,
                 " learns numbers, not logits: --temperature and --adjust-logits do not apply");
  }

  Options& o_;
  const std::string command_;
  OptionTable table_;
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
                 "\"; valid are train (the default), eval, export and metrics");
    command = "train";
  }
  options.command = command == "eval" ? Options::eval : Options::train;
  CommandLine(options).parse(argc, argv);
  return options;
}

nlohmann::ordered_json to_json(const Options& options) {
  Options copy = options;
  nlohmann::ordered_json json = option_table(copy).to_json();
  for (const auto& [name, value] : options.loss_spec.params()) {
    if (value == -1) json[name] = "none";
    else json[name] = value;
  }
  return json;
}

bool is_tuned(const Options& o) {
  const std::vector<std::string>& metrics = tunable_metrics();
  return std::find(metrics.begin(), metrics.end(), o.threshold) != metrics.end();
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
