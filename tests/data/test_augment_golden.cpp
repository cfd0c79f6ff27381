// Augmentation as imgaug 0.4.0 does it, with fixed parameters: golden/make_augment.py.
#include <doctest/doctest.h>

#include "data/augment/pixels.h"
#include "tests/data/augment_golden.h"
#include "tests/data/augmented.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

using namespace augment;
using Json = nlohmann::json;

const Json& golden() { return read_golden("data/golden/augment.json"); }

std::vector<Point> points(const Json& pairs) {
  std::vector<Point> y;
  for (const Json& pair : pairs) y.push_back({pair[0], pair[1]});
  return y;
}

// The image and its targets before or after.
Annotated annotated(const Json& from) {
  Annotated y;
  const Size size = size_of(from["size"]);
  y.image = {size.height, size.width, from.contains("rgb") ? from_hex(from["rgb"]) : std::vector<uint8_t>()};
  for (const Point p : points(from["keypoints"])) y.keypoints.push_back({p});
  for (const Json& box : from["boxes"]) y.boxes.push_back({box[0][0], box[0][1], box[1][0], box[1][1]});
  for (const Json& polygon : from["polygons"]) y.polygons.push_back({points(polygon)});
  for (const Json& line : from["lines"]) y.lines.push_back({points(line)});
  if (!from.contains("map_size")) return y;
  const Size map = size_of(from["map_size"]);
  y.heat_maps.push_back({map.height, map.width, from["heat"]});
  y.segmentation_maps.push_back({map.height, map.width, {}});
  for (const char digit : from["segments"].get<std::string>()) y.segmentation_maps[0].labels.push_back(digit - '0');
  return y;
}

Border border_of(const std::string& name) {
  return name == "replicate"     ? Border::replicate
         : name == "reflect"     ? Border::reflect
         : name == "reflect_101" ? Border::reflect_101
                                 : Border::constant;
}

Plan plan_of(const Json& a) {
  const std::string kind = a["kind"];
  const Size size = size_of(golden()["size"]), to = size_of(a["size"]);
  Random rng(1, Stream::test);
  if (kind == "horizontal_flip") return Augmenter(HorizontalFlip{}).plan(size, rng);
  if (kind == "vertical_flip") return Augmenter(VerticalFlip{}).plan(size, rng);
  if (kind == "resize") return Augmenter(ResizeTo{to.height, to.width}).plan(size, rng);
  Plan plan(size);
  if (kind == "perspective") {
    const std::vector<Point> p = points(a["from"]);
    const double right = to.width, bottom = to.height;
    plan.move(perspective({p[0], p[1], p[2], p[3]}, {{{0, 0}, {right, 0}, {right, bottom}, {0, bottom}}}), to);
    return plan;
  }
  if (kind == "affine") {
    Affine affine;
    affine.scale_x = double(a["scale_x"]), affine.scale_y = double(a["scale_y"]);
    affine.translate_x = double(a["translate_x"]), affine.translate_y = double(a["translate_y"]);
    affine.rotate = double(a["rotate"]);
    affine.shear_x = double(a["shear_x"]), affine.shear_y = double(a["shear_y"]);
    affine.border = border_of(a["border"]), affine.fit_output = a["fit_output"];
    return Augmenter(affine).plan(size, rng);
  }
  std::vector<double> change = a["change"];
  if (kind == "crop") {
    for (double& side : change) side = -side;
  }
  // Top, right, bottom and left.
  const Size changed{int(size.height + change[0] + change[2]), int(size.width + change[1] + change[3])};
  plan.move(translation(change[3], change[0]), changed);
  if (a["keep_size"]) plan.move(resizing(plan.size(), size), size);
  return plan;
}

double furthest(const std::vector<Point>& a, const std::vector<Point>& b) {
  REQUIRE(a.size() == b.size());
  double y = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    y = std::max({y, std::fabs(a[i].x - b[i].x), std::fabs(a[i].y - b[i].y)});
  }
  return y;
}

}  // namespace

TEST_CASE("golden: targets and images move as in imgaug") {
  const Annotated before = annotated(golden());
  std::string measured;
  for (const Json& a : golden()["cases"]) {
    const std::string kind = a["kind"];
    CAPTURE(kind);
    const bool smooth = kind == "affine" || kind == "resize";
    const Annotated expected = annotated(a);
    const Plan plan = plan_of(a);
    const Annotated found = plan(before);
    if (a.value("fit_output", false)) {  // imgaug's may be a pixel larger, and shifted by a part of one
      CHECK(std::abs(found.image.height - expected.image.height) <= 1);
      CHECK(std::abs(found.image.width - expected.image.width) <= 1);
      continue;
    }
    REQUIRE(found.size() == expected.size());
    double coordinates = 0;
    for (size_t i = 0; i < before.keypoints.size(); ++i) {
      coordinates = std::max(coordinates, furthest({found.keypoints[i].at}, {expected.keypoints[i].at}));
    }
    for (size_t i = 0; i < before.boxes.size(); ++i) {
      coordinates = std::max(coordinates, furthest(corners(found.boxes[i]), corners(expected.boxes[i])));
    }
    coordinates = std::max(coordinates, furthest(found.polygons[0].points, expected.polygons[0].points));
    coordinates = std::max(coordinates, furthest(found.lines[0].points, expected.lines[0].points));
    CHECK(coordinates < 1e-4);
    // Images: everywhere but where a fill color is blended in, which OpenCV does in steps of 1/32.
    int levels = 0;
    size_t compared = 0;
    const Transform back = inverse(plan.transform());
    for (size_t i = 0; i < expected.image.rgb.size(); ++i) {
      const size_t pixel = i / 3, width = size_t(expected.image.width);
      const Point p = *moved(back, Point{double(pixel % width) + 0.5, double(pixel / width) + 0.5});
      const bool inside = p.x > 1.5 && p.y > 1.5 && p.x < before.image.width - 1.5 && p.y < before.image.height - 1.5;
      if (kind == "affine" && a["border"] == "constant" && !inside) continue;
      levels = std::max(levels, std::abs(int(expected.image.rgb[i]) - int(found.image.rgb[i])));
      ++compared;
    }
    CHECK(levels <= (smooth ? 1 : 0));
    if (!expected.image.rgb.empty()) CHECK(compared > expected.image.rgb.size() / 3);
    double heat = 0;
    int labels = 0;
    if (!expected.heat_maps.empty()) {
      const HeatMap &x = found.heat_maps[0], &y = expected.heat_maps[0];
      REQUIRE(x.values.size() == y.values.size());
      for (size_t i = 0; i < x.values.size(); ++i) heat = std::max(heat, std::fabs(double{x.values[i]} - y.values[i]));
      const auto &s = found.segmentation_maps[0].labels, &t = expected.segmentation_maps[0].labels;
      REQUIRE(s.size() == t.size());
      for (size_t i = 0; i < s.size(); ++i) labels += s[i] != t[i];
    }
    CHECK(heat < (smooth ? 0.02 : 1e-6));
    CHECK(labels <= (smooth ? 6 : 0));  // of 192: where a pixel's center falls between two
    measured += detail::text(kind, ": coordinates ", coordinates, ", levels ", levels, ", heat ", heat, ", labels ",
                             labels, "\n");
  }
  INFO(measured);
  CHECK(measured.size() > 0);
}

TEST_CASE("golden: pixels change as in imgaug") {
  const Size size = size_of(golden()["rough_size"]);
  for (const Json& a : golden()["pixels"]) {
    const std::string kind = a["kind"];
    const std::vector<double> p = a["parameters"];
    Image image{size.height, size.width, from_hex(golden()["rough"])};
    if (kind == "blur") gaussian_blur(image, p[0]);
    if (kind == "contrast") linear_contrast(image, p[0]);
    if (kind == "sharpen") sharpen(image, p[0], p[1]);
    if (kind == "multiply") multiply(image, p[0]);
    if (kind == "add") add(image, p[0]);
    const std::vector<uint8_t> expected = from_hex(a["rgb"]);
    int levels = 0;
    for (size_t i = 0; i < expected.size(); ++i) levels = std::max(levels, std::abs(int(expected[i]) - image.rgb[i]));
    CAPTURE(kind);
    CAPTURE(p[0]);
    CHECK(levels <= (kind == "blur" || kind == "sharpen" ? 1 : 0));
  }
}
