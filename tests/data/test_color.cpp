// Changes of color: the formulas of kernels/color.h by colors that one can name, in vectors as for one pixel, and what
// a plan does with them.
#include <doctest/doctest.h>

#include "data/augment/pixels.h"
#include "data/augment/plan.h"
#include "kernels/cpu/parallel.h"
#include "tests/data/augmented.h"
#include "tests/support.h"

using namespace counterpoise;
using namespace counterpoise::augment;

namespace {

Image one_pixel(uint8_t r, uint8_t g, uint8_t b) { return {1, 1, {r, g, b}}; }

std::vector<uint8_t> changed(Image image, const std::vector<ColorChange>& changes) {
  change_colors(image, changes);
  return image.rgb;
}

}  // namespace

TEST_CASE("color: what the formulas do with colors that have a name") {
  using F = ColorFormula;
  using Bytes = std::vector<uint8_t>;
  const Image red = one_pixel(255, 0, 0), pale = one_pixel(200, 150, 100);
  CHECK(changed(red, {{F::hue, 1 / 3.f}}) == Bytes{0, 255, 0});
  CHECK(changed(red, {{F::hue, -1 / 3.f}}) == Bytes{0, 0, 255});
  CHECK(changed(red, {{F::hue, 1 / 6.f}}) == Bytes{255, 255, 0});
  CHECK(changed(red, {{F::hue, 0.5f}}) == Bytes{0, 255, 255});
  CHECK(changed(one_pixel(77, 77, 77), {{F::hue, 0.3f}}) == Bytes{77, 77, 77});  // gray has no hue
  CHECK(changed(pale, {{F::saturation, 0}}) == Bytes{159, 159, 159});            // .299 200 + .587 150 + .114 100
  CHECK(changed(pale, {{F::linear, 0.5f}}) == Bytes{100, 75, 50});
  CHECK(changed(pale, {{F::linear, 2}}) == Bytes{255, 255, 200});
  CHECK(changed(pale, {{F::linear, -1, 255}}) == Bytes{55, 105, 155});
  CHECK(changed(pale, {{F::solarize, 150}}) == Bytes{55, 105, 100});
  CHECK(changed(pale, {{F::contrast, 0}}) == Bytes{159, 159, 159});
  // The mean is that of the image as it is before the contrast.
  const Image two{1, 2, {100, 100, 100, 200, 200, 200}};
  CHECK(changed(two, {{F::linear, 0.5f}, {F::contrast, 2}}) == Bytes{25, 25, 25, 125, 125, 125});
  // Once rounded, not twice: 101 / 4 * 4.
  CHECK(changed(one_pixel(101, 101, 101), {{F::linear, 0.25f}, {F::linear, 4}}) == Bytes{101, 101, 101});
}

TEST_CASE("color: identity parameters change nothing, and threads and rows do not matter") {
  using F = ColorFormula;
  const Image image = noise(37, 301, 1);
  const std::vector<ColorChange> identity = {
      {F::linear, 1}, {F::contrast, 1}, {F::saturation, 1}, {F::hue, 0}, {F::solarize, 256}};
  for (const ColorChange& change : identity) CHECK(changed(image, {change}) == image.rgb);
  CHECK(changed(image, identity) == image.rgb);
  const std::vector<ColorChange> all = {
      {F::linear, 1.2f, -9}, {F::hue, -0.2f}, {F::contrast, 0.7f}, {F::saturation, 1.5f}, {F::solarize, 200}};
  const std::vector<uint8_t> alone = changed(image, all);
  CHECK(alone != image.rgb);
  // One pixel after the other, as a GPU computes them.
  double sum = 0;
  std::vector<float> pixels(image.rgb.begin(), image.rgb.end());
  for (int pass = 0; pass < 2; ++pass) {
    for (size_t i = 0; i < pixels.size(); i += 3) {
      for (size_t k = pass == 0 ? 0 : 2; k < (pass == 0 ? 2 : all.size()); ++k) {
        change_color(all[k], float(sum / (37 * 301)), pixels[i], pixels[i + 1], pixels[i + 2]);
      }
    }
    if (pass == 1) break;
    for (size_t i = 0; i < pixels.size(); i += 3) sum += double{gray(pixels[i], pixels[i + 1], pixels[i + 2])};
  }
  int differ = 0;
  for (size_t i = 0; i < pixels.size(); ++i) {
    const int difference = std::abs(int(alone[i]) - int(pixels[i] + 0.5f));
    CHECK_FALSE((difference > 1 && difference < 50));  // (solarized from 200 on: a jump)
    differ += difference > 0;
  }
  CHECK(differ < int(pixels.size()) / 500);
}

TEST_CASE("color: a plan makes the changes that follow each other together, and erases within the image") {
  const Image image = noise(8, 9, 2);
  Plan plan({8, 9});
  plan.color(ColorFormula::linear, 0.25f);
  plan.color(ColorFormula::none, 0);
  plan.color(ColorFormula::linear, 4);
  CHECK(plan({image}).image.rgb == image.rgb);
  plan.erase(-3, 6, 2, 100, {1, 2, 3});
  const Image erased = plan({image}).image;
  for (int i = 0; i < 8; ++i) {
    for (int j = 0; j < 9; ++j) {
      const uint8_t* pixel = erased.rgb.data() + (i * 9 + j) * 3;
      if (i >= 6 && j < 2) CHECK((pixel[0] == 1 && pixel[1] == 2 && pixel[2] == 3));
      else CHECK(std::equal(pixel, pixel + 3, image.rgb.data() + (i * 9 + j) * 3));
    }
  }
  Image copy = image;
  CHECK(contains(error_of(
                     [&] {
                       change_colors(copy, {{ColorFormula::hue, 0.6f}});
                     },
                     ErrorKind::invalid_argument),
                 "from -0.5 to 0.5"));
  CHECK_THROWS_AS(change_colors(copy, {{ColorFormula::linear, NAN}}), Error);
}
