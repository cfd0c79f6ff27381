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

// The images that cannot be read: they may have been moved since the training.
struct Missing {
  size_t images = 0;
  bool relative = false;  // the path of one of them begins where the training ran
  std::string reason;     // of the first
};

// "" if the file cannot be read.
std::string thumbnail_of(const std::string& path, const std::string& split, Missing& missing) {
  try {
    return thumbnail_uri(image_of(path, split, size), size);
  } catch (const Error& error) {
    if (missing.images++ == 0) missing.reason = error.what();
    missing.relative = missing.relative || path[0] != '/';
    return "";
  }
}

std::string note_of(const Missing& missing) {
  if (missing.images == 0) return "";
  return note(whole(double(missing.images)) + (missing.images == 1 ? " image" : " images") +
              " cannot be read; the first: " + html(missing.reason) +
              (missing.relative
                   ? ". Paths begin in the folder in which the training ran: <code>report</code> finds them "
                     "from there."
                   : "."));
}

std::string gallery(const Run& run, const std::vector<WrongImage>& wrong, Missing& missing) {
  std::string y = "<ul class=\"gallery\">\n";
  for (const WrongImage& w : wrong) {
    const std::string& path = run.reported.paths[w.sample];
    const std::string uri = thumbnail_of(path, run.split(), missing);
    const std::string actual = html(run.classes[run.reported.labels[w.sample]]);
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

std::string images_of_two(const Run& run, const TwoClasses& two, Missing& missing) {
  std::string y;
  for (const int32_t actual : {run.positive, 1 - run.positive}) {
    const std::vector<WrongImage> wrong = wrong_images(run, two.kept, actual);
    if (wrong.empty()) continue;
    y += std::string("<h3>") + (actual == run.positive ? "Missed: " : "False alarms: ") + named(run.classes[actual]) +
         " predicted as " + named(run.classes[1 - actual]) + " (" + whole(double(wrong.size())) + ")</h3>\n" +
         gallery(run, first(wrong, most_images / 2), missing);
  }
  return y;
}

std::string images_of_many(const Run& run, Missing& missing) {
  const std::vector<WrongImage> wrong = wrong_images(run);
  return wrong.empty() ? "" : gallery(run, first(wrong, most_images), missing);
}

}  // namespace

std::string images_section(const Run& run, const TwoClasses* two) {
  Missing missing;
  const std::string body = two ? images_of_two(run, *two, missing) : images_of_many(run, missing);
  if (body.empty()) return "";
  return section(
      "images", "Most wrong images",
      "<p>The " + run.images() + " with the most confident wrong predictions" + (two ? " at the kept threshold" : "") +
          ". Look at their labels first: images that are wrong with great confidence are often labeled wrong."
          "<span class=\"js-only\"> A click enlarges an image and shows its path.</span></p>\n" +
          note_of(missing) + body);
}

}  // namespace counterpoise::html_report
