#include <doctest/doctest.h>

#include <cmath>
#include <regex>

#include "apps/plots/graph.h"
#include "apps/plots/plot.h"
#include "apps/plots/surface.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

Surface cone(double x_high = 2) {
  return Surface::of([](double x, double y) { return std::hypot(x, y); }, -2, x_high, -2, 2, 41);
}
const auto same = [](double value) { return value; };

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

TEST_CASE("plots: a graph has a box for each node, right of its inputs, and an arrow for each input") {
  const std::string image =
      graph_svg("a title", {{"w", {"1"}, {}}, {"x", {"2"}, {}}, {"×", {"3", "4"}, {0, 1}}, {"²", {}, {2, 2}}});
  CHECK(count(image, "<rect") == 1 + 4);  // one is the background
  CHECK(count(image, "z\" fill") == 4);
  static const std::regex box("<rect x=\"([0-9.]+)\"[^>]* rx=");
  std::vector<double> x;
  for (auto it = std::sregex_iterator(image.begin(), image.end(), box); it != std::sregex_iterator(); ++it) {
    x.push_back(std::stod((*it)[1]));
  }
  REQUIRE(x.size() == 4);
  CHECK(x[0] == x[1]);
  CHECK(x[1] < x[2]);
  CHECK(x[2] < x[3]);
  CHECK_THROWS_AS(graph_svg("", {{"a", {}, {0}}}), Error);
  CHECK_THROWS_AS(graph_svg("", {}), Error);
}
