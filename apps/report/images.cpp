// The images with the most confident wrong predictions.
#include <algorithm>

#include "apps/report/sections.h"
#include "apps/report/thumbnail.h"
#include "apps/report/wrong_images.h"
#include "apps/trainer/format.h"

namespace counterpoise::html_report {

namespace {

constexpr size_t most_images = 24;
constexpr int size = 96;

// "" if the file cannot be read: it may have been moved since the training.
std::string thumbnail_of(const std::string& path, const std::string& split) {
  try {
    return thumbnail_uri(image_of(path, split, size), size);
  } catch (const Error&) {
    return "";
  }
}

std::string gallery(const Run& run, const std::vector<WrongImage>& wrong) {
  std::string y = "<ul class=\"gallery\">\n";
  for (const WrongImage& w : wrong) {
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

std::vector<WrongImage> first(std::vector<WrongImage> images, size_t most) {
  images.resize(std::min(images.size(), most));
  return images;
}

std::string images_of_two(const Run& run, const TwoClasses& two) {
  std::string y;
  for (const int32_t actual : {run.positive, 1 - run.positive}) {
    const std::vector<WrongImage> wrong = wrong_images(run, two.kept, actual);
    if (wrong.empty()) continue;
    y += std::string("<h3>") + (actual == run.positive ? "Missed: " : "False alarms: ") + named(run.classes[actual]) +
         " predicted as " + named(run.classes[1 - actual]) + " (" + whole(double(wrong.size())) + ")</h3>\n" +
         gallery(run, first(wrong, most_images / 2));
  }
  return y;
}

std::string images_of_many(const Run& run) {
  const std::vector<WrongImage> wrong = wrong_images(run);
  return wrong.empty() ? "" : gallery(run, first(wrong, most_images));
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
