// What is marked on images: the geometry of targets, and how they follow the image when it is augmented.
#include <doctest/doctest.h>

#include <limits>

#include "tests/data/augmented.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

using namespace augment;

Point random_point(Random& rng, double low, double high) {
  const double x = low + (high - low) * double{rng.uniform()};
  return {x, low + (high - low) * double{rng.uniform()}};
}

}  // namespace

TEST_CASE("augment: a bright spot lands on its keypoint, whatever is drawn") {
  const Augmenter augmenter = places();
  int seen = 0;
  for (uint64_t trial = 0; trial < 60; ++trial) {
    Random rng(1, Stream::test, trial);
    Annotated a;
    a.keypoints.push_back({random_point(rng, 14, 46)});
    a.image = spot(64, 60, a.keypoints[0].at);
    const Annotated y = augmenter(a, rng);
    REQUIRE(y.keypoints.size() == 1);
    const Point at = y.keypoints[0].at;
    // (Only where the whole spot is in the image.)
    if (at.x < 9 || at.y < 9 || at.x > y.image.width - 9 || at.y > y.image.height - 9) continue;
    const Point found = center_of(y.image);
    CAPTURE(trial);
    CHECK(std::fabs(found.x - at.x) < 0.12);
    CHECK(std::fabs(found.y - at.y) < 0.12);
    ++seen;
  }
  CHECK(seen > 30);
}

TEST_CASE("augment: a mask's outline follows its polygon, and its heat map, too") {
  const Augmenter augmenter = places();
  for (uint64_t trial = 0; trial < 40; ++trial) {
    Random rng(2, Stream::test, trial);
    Annotated a;
    a.image = black(64, 60);
    const Polygon polygon = star(random_point(rng, 25, 38), 20, rng);
    a.polygons.push_back(polygon);
    a.segmentation_maps.push_back(mask_of(polygon, a.size()));
    // A heat map of half the resolution.
    const SegmentationMap half = mask_of(*moved(scaling(0.5, 0.5), polygon), {32, 30});
    a.heat_maps.push_back({32, 30, std::vector<float>(half.labels.begin(), half.labels.end())});
    const Annotated y = augmenter(a, rng);
    REQUIRE(y.polygons.size() == 1);
    const SegmentationMap& map = y.segmentation_maps[0];
    REQUIRE(Size{map.height, map.width} == y.size());
    double furthest = 0, furthest_heat = 0;
    const HeatMap& heat = y.heat_maps[0];
    for (int i = 0; i < map.height; ++i) {
      for (int j = 0; j < map.width; ++j) {
        const Point p{j + 0.5, i + 0.5};
        const bool in = contains(y.polygons[0], p);
        if (in == (map.labels[size_t(i * map.width + j)] == 1)) continue;
        furthest = std::max(furthest, distance_to_outline(y.polygons[0], p));
      }
    }
    for (int i = 0; i < heat.height; ++i) {
      for (int j = 0; j < heat.width; ++j) {
        const Point p{(j + 0.5) * map.width / heat.width, (i + 0.5) * map.height / heat.height};
        const bool in = contains(y.polygons[0], p);
        if (in == (heat.values[size_t(i * heat.width + j)] > 0.5f)) continue;
        furthest_heat = std::max(furthest_heat, distance_to_outline(y.polygons[0], p));
      }
    }
    CAPTURE(trial);
    CHECK(furthest < 1.5);  // less than a diagonal of a pixel, which was enlarged
    CHECK(furthest_heat < 2.6);
  }
}

TEST_CASE("augment: a box contains what it contained, a polygon has the area that its transform says") {
  const Augmenter augmenter = places();
  for (uint64_t trial = 0; trial < 60; ++trial) {
    Random rng(3, Stream::test, trial);
    Annotated a;
    a.image = black(64, 60);
    a.boxes.push_back({20, 10, 45, 50, "cat"});
    a.lines.push_back({{{20, 10}, {45, 50}, {22, 30}}, "tail"});
    a.polygons.push_back(star({30, 30}, 12, rng));
    for (int i = 0; i < 30; ++i) {
      const double x = 20 + 25 * double{rng.uniform()};
      a.keypoints.push_back({{x, 10 + 40 * double{rng.uniform()}}});
    }
    const Plan plan = augmenter.plan(a.size(), rng);
    const Annotated y = plan(a);
    CAPTURE(trial);
    REQUIRE(y.boxes.size() == 1);
    CHECK(y.boxes[0].label == "cat");
    REQUIRE(y.keypoints.size() == 30);
    Box wider = y.boxes[0];
    wider.left -= 1e-9, wider.top -= 1e-9, wider.right += 1e-9, wider.bottom += 1e-9;
    for (const Keypoint& keypoint : y.keypoints) CHECK(contains(wider, keypoint.at));
    for (const Point p : y.lines[0].points) CHECK(contains(wider, p));
    if (!plan.transform().affine()) continue;
    const auto& m = plan.transform().m;
    const double determinant = m[0][0] * m[1][1] - m[0][1] * m[1][0];
    CHECK(signed_area(y.polygons[0]) == doctest::Approx(determinant * signed_area(a.polygons[0])));
  }
}

TEST_CASE("augment: a flip exchanges sides about the width, changes the winding and no area; two change nothing") {
  Annotated a;
  a.image = noise(7, 10, 4);
  a.keypoints.push_back({{0.5, 2.5}, "left ear"});
  a.boxes.push_back({1, 2, 4, 6});
  a.polygons.push_back({{{1, 1}, {5, 1}, {5, 4}}});
  a.segmentation_maps.push_back({1, 2, {5, 6}});
  Random rng(1, Stream::test);
  const Annotated y = Augmenter(HorizontalFlip{})(a, rng);
  CHECK(y.keypoints[0].at.x == 9.5);
  CHECK(y.keypoints[0].at.y == 2.5);
  CHECK(y.keypoints[0].label == "left ear");
  CHECK(y.boxes[0].left == 6);
  CHECK(y.boxes[0].right == 9);
  CHECK(y.segmentation_maps[0].labels == std::vector<int32_t>{6, 5});
  CHECK(clockwise(a.polygons[0]));
  CHECK(!clockwise(y.polygons[0]));
  CHECK(area(a.polygons[0]) == 6);
  CHECK(area(y.polygons[0]) == 6);
  for (int i = 0; i < 7; ++i) {
    for (int j = 0; j < 30; ++j) {
      CHECK(y.image.rgb[size_t(i * 30 + 27 - j / 3 * 3 + j % 3)] == a.image.rgb[size_t(i * 30 + j)]);
    }
  }
  for (const Augmenter& flip : {Augmenter(HorizontalFlip{}), Augmenter(VerticalFlip{})}) {
    const Annotated twice = Augmenter(Sequential{{flip, flip}})(a, rng);
    CHECK(twice.image.rgb == a.image.rgb);
    CHECK(flip(flip(a, rng), rng).image.rgb == a.image.rgb);
    CHECK(twice.keypoints[0].at.x == 0.5);
    CHECK(twice.keypoints[0].at.y == 2.5);
  }
}

TEST_CASE("augment: clipping") {
  const Size image{10, 20};  // 20 wide
  CHECK(!clipped(Box{20, 0, 25, 5}, image));
  CHECK(!clipped(Box{3, 3, 3, 5}, image));  // no area
  const Box box = *clipped(Box{-5, 4, 5, 40, "cat"}, image);
  CHECK(box.left == 0);
  CHECK(box.right == 5);
  CHECK(box.top == 4);
  CHECK(box.bottom == 10);
  CHECK(box.label == "cat");
  // A triangle whose corner sticks out: of its area 50, 12.5 is cut off.
  const Polygon triangle{{{-5, 5}, {5, 0}, {5, 10}}, "ear"};
  CHECK(area(triangle) == 50);
  CHECK(area(*clipped(triangle, image)) == doctest::Approx(37.5));
  CHECK(clipped(triangle, image)->label == "ear");
  CHECK(clockwise(triangle) == clockwise(*clipped(triangle, image)));
  CHECK(!clipped(Polygon{{{-5, 5}, {-1, 0}, {-1, 10}}}, image));
  // The whole image, from a polygon around it.
  CHECK(area(*clipped(Polygon{{{-9, -9}, {40, -9}, {40, 30}, {-9, 30}}}, image)) == 200);
  // The area in the image is what a fine mask counts.
  Random rng(5, Stream::test);
  for (int trial = 0; trial < 20; ++trial) {
    const Polygon polygon = star({10 + 8.0 * double{rng.uniform(-1, 1)}, 5 + 4.0 * double{rng.uniform(-1, 1)}}, 8, rng);
    const SegmentationMap mask = mask_of(*moved(scaling(20, 20), polygon), {200, 400});
    double pixels = 0;
    for (const int32_t label : mask.labels) pixels += label;
    CHECK(area(*clipped(polygon, image)) == doctest::Approx(pixels / 400).epsilon(0.01));
  }
  // A line string that leaves and comes back: two pieces, with the points between.
  const LineString line{{{2, 5}, {30, 5}, {30, 8}, {10, 8}, {10, 9}}, "tail"};
  const std::vector<LineString> pieces = clipped(line, image);
  REQUIRE(pieces.size() == 2);
  CHECK(length(pieces[0]) == 18);
  CHECK(pieces[0].points.size() == 2);
  CHECK(pieces[0].points[1].x == 20);
  CHECK(length(pieces[1]) == 11);
  CHECK(pieces[1].points.size() == 3);
  CHECK(pieces[1].label == "tail");
  CHECK(clipped(LineString{{{-1, -1}, {30, -1}}}, image).empty());
  CHECK(clipped(LineString{{{-1, 1}, {1, -1}}}, image).empty());  // it touches a corner
  // One that crosses without a point inside.
  CHECK(length(clipped(LineString{{{-5, 5}, {25, 5}}}, image)[0]) == 20);
}

TEST_CASE("augment: what has left the image stays, is dropped, or is clipped") {
  Annotated a;
  a.image = black(10, 20);
  a.keypoints = {{{19.9, 9.9}, "in"}, {{20, 5}, "out"}, {{-0.1, 5}, "out"}};
  a.boxes = {{-9, 0, 1, 10, "a tenth"}, {-5, 0, 5, 10, "half"}, {30, 0, 40, 10, "out"}};
  a.polygons = {{{{-9, 0}, {1, 0}, {1, 10}, {-9, 10}}, "a tenth"}, {{{30, 0}, {40, 0}, {40, 10}}, "out"}};
  a.lines = {{{{2, 5}, {30, 5}, {30, 8}, {10, 8}}, "twice"}, {{{30, 5}, {40, 5}}, "out"}};
  Annotated dropped = a, clip = a, clip_half = a;
  drop_outside(dropped);
  CHECK(dropped.keypoints.size() == 1);
  CHECK(dropped.boxes.size() == 2);
  CHECK(dropped.boxes[0].left == -9);  // kept as it is
  CHECK(dropped.polygons.size() == 1);
  CHECK(dropped.lines.size() == 1);
  CHECK(dropped.lines[0].points.size() == 4);
  clip_to_image(clip);
  CHECK(clip.boxes.size() == 2);
  CHECK(clip.boxes[0].left == 0);
  CHECK(area(clip.polygons[0]) == 10);
  CHECK(clip.lines.size() == 2);
  clip_to_image(clip_half, 0.3);
  CHECK(clip_half.boxes.size() == 1);
  CHECK(clip_half.boxes[0].label == "half");
  CHECK(clip_half.polygons.empty());
  CHECK(error_of([&] { clip_to_image(a, 1.5); }, ErrorKind::invalid_argument) ==
        "the least part of an area that is left must be from 0 to 1, not 1.5");
  // In a pipeline, all stay until one of these is reached.
  Random rng(1, Stream::test);
  Affine right;
  right.translate_x = 0.5;
  CHECK(Augmenter(right)(a, rng).boxes.size() == 3);
  CHECK(Augmenter(Sequential{{right, DropOutside{}}})(a, rng).boxes.size() == 2);
  CHECK(Augmenter(Sequential{{right, ClipToImage{}}})(a, rng).boxes[0].right == 11);
}

TEST_CASE("augment: what cannot be augmented is an error of one line; empty lists are none") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Annotated good;
  good.image = black(4, 4);
  check(good);
  Random rng(1, Stream::test);
  CHECK(places()(good, rng).polygons.empty());
  const auto message = [&](auto change) {
    Annotated a = good;
    change(a);
    const std::string said = error_of([&] { check(a); }, ErrorKind::bad_data);
    CHECK(error_of([&] { Augmenter(HorizontalFlip{})(a, rng); }, ErrorKind::bad_data) == said);
    CHECK(!contains(said, "\n"));
    return said;
  };
  CHECK(message([](Annotated& a) { a.image.rgb.pop_back(); }) ==
        "an image to be augmented has 47 bytes but says 4 x 4 pixels");
  CHECK(message([](Annotated& a) { a.image = {}; }) == "an image to be augmented has 0 bytes but says 0 x 0 pixels");
  CHECK(message([&](Annotated& a) {
          a.keypoints.push_back({{nan, 1}, "eye"});
        }) == "keypoint 0 (eye) has a coordinate that is not finite: (nan, 1)");
  CHECK(contains(message([&](Annotated& a) { a.boxes.push_back({0, 0, 1.0 / 0.0, 1}); }), "box 0 has a coordinate"));
  CHECK(contains(message([](Annotated& a) {
                   a.boxes.push_back({3, 0, 1, 1, "cat"});
                 }),
                 "box 0 (cat) has exchanged sides: left 3"));
  CHECK(message([](Annotated& a) {
          a.polygons.push_back({{{0, 0}, {1, 1}}});
        }) == "polygon 0 has 2 points, at least 3 are needed");
  CHECK(message([](Annotated& a) {
          a.lines.push_back({{{0, 0}}, "tail"});
        }) == "line string 0 (tail) has 1 points, at least 2 are needed");
  CHECK(message([](Annotated& a) {
          a.heat_maps.push_back({2, 2, {1, 2, 3}});
        }) == "heat map 0 has 3 values but says 2 x 2");
  CHECK(message([&](Annotated& a) {
          a.heat_maps.push_back({1, 1, {float(nan)}});
        }) == "heat map 0 has a value that is not finite");
  CHECK(message([](Annotated& a) {
          a.segmentation_maps.push_back({0, 2, {}});
        }) == "segmentation map 0 has 0 labels but says 2 x 0");
}
