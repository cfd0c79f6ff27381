#include "apps/trainer/option_rows.h"

#include <algorithm>

#include "apps/trainer/evaluate.h"
#include "apps/trainer/flags.h"
#include "losses/metrics/curves.h"

namespace counterpoise {

// -- values that are neither numbers nor strings, as a command line and JSON write them --

static void read_option(const std::string& text, Resize& resize) { resize = parse_resize(text); }
static std::string option_text(const Resize& resize) { return to_string(resize); }

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

static void read_option(const std::string& text, Normalization& normalization) {
  normalization = parse_normalization(text);
}
static std::string option_text(const Normalization& normalization) { return to_string(normalization); }

namespace {

// What apply_keras() in options.cpp sets.
constexpr const char* keras_defaults =
    "--batch-size 256 --augment flip,rotate=0.2 --conv-init glorot --head-init glorot --no-prior-bias";

const std::vector<std::string> valid_schedules = {"constant", "step", "multistep", "cosine", "plateau"};

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

}  // namespace

bool takes(const std::string& optimizer, const std::string& parameter) {
  const auto& params = find_optimizer(optimizer).params;
  return std::any_of(params.begin(), params.end(), [&](const OptimizerParam& p) { return p.name == parameter; });
}

// clang-format off
OptionTable option_rows(Options& o) {
  OptionTable t;
  const bool lectures = o.defaults.lectures;
  const char* saved = "as in the file";
  t.group("Images");
  t.row(o.data, "--data", "PATH").empty_is("synthetic").otherwise(lectures ? "synthetic" : "required").core()
      .brief("Folder with train/ and validation/ (or one that is split for you), FILE.csv, or synthetic[:KINDS]")
      .help("Where the images are. DIR with train/CLASS/*.jpg, validation/CLASS/*.jpg and, if there is one, "
            "test/CLASS/*.jpg; DIR with CLASS/*.jpg, which is split for you; FILE.csv with the columns path and label, "
            "and if you like group and split; synthetic: generated cats and dogs; synthetic:K: of K shapes, 2 to 10");
  t.row(o.split, "--split", "SPEC").otherwise("0.8/0.1/0.1").in_json(!o.split.empty()).core()
      .brief("Shares for training, validation and test, or a split.csv")
      .help("How images without a split of their own are split: shares of training, validation and test images, drawn "
            "by --seed such that each class has them, as 0.8/0.1/0.1, or the split.csv of an earlier run");
  t.row(o.groups, "--groups", "FILE").otherwise("none").in_json(!o.groups.empty())
      .help("CSV file with the columns path and group, such as the patient: no group is in two splits");
  t.row(o.folds, "--folds", "K").range(2, 1000).only("train").otherwise("none").in_json(o.folds > 0)
      .help("Cross-validation: training and validation images together are split into K stratified folds");
  t.row(o.fold, "--fold", "I").range(1, 1000).only("train").otherwise("none").in_json(o.folds > 0)
      .help("The fold, from 1 to K, that validates this run; the others train it. `compare` runs all");
  t.row(o.count, "--count", "SPEC").only("train").core()
      .otherwise("synthetic: cat=400,dog=4400, else all").in_json(!o.count.empty())
      .brief("Training images per class, as cat=1000,dog=11000")
      .help("Training images per class, as cat=1000,dog=11000; --subset says which ones");
  t.row(o.imbalance, "--imbalance", "SPEC").only("train").otherwise("none").in_json(!o.imbalance.empty()).core()
      .brief("Make training imbalanced: exp:RATIO (a long tail) or step:RATIO")
      .help("Leave out training images, beginning with as many of each class as the smallest has: exp:RATIO (a long "
            "tail, from all of these of the first class to 1 / RATIO of them of the last) or step:RATIO (1 / RATIO of "
            "them of the last half of the classes)");
  t.row(o.subset, "--subset", "NAME").only("train").one_of({"drawn", "first"}).in_json(o.subset != "drawn")
      .help("Which images of a class --count and --imbalance keep: drawn by --seed, or the first by name");
  t.row(o.positive, "--positive", "CLASS").core()
      .otherwise(lectures ? "cat; without one, the last class" : "the rarer class").otherwise_for("eval", saved)
      .brief("Of two classes the one to find")
      .help("Of two classes the one to find: precision, recall and F1 are those of this class");
  t.row(o.image_size, "--image-size", "N").range(32, 2048).core()
      .by_data(48, lectures ? 160 : 64).otherwise_for("eval", saved)
      .help("Images are resized to N x N pixels");
  t.row(o.resize, "--resize", "NAME").one_of({"antialias", "keras"}).otherwise_for("eval", saved)
      .in_json(o.resize != Resize::antialias)
      .help("How images are resized: antialias (a triangle filter, as Pillow and torchvision), keras (bilinear between "
            "the four nearest pixels, without antialiasing, as tf.image.resize)");
  t.row(o.batch_size, "--batch-size,-b", "N").range(1, 65536).core()
      .help("Images per step");
  t.row(o.workers, "--workers,-j", "N").range(0, 256)
      .help("Threads that load images; results do not depend on their number");
  t.row(o.shuffle, "--no-shuffle").only("train")
      .help("The same order in every epoch, and the first --count images: by name, the classes in turn");
  t.row(o.augment, "--augment", "SPEC").only("train").core()
      .brief("Random changes of training images, as flip,rotate=0.03, or none")
      .help("Random changes of training images: " + augment::augment_help());

  t.group("Network");
  t.row(o.model.name, "--model", "NAME").one_of(model_names()).otherwise_for("eval", saved).core()
      .otherwise(lectures ? "vgg16" : "vgg11_bn")
      .help("The network:");
  t.row(o.model.width, "--width", "X").range(0.015625, 8.0).core()
      .by_data(0.125, lectures ? 1.0 : 0.25).otherwise_for("eval", saved)
      .help("Factor on the channels of every convolution");
  t.row(o.model.head, "--head", "NAME").one_of({"lectures", "imagenet"}).otherwise_for("eval", saved)
      .help("After a VGG's convolutions: lectures (one dense layer), imagenet (dense layers of 4096, 4096 and K units). A "
            "ResNet has the mean over the image and one dense layer:");
  t.row(o.conv_init, "--conv-init", "NAME").only("train").one_of({"he", "glorot"}).in_json(o.conv_init != "he")
      .help("Initial weights of the convolutions: he (normal, as torchvision), glorot (uniform, as Keras)");
  t.row(o.model.head_init, "--head-init", "NAME").only("train").one_of({"normal", "glorot"})
      .help("Initial weights of the head: normal (as torchvision; VGG: standard deviation 0.01), glorot (as Keras)");
  t.row(o.model.normalization, "--normalize", "SPEC").otherwise("of --pretrained, else none")
      .otherwise_for("eval", saved).in_json(!(o.model.normalization == Normalization()))
      .help("How pixels are normalized, which pretrained weights depend on: none (x / 127.5 - 1), or (x / 255 - mean) / "
            "deviation by name or by numbers: imagenet (torchvision's and timm's weights), cifar10, keras, or "
            "0.5,0.4,0.4/0.2,0.2,0.2");
  t.row(o.prior_bias, "--no-prior-bias").only("train")
      .help("Initial biases of the head of 0, as in Keras, instead of the log odds of the classes in training");
  t.row(o.keras, "--keras").only("train").in_json(false)
      .help("The lecture's Keras program, for what is not given: " + std::string(keras_defaults) + "; of images in "
            "folders also --model vgg16 --width 1 --image-size 160 --resize keras, and Keras' lines about the files");
  t.row(o.weights, "--weights", "FILE").only("eval").required().in_json(false).core()
      .help("The weights to evaluate. The file also says what they are for: network, image size, classes, decision");
  t.row(o.init, "--init", "FILE").only("train").otherwise("random").in_json(!o.init.empty())
      .help("Initial weights: safetensors with torchvision's names and layouts");
  t.row(o.pretrained, "--pretrained", "FILE").only("train").otherwise("none").in_json(!o.pretrained.empty())
      .help("Initial weights of the body from networks that were trained on other images: safetensors of torchvision, "
            "timm or this program; apps/scripts/convert_weights.py makes them of others. The head is the file's if it has the "
            "same number of outputs and is for the same classes, else new");
  t.row(o.freeze, "--freeze").only("train").in_json(o.freeze)
      .help("Train the head alone: the body stays as it is, with the statistics of its batch normalizations");
  t.row(o.body_lr, "--body-lr", "X").only("train").range(0, 1e3).in_json(o.body_lr != 1)
      .help("Factor on the learning rate of all layers but the head, such as 0.1 for pretrained ones");
  t.row(o.summary, "--summary").only("train").in_json(false)
      .help("Print the network's layers, shapes and parameters, and exit");
  t.row(o.check, "--check").only("train").in_json(false)
      .help("Check the options, find the images, look into the files of weights, and exit");
  t.row(o.model.outputs, "--outputs", "K").only("train").range(1, 100000).in_json(o.model.outputs <= 2)
      .otherwise("the number of classes; 1 for two, where the loss allows it")
      .help("Units of the last layer. For two classes 1 (one logit) or 2 (a logit per class)");

  t.group("Loss", "train");
  t.row(o.loss, "--loss", "NAME").one_of(loss_names()).core()
      .otherwise("bce; K > 2: cross-entropy")
      .brief("The loss; `help LOSS` describes one:")
      .help("The loss, with parameters of its own below:");
  t.row(o.reduction, "--loss-reduction", "NAME").in_json(!o.loss->is(LossInfo::batch_level))
      .otherwise(by_loss([](const LossInfo& loss) { return to_string(loss.defaults.reduction); }))
      .help("What the sum of a batch's weighted losses is divided by: mean (the number of samples), weighted-mean (the "
            "sum of their class weights), positives (the number of positive samples), sum (nothing)");
  t.row(o.class_weights, "--class-weights", "SPEC").core()
      .otherwise(by_loss([](const LossInfo& loss) { return loss.defaults.class_weights; }))
      .brief("none, balanced, inverse, sqrt, effective=BETA, median, or cat=6,dog=0.55")
      .help("none, balanced (N / (K N_c)), inverse, sqrt, effective=BETA, median, or one per class: cat=6,dog=0.55");
  t.row(o.defer_weights, "--defer-weights", "X").range(0, 1)
      .otherwise(by_loss([](const LossInfo& loss) { return loss.defaults.defer_weights; }))
      .help("Deferred re-weighting: class weights only after this fraction of training");

  t.group("Against imbalance", "train");
  t.row(o.sampler, "--sampler", "NAME").one_of(sampler_names()).core()
      .help("How the images of an epoch are drawn:");
  t.row(o.mix, "--mix", "SPEC").core()
      .brief("Mix images: none, mixup=ALPHA, cutmix=ALPHA or remix=ALPHA")
      .help("Mix the images of a batch: none, mixup=ALPHA, cutmix=ALPHA or remix=ALPHA,kappa=3,tau=0.5");

  t.group("After training", "train");
  t.row(o.crt_epochs, "--crt", "N").range(0, 10000)
      .help("Classifier re-training: N epochs of class-balanced sampling for a new last layer on frozen features");
  t.row(o.tau_norm, "--tau-norm", "X").range(0, 10).in_json(o.tau_norm > 0)
      .help("Divide the weights of each class by their norm to the power X; needs a logit per class");

  t.group("Decision");
  t.row(o.temperature, "--temperature").only("train")
      .help("Temperature scaling: divide the logits by the number that calibrates held-out images best");
  t.row(o.adjust_logits, "--adjust-logits", "X").range(0, 100).otherwise_for("eval", saved).in_json(o.adjust_logits > 0)
      .help("Post-hoc logit adjustment: subtract X log(n / N) of its training images from the logit of each class");
  t.row(o.threshold, "--threshold", "P").only("train").core().in_json(o.model.outputs <= 2)
      .brief("Probability to predict positive from, or a rule: f1, recall=0.95")
      .help("Of two classes: the probability from which an image is predicted positive, or the rule by which it is chosen "
            "on images that were not trained on: " + join(tunable_metrics()) + " (the best), recall=0.95 (at least), "
            "precision=0.9, cost");
  t.row(o.threshold, "--threshold", "P").only("eval").otherwise(saved).core().in_json(o.model.outputs <= 2)
      .help("Probability from which an image is predicted positive");
  t.row(o.cost, "--cost", "SPEC").only("train").otherwise("fn=1,fp=1").in_json(!o.cost.empty())
      .help("What a false negative and a false positive cost, as fn=10,fp=1: --threshold cost");
  t.row(o.hold_out, "--hold-out", "X").only("train").range(0.01, 0.5).in_json(o.hold_out > 0)
      .otherwise("0.1 with these")
      .help("Fraction of the training images that is held out for --temperature and for choosing --threshold where no "
            "test images are there: else both are chosen on the validation images");

  t.group("Training", "train");
  t.row(o.epochs, "--epochs", "N").range(1, 1000000).by_data(6, 10).core()
      .help("Passes over the training images");
  t.row(o.max_steps, "--max-steps", "N").range(1, int64_t(1) << 40).otherwise("no limit").in_json(o.max_steps > 0)
      .help("Stop after N steps");
  t.row(o.optimizer, "--optimizer", "NAME").one_of(optimizer_names()).core()
      .help("The optimizer:");
  t.row(o.schedule.lr, "--lr", "X").range(0, 1e6).by_data(1e-3, lectures ? 1e-4 : 1e-3).core()
      .help("Learning rate");
  t.row(o.momentum, "--momentum", "X").range(0, 0.9999999).in_json(takes(o.optimizer, "momentum"))
      .help("Momentum of sgd");
  t.row(o.nesterov, "--nesterov").in_json(takes(o.optimizer, "nesterov"))
      .help("Nesterov momentum, for sgd");
  t.row(o.weight_decay, "--weight-decay", "X").range(0, 1e6).in_json(takes(o.optimizer, "weight-decay"))
      .help("Weight decay (adamw: decoupled; the others: added to the gradient)");
  t.row(o.schedule_name, "--schedule", "NAME").one_of(valid_schedules)
      .help("Learning rate over time:");
  t.row(o.schedule.warmup, "--warmup-epochs", "X").range(0, 1e6)
      .help("Epochs in which the learning rate rises linearly from 0");
  t.row(o.schedule.step_every, "--lr-step-size", "X").range(1e-6, 1e6).in_json(o.schedule.kind == Schedule::step)
      .help("Epochs between the drops of --schedule step");
  t.row(o.milestones, "--lr-milestones", "LIST").in_json(o.schedule.kind == Schedule::multistep)
      .help("Epochs of the drops of --schedule multistep, as 160,180");
  t.row(o.lr_patience, "--lr-patience", "N").range(0, 1000000).in_json(o.schedule_name == "plateau")
      .help("Epochs in which --monitor got no better before a drop of --schedule plateau");
  t.row(o.schedule.step_gamma, "--lr-gamma", "X").range(0, 1)
      .in_json(o.schedule.kind == Schedule::step || o.schedule.kind == Schedule::multistep ||
               o.schedule_name == "plateau")
      .help("Factor on the learning rate at each of these drops");
  t.row(o.clip_norm, "--clip-norm", "X").range(0, 1e30).otherwise("none").in_json(o.clip_norm > 0)
      .help("Clip the gradients of a step to this norm of all of them together");
  t.row(o.ema, "--ema", "X").range(0, 0.9999999).otherwise("none").in_json(o.ema > 0)
      .help("Evaluate and save the exponential moving average of the weights with this decay, as 0.999");
  t.row(o.monitor, "--monitor", "NAME").one_of(quality_names())
      .otherwise("average-precision; of more than two classes balanced-accuracy").in_json(!o.monitor.empty())
      .help("The metric on the validation images by which the best epoch is chosen:");
  t.row(o.patience, "--patience", "N").range(0, 1000000).otherwise("none").in_json(o.patience > 0)
      .help("Early stopping: end after N epochs in which --monitor got no better");
  t.row(o.seed, "--seed", "N").range(0, int64_t(1) << 62).core()
      .help("Seed of everything random");

  t.group("Device and files");
  t.row(o.threads, "--threads", "N").range(1, 1024).otherwise("one per core").in_json(o.threads > 0)
      .help("Threads that compute");
  t.row(o.device, "--device", "NAME").one_of({"auto", "cpu", "cuda"}).core()
      .help("auto (a GPU where there is one), cpu or cuda");
  t.row(o.precision, "--precision", "NAME").one_of({"fp32", "tf32", "bf16"})
      .help("On a GPU: fp32, tf32 (factors of products rounded to 10 bits) or bf16 (activations and products in "
            "bfloat16; weights, sums and losses in fp32)");
  t.row(o.deterministic, "--deterministic")
      .help("On a GPU: the same bits in every run, at some cost in speed; on the CPU that is always so");
  t.row(o.compile, "--compile").only("train").in_json(o.compile)
      .help("On a GPU, in tf32 or bf16: compile kernels that compute several operations in one, where that is faster: "
            "some seconds each when a run begins, for runs of many minutes");
  t.row(o.step_graphs, "--no-cuda-graphs").only("train").in_json(!o.step_graphs)
      .help("On a GPU: start the operations of a training step one by one, not all at once as a CUDA graph, with which "
            "small ones are faster");
  t.row(o.output, "--output", "DIR").only("train").in_json(false).otherwise("runs/DATE-TIME-LOSS").core()
      .brief("Folder for the results, or none")
      .help("Folder for weights, metrics, predictions, logs and the report, or none");
  t.row(o.output, "--output", "DIR").only("eval").in_json(false).otherwise("none").core()
      .help("Folder for result.json and predictions.csv");
  t.row(o.on, "--on", "SPLIT").one_of({"validation", "test", "all"}).only("eval").in_json(false)
      .otherwise("test where there is one").core()
      .help("The images to evaluate on; all: every image of --data, for other images than those of the training");
  t.row(o.tta, "--tta", "SPEC").only("eval").in_json(false).core()
      .help("Test-time augmentation: average the logits of each image and of views of it, which SPEC makes as for "
            "--augment; flip=1 is its mirror image");
  t.row(o.tta_views, "--tta-views", "N").only("eval").range(1, 1000).in_json(false)
      .help("Views of --tta, each with its own draws");
  t.row(o.resume, "--resume", "DIR").only("train").in_json(false).otherwise("none").core()
      .brief("Continue the interrupted run in DIR; auto: if there is one")
      .help("Continue the interrupted run in DIR, with its options, to the same result as if it had not been "
            "interrupted. auto: in --output, or the newest in runs/ with the same options; if there is none, begin");
  t.row(o.checkpoint_minutes, "--checkpoint-minutes", "X").only("train").range(0, 1e6).in_json(false)
      .help("A checkpoint for --resume is saved after every epoch, at a signal, and this often");
  t.row(o.config, "--config", "FILE").only("train").in_json(false).otherwise("none")
      .help("Options from the config.json or result.json of a run; those on the command line override them");
  return t;
}
// clang-format on

}  // namespace counterpoise
