// Displacements: as torchvision's elastic() does it, and that everything that is marked on an image moves with it.
#include <doctest/doctest.h>

#include "data/augment/elastic.h"
#include "data/augment/training.h"
#include "kernels/cpu/parallel.h"
#include "tests/data/augment_golden.h"
#include "tests/data/augmented.h"

using namespace counterpoise;

namespace {

using namespace augment;

// The displacement of golden/make_augment_training.py.
Displacement waves(Size size) {
  Displacement field{size, {}, {}};
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      field.right.push_back(float(1.2 * std::sin(0.4 * x + 0.3 * y)));
      field.down.push_back(float(1.2 * std::cos(0.35 * x - 0.2 * y)));
    }
  }
  return field;
}

}  // namespace

TEST_CASE("golden: a displacement moves pixels as in torchvision") {
  const Size size = size_of(training_golden()["size"]);
  Annotated a;
  a.image = image_of(size, training_golden()["rough"]);
  const Image expected = image_of(size, training_golden()["elastic"]["rgb"]);
  CHECK(levels_apart(a.image, expected) > 50);
  CHECK(levels_apart(displaced(a, waves(size)).image, expected) <= 1);
}

TEST_CASE("augment: an elastic transform takes a bright spot to its keypoint, and p + d(p) back") {
  const Augmenter elastic = ElasticTransform{{10, 60}, {6, 10}};
  int seen = 0;
  double furthest = 0, moved_most = 0;
  for (uint64_t trial = 0; trial < 60; ++trial) {
    Random rng(1, Stream::test, trial), again(1, Stream::test, trial);
    Annotated a;
    a.keypoints.push_back({{14 + 36 * double{rng.uniform()}, 14 + 32 * double{again.uniform()}}, "eye"});
    a.image = spot(60, 64, a.keypoints[0].at);
    const Annotated y = elastic(a, rng);
    REQUIRE(y.keypoints.size() == 1);
    CHECK(y.keypoints[0].label == "eye");
    const Point at = y.keypoints[0].at, found = center_of(y.image);
    moved_most = std::max(moved_most, std::hypot(at.x - a.keypoints[0].at.x, at.y - a.keypoints[0].at.y));
    // (Only where the whole spot is in the image.)
    if (at.x < 9 || at.y < 9 || at.x > 55 || at.y > 51) continue;
    furthest = std::max({furthest, std::fabs(found.x - at.x), std::fabs(found.y - at.y)});
    ++seen;
  }
  CHECK(furthest < 0.25);
  CHECK(moved_most > 2);
  CHECK(seen > 40);
  const Displacement field = waves({18, 20});
  CHECK(steepness(field) < 1);
  Random rng(2, Stream::test);
  for (int i = 0; i < 200; ++i) {
    const Point q{30 * double{rng.uniform()} - 5, 28 * double{rng.uniform(-0.2f, 0.8f)}};
    const Point p = moved(field, q), d = at(field, p);
    CHECK(std::hypot(p.x + d.x - q.x, p.y + d.y - q.y) < 1e-5);
  }
}

TEST_CASE("augment: masks, heat maps, boxes and lines bend with an elastic transform") {
  const Augmenter elastic = ElasticTransform{60, 5};
  double outline = 0, outline_heat = 0, straight = 0;
  for (uint64_t trial = 0; trial < 20; ++trial) {
    Random rng(3, Stream::test, trial);
    Annotated a;
    a.image = black(60, 64);
    a.polygons.push_back(star({32, 30}, 20, rng));
    a.segmentation_maps.push_back(mask_of(a.polygons[0], a.size()));
    const SegmentationMap half = mask_of(*moved(scaling(0.5, 0.5), a.polygons[0]), {30, 32});
    a.heat_maps.push_back({30, 32, std::vector<float>(half.labels.begin(), half.labels.end())});
    a.boxes.push_back({12, 15, 44, 50, "cat"});
    a.lines.push_back({{{12, 15}, {44, 50}}, "tail"});
    for (int i = 0; i < 30; ++i) {
      const double x = 12 + 32 * double{rng.uniform()};
      a.keypoints.push_back({{x, 15 + 35 * double{rng.uniform()}}});
    }
    const Annotated y = elastic(a, rng);
    CHECK(y.size() == a.size());
    CHECK(y.boxes[0].label == "cat");
    CHECK(y.lines[0].label == "tail");
    const SegmentationMap& map = y.segmentation_maps[0];
    const HeatMap& heat = y.heat_maps[0];
    for (int i = 0; i < 60; ++i) {
      for (int j = 0; j < 64; ++j) {
        const Point p{j + 0.5, i + 0.5};
        const bool in = contains(y.polygons[0], p);
        if (in == (map.labels[size_t(i * 64 + j)] == 1)) continue;
        outline = std::max(outline, distance_to_outline(y.polygons[0], p));
      }
    }
    for (int i = 0; i < 30; ++i) {
      for (int j = 0; j < 32; ++j) {
        const Point p{2 * j + 1.0, 2 * i + 1.0};
        const bool in = contains(y.polygons[0], p);
        if (in == (heat.values[size_t(i * 32 + j)] > 0.5f)) continue;
        outline_heat = std::max(outline_heat, distance_to_outline(y.polygons[0], p));
      }
    }
    Box wider = y.boxes[0];
    wider.left -= 0.05, wider.top -= 0.05, wider.right += 0.05, wider.bottom += 0.05;
    for (const Keypoint& keypoint : y.keypoints) CHECK(contains(wider, keypoint.at));
    for (const Point p : y.lines[0].points) CHECK(contains(wider, p));
    straight = std::max(straight,
                        length(y.lines[0]) / length(LineString{{y.lines[0].points.front(), y.lines[0].points.back()}}));
  }
  CHECK(outline < 1.2);
  CHECK(outline_heat < 2.4);
  CHECK(straight > 1.01);  // it bends
}

TEST_CASE("augment: an elastic field is as strong as its formula says, but does not fold, and repeats itself") {
  Random rng(4, Stream::test), again(4, Stream::test);
  const Displacement field = elastic_displacement({200, 240}, 25, 5, rng);
  CHECK(elastic_displacement({200, 240}, 25, 5, again).right == field.right);
  for (const std::vector<float>* d : {&field.right, &field.down}) {
    double squares = 0;
    for (const float v : *d) squares += double{v} * double{v};
    // Of the mean of numbers with the variance 1 / 3, weighted by a Gaussian.
    const double expected = 25 / (2 * 5 * std::sqrt(3 * 3.14159265));
    CHECK(std::sqrt(squares / double(d->size())) == doctest::Approx(expected).epsilon(0.1));
  }
  CHECK(field.right != field.down);
  CHECK(steepness(elastic_displacement({200, 240}, 5000, 3, rng)) == doctest::Approx(0.75));
  for (const Size small : {Size{1, 1}, {1, 9}, {7, 1}}) {
    Annotated a;
    a.image = noise(small.height, small.width, 5);
    a.boxes.push_back({0, 0, 1, 1});
    CHECK(Augmenter(ElasticTransform{100, 2})(a, rng).size() == small);
  }
  Annotated a;
  a.image = noise(20, 20, 6);
  a.lines.push_back({{{1, 1}, {18, 9}}});
  const Plan none = Augmenter(ElasticTransform{0, 5}).plan(a.size(), rng);
  CHECK(none.resamplings() == 0);
  CHECK(none(a).image.rgb == a.image.rgb);
  CHECK(none(a).lines[0].points.size() == 2);
  // Nor does it depend on the number of threads.
  a.image = noise(300, 200, 6);
  const int threads = cpu_threads();
  std::vector<Image> results;
  for (const int n : {1, 3}) {
    set_cpu_threads(n);
    Random own(8, Stream::test);
    results.push_back(
        Augmenter(Sequential{{ElasticTransform{}, Sharpness{}, AutoContrast{}, Posterize{}}})(a, own).image);
  }
  set_cpu_threads(threads);
  CHECK(results[0].rgb == results[1].rgb);
  a.image = noise(20, 20, 6);
  Random first(7, Stream::augment, 1, 2), second(7, Stream::augment, 1, 2), other(7, Stream::augment, 1, 3);
  const Augmenter elastic = ElasticTransform{};
  const Image changed = elastic(a, first).image;
  CHECK(elastic(a, second).image.rgb == changed.rgb);
  CHECK(elastic(a, other).image.rgb != changed.rgb);
}

TEST_CASE("augment: outlines that reach far beyond the image are divided only where they can be seen") {
  const Displacement field = waves({18, 20});
  Annotated a;
  a.image = black(18, 20);
  Polygon huge;
  for (int i = 0; i < 2000; ++i) huge.points.push_back({i % 2 ? 1e5 : -1e5, 100.0 * i - 1e5});
  a.polygons = {huge, {{{-1e5, 5}, {1e5, 5}, {0, 1e5}}}};
  a.lines.push_back({{{-1e9, 9}, {1e9, 9}}});
  a.boxes.push_back({-1e7, 4, 1e7, 8});
  const Annotated y = displaced(a, field);
  CHECK(y.polygons[0].points.size() < 2100);
  CHECK(y.polygons[1].points.size() < 40);
  CHECK(y.polygons[1].points.size() > 10);
  REQUIRE(y.lines[0].points.size() > 10);
  // In the image it bends as a line does that ends not far from it.
  a.lines[0].points = {{-100, 9}, {100, 9}};
  const LineString near = displaced(a, field).lines[0];
  for (const Point p : y.lines[0].points) {
    if (0 <= p.x && p.x <= 20) CHECK(distance_to_outline({near.points}, p) < 0.05);
  }
  // An outline that crosses the image very often.
  a.polygons[0].points.clear();
  for (int i = 0; i < 40000; ++i) a.polygons[0].points.push_back({i % 2 ? 20. : 0., i % 18 + 0.25});
  CHECK(displaced(a, field).polygons[0].points.size() < 200000);
}

TEST_CASE("augment: what a displacement does not accept") {
  Annotated a;
  a.image = black(4, 5);
  const auto refused = [&](const Displacement& field) { return error_of([&] { displaced(a, field); }); };
  CHECK(refused({{4, 5}, {1, 2}, {}}) == "a displacement of 5 x 4 pixels has 2 numbers to the right and 0 downwards");
  const std::vector<float> still(20);
  CHECK(refused({{5, 4}, still, still}) == "a displacement of 4 x 5 pixels cannot be applied to an image of 5 x 4");
  std::vector<float> steep = still;
  steep[7] = 2;
  CHECK(contains(refused({{4, 5}, steep, still}), "changes by 4 pixels from one pixel to the next; below 1"));
  steep[7] = std::nanf("");
  CHECK(contains(refused({{4, 5}, still, steep}), "numbers that are not finite"));
  CHECK(contains(error_of(
                     [] {
                       Augmenter(ElasticTransform{1, 0.5});
                     },
                     ErrorKind::invalid_argument),
                 "numbers from 1 to 100"));
  CHECK(contains(error_of(
                     [] {
                       Augmenter(ElasticTransform{-1, 5});
                     },
                     ErrorKind::invalid_argument),
                 "numbers from 0 to 10000"));
}
