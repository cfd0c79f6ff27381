// data/augment/spec.h: texts of pipelines, their canonical form, and who is augmented how.
#include <cmath>
#include <set>

#include "core/nearest_name.h"
#include "data/augment/augmenters.h"
#include "data/augment/elastic.h"
#include "data/augment/flip_rotate_shift.h"
#include "data/augment/policies.h"
#include "data/augment/spec.h"
#include "data/augment/spec_table.h"
#include "data/augment/training.h"
#include "tests/support.h"

using namespace counterpoise;
using namespace counterpoise::augment;

namespace {

std::string canonical(const std::string& text) { return to_string(parse_policy(text)); }

std::string refusal(const std::string& text) {
  return error_of([&] { parse_policy(text); }, ErrorKind::invalid_argument);
}

// An image whose pixels all differ, with a point on it.
Annotated numbered(int height, int width) {
  Annotated a;
  a.image = {height, width, {}};
  for (int i = 0; i < height * width * 3; ++i) a.image.rgb.push_back(uint8_t(i * 37 % 251));
  a.keypoints = {{{3.25, 5.5}}};
  return a;
}

// Whether a text and an augmenter do the same, with the same random numbers.
bool same_as(const std::string& text, const Augmenter& augmenter) {
  const Annotated image = numbered(24, 32);
  bool same = true;
  for (uint64_t i = 0; i < 20; ++i) {
    Random a(5, Stream::test, 0, i), b = a;
    const Annotated x = parse_policy(text).pipeline()(image, a), y = augmenter(image, b);
    same = same && x.image.rgb == y.image.rgb && x.keypoints[0].at.x == y.keypoints[0].at.x && a.bits() == b.bits();
  }
  return same;
}

}  // namespace

TEST_CASE("augment spec: the canonical text") {
  const char* const same[] = {"none",
                              "flip",
                              "rotate=0.2",
                              "flip,rotate=0.2",
                              "flip,crop=4",
                              "rotate=0.1..0.2",
                              "affine=25/scale:0.8..1.5",
                              "affine=scale:0.2",
                              "blur=3..4@0.5",
                              "blur=2",
                              "oneof(blur=2,noise=20,none)",
                              "someof=2(blur,noise,add)",
                              "someof=0..2(blur,noise,add)@0.25",
                              "all(flip,oneof(blur,all(add,multiply)))",
                              "weak,flip@0.5",
                              "flip=0.25,vflip",
                              "cat:flip,rotate=0.2,dog:none",
                              "rare:weak,others:flip",
                              "maine coon:flip",
                              "crop-pad=-0.1..0.2/pixels:-3..-1"};
  for (const char* text : same) CHECK(canonical(text) == text);
  // Several ways to write it.
  const std::pair<const char*, const char*> shorter[] = {
      {"rotate=0.25,flip", "flip,rotate=0.25"},
      {"crop=4,blur,flip", "flip,crop=4,blur"},
      {"blur,crop=4,add,rotate=0.1", "blur,rotate=0.1,crop=4,add"},
      {"rotate=0", "none"},
      {"rotate=-0,blur", "blur"},
      {"cat:rotate=0", "cat:none"},
      {"oneof(crop=0,blur)", "oneof(none,blur)"},
      {"rotate=turns:0.2", "rotate=0.2"},
      {"rotate=-0.2..0.2", "rotate=0.2"},
      {"linear-contrast=0.6..1.4", "linear-contrast"},
      {"linear-contrast=0.4", "linear-contrast"},
      {"linear-contrast=0.7..1.3", "linear-contrast=0.3"},
      {"linear-contrast=1", "linear-contrast=1"},
      {"blur=0..3", "blur"},
      {"blur=1e0@1", "blur=1"},
      {"blur=-0", "blur=0"},
      {"resized-crop=0.3..1", "resized-crop=0.3"},
      {"resized-crop=0.08", "resized-crop"},
      {"affine=scale:0.8..1.2/rotate:25", "affine=25/scale:0.2"},
      {"flip=0.5, blur , oneof( blur, add )", "flip,blur,oneof(blur,add)"},
      {" none ", "none"},
      {"blur = 3 .. 4 @ 0.5 ", "blur=3..4@0.5"},
      {"maine coon : affine = 25 / scale : 0.2 , a / b : none ", "maine coon:affine=25/scale:0.2,a / b:none"},
      {"affine=scale:0.9", "affine=scale:0.9"},
      {"affine=scale:0.1..1.9", "affine=scale:0.9"},
      {"noise=per-channel:1/scale:15", "noise=per-channel:1"},
  };
  for (const auto& [text, want] : shorter) CHECK(canonical(text) == want);
  CHECK(to_string(Policy()) == "none");
  CHECK(parse_policy("rotate=0.5,flip") == parse_policy("flip,rotate=0.5"));
  CHECK(parse_policy("flip") != parse_policy("vflip"));
}

TEST_CASE("augment spec: a text does what its augmenters do") {
  CHECK(same_as("none", Augmenter()));
  CHECK(same_as("vflip", VerticalFlip{0.5}));
  CHECK(same_as("flip=0.25", HorizontalFlip{0.25}));
  CHECK(same_as("blur=2@0.5", Sometimes{0.5, GaussianBlur{{0, 2}}}));
  CHECK(same_as("noise=20,flip", Sequential{{AdditiveGaussianNoise{{0, 20}}, FlipRotateShift{true}}}));
  CHECK(same_as("oneof(blur,add=5)", OneOf{{GaussianBlur{{0, 3}}, Add{{-5, 5}}}}));
  CHECK(same_as("someof=1..2(vflip,blur,multiply=0.5)",
                SomeOf{{1, 2}, {VerticalFlip{0.5}, GaussianBlur{{0, 3}}, Multiply{{0.5, 1.5}}}}));
  CHECK(same_as("multiply=0..2.5,all(vflip,noise=20/per-channel:1)",
                Sequential{{Multiply{{0, 2.5}}, VerticalFlip{0.5}, AdditiveGaussianNoise{{0, 20}, true}}}));
  Affine affine;
  affine.rotate = {-25, 25}, affine.scale = {0.8, 1.25}, affine.scale_x = {0.9, 1.1}, affine.scale_y = {0.7, 1.3};
  affine.translate_x = affine.translate_y = {-0.1, 0.1}, affine.shear_x = {1, 2}, affine.shear_y = {-3, 3};
  CHECK(same_as("affine=25/scale:0.8..1.25/scale-x:0.9..1.1/scale-y:0.7..1.3/translate:0.1/shear:1..2/shear-y:3",
                affine));
  CHECK(same_as("crop-pad=0.1/pixels:-2..1", CropAndPad{{-0.1, 0.1}, {-2, 1}}));
  CHECK(same_as("perspective=0.1", PerspectiveTransform{{0, 0.1}}));
  CHECK(same_as(
      "resized-crop=0.3..1,jitter=0.4/hue:0.1",
      Sequential{{RandomResizedCrop{0, 0, {0.3, 1}}, ColorJitter{{0.6, 1.4}, {0.6, 1.4}, {0.6, 1.4}, {-0.1, 0.1}}}}));
  CHECK(same_as("brightness=0.5,contrast=0.5,saturation=0.5,hue=0.25",
                Sequential{{ColorJitter{{0.5, 1.5}}, ColorJitter{1., {0.5, 1.5}}, ColorJitter{1., 1., {0.5, 1.5}},
                            ColorJitter{1., 1., 1., {-0.25, 0.25}}}}));
  CHECK(same_as("erase=0.1..0.2/noise:1/ratio:0.5..2@0.5",
                Sometimes{0.5, RandomErasing{1, {0.1, 0.2}, {0.5, 2}, {127, 127, 127}, true}}));
  CHECK(same_as("gray@0.2,solarize=100..200", Sequential{{Sometimes{0.2, Grayscale{}}, Solarize{{100, 200}}}}));
  CHECK(same_as("randaugment=3/magnitude:12.5,elastic=100/sigma:8",
                Sequential{{RandAugment{3, 12.5}, ElasticTransform{{0, 100}, 8}}}));
  CHECK(same_as("oneof(autoaugment,trivialaugment,autoaugment=1)",
                OneOf{{AutoAugment{}, TrivialAugmentWide{}, AutoAugment{AutoAugmentPolicy::imagenet}}}));
  CHECK(same_as("sharpen=0.5/lightness:0.1", Sharpen{{0, 0.5}, {0.9, 1.1}}));
}

TEST_CASE("augment spec: flip, rotate and crop draw as they did before there were pipelines") {
  struct Drawn {
    const char* text;
    uint64_t sample;
    double map[2][3];
    uint32_t next;
  };
  // What ImageTransform, from places of the result to places of the image, was drawn for (seed 3, epoch 2, sample),
  // and the next number.
  const Drawn drawn[] = {
      {"flip", 0, {{1, 0, 0}, {0, 1, 0}}, 30583009},
      {"flip", 1, {{-1, 0, 0}, {0, 1, 0}}, 1301556702},
      {"rotate=0.2", 0, {{0.89720946, -0.441605236, 0}, {0.441605236, 0.89720946, 0}}, 30583009},
      {"rotate=0.2", 7, {{0.760172385, 0.649721437, 0}, {-0.649721437, 0.760172385, 0}}, 990554573},
      {"crop=4", 1, {{1, 0, -2}, {0, 1, 0}}, 1253129569},
      {"crop=4", 7, {{1, 0, -2}, {0, 1, -3}}, 4037193578},
      {"crop=8,flip,rotate=0.1",
       0,
       {{0.973963413, -0.226705249, -7.79170731}, {0.226705249, 0.973963413, -1.81364199}},
       345158072},
      {"flip,rotate=0.1,crop=8",
       1,
       {{-0.998846041, 0.0480269332, 2.99653812}, {0.0480269332, 0.998846041, -0.1440808}},
       1253129569},
      {"flip,rotate=0.1,crop=8",
       7,
       {{-0.938129092, -0.346285731, 6.42207411}, {-0.346285731, 0.938129092, -2.9592168}},
       4037193578},
  };
  const Size size{30, 40};
  for (const Drawn& d : drawn) {
    CAPTURE(std::string(d.text));
    CAPTURE(d.sample);
    Random rng(3, Stream::augment, 2, d.sample);
    const Plan plan = parse_policy(d.text).pipeline().plan(size, rng);
    CHECK(plan.size() == size);
    CHECK(rng.bits() == d.next);
    const Transform back = inverse(plan.transform());
    for (const Point p : {Point{0, 0}, Point{40, 0}, Point{13, 27}}) {
      const double x = p.x - 20, y = p.y - 15;
      CHECK(moved(back, p)->x == doctest::Approx(20 + d.map[0][0] * x + d.map[0][1] * y + d.map[0][2]).epsilon(1e-6));
      CHECK(moved(back, p)->y == doctest::Approx(15 + d.map[1][0] * x + d.map[1][1] * y + d.map[1][2]).epsilon(1e-6));
    }
  }
  // Outside is the mirror image or, where there is a crop, black.
  Annotated white;
  white.image = {8, 8, std::vector<uint8_t>(8 * 8 * 3, 255)};
  int rotated = 0, shifted = 0;
  for (uint64_t i = 0; i < 20; ++i) {
    Random a(1, Stream::test, 0, i), b = a;
    const auto black = [](const Annotated& y) { return std::count(y.image.rgb.begin(), y.image.rgb.end(), 0); };
    rotated += black(parse_policy("rotate=0.2").pipeline()(white, a)) > 0;
    shifted += black(parse_policy("rotate=0.2,crop=4").pipeline()(white, b)) > 0;
  }
  CHECK(rotated == 0);
  CHECK(shifted > 15);
  // They are one resampling.
  Random rng(3, Stream::augment, 2, 7);
  CHECK(parse_policy("flip,rotate=0.1,crop=8").pipeline().plan(size, rng).resamplings() == 1);
}

TEST_CASE("augment spec: every row builds with its defaults and at the ends of its ranges, and has its own name") {
  std::set<std::string> names;
  for (const Row& row : rows()) {
    CAPTURE(row.name);
    CHECK(names.insert(row.name).second);
    CHECK(!row.help.empty());
    CHECK(canonical(row.example) == row.example);
    if (!row.needs_parameter) CHECK(canonical(row.name) == row.name);
    CHECK(contains(augment_help(), row.name));
    CHECK(contains(augment_table(), row.help));
    for (const augment::Parameter& p : row.parameters) {
      CAPTURE(p.name);
      CHECK(p.least <= p.standard.low);
      CHECK(p.standard.high <= p.most);
      for (const double v : {singles(p).low, singles(p).high}) {
        const std::string text = detail::text(row.name, "=", p.name, ":", v);
        CHECK(canonical(canonical(text)) == canonical(text));
      }
      CHECK(contains(refusal(detail::text(row.name, "=", p.name, ":", singles(p).high * 2 + 1)),
                     row.name + "'s " + p.name));
    }
  }
  for (const Preset& preset : presets()) {
    CAPTURE(preset.name);
    CHECK(names.insert(preset.name).second);
    CHECK(canonical(preset.name) == preset.name);
    CHECK(same_as(preset.name, parse_policy(preset.text).pipeline()));
    CHECK(contains(augment_table(), preset.text));
  }
}

TEST_CASE("augment spec: every augmenter keeps the labels and objects of targets") {
  Annotated a = numbered(40, 40);
  a.keypoints = {{{20, 20}, "k", 4}};
  a.boxes = {{10, 10, 30, 30, "b", 5}};
  a.polygons = {{{{10, 10}, {30, 10}, {20, 30}}, "p", 6}};
  a.lines = {{{{10, 10}, {30, 10}}, "l", 7}};
  a.heat_maps = {{2, 2, {0, 1, 0, 1}, "h"}};
  for (const Row& row : rows()) {
    CAPTURE(row.name);
    for (uint64_t i = 0; i < 5; ++i) {
      Random rng(2, Stream::test, 0, i);
      const Annotated y = parse_policy(row.example).pipeline()(a, rng);
      for (const Keypoint& k : y.keypoints) CHECK((k.label == "k" && k.object == 4));
      for (const Box& b : y.boxes) CHECK((b.label == "b" && b.object == 5));
      for (const Polygon& p : y.polygons) CHECK((p.label == "p" && p.object == 6));
      for (const LineString& l : y.lines) CHECK((l.label == "l" && l.object == 7));
      REQUIRE(y.heat_maps.size() == 1);
      CHECK(y.heat_maps[0].label == "h");
    }
  }
}

TEST_CASE("augment spec: no pipeline is too long to be computed") {
  Annotated a = numbered(60, 80);
  a.boxes = {{10, 10, 30, 30}};
  a.polygons = {{{{10, 10}, {30, 10}, {20, 30}}}};
  a.lines = {{{{10, 10}, {30, 10}}}};
  a.segmentation_maps = {{2, 2, {0, 1, 0, 1}}};
  for (const char* step :
       {"resized-crop=0.01..0.01", "affine=scale:0.1..0.1", "affine=scale:10..10", "affine=80..90/shear:80..89",
        "affine=scale-x:0.1..0.1/scale-y:10..10", "affine=1/translate:1..1", "crop-pad=-0.49..-0.45", "crop-pad=1..1",
        "perspective=1", "trivialaugment",
        "oneof(affine=scale:0.1..10/shear:89,crop-pad=1,resized-crop,perspective)"}) {
    CAPTURE(std::string(step));
    std::string text = step;
    while (text.size() < 1500) text += detail::text(",", step);
    const Augmenter all = parse_policy(text).pipeline();
    for (uint64_t i = 0; i < 3; ++i) {
      Random rng(4, Stream::test, 0, i);
      CHECK(all(a, rng).image.rgb.size() == a.image.rgb.size());
    }
  }
  // However small it makes things, a transform can be inverted, but not if it takes a plane to a line.
  const Transform tiny = translation(300, 200) * scaling(1e-9, 1e-8);
  const Point p = *moved(inverse(tiny), *moved(tiny, Point{3, 4}));
  CHECK(std::hypot(p.x - 3, p.y - 4) < 1e-3);
  CHECK(contains(error_of([] { inverse(Transform{{{{1, 2, 3}, {0.1, 0.2, 5}, {0, 0, 1}}}}); }), "cannot be inverted"));
  CHECK(resolves(scaling(1e-3, 1), {10, 10}));
  CHECK(!resolves(scaling(1, 1e-5), {10, 10}));
  CHECK(!resolves(scaling(1e5, 1), {10, 10}));
}

TEST_CASE("augment spec: a pipeline for each class") {
  const std::vector<std::string> classes = {"cat", "dog", "emu", "rare"};
  const std::vector<int64_t> counts = {10, 100, 20, 90};  // 55 on average: cat and emu are rare
  const auto which = [&](const std::string& text) {
    std::string found;
    for (const Augmenter& one : parse_policy(text).pipelines(classes, counts)) {
      // A rotation by 1/4, 1/2 or none.
      Random rng(1, Stream::test);
      const Point p = *moved(one.plan({10, 10}, rng).transform(), Point{10, 5});
      found += p.x > 9 ? "-" : p.x > 4 ? "4" : "2";
    }
    return found;
  };
  CHECK(which("none") == "----");
  CHECK(which("rotate=0.25..0.25") == "4444");
  CHECK(which("cat:rotate=0.25..0.25") == "4---");
  CHECK(which("cat:rotate=0.25..0.25,others:rotate=0.5..0.5") == "4222");
  CHECK(which("others:rotate=0.5..0.5,emu:none") == "22-2");
  CHECK(which("rare:rotate=0.25..0.25") == "4-4-");
  CHECK(which("rare:rotate=0.25..0.25,others:rotate=0.5..0.5,cat:none") == "-242");
  CHECK(parse_policy("cat:flip").per_class());
  CHECK(!parse_policy("flip").per_class());
  CHECK(parse_policy("rotate=0").none());
  CHECK(!parse_policy("cat:none").none());

  const auto described = [&](const char* text) { return parse_policy(text).description(classes, counts); };
  CHECK(described("flip") == "flip");
  CHECK(described("none") == "none");
  CHECK(described("dog:strong@0.5") == "cat, emu, rare none; dog strong@0.5");
  CHECK(described("rare:strong,flip,others:crop=4") == "cat, emu strong,flip; dog, rare crop=4");
  CHECK(parse_policy("rare:strong").description({"cat", "dog"}, {10, 10}) == "cat, dog none; no class is rare");
  CHECK(parse_policy("cat:flip,dog:none,others:blur").description({"cat", "dog"}, {1, 2}) ==
        "cat flip; dog none; no class is left for others");
  CHECK(contains(error_of([&] { described("cats:flip"); }, ErrorKind::invalid_argument), "no class \"cats\""));

  const auto unknown =
      error_of([&] { parse_policy("cats:flip").pipelines(classes, counts); }, ErrorKind::invalid_argument);
  CHECK(contains(unknown, "no class \"cats\"; did you mean cat? classes are cat, dog, emu, rare"));
  CHECK(contains(error_of([&] { parse_policy("cat:flip").pipelines({}, {}); }, ErrorKind::invalid_argument),
                 "no classes"));
  CHECK(contains(error_of([&] { parse_policy("cat:flip").pipeline(); }, ErrorKind::invalid_argument), "cat:flip"));
}

TEST_CASE("augment spec: errors name the part that is wrong and what is valid") {
  const std::pair<std::string, const char*> wrong[] = {
      {"", "the name of an augmenter is missing at the end"},
      {"flip,", "missing at the end"},
      {",", "missing before \",\""},
      {"Flip", "\"Flip\" is no augmenter; did you mean flip?"},
      {"watermark", "\"watermark\" is no augmenter; valid are none, flip, vflip"},
      {"blurr=3", "did you mean blur?"},
      {"flip,none", "none stands alone"},
      {"none,flip", "none stands alone"},
      {"flip,flip", "flip is given twice"},
      {"rotate=0.2,rotate=0.1", "rotate is given twice"},
      {"flip=2", "flip's p cannot be 2: valid is a number from 0 to 1"},
      {"flip=0..1", "flip's p is a single number, not 0..1"},
      {"rotate", "rotate needs a parameter, as in rotate=0.2"},
      {"rotate=", "\"\" for rotate's turns is not a number"},
      {"rotate=2",
       "rotate's turns cannot be 2: valid is R from 0 to 1 for -R..R, or LOW..HIGH from -1 to 1, in whole turns; for "
       "degrees "
       "affine=25"},
      {"rotate=-0.1", "cannot be -0.1: valid is R from 0 to 1"},
      {"rotate=nan", "\"nan\" for rotate's turns is not a number"},
      {"rotate=0.2x", "\"0.2x\""},
      {"rotate=0.2..0.1", "rotate's turns cannot be 0.2..0.1: its low end is above the high one"},
      {"rotate=0.5..2", "LOW..HIGH from -1 to 1"},
      {"noise=per-channel:0.5", "cannot be 0.5: valid is a whole number from 0 to 1"},
      {"crop-pad=pixels:0.2..0.4", "whole number"},
      {"affine=scal:2", "affine has no parameter \"scal\"; valid are rotate (R from 0 to 360 for -R..R"},
      {"affine=25/3",
       "\"/3\" of affine needs the name of a parameter, as in /NAME:3, where NAME is one of scale, scale-x"},
      {"affine=25/rotate:3", "affine's rotate is given twice"},
      {"blur@2", "the probability after @ is from 0 to 1, not 2"},
      {"blur@", "not a number"},
      {"flip flip", "\",\" is missing before \"flip\""},
      {"oneof(blur", "\")\" is missing at the end"},
      {"oneof()", "missing before \")\""},
      {"oneof", "\"(\" is missing"},
      {"someof(blur)", "someof needs how many"},
      {"someof=2(blur)", "0 to 1 of them, not 2"},
      {"someof=0.5(blur)", "0 to 1 of them, not 0.5"},
      {"blur(add)", "blur is no group of steps; groups are oneof(...)"},
      {"weak=2", "weak is a preset and has no parameters"},
      {"strong(flip)", "strong is a preset and has no parameters"},
      {"affine=scale:1.5",
       "affine's scale cannot be 1.5: valid is S from 0 to 0.9 for 1-S..1+S, or LOW..HIGH from 0.1 to 10; "
       "for 1.5 times write scale:1.5..1.5"},
      {"jitter=2", "for 2 times write 2..2"},
      {"linear-contrast=1.5", "S from 0 to 1 for 1-S..1+S, or LOW..HIGH from -10 to 10"},
      {"blur=3/4", "blur has no further parameter for \"/4\""},
      {"affine=25/", "needs the name of a parameter, as in /NAME:VALUE, where NAME is one of scale"},
      {"blur=:3", "the name of a parameter of blur is missing before \":3\""},
      {"blur=3 flip", "\"3 flip\" for blur's sigma is not a number"},
      {"oneof=2(blur,add)", "oneof takes no number; did you mean someof=2(...)?"},
      {"blur:3@0.5", "\"3\" is no augmenter; did you mean blur=3?"},
      {"flip/p:0.3,blur", "did you mean flip=p:0.3?"},
      {"affine:scale:0.2", "did you mean affine=scale:0.2?"},
      {"flip/p=0.3", "flip's parameters begin with \"=\", as in flip=1"},
      {"flip,cat:blur", "\"cat:\" begins the steps of a class"},
      {"cat:flip,cat:blur", "class cat is given twice"},
      {":flip", "the name of a class is missing"},
      {"cat:", "missing at the end"},
      {"a\nb", "one line"},
      {std::string(5000, 'a'), "at most 4096"},
  };
  for (const auto& [text, want] : wrong) {
    CAPTURE(text);
    const std::string error = refusal(text);
    CAPTURE(error);
    CHECK(contains(error, want));
    CHECK(!contains(error, "\n"));
  }
  // What is suggested is a step.
  const std::pair<const char*, const char*> names[] = {{"filp", "flip"},
                                                       {"horizontal-flip", "flip"},
                                                       {"HorizontalFlip", "flip"},
                                                       {"Fliplr", "flip"},
                                                       {"RandomVerticalFlip", "vflip"},
                                                       {"RandomResizedCrop", "resized-crop"},
                                                       {"rrc", "resized-crop"},
                                                       {"resized_crop", "resized-crop"},
                                                       {"ColorJitter", "jitter"},
                                                       {"cutout", "erase"},
                                                       {"RandomErasing", "erase"},
                                                       {"GaussianBlur", "blur"},
                                                       {"RandAugment", "randaugment"},
                                                       {"RandomRotation", "rotate=0.2"},
                                                       {"RandomCrop", "crop=16"},
                                                       {"rotat", "rotate=0.2"},
                                                       {"blurr", "blur"},
                                                       {"TrivialAugmentWide", "trivialaugment"},
                                                       {"RandomAffine", "affine=25/scale:0.3"},
                                                       {"ToGray", "gray"},
                                                       {"CropAndPad", "crop-pad=0.2"},
                                                       {"OneOf", "oneof(...)"}};
  for (const auto& [given, want] : names) {
    CAPTURE(given);
    const std::string error = refusal(given);
    CHECK(contains(error, detail::text("\"", given, "\" is no augmenter; did you mean ", want, "?")));
    CHECK(!contains(error, "valid are"));
    if (want != std::string("oneof(...)")) CHECK(!canonical(want).empty());
  }
  std::string deep = "blur";
  for (int i = 0; i < 8; ++i) deep = "all(" + deep + ")";
  CHECK(canonical(deep) == deep);
  CHECK(contains(refusal("all(" + deep + ")"), "nested more than 8 deep"));
}

TEST_CASE("nearest_name: the closest name within a third of the letters") {
  const std::vector<std::string> known = {"flip", "rotate", "affine", "rotated"};
  CHECK(nearest_name("rotat", known) == "rotate");
  CHECK(nearest_name("rottated", known) == "rotated");
  CHECK(nearest_name("filp", known) == "flip");
  CHECK(nearest_name("lifp", known) == "");
  CHECK(nearest_name("xxxx", known) == "");
  CHECK(nearest_name("ab", known) == "");
  CHECK(nearest_name("", known) == "");
}
