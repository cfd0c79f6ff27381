#include "apps/report/wrong_images.h"

#include <algorithm>
#include <cmath>

#include "apps/trainer/data_sets.h"
#include "data/images/shapes.h"
#include "data/images/synthetic.h"
#include "data/tables/csv.h"
#include "losses/metrics/multiclass_scores.h"

namespace counterpoise::html_report {

namespace {

std::vector<WrongImage> most_confident_first(std::vector<WrongImage> wrong) {
  std::stable_sort(wrong.begin(), wrong.end(),
                   [](const WrongImage& a, const WrongImage& b) { return a.probability > b.probability; });
  return wrong;
}

// A synthetic image by its name, such as "synthetic/cat.12"; false for another name.
bool synthetic(const std::string& path, const std::string& split, int size, Image& image) {
  const uint64_t seed = split == "test" ? test_seed : validation_seed;
  const std::string start = "synthetic/";
  const size_t dot = path.rfind('.');
  double index = 0;
  if (path.rfind(start, 0) != 0 || dot == std::string::npos || dot < start.size() ||
      !parse_csv_number(path.substr(dot + 1), index) || index < 0 || index > 1e9 || index != std::floor(index)) {
    return false;
  }
  const std::string kind = path.substr(start.size(), dot - start.size());
  const auto shape = std::find(shape_names().begin(), shape_names().end(), kind);
  const auto i = static_cast<uint64_t>(index);
  if (kind == "cat" || kind == "dog") {
    image = {size, size, draw_animal(kind == "cat" ? Animal::cat : Animal::dog, size, seed, i)};
  } else if (shape != shape_names().end()) {
    image = {size, size, draw_shape(static_cast<size_t>(shape - shape_names().begin()), size, seed, i)};
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::vector<WrongImage> wrong_images(const Run& run, const Kept& kept, int32_t actual) {
  std::vector<WrongImage> wrong;
  for (size_t i = 0; i < run.reported.size(); ++i) {
    const double z = run.reported.logits[i], p = std::clamp(kept.scale.probability(z), 0., 1.);
    const int32_t predicted = z >= kept.cut ? run.positive : 1 - run.positive;
    if (run.reported.labels[i] != actual || predicted == actual) continue;
    wrong.push_back({i, predicted, predicted == run.positive ? p : 1 - p});
  }
  return most_confident_first(std::move(wrong));
}

std::vector<WrongImage> wrong_images(const Run& run) {
  const size_t K = run.count();
  std::vector<WrongImage> wrong;
  if (run.reported.size() == 0) return wrong;
  const std::vector<double> probabilities = softmax(run.reported.logits, static_cast<int64_t>(K));
  for (size_t i = 0; i < run.reported.size(); ++i) {
    const int32_t predicted = run.reported.predicted[i];
    if (predicted != run.reported.labels[i]) wrong.push_back({i, predicted, probabilities[i * K + predicted]});
  }
  return most_confident_first(std::move(wrong));
}

Image image_of(const std::string& path, const std::string& split, int size) {
  Image image;
  if (!synthetic(path, split, size, image)) image = decode_image(path);
  return image;
}

}  // namespace counterpoise::html_report
