#include "apps/reproduce/lectures.h"

#include <algorithm>
#include <cmath>

#include "apps/compare/arguments.h"
#include "apps/loss_explorer/lecture_tables.h"
#include "apps/reproduce/retinanet.h"
#include "apps/trainer/flags.h"
#include "apps/trainer/format.h"

namespace counterpoise {

namespace {

// What differs between the scales. Times are of one core (AMD EPYC, Zen 4).
struct Scale {
  std::string name, help;
  std::string common;        // options of all trainings, without --data
  int unit;                  // images for a thousand of the slides'
  int epochs;                // of most rows
  double seconds_per_image;  // of training; an image costs a third of it in validation
  double validation;         // images
  std::string resnet;        // options of the rows R16 to R19
  std::string resnet_model;  // their network
  double resnet_seconds;     // per image of theirs
};

// clang-format off
const std::vector<Scale>& scales() {
  static const std::vector<Scale> all = {
      {"full", "photographs of 160x160, VGG16, as in the lectures: for a GPU",
       "--positive cat --model vgg16 --width 1 --image-size 160 --epochs 30 --lr 0.0001 --augment flip,rotate=0.2 "
       "--head-init glorot --no-prior-bias", 1000, 30, 0.174, 3000,
       "--model resnet18", "resnet18", 0.05},
      {"small", "photographs of 64x64, a quarter of VGG11 with batch normalization: hours on two cores",
       "--positive cat --model vgg11_bn --width 0.25 --image-size 64 --epochs 10 --lr 0.001 --optimizer adamw "
       "--weight-decay 0.05 --augment flip,rotate=0.03 --head-init glorot --no-prior-bias", 1000, 10, 0.0029, 3000,
       "--model resnet32 --width 1 --image-size 32", "resnet32", 0.0041},
      {"synthetic", "synthetic images of 32x32, an eighth of VGG11 with batch normalization: minutes on two cores",
       "--positive cat --model vgg11_bn --width 0.125 --image-size 32 --epochs 5 --lr 0.001 --head-init glorot "
       "--no-prior-bias", 200, 5, 0.00056, 1000,
       "--model resnet20 --width 0.5", "resnet20", 0.0026},
  };
  return all;
}
// clang-format on

const Scale& find_scale(const std::string& name) {
  std::vector<std::string> names;
  for (const Scale& scale : scales()) {
    if (scale.name == name) return scale;
    names.push_back(scale.name);
  }
  const std::string guess = nearest_name(name, names);
  throw Error(ErrorKind::invalid_argument, "--scale: there is no scale \"", name, "\"; ",
              guess.empty() ? "" : "did you mean " + guess + "? ", "valid are ", join(names));
}

// The training images of a row: thousands of cats and of dogs.
struct Images {
  double cats, dogs;
  std::string title;
};

// Makes the rows of one scale.
class Rows {
 public:
  Rows(const Scale& scale, const std::string& pretrained) : scale_(scale), pretrained_(pretrained) {}

  std::vector<StudyRow> all() {
    const Images balanced{11, 11, ""}, imbalanced_1{1, 11, ""}, imbalanced_2{0.5, 11, ""}, intro{6, 6, ""};
    group_ = "balanced";
    add("R1", balanced, "plain: L_cat + L_dog", "--loss bce");
    add("R2", balanced, "L_cat + 100 L_dog", "--loss bce --class-weights cat=1,dog=100");
    add("R3", balanced, "L_cat + 1000 L_dog", "--loss bce --class-weights cat=1,dog=1000");
    imbalanced("imbalanced-1", 4, imbalanced_1, "6 L_cat + 0.55 L_dog", "cat=6,dog=0.55");
    imbalanced("imbalanced-2", 9, imbalanced_2, "11.5 L_cat + 0.52 L_dog", "cat=11.5,dog=0.52");
    group_ = "intro";
    add("R14", intro, "plain", "--loss bce");
    add("R15", imbalanced_1, "plain", "--loss bce");
    resnet(imbalanced_1);
    const double seconds = cost(imbalanced_2, 1, scale_.epochs, scale_.seconds_per_image);
    for (StudyRow& row : retinanet_rows(described(imbalanced_2), {"--count", count(imbalanced_2)}, seconds))
      rows_.push_back(std::move(row));
    return rows_;
  }

 private:
  std::string count(const Images& images) const {
    return text("cat=", images.cats * scale_.unit, ",dog=", images.dogs * scale_.unit);
  }
  std::string described(const Images& images) const {
    return text(images.cats * scale_.unit, " cats, ", images.dogs * scale_.unit, " dogs");
  }
  // Seconds of a training whose epoch has `share` of all its images.
  double cost(const Images& images, double share, double epochs, double seconds_per_image) const {
    const double epoch = (images.cats + images.dogs) * scale_.unit * share + scale_.validation / 3;
    return epoch * epochs * seconds_per_image;
  }

  StudyRow& add(const std::string& name, const Images& images, const std::string& method, const std::string& options,
                double share = 1, double longer = 1) {
    StudyRow row;
    row.name = name, row.group = group_;
    row.data = described(images), row.method = method;
    row.arguments = split_arguments(text("--count ", count(images), " ", options));
    const double epochs = longer * scale_.epochs;
    if (longer != 1) row.arguments.insert(row.arguments.end(), {"--epochs", text(epochs)});
    row.seconds = cost(images, share, epochs, scale_.seconds_per_image);
    for (const LectureTable& slide : lecture_results()) {
      if (slide.name != name) continue;
      // Where a slide has the counts alone, F1 is computed from them.
      const bool printed = !slide.printed.empty();
      const double f1 = printed ? slide.printed[0].value : slide.counts.f1();
      const std::string number = formatted("%.*f", printed ? slide.printed[0].decimals : 3, f1);
      row.published = {{"", printed ? number : "(" + number + ")", f1}};
      row.note = slide.remark;
    }
    rows_.push_back(row);
    return rows_.back();
  }

  void vary(const std::string& varies, const std::string& suffix, const std::string& variation, const Images& images,
            const std::string& method, const std::string& options, double share = 1, double longer = 1) {
    StudyRow& row = add(varies + "-" + suffix, images, method, options, share, longer);
    row.varies = varies, row.variation = variation;
  }

  // Plain, class weights, undersampling, oversampling, focal loss; and what may explain an order that is not the
  // slides'.
  void imbalanced(const std::string& group, int first, const Images& images, const std::string& weights,
                  const std::string& weight_options) {
    group_ = group;
    const auto name = [&](int i) { return text("R", first + i); };
    const double under = 2 * images.cats / (images.cats + images.dogs);
    const double over = 2 * images.dogs / (images.cats + images.dogs);
    const std::string focal = "--loss focal --gamma 2 --alpha 0.5";
    const std::string learning_rate = text(" --lr ", first_lr() * 3);
    add(name(0), images, "plain: L_cat + L_dog", "--loss bce");
    add(name(1), images, weights, "--loss bce --class-weights " + weight_options);
    add(name(2), images, "undersampling", "--loss bce --sampler undersample", under);
    add(name(3), images, "oversampling", "--loss bce --sampler oversample", over);
    add(name(4), images, "focal loss, γ = 2, α = 0.5", focal);
    const std::string longer = "three times as many epochs", as_many = "as many steps as plain training";
    vary(name(2), "longer", as_many, images, "undersampling, " + as_many, "--loss bce --sampler undersample", under,
         std::round(1 / under));
    // (A variation of the other group would explain an order with R13, which the slides did not measure.)
    if (first != 4) return;
    vary(name(0), "longer", longer, images, "plain, " + longer, "--loss bce", 1, 3);
    vary(name(4), "longer", longer, images, "focal loss, " + longer, focal, 1, 3);
    vary(name(4), "alpha", "α = 0.75", images, "focal loss, γ = 2, α = 0.75", "--loss focal --gamma 2 --alpha 0.75");
    vary(name(0), "lr", "three times the learning rate", images, "plain, three times the learning rate",
         "--loss bce" + learning_rate);
    vary(name(4), "lr", "three times the learning rate", images, "focal loss, three times the learning rate",
         focal + learning_rate);
  }

  void resnet(const Images& images) {
    group_ = "resnet";
    const auto one = [&](const std::string& name, const Images& on, const std::string& method,
                         const std::string& options, const std::string& printed, double value) -> StudyRow& {
      StudyRow& row = add(name, on, scale_.resnet_model + ", " + method, scale_.resnet + " " + options);
      row.seconds = cost(on, 1, scale_.epochs, scale_.resnet_seconds);
      if (!printed.empty()) row.published = {{"", printed, value}};
      return row;
    };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const std::string plain = "--loss cross-entropy",
                      with_weights = plain + " " + quoted({"--pretrained", pretrained_});
    const auto needs_weights = [&](StudyRow& row) {
      if (pretrained_.empty())
        row.needs = "it begins with weights of " + scale_.resnet_model + ": give their file with --pretrained";
    };
    needs_weights(one("R16", images, "pretrained", with_weights, "0.96", 0.96));
    one("R17", images, "cross-entropy", plain, "0.67", 0.67);
    one("R18", images, "class weights", plain + " --class-weights balanced", "0.75", 0.75);
    one("R19", images, "focal loss, γ = 2, α = 0.5", "--loss focal --gamma 2 --alpha 0.5", "? ? ?", nan).note =
        "The slide leaves it to the reader.";
    if (pretrains_itself()) return;
    for (const double cats : {0.5, 11.}) {
      const Images on{cats, 11, ""};
      const std::string suffix = text(cats * 1000), variation = text(cats * scale_.unit, " cats");
      StudyRow& row = one("R16-" + suffix, on, "pretrained", with_weights, "", nan);
      row.varies = "R16", row.variation = variation;
      needs_weights(row);
      StudyRow& scratch = one("R17-" + suffix, on, "cross-entropy", plain, "", nan);
      scratch.varies = "R17", scratch.variation = variation;
    }
  }

  // Whether the weights of the pretrained row are ours, of synthetic images.
  bool pretrains_itself() const { return scale_.name == "synthetic"; }
  double first_lr() const { return parse_number("--lr", flags_in(split_arguments(scale_.common)).at("--lr")); }

  const Scale& scale_;
  const std::string pretrained_;
  std::string group_;
  std::vector<StudyRow> rows_;
};

std::string introduction(const Scale& scale) {
  std::string all = text(
      "The experiments with cats and dogs of the two lectures \"Imbalanced Data\" (Anh-Khoa Nguyen and Quang-Vinh "
      "Dinh; Quang-Vinh Dinh), AI VIETNAM All-in-One Course 2024, at the scale \"",
      scale.name, "\": ", scale.help, ". The positive class is the cat. ");
  all +=
      scale.name == "synthetic"
          ? "The ratios of cats to dogs are the slides', the images and the network are not, so that only the order "
            "of the methods can be compared. "
          : "The slides tell neither the loss's reduction nor the optimizer, the learning rate, the number of epochs "
            "or a seed, so that only the order of the methods can be compared. ";
  return all + "Rows whose name has a suffix are ours: they vary one thing.";
}

}  // namespace

Study lecture_study(const LectureRequest& request) {
  const Scale& scale = find_scale(request.scale);
  const bool synthetic = scale.name == "synthetic";
  CP_ENSURE_AS(invalid_argument, synthetic || !request.data.empty(), "--scale ", scale.name,
               " needs photographs: --data DIR, with train/cat, train/dog, validation/cat and validation/dog in it "
               "(Kaggle's \"Dogs vs. Cats\"); --scale synthetic needs none");
  CP_ENSURE_AS(invalid_argument, !synthetic || request.data.empty(), "--data ", request.data,
               ": --scale synthetic generates its images; photographs go with --scale small and full");
  Study study;
  study.title = "The lectures' experiments";
  study.introduction = introduction(scale);
  study.source = "slide, F1";
  study.authority = "slide";
  study.run_name = "reproduce-" + scale.name;
  study.common = {"--data", synthetic ? "synthetic" : request.data};
  for (const std::string& argument : split_arguments(scale.common)) study.common.push_back(argument);
  study.rows = Rows(scale, request.pretrained).all();
  study.metrics = {{"f1", "F1 at 0.5"},
                   {"tuned_f1", "F1, tuned threshold"},
                   {"average_precision", "average precision"},
                   {"precision", "precision"},
                   {"recall", "recall"},
                   {"accuracy", "accuracy"}};
  study.groups = {{"balanced", "Balanced: 11000 cats, 11000 dogs"},
                  {"imbalanced-1", "Imbalanced 1: 1000 cats, 11000 dogs"},
                  {"imbalanced-2", "Imbalanced 2: 500 cats, 11000 dogs"},
                  {"intro", "The introduction: 6000 of each, and 1000 cats with 11000 dogs"},
                  {"resnet", "ResNet on imbalanced 1"}};
  study.remarks = {
      "R13 repeats R8's counts for half as many cats (1210 of 1500 cats, 1447 of 1500 dogs): probably copied, and only "
      "one of the decks has it. An order with R13 is not the slides' measurement.",
      "R14's counts are R1's less 200 each: one of the two may have been edited.",
      "R15 has the training data and the method of R4, and other numbers: two runs of one experiment, whose F1 differ "
      "by 0.026. Here they are one training. Differences of that size between other rows of the slides mean nothing.",
      "F1 in parentheses is computed from the slide's counts, which has none.",
      "With α = 0.5 the focal loss weighs both classes alike, and only halves the loss; α = 0.75 counts a cat three "
      "times as much as a dog.",
      "Both decks divide by 0.547 · 0.987 in R9's F1; the denominator is 0.547 + 0.987. `losses tables` recomputes all "
      "tables of the slides, and names their errors.",
  };
  study.sections = {retinanet_section};
  if (scale.name == "full") {
    study.requirements =
        "VGG16 at 160x160 is for a GPU: 47 GFLOP per training image, about 17 PFLOP for a training of 30 epochs with "
        "12,000 images; at 100 TFLOP/s that are 3 minutes, at the 11.5 images/s of two cores 9 hours. The times of "
        "the list are of one core. On an H200 R1 and R7, which have 22,000 images, took three minutes together in "
        "bf16.";
  }
  return study;
}

Technique shapes_pretraining() {
  const Scale& scale = find_scale("synthetic");
  Technique row;
  row.name = scale.resnet_model + " on shapes";
  row.arguments = split_arguments(
      "--data synthetic:10 --image-size 32 --epochs 5 --lr 0.001 --loss cross-entropy --count disc=300,ellipse=300,"
      "ring=300,crescent=300,triangle=300,square=300,rectangle=300,cross=300,star=300,arrow=300 " +
      scale.resnet);
  return row;
}

std::vector<Computation> lecture_computations(const std::string& output) {
  return {
      {"tables", "the slides' confusion matrices and F1 tables, recomputed", {"losses", "tables"}},
      {"walk", "the sums of easy and hard samples, and the focal loss on them", {"losses", "walk"}},
      {"curves", "curves of the losses and their factors", {"losses", "curves", "--output", output + "/curves"}},
      {"weights-1",
       "class weights N / (2 N_c) of 11000 dogs and 1000 cats: the slides' 0.55 and 6",
       {"losses", "eval", "bce", "--class-weights", "balanced", "--counts", "11000,1000", "--logits", "0;0", "--labels",
        "0,1"}},
      {"weights-2",
       "class weights N / (2 N_c) of 11000 dogs and 500 cats: the slides' 0.52 and 11.5",
       {"losses", "eval", "bce", "--class-weights", "balanced", "--counts", "11000,500", "--logits", "0;0", "--labels",
        "0,1"}},
      {"network",
       "the lectures' VGG16 at 160x160: 14,714,688 parameters, and 12,801 of the dense layer",
       {"train", "--data", "synthetic", "--summary", "--model", "vgg16", "--image-size", "160", "--width", "1"}},
  };
}

}  // namespace counterpoise
