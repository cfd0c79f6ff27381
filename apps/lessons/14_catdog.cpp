// Lesson 14: all together. Five rows of the lectures' table, small: one cat to eleven dogs, five ways to train.
//
// The text beside this program is 14_catdog.md.
#include <counterpoise/counterpoise.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/lessons/lesson.h"

using namespace counterpoise;

constexpr int image_size = 24, batch_size = 32, steps = 300;
constexpr int32_t cat = 0;  // the positive class, as in the lectures; dogs are class 1

// A row of the table: what it is called, its F1 on the slide, and what is different from plain training.
struct Method {
  const char* name;
  double slide;
  const char* loss = "bce";
  LossParams parameters = {};
  bool class_weights = false;
  const char* sampler = "shuffle";
};
const Method methods[] = {{"plain", 0.833},
                          {"class weights", 0.835, "bce", {}, true},
                          {"undersampling", 0.785, "bce", {}, false, "undersample"},
                          {"oversampling", 0.855, "bce", {}, false, "oversample"},
                          {"focal", 0.876, "focal", {{"gamma", 2}, {"alpha", 0.5}}}};

// A VGG in miniature: three times a convolution and a pooling, then one dense layer and one logit.
Sequential network() {
  return {Conv2d(3, 8, 3, {1, 1}, /*relu=*/true),
          MaxPool2d(2),
          Conv2d(8, 16, 3, {1, 1}, true),
          MaxPool2d(2),
          Conv2d(16, 32, 3, {1, 1}, true),
          MaxPool2d(2),
          Flatten(),
          Linear(32 * 3 * 3, 1)};
}

// Trains for a fixed number of steps, however many images an epoch of the sampler has.
Sequential train(const Method& method, const ImageDataset& images, uint64_t seed) {
  manual_seed(seed);
  Sequential net = network();
  Adam optimizer(net.trainable(), /*lr=*/3e-3);
  const std::vector<double> weights = balanced_weights(images.counts()), none;
  Loss loss(method.loss, method.parameters, {.class_weights = method.class_weights ? weights : none});
  DataLoader loader(
      images,
      {.batch_size = batch_size, .sampler = method.sampler, .seed = seed, .augment = augment::parse_policy("flip")});
  for (int step = 0; step < steps;) {
    for (const Batch& batch : loader) {
      if (step++ == steps) break;
      loss(net(batch.x), batch.labels, cat).backward();
      optimizer.step();
    }
  }
  return net;
}

// The logits of images that were not trained on, and which of them are cats.
struct Scores {
  std::vector<double> logits;
  std::vector<bool> is_cat;
};
Scores evaluate(Sequential& net, const ImageDataset& images) {
  const NoGrad no_grad;
  Scores scores;
  for (const Batch& batch : DataLoader(images, {.batch_size = 100, .sampler = ""})) {
    for (const float z : net(batch.x).value().to_vector<float>()) scores.logits.push_back(z);
    for (const int32_t label : batch.labels) scores.is_cat.push_back(label == cat);
  }
  return scores;
}

// F1 with each threshold on the probability.
Plot::Line f1_curve(const std::string& name, const Scores& scores) {
  Plot::Line all = line(name, {}, {});
  for (int i = 1; i < 100; ++i) {
    all.x.push_back(i / 100.), all.y.push_back(confusion(scores.logits, scores.is_cat, logit(i / 100.)).f1());
  }
  return all;
}

// The images with the most confident wrong predictions, each with the probability that the network gave to "cat".
std::string most_wrong(const Scores& scores, const ImageDataset& images) {
  using contact_sheet::Tile;
  std::vector<contact_sheet::Row> rows = {{"Cats, and the probability of a cat", {}},
                                          {"Dogs, and the probability of a cat", {}}};
  std::vector<size_t> wrong;
  for (size_t i = 0; i < images.size(); ++i) {
    if (scores.is_cat[i] != (scores.logits[i] > 0)) wrong.push_back(i);
  }
  std::sort(wrong.begin(), wrong.end(),
            [&](size_t a, size_t b) { return std::fabs(scores.logits[a]) > std::fabs(scores.logits[b]); });
  for (const size_t i : wrong) {
    std::vector<Tile>& tiles = rows[scores.is_cat[i] ? 0 : 1].tiles;
    char text[16];
    std::snprintf(text, sizeof text, "%.2f", probability(scores.logits[i]));
    if (tiles.size() < 6) tiles.push_back(Tile{{image_size, image_size, *images.load(i)}, text});
  }
  return contact_sheet::png(
      contact_sheet::draw({"The most confident mistakes", {}, {}, rows, contact_sheet::tile_size_for(image_size)}));
}

int main(int argc, char** argv) {
  const SyntheticImages images({100, 1100}, image_size, 1), validation({150, 150}, image_size, 2),
      test({500, 500}, image_size, 3);
  std::printf("100 cats and 1100 dogs of %d x %d pixels\n", image_size, image_size);
  std::printf("%ld parameters, %d steps with %d images\n", network().parameter_count(), steps, batch_size);
  const Confusion always_cat = {500, 500, 0, 0};  // true and false positives, false and true negatives
  std::printf("F1 of calling all of 500 cats and 500 dogs cats: %.3f\n\n", always_cat.f1());

  std::string sheet;
  Confusion plain;
  Plot curves = {"", "threshold on the probability of a cat", "F1 on the test images"};
  std::printf("mean ± deviation of 3 seeds  F1 at one half   average precision   F1, threshold chosen   slide's F1\n");
  for (const Method& method : methods) {
    Seeds half, precision, chosen;
    for (const uint64_t seed : {1, 2, 3}) {
      Sequential net = train(method, images, seed);
      const Scores tuning = evaluate(net, validation), scores = evaluate(net, test);
      const double threshold = best_threshold(tuning.logits, tuning.is_cat, "f1").threshold;
      const Confusion at_half = confusion(scores.logits, scores.is_cat);
      half.add(at_half.f1());
      precision.add(average_precision(scores.logits, scores.is_cat));
      chosen.add(confusion(scores.logits, scores.is_cat, threshold).f1());
      if (seed > 1) continue;
      curves.lines.push_back(f1_curve(method.name, scores));
      if (&method == &methods[0]) sheet = most_wrong(scores, test), plain = at_half;
    }
    std::printf("%-27s %8.2f ± %.2f %12.2f ± %.2f %15.2f ± %.2f %12.3f\n", method.name, half.mean(), half.deviation(),
                precision.mean(), precision.deviation(), chosen.mean(), chosen.deviation(), method.slide);
  }
  std::printf("\nThe first plain network takes %ld of 500 cats for dogs, and %ld of 500 dogs for cats.\n", plain.fn,
              plain.fp);
  const Folder folder(argc, argv);
  folder.write("14_thresholds.svg", svg("One cat to eleven dogs, five ways to train", {curves}));
  folder.write("14_most_wrong.png", sheet);
}
