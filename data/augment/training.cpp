#include "data/augment/training.h"

#include <algorithm>
#include <cmath>

#include "data/augment/levels.h"
#include "kernels/error.h"

namespace counterpoise::augment {

namespace {

constexpr int largest_side = 16384;

struct Rectangle {
  int top, left, height, width;
};

// A rectangle in an image, with whole sides of at most `most`: its share of the area is drawn from `scale`, its width /
// height from `ratio`, its place from all that are possible. Nothing if ten draws do not fit.
std::optional<Rectangle> draw_rectangle(Size image, Size most, Range scale, Range ratio, Random& rng) {
  const Range log_ratio{std::log(ratio.low), std::log(ratio.high)};
  const double pixels = double(image.height) * image.width;
  for (int attempts = 0; attempts < 10; ++attempts) {
    const double area = pixels * scale.draw(rng), width_by_height = std::exp(log_ratio.draw(rng));
    const double width = std::nearbyint(std::sqrt(area * width_by_height));
    const double height = std::nearbyint(std::sqrt(area / width_by_height));
    if (!(1 <= width && width <= most.width && 1 <= height && height <= most.height)) continue;
    const int top = Range{0, image.height - height}.draw_whole(rng);
    return Rectangle{top, Range{0, image.width - width}.draw_whole(rng), int(height), int(width)};
  }
  return {};
}

// The largest part in the middle of an image whose width / height is in the range.
Rectangle middle(Size image, Range ratio) {
  const double height = std::min<double>(image.height, std::nearbyint(image.width / ratio.low));
  const double width = std::min<double>(image.width, std::nearbyint(image.height * ratio.high));
  const int h = std::max(1, int(height)), w = std::max(1, int(width));
  return {(image.height - h) / 2, (image.width - w) / 2, h, w};
}

void check_size(const char* what, int height, int width) {
  CP_ENSURE_AS(invalid_argument, 0 <= height && height <= largest_side && 0 <= width && width <= largest_side, what,
               " has 1 to ", largest_side, " pixels a side, or 0 for the size of the image, not ", width, " x ",
               height);
}

void check_rectangle(const char* area, const char* sides, Range scale, Range ratio) {
  scale.check(area, 0, 1);
  ratio.check(sides, 0.001, 1000);
}

}  // namespace

void RandomResizedCrop::check() const {
  check_size("a random resized crop", height, width);
  check_rectangle("the area of a random resized crop", "the ratio of a random resized crop", scale, ratio);
}
void RandomResizedCrop::draw(Random& rng, Plan& plan) const {
  const Size image = plan.size();
  Rectangle part = draw_rectangle(image, image, scale, ratio, rng).value_or(middle(image, ratio));
  const Size to{height ? height : image.height, width ? width : image.width};
  if (!resolves(resizing({part.height, part.width}, to) * plan.transform(), image)) {
    part = {0, 0, image.height, image.width};
  }
  const Size from{part.height, part.width};
  plan.move(translation(-part.left, -part.top), from);
  plan.move(resizing(from, to), to);
}

void RandomCrop::check() const {
  check_size("a random crop", height, width);
  CP_ENSURE_AS(invalid_argument, 0 <= padding && padding <= largest_side, "the padding of a random crop is 0 to ",
               largest_side, " pixels, not ", padding);
}
void RandomCrop::draw(Random& rng, Plan& plan) const {
  const Size image = plan.size(), to{height ? height : image.height, width ? width : image.width};
  const auto first = [&](int side, int result) {
    const double room = side + 2.0 * padding - result;
    return Range{std::min(room, 0.0), std::max(room, 0.0)}.draw_whole(rng) - padding;
  };
  const int top = first(image.height, to.height), left = first(image.width, to.width);
  plan.move(translation(-left, -top), to, border, fill);
}

void ColorJitter::check() const {
  brightness.check("the factor of brightness", 0, 1000);
  contrast.check("the factor of contrast", 0, 1000);
  saturation.check("the factor of saturation", 0, 1000);
  hue.check("the turn of the hue", -0.5, 0.5);
}
void ColorJitter::draw(Random& rng, Plan& plan) const {
  struct Change {
    ColorFormula formula;
    double amount, nothing;
  };
  std::array<Change, 4> changes = {{{ColorFormula::linear, brightness.draw(rng), 1},
                                    {ColorFormula::contrast, contrast.draw(rng), 1},
                                    {ColorFormula::saturation, saturation.draw(rng), 1},
                                    {ColorFormula::hue, hue.draw(rng), 0}}};
  rng.shuffle(changes);
  for (const Change& change : changes) {
    if (change.amount != change.nothing) plan.color(change.formula, float(change.amount));
  }
}

void Grayscale::check() const { check_probability("gray", p); }
void Grayscale::draw(Random& rng, Plan& plan) const {
  if (rng.uniform() < p) plan.color(ColorFormula::saturation, 0);
}

void RandomErasing::check() const {
  check_probability("random erasing", p);
  check_rectangle("the area of random erasing", "the ratio of random erasing", scale, ratio);
}
void RandomErasing::draw(Random& rng, Plan& plan) const {
  if (!(rng.uniform() < p)) return;
  const Size image = plan.size();
  // Here the ratio is height / width.
  const Range width_by_height{1 / ratio.high, 1 / ratio.low};
  const auto part = draw_rectangle(image, {image.height - 1, image.width - 1}, scale, width_by_height, rng);
  if (!part) return;
  if (!noise) return plan.erase(part->left, part->top, part->left + part->width, part->top + part->height, fill);
  const uint64_t key = rng.bits64();
  plan.change_image([part = *part, key](Image& image) {
    Random own(key, Stream::augment);
    for (int i = part.top; i < part.top + part.height; ++i) {
      uint8_t* row = image.rgb.data() + (ptrdiff_t{i} * image.width + part.left) * 3;
      std::generate_n(row, part.width * 3, [&] { return uint8_t(own.bits() >> 24); });
    }
  });
}

void Invert::draw(Random&, Plan& plan) const { plan.color(ColorFormula::linear, -1, 255); }

void Solarize::check() const { threshold.check("the threshold of solarizing", 0, 256); }
void Solarize::draw(Random& rng, Plan& plan) const { plan.color(ColorFormula::solarize, float(threshold.draw(rng))); }

void Posterize::check() const { bits.check_whole("the number of bits of posterizing", 0, 8); }
void Posterize::draw(Random& rng, Plan& plan) const {
  plan.change_image([n = bits.draw_whole(rng)](Image& image) { posterize(image, n); });
}

void AutoContrast::draw(Random&, Plan& plan) const { plan.change_image(auto_contrast); }

void Equalize::draw(Random&, Plan& plan) const { plan.change_image(equalize); }

void Sharpness::check() const { factor.check("the factor of sharpness", 0, 1000); }
void Sharpness::draw(Random& rng, Plan& plan) const {
  plan.change_image([f = factor.draw(rng)](Image& image) { adjust_sharpness(image, f); });
}

}  // namespace counterpoise::augment
