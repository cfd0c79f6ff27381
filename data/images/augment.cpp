#include "data/images/augment.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "kernels/error.h"

namespace counterpoise {

// Rows are applied in this order. The first two draw one number each for every image, even where they are off; a new
// row comes after them and draws only where it is on, so that a seed keeps giving the same images.
const std::vector<Augmentation>& augmentations() {
  static const std::vector<Augmentation> rows = {
      {"flip", "", 0, 1, "mirrors left and right in half of the images",
       [](float on, Random& rng, ImageTransform& transform) {
         if (rng.uniform() < 0.5f && on > 0) transform.flip();
       },
       true},
      {"rotate", "R", 0, 1, "rotates by an angle uniform in [-R, R] whole turns",
       [](float turns, Random& rng, ImageTransform& transform) {
         constexpr float whole_turn = 6.283185307179586f;  // radians
         const float angle = rng.uniform(-turns, turns) * whole_turn;
         if (angle != 0) transform.rotate(double{angle});
       },
       true},
      {"crop", "P", 0, 64, "shifts by whole pixels, at most P in each direction; black comes in from outside",
       [](float pixels, Random& rng, ImageTransform& transform) {
         // A crop of the size of the image from the image with a black edge P wide.
         const auto places = static_cast<uint32_t>(2 * std::floor(pixels) + 1);
         const double right = rng.below(places) - std::floor(double{pixels});
         const double down = rng.below(places) - std::floor(double{pixels});
         transform.then({{1, 0, right}, {0, 1, down}});
         transform.border = ImageTransform::Border::zero;
       }},
  };
  return rows;
}

namespace {

// "flip,rotate=R".
std::string names() {
  std::string names;
  for (const Augmentation& row : augmentations()) {
    names += (names.empty() ? "" : ",") + row.name + (row.parameter.empty() ? "" : "=" + row.parameter);
  }
  return names;
}

// "R from 0 to 1".
std::string ranges() {
  std::string ranges;
  for (const Augmentation& row : augmentations()) {
    if (row.parameter.empty()) continue;
    ranges += detail::text(ranges.empty() ? "" : ", ", row.parameter, " from ", row.low, " to ", row.high);
  }
  return ranges;
}

}  // namespace

Augment parse_augment(const std::string& description) {
  const auto require = [&](bool condition) {
    CP_ENSURE_AS(invalid_argument, condition, "unknown augmentation \"", description, "\": valid are none, or some of ",
                 names(), " with ", ranges());
  };
  const std::vector<Augmentation>& rows = augmentations();
  Augment result;
  if (description == "none") return result;
  result.strengths.resize(rows.size());
  std::vector<bool> given(rows.size());
  for (size_t begin = 0; begin <= description.size();) {
    const size_t end = std::min(description.find(',', begin), description.size());
    const std::string item = description.substr(begin, end - begin), name = item.substr(0, item.find('='));
    begin = end + 1;
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Augmentation& row) { return row.name == name; });
    require(row != rows.end());
    const size_t i = static_cast<size_t>(row - rows.begin());
    require(!given[i] && (item == name) == row->parameter.empty());
    given[i] = true;
    float& strength = result.strengths[i] = 1;
    if (item == name) continue;
    const char* last = item.data() + item.size();
    const auto [stop, error] = std::from_chars(item.data() + name.size() + 1, last, strength);
    require(error == std::errc() && stop == last && row->low <= strength && strength <= row->high);
  }
  return result;
}

std::string to_string(const Augment& augment) {
  std::string description;
  for (size_t i = 0; i < augmentations().size(); ++i) {
    const float strength = augment.strength(i);
    if (strength == 0) continue;
    description += (description.empty() ? "" : ",") + augmentations()[i].name;
    if (augmentations()[i].parameter.empty()) continue;
    char digits[32];
    description += "=" + std::string(digits, std::to_chars(digits, digits + sizeof digits, strength).ptr);
  }
  return description.empty() ? "none" : description;
}

ImageTransform draw_transform(const Augment& augment, Random& rng) {
  ImageTransform transform;
  for (size_t i = 0; i < augmentations().size(); ++i) {
    const Augmentation& row = augmentations()[i];
    if (row.always_draws || augment.strength(i) != 0) row.draw(augment.strength(i), rng, transform);
  }
  return transform;
}

std::string augment_help() {
  std::string help = "none, or some of " + names();
  for (size_t i = 0; i < augmentations().size(); ++i) {
    help += (i == 0 ? ": " : "; ") + augmentations()[i].name + " " + augmentations()[i].help;
  }
  return help;
}

}  // namespace counterpoise
