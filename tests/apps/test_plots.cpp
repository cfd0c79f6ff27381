#include <doctest/doctest.h>

#include <cmath>
#include <regex>

#include "apps/plots/plot.h"
#include "apps/plots/surface.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

Surface cone(double x_high = 2) {
  return Surface::of([](double x, double y) { return std::hypot(x, y); }, -2, x_high, -2, 2, 41);
}
const auto same = [](double value) { return value; };
size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("plots: points are circles, one for each, also in the legend") {
  Plot plot;
  plot.lines = {{"dots", {1, 2, 3}, {4, 5, 6}, false, true}, {"line", {1, 2}, {4, 5}}};
  const std::string image = svg("a title", {plot});
  CHECK(count(image, "<circle") == 4);
  CHECK(count(image, "<polyline") == 1);
}

TEST_CASE("plots: a contour passes where the function has its value") {
  Surface s = cone();
  s.contours = {1.25};
  const std::string image = drawing::surface_of(s, same, same);
  static const std::regex point("[ML](-?[0-9.]+) (-?[0-9.]+)");
  int points = 0;
  for (auto it = std::sregex_iterator(image.begin(), image.end(), point); it != std::sregex_iterator();
       ++it, ++points) {
    const double x = std::stod((*it)[1]), y = std::stod((*it)[2]);
    CHECK(std::hypot(x, y) == doctest::Approx(1.25).epsilon(0.08));  // coordinates have one digit
  }
  CHECK(points > 80);
  s.contours = {9};
  CHECK(drawing::surface_of(s, same, same).empty());
}

TEST_CASE("plots: colors go from low to high, and cells of one color in a row are one rectangle") {
  Surface s = cone();
  s.low = 0, s.high = 2;
  const std::string image = drawing::surface_of(s, same, same);
  CHECK(contains(image, "#4095c5"));  // the cells around 0: three quarters of blue
  CHECK(contains(image, "#e08640"));
  CHECK(count(image, "z") < 40 * 40 / 2);
  Surface flat = s;
  for (double& value : flat.values) value = 1;
  CHECK(count(drawing::surface_of(flat, same, same), "z") == 40);
}

TEST_CASE("plots: what cannot be drawn is an error") {
  Surface s = cone();
  s.values[3] = NAN;
  CHECK_THROWS_AS(drawing::surface_of(s, same, same), Error);
  s.values.pop_back();
  CHECK_THROWS_AS(drawing::surface_of(s, same, same), Error);
  Plot plot;
  plot.surface = cone();
  plot.log_x = true;
  CHECK_THROWS_AS(svg("", {plot}), Error);
}
