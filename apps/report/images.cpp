// The images with the most confident wrong predictions.
#include <algorithm>
#include <cmath>

#include "apps/report/sections.h"
#include "apps/report/thumbnail.h"
#include "apps/trainer/format.h"
#include "data/images/shapes.h"
#include "data/images/synthetic.h"
#include "data/tables/csv.h"
#include "losses/metrics/multiclass_scores.h"

namespace counterpoise::html_report {

namespace {

constexpr size_t most_images = 24;
constexpr int size = 96;

struct Wrong {
  size_t sample;
  int32_t predicted;
  double probability;  // of the predicted class
};

// A synthetic image by its name, such as "synthetic/cat.12"; false for another name. The series of the splits are those
// of select_images() (trainer/data_sets.cpp).
bool synthetic(const std::string& path, const std::string& split, Image& image) {
  constexpr uint64_t validation_seed = ~uint64_t(0), test_seed = validation_seed - 1;
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

// "" if the file cannot be read: it may have been moved since the training.
std::string thumbnail_of(const std::string& path, const std::string& split) {
  try {
    Image image;
    if (!synthetic(path, split, image)) image = decode_image(path);
    return thumbnail_uri(image, size);
  } catch (const Error&) {
    return "";
  }
}

std::string gallery(const Run& run, const std::vector<Wrong>& wrong) {
  std::string y = "<ul class=\"gallery\">\n";
  for (const Wrong& w : wrong) {
    const std::string& path = run.reported.paths[w.sample];
    const std::string uri = thumbnail_of(path, run.split()), actual = html(run.classes[run.reported.labels[w.sample]]);
    const std::string said = html(run.classes[w.predicted]) + " " + percent(w.probability);
    const size_t slash = path.rfind('/');
    const std::string base = slash == std::string::npos || slash + 1 == path.size() ? path : path.substr(slash + 1);
    y += "<li><button type=\"button\" class=\"thumb\" title=\"" + html(path) + "\" data-path=\"" + html(path) + "\">" +
         (uri.empty() ? "<span class=\"missing\">cannot be read</span>"
                      : "<img src=\"" + uri + "\" alt=\"" + actual + ", predicted as " + said +
                            "\" width=\"96\" "
                            "height=\"96\">") +
         "</button><span><b>" + actual + "</b> predicted as " + said + "</span><code>" + html(base) + "</code></li>\n";
  }
  return y + "</ul>\n";
}

// The most confident first, and at most `limit`.
std::vector<Wrong> worst(std::vector<Wrong> wrong, size_t limit) {
  std::stable_sort(wrong.begin(), wrong.end(),
                   [](const Wrong& a, const Wrong& b) { return a.probability > b.probability; });
  if (wrong.size() > limit) wrong.resize(limit);
  return wrong;
}

std::string images_of_two(const Run& run, const TwoClasses& two) {
  std::vector<Wrong> missed, alarms;
  for (size_t i = 0; i < run.reported.size(); ++i) {
    const double z = run.reported.logits[i];
    const double p = std::clamp(two.kept.scale.probability(z), 0., 1.);
    const bool actual = run.reported.labels[i] == run.positive, predicted = z >= two.kept.cut;
    if (actual && !predicted) missed.push_back({i, 1 - run.positive, 1 - p});
    if (!actual && predicted) alarms.push_back({i, run.positive, p});
  }
  std::string y;
  if (!missed.empty()) {
    y += "<h3>Missed: " + named(run.positive_name()) + " predicted as " + named(run.negative_name()) + " (" +
         whole(double(missed.size())) + ")</h3>\n" + gallery(run, worst(missed, most_images / 2));
  }
  if (!alarms.empty()) {
    y += "<h3>False alarms: " + named(run.negative_name()) + " predicted as " + named(run.positive_name()) + " (" +
         whole(double(alarms.size())) + ")</h3>\n" + gallery(run, worst(alarms, most_images / 2));
  }
  return y;
}

std::string images_of_many(const Run& run) {
  const size_t K = run.count();
  std::vector<Wrong> wrong;
  if (run.reported.size() == 0) return "";
  const std::vector<double> probabilities = softmax(run.reported.logits, static_cast<int64_t>(K));
  for (size_t i = 0; i < run.reported.size(); ++i) {
    const int32_t predicted = run.reported.predicted[i];
    if (predicted == run.reported.labels[i]) continue;
    wrong.push_back({i, predicted, probabilities[i * K + predicted]});
  }
  return wrong.empty() ? "" : gallery(run, worst(wrong, most_images));
}

}  // namespace

std::string images_section(const Run& run, const TwoClasses* two) {
  const std::string body = two ? images_of_two(run, *two) : images_of_many(run);
  if (body.empty()) return "";
  return section(
      "images", "Most wrong images",
      "<p>The " + run.split() + " images with the most confident wrong predictions" +
          (two ? " at the kept threshold" : "") +
          ". Look at their labels first: images that are wrong with great confidence are often labeled wrong."
          "<span class=\"js-only\"> A click enlarges an image and shows its path.</span></p>\n" +
          body);
}

}  // namespace counterpoise::html_report
