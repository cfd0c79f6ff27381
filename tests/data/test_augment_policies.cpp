// RandAugment, TrivialAugmentWide and AutoAugment: operations and tables as in torchvision
// (golden/make_augment_training.py), and what is drawn from them.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "data/augment/levels.h"
#include "data/augment/policies.h"
#include "data/augment/training.h"
#include "tests/data/augment_golden.h"
#include "tests/data/augmented.h"

using namespace counterpoise;

namespace {

using namespace augment;
using Json = nlohmann::json;

std::vector<Operation> all_operations() {
  std::vector<Operation> y;
  for (int i = 0; i <= int(Operation::invert); ++i) y.push_back(Operation(i));
  return y;
}

Operation operation_named(const std::string& name) {
  for (const Operation operation : all_operations()) {
    if (to_string(operation) == name) return operation;
  }
  FAIL("no operation ", name);
  return {};
}

Annotated golden_image() {
  Annotated a;
  a.image = image_of(size_of(training_golden()["size"]), training_golden()["rough"]);
  return a;
}

Annotated changed(const Augmenter& augmenter, const Annotated& a, uint64_t trial = 1) {
  Random rng(1, Stream::test, trial);
  return augmenter(a, rng);
}

}  // namespace

TEST_CASE("golden: the operations of policies are those of torchvision") {
  const Annotated before = golden_image();
  CHECK(training_golden()["operations"].size() == 10);
  for (const Json& a : training_golden()["operations"]) {
    const std::string kind = a["kind"];
    CAPTURE(kind);
    const Image expected = image_of(before.size(), a["rgb"]);
    CHECK(levels_apart(before.image, expected) > 10);
    CHECK(levels_apart(changed(PolicyOperation{operation_named(kind), a["parameters"][0]}, before).image, expected) <=
          1);
  }
  const auto same = [&](Operation operation, const Augmenter& other) {
    return changed(PolicyOperation{operation, -0.4}, before).image.rgb == changed(other, before).image.rgb;
  };
  CHECK(same(Operation::brightness, ColorJitter{.brightness = 0.6}));
  CHECK(same(Operation::color, ColorJitter{.saturation = 0.6}));
  CHECK(same(Operation::contrast, ColorJitter{.contrast = 0.6}));
  CHECK(same(Operation::sharpness, Sharpness{0.6}));
}

TEST_CASE("golden: the magnitudes, signs and pairs of policies are those of torchvision") {
  const Size size = size_of(training_golden()["size"]);
  for (const auto& [policy, table] : training_golden()["tables"].items()) {
    CAPTURE(policy);
    CHECK(table.size() == 14);
    const Magnitudes magnitudes = policy == "TrivialAugmentWide" ? Magnitudes::wide : Magnitudes::moderate;
    for (const auto& [name, row] : table.items()) {
      CAPTURE(name);
      const Operation operation = operation_named(name);
      CHECK(has_sign(operation) == row["signed"].get<bool>());
      const std::vector<double> values = row["values"];
      for (size_t i = 0; i < values.size(); ++i) {
        const double part = double(i) / double(values.size() - 1);
        CHECK(std::fabs(magnitude(operation, magnitudes, part, size) - values[i]) < 1e-4);
      }
      if (values.empty()) CHECK(magnitude(operation, magnitudes, 0.7, size) == 0);
    }
  }
  for (const auto& [name, pairs] : training_golden()["policies"].items()) {
    const auto& steps = policy_steps(name == "cifar10" ? AutoAugmentPolicy::cifar10 : AutoAugmentPolicy::imagenet);
    REQUIRE(pairs.size() == steps.size());
    for (size_t i = 0; i < steps.size(); ++i) {
      for (size_t k = 0; k < 2; ++k) {
        CHECK(to_string(steps[i][k].operation) == pairs[i][k][0]);
        CHECK(steps[i][k].p == pairs[i][k][1]);
        CHECK(steps[i][k].level == (pairs[i][k][2].is_null() ? 0 : pairs[i][k][2].get<int>()));
      }
    }
  }
}

TEST_CASE("augment: policies move targets with the image, and repeat themselves") {
  int seen = 0, moved = 0;
  std::set<std::vector<uint8_t>> results;
  for (const Augmenter& policy : {Augmenter(RandAugment{}), Augmenter(TrivialAugmentWide{}), Augmenter(AutoAugment{}),
                                  Augmenter(AutoAugment{AutoAugmentPolicy::imagenet})}) {
    for (uint64_t trial = 0; trial < 150; ++trial) {
      Random rng(1, Stream::augment, 3, trial), again(1, Stream::augment, 3, trial);
      Annotated a;
      a.keypoints.push_back({{25, 35}, "eye"});
      a.image = spot(64, 60, a.keypoints[0].at);
      const Plan plan = policy.plan(a.size(), rng);
      const Annotated y = plan(a);
      CHECK(policy(a, again).image.rgb == y.image.rgb);
      CHECK(y.size() == a.size());
      CHECK(plan.resamplings() <= 2);
      results.insert(y.image.rgb);
      const Point at = y.keypoints[0].at;
      if (plan.transform() == Transform{} || at.x < 9 || at.y < 9 || at.x > 51 || at.y > 55) continue;
      ++moved;
      // Colors may change the background and the spot; where it stays black, the spot is found.
      if (y.image.rgb[0] != 0 || y.image.rgb[64 * 60 * 3 - 1] != 0) continue;
      const Point found = center_of(y.image);
      CHECK(std::fabs(found.x - at.x) < 0.3);
      CHECK(std::fabs(found.y - at.y) < 0.3);
      ++seen;
    }
  }
  CHECK(moved > 150);
  CHECK(seen > 100);
  CHECK(results.size() > 150);
}

TEST_CASE("augment: policies draw all operations alike, both signs, and all magnitudes") {
  // What a plan does is told from how far it takes a point, of an image of 1000 pixels.
  std::map<std::string, int> counts;
  std::set<long> shifts;
  const int draws = 14000;
  for (uint64_t i = 0; i < draws; ++i) {
    Random rng(2, Stream::test, i);
    const Plan plan = Augmenter(TrivialAugmentWide{}).plan({1000, 1000}, rng);
    const auto& m = plan.transform().m;
    if (m[0][1] != 0 && m[1][0] != 0) ++counts[m[1][0] < 0 ? "counter-clockwise" : "clockwise"];
    else if (m[0][1] != 0) ++counts[m[0][1] < 0 ? "shear x" : "shear -x"];
    else if (m[1][0] != 0) ++counts[m[1][0] < 0 ? "shear y" : "shear -y"];
    else if (m[0][2] != 0) ++counts[m[0][2] > 0 ? "right" : "left"], shifts.insert(std::lround(m[0][2]));
    else if (m[1][2] != 0) ++counts[m[1][2] > 0 ? "down" : "up"];
    else ++counts["none"];
  }
  CHECK(counts.size() == 11);
  for (const auto& [name, n] : counts) {
    CAPTURE(name);
    // One in 28, less the magnitude 0; a translation by less than a pixel does not exist (1.07 is the smallest).
    if (name != "none") CHECK(n == doctest::Approx(draws / 28. * 30 / 31).epsilon(0.15));
  }
  CHECK(shifts.size() == 60);  // each bin has another whole number of pixels
  // n operations, and none.
  Random rng(3, Stream::test);
  const Annotated before = golden_image();
  CHECK(Augmenter(RandAugment{.n = 0})(before, rng).image.rgb == before.image.rgb);
  int same_one = 0, same_many = 0;
  for (uint64_t i = 0; i < 100; ++i) {
    same_one += changed(RandAugment{.n = 1}, before, i).image.rgb == before.image.rgb;
    same_many += changed(RandAugment{.n = 5}, before, i).image.rgb == before.image.rgb;
  }
  CHECK(same_one > 1);  // Identity
  CHECK(same_many == 0);
  // With the magnitude 0 what has one changes nothing.
  std::set<std::vector<uint8_t>> results;
  for (uint64_t i = 0; i < 100; ++i) results.insert(changed(RandAugment{.n = 1, .magnitude = 0}, before, i).image.rgb);
  CHECK(results.size() <= 4);  // AutoContrast, Equalize, and Solarize of white pixels
  // A magnitude is a share of the table's range: of 31, 30 is 30 degrees, and 15 the half.
  std::set<long> sines;
  for (uint64_t i = 0; i < 400; ++i) {
    Random own(5, Stream::test, i);
    const RandAugment one{.n = 1, .magnitude = i % 2 == 0 ? 15. : 30.};
    const Transform transform = Augmenter(one).plan({99, 99}, own).transform();
    const auto& m = transform.m;
    if (m[0][1] == -m[1][0]) sines.insert(std::lround(1000 * m[1][0]));
  }
  CHECK(sines == std::set<long>{-500, -259, 0, 259, 500});
  // A step is made with its own probability: TranslateX of the second pair, 0.3, and of the eleventh, 0.5.
  int right = 0;
  for (uint64_t i = 0; i < 10000; ++i) {
    Random own(4, Stream::test, i);
    const Plan plan = Augmenter(AutoAugment{}).plan({331, 331}, own);
    const auto& m = plan.transform().m;
    right += std::fabs(m[0][2]) > 100 && m[1][0] == 0;
  }
  // (Of the second pair, a rotation before it has made m[1][0] another number with 0.7.)
  CHECK(right == doctest::Approx(10000 * (0.3 * 0.3 + 0.5) / 25).epsilon(0.2));
}

TEST_CASE("augment: what policies do not accept") {
  const auto refused = [](auto augmenter) {
    return error_of([&] { Augmenter{augmenter}; }, ErrorKind::invalid_argument);
  };
  CHECK(refused(RandAugment{.magnitude = 31}) ==
        "the magnitude of RandAugment with 31 bins must be from 0 to 30, not 31");
  CHECK(refused(RandAugment{.n = -1}) == "RandAugment makes from 0 to 1000 operations, not -1");
  CHECK(refused(RandAugment{.bins = 1}) == "RandAugment has from 2 to 1000000 bins, not 1");
  CHECK(refused(TrivialAugmentWide{.bins = 0}) == "TrivialAugmentWide has from 2 to 1000000 bins, not 0");
  CHECK(refused(PolicyOperation{Operation::posterize, 9}) == "the magnitude of Posterize must be from 0 to 8, not 9");
  CHECK(refused(PolicyOperation{Operation::brightness, -2}) ==
        "the magnitude of Brightness must be from -1 to 100, not -2");
}
