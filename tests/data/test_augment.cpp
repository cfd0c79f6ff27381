// Backend::images() and the plans that become its transforms: the same rotated pixels as SciPy on every backend, and
// what flip, rotate and crop draw.
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "data/augment/flip_rotate_shift.h"
#include "data/augment/spec.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/golden.h"

using namespace counterpoise;
using Bytes = std::vector<uint8_t>;

namespace {

const nlohmann::json& golden() { return read_golden("data/golden/images.json")["rotate"]; }

Image golden_source() {
  const nlohmann::json& source = golden()["source"];
  return {source["height"], source["width"], from_hex(source["rgb"])};
}

Image numbered(int height, int width) {
  Image image{height, width, Bytes(size_t(height) * width * 3)};
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = i * 37 % 251;
  return image;
}

Image mirrored(const Image& image) {
  Image y = image;
  for (int row = 0; row < image.height; ++row) {
    for (int x = 0; x < image.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        y.rgb[(row * image.width + x) * 3 + c] = image.rgb[(row * image.width + image.width - 1 - x) * 3 + c];
      }
    }
  }
  return y;
}

// The images in order, each with its transform, as floats from -1 to 1.
Tensor transformed(Backend& backend, const std::vector<Image>& images, const std::vector<ImageTransform>& transforms,
                   DType dtype = DType::f32) {
  const Index N = static_cast<Index>(images.size()), H = images[0].height, W = images[0].width;
  Bytes bytes;
  std::vector<int32_t> index;
  for (Index n = N - 1; n >= 0; --n) bytes.insert(bytes.end(), images[n].rgb.begin(), images[n].rgb.end());
  for (Index n = 0; n < N; ++n) index.push_back(static_cast<int32_t>(N - 1 - n));
  Tensor plans = Tensor::empty(backend, {N, Index(sizeof(ImageTransform))}, DType::u8);
  backend.upload(transforms.data(), plans);
  Tensor y = Tensor::empty(backend, {N, H, W, 3}, dtype);
  backend.images(Tensor::from(backend, {N, H, W, 3}, bytes), Tensor::from(backend, {N}, index), plans, y);
  return y;
}

double byte_of(double pixel) { return (pixel + 1) * 127.5; }

// The transform of a plan for an image: plan_of(image, [](augment::Plan& plan) { ... }).
template <class Moves>
ImageTransform plan_of(const Image& image, const Moves& moves) {
  augment::Plan plan({image.height, image.width});
  moves(plan);
  return plan.image_transform().value();
}

// A mirror, and then a rotation counter-clockwise by an angle in radians.
ImageTransform rotated(const Image& image, double angle, bool flip = false) {
  return plan_of(image, [&](augment::Plan& plan) {
    const augment::Size size = plan.size();
    const augment::Transform first = flip ? augment::horizontal_flip(size.width) : augment::Transform{};
    const augment::Transform turn = augment::rotation(-angle * 180 / std::acos(-1.));
    plan.move(augment::around({size.width / 2., size.height / 2.}, turn) * first, size, augment::Border::reflect);
  });
}

// What is drawn for an image of this text.
ImageTransform drawn(const Image& image, const std::string& text, Random& rng) {
  return augment::parse_policy(text).pipeline().plan({image.height, image.width}, rng).image_transform().value();
}

}  // namespace

TEST_CASE("augment: the rotated image is SciPy's on every backend") {
  const Image source = golden_source(), mirror = mirrored(source);
  for (const TestBackend& machine : test_backends()) {
    CAPTURE(machine.backend.name());
    for (const auto& entry : golden()["rotated"]) {
      const float angle = entry["angle"];
      CAPTURE(angle);
      const std::vector<double> got = numbers(
          transformed(machine.backend, {source, mirror}, {rotated(source, angle), rotated(source, angle, true)}));
      double largest = 0;
      for (size_t i = 0; i < got.size(); ++i) {
        const double want = entry["pixels"][i % source.rgb.size()];
        largest = std::max(largest, std::abs(byte_of(got[i]) - want));
      }
      CHECK(largest < 0.02);
    }
    check_guard(machine);
  }
}

TEST_CASE("augment: every backend and number of threads makes the same of the same transforms") {
  std::vector<Image> images;
  std::vector<ImageTransform> transforms;
  const auto draw = [&](const std::string& text) {
    Random rng(1, Stream::augment, 0, images.size());
    images.push_back(numbered(33, 140));
    transforms.push_back(drawn(images.back(), text, rng));
  };
  for (const char* text :
       {"none", "flip", "flip", "flip,rotate=0.2", "flip,rotate=1", "flip,crop=4", "crop=64", "vflip"})
    draw(text);
  for (int i = 0; i < 6; ++i) draw("affine=rotate:40/scale:0.8..1.5/shear:20");
  const auto plan = [&](const auto& moves) {
    images.push_back(numbered(33, 140));
    transforms.push_back(plan_of(images.back(), moves));
  };
  using augment::Plan;
  using F = ColorFormula;
  for (const F formula : {F::linear, F::contrast, F::saturation, F::hue, F::solarize}) {
    plan([&](Plan& p) { p.color(formula, formula == F::solarize ? 128.f : -0.4f, 17); });
  }
  plan([](Plan& p) {
    p.move(augment::scaling(1.5, 1.2), p.size());
    for (const float hue : {0.3f, -0.1f}) p.color(F::hue, hue);
    p.color(F::linear, 1.3f, -5), p.color(F::contrast, 0.7f), p.color(F::saturation, 1.8f), p.color(F::linear, 0.9f);
    p.erase(-7, 3, 70, 20, {10, 200, 30});
  });
  for (const augment::Border border : {augment::Border::constant, augment::Border::replicate, augment::Border::reflect,
                                       augment::Border::reflect_101, augment::Border::wrap}) {
    plan([&](Plan& p) {
      p.move(augment::translation(200.25, -100.5) * augment::rotation(20), p.size(), border, {9, 8, 7});
    });
  }
  const double anywhere[2][3] = {{0.5, 0.25, -40}, {-0.125, 1.5, 7}};  // any affine map, far outside, too
  std::copy(&anywhere[0][0], &anywhere[0][0] + 6, &transforms[0].from[0][0]);
  const std::vector<double> want = numbers(transformed(reference_backend(), images, transforms));
  for (const int threads : {1, 3}) {
    const Threads guard(threads);
    CHECK(deviation(numbers(transformed(cpu_backend(), images, transforms)), want) < 1e-5);
  }
  for (const TestBackend& machine : test_backends()) {
    CAPTURE(machine.backend.name());
    for (const DType dtype : {DType::f32, DType::bf16}) {
      if (!computes_in(machine.backend, dtype)) continue;
      CHECK(deviation(numbers(transformed(machine.backend, images, transforms, dtype)), want) <
            (dtype == DType::f32 ? 1e-5 : 0.004));
    }
    check_guard(machine);
  }
}

TEST_CASE("augment: the transform of a plan gives what the plan gives, which rounds to bytes") {
  const Image image = numbered(40, 31);
  int transforms = 0;
  for (uint64_t i = 0; i < 200; ++i) {
    Random rng(i, Stream::augment);
    const char* texts[] = {"flip,rotate=0.2", "flip,crop=5", "affine=rotate:30/scale:1..2",
                           "vflip,affine=translate:0.2"};
    augment::Plan plan = augment::parse_policy(texts[i % 4]).pipeline().plan({40, 31}, rng);
    plan.color(ColorFormula::linear, 0.8f, 20), plan.color(ColorFormula::contrast, 1.2f);
    plan.erase(3, 5, 9, 30, {1, 2, 3});
    const auto transform = plan.image_transform();
    if (!transform) continue;
    ++transforms;
    const Image bytes = plan({{40, 31, image.rgb}}).image;
    const std::vector<double> floats = numbers(transformed(cpu_backend(), {image}, {*transform}));
    double largest = 0;
    for (size_t k = 0; k < floats.size(); ++k) largest = std::max(largest, std::abs(byte_of(floats[k]) - bytes.rgb[k]));
    CHECK(largest < 2);  // rounded twice, the second time in a steeper image
  }
  CHECK(transforms > 150);
}

TEST_CASE("augment: what is no transform of a backend") {
  const auto transform = [](const auto& changes) {
    augment::Plan plan({20, 20});
    changes(plan);
    return plan.image_transform().has_value();
  };
  using augment::Plan;
  const auto half_turn = [](Plan& p) { p.move(augment::around({10, 10}, augment::rotation(45)), p.size()); };
  CHECK(transform([](Plan&) {}));
  CHECK(transform(half_turn));
  CHECK_FALSE(transform([](Plan& p) { p.change_image([](Image&) {}); }));
  CHECK_FALSE(transform([](Plan& p) { p.move(augment::scaling(0.5, 0.5), p.size()); }));       // averages pixels
  CHECK_FALSE(transform([](Plan& p) { p.move(augment::scaling(0.5, 0.5), {10, 10}); }));       // another size
  CHECK_FALSE(transform([&](Plan& p) { half_turn(p), half_turn(p), half_turn(p); }));          // corners that were lost
  CHECK_FALSE(transform([&](Plan& p) { p.color(ColorFormula::linear, 2), half_turn(p); }));    // in the other order
  CHECK_FALSE(transform([&](Plan& p) { p.erase(0, 0, 1, 1, {}), p.erase(2, 2, 3, 3, {}); }));  // two rectangles
  CHECK_FALSE(transform([&](Plan& p) {
    for (int i = 0; i < 2; ++i) p.color(ColorFormula::contrast, 2);
  }));
  CHECK_FALSE(transform([&](Plan& p) {
    for (int i = 0; i < 9; ++i) p.color(ColorFormula::linear, 2);
  }));
}

TEST_CASE("augment: quarter turns move pixels, no turn leaves them") {
  const int n = 6;
  const Image image = numbered(n, n);
  const ImageTransform flip = plan_of(image, [](augment::Plan& plan) {
    plan.move(augment::horizontal_flip(n), {n, n});
  });
  const std::vector<ImageTransform> transforms = {
      {}, rotated(image, std::acos(-1.) / 2), flip, rotated(image, 0, true)};
  for (const TestBackend& machine : test_backends()) {
    CAPTURE(machine.backend.name());
    const std::vector<float> got =
        transformed(machine.backend, {image, image, image, image}, transforms).to_vector<float>();
    const auto pixel = [&](int i, int y, int x, int c) { return got[((i * n + y) * n + x) * 3 + c]; };
    const auto want = [&](int y, int x, int c) { return scale_pixel(image.rgb[(y * n + x) * 3 + c]); };
    float worst = 0;
    bool copied = true, flipped = true;
    for (int y = 0; y < n; ++y) {
      for (int x = 0; x < n; ++x) {
        for (int c = 0; c < 3; ++c) {
          copied &= pixel(0, y, x, c) == want(y, x, c);
          // Counter-clockwise: the last column becomes the first row.
          worst = std::max(worst, std::abs(pixel(1, y, x, c) - want(x, n - 1 - y, c)));
          flipped &= pixel(2, y, x, c) == want(y, n - 1 - x, c) && pixel(3, y, x, c) == pixel(2, y, x, c);
        }
      }
    }
    CHECK(copied);
    CHECK(flipped);
    CHECK(worst < 1e-4f);
  }
}

TEST_CASE("augment: a crop with a black edge is torchvision's RandomCrop with padding, on every backend") {
  const Image image = numbered(7, 9);
  std::vector<ImageTransform> transforms;
  std::vector<std::pair<int, int>> shifts;
  for (const int down : {-4, 0, 3, 7}) {
    for (const int right : {-9, -2, 0, 4}) {
      transforms.push_back(
          plan_of(image, [&](augment::Plan& plan) { plan.move(augment::translation(-right, -down), plan.size()); }));
      shifts.emplace_back(down, right);
    }
  }
  const std::vector<Image> images(transforms.size(), image);
  const auto pixel = [&](int y, int x, int c) {
    const bool inside = 0 <= y && y < 7 && 0 <= x && x < 9;
    return scale_pixel(inside ? image.rgb[(y * 9 + x) * 3 + c] : 0);
  };
  for (const TestBackend& machine : test_backends()) {
    CAPTURE(machine.backend.name());
    const std::vector<float> got = transformed(machine.backend, images, transforms).to_vector<float>();
    bool same = true;
    for (size_t i = 0, k = 0; i < shifts.size(); ++i) {
      for (int y = 0; y < 7; ++y) {
        for (int x = 0; x < 9; ++x) {
          for (int c = 0; c < 3; ++c) same &= got[k++] == pixel(y + shifts[i].first, x + shifts[i].second, c);
        }
      }
    }
    CHECK(same);
    check_guard(machine);
  }
}

TEST_CASE("augment: between the edge and black there is a blend, and nothing far outside is read") {
  const Image image = numbered(5, 6);
  const ImageTransform half =
      plan_of(image, [](augment::Plan& plan) { plan.move(augment::translation(0.5, 0), plan.size()); });
  const std::vector<float> got = transformed(reference_backend(), {image}, {half}).to_vector<float>();
  for (int c = 0; c < 3; ++c) {
    CHECK(byte_of(got[c]) == doctest::Approx(image.rgb[c] / 2.));  // half of the first pixel
    CHECK(byte_of(got[3 + c]) == doctest::Approx((image.rgb[c] + image.rgb[3 + c]) / 2.));
  }
  ImageTransform far = half;
  far.from[0][0] = 1e12, far.from[0][2] = 1e30, far.from[1][1] = -1e30;
  for (const TestBackend& machine : test_backends()) {
    bool black = true;
    for (const float x : transformed(machine.backend, {image}, {far}).to_vector<float>()) black &= x == -1;
    CHECK(black);
  }
}

TEST_CASE("augment: crop draws every shift from -P to P, and none of it changes what flip draws") {
  const Image image = numbered(9, 9);
  std::set<std::pair<double, double>> seen;
  for (int i = 0; i < 2000; ++i) {
    Random with(3, Stream::augment, 0, i), without = with;
    const ImageTransform crop = drawn(image, "flip,crop=2", with), flip = drawn(image, "flip", without);
    CHECK_FALSE(crop.from[0][0] != flip.from[0][0]);
    const bool mirrored = crop.from[0][0] < 0;
    seen.emplace(mirrored ? 9 - crop.from[0][2] : crop.from[0][2], crop.from[1][2]);
  }
  std::set<std::pair<double, double>> want;
  for (int x = -2; x <= 2; ++x) {
    for (int y = -2; y <= 2; ++y) want.emplace(x, y);
  }
  CHECK(seen == want);
}

TEST_CASE("augment: flip and rotate draw two numbers, whichever is on") {
  const Image image = numbered(8, 8);
  int flips = 0;
  for (int i = 0; i < 1000; ++i) {
    Random flip(3, Stream::augment, 0, i), both = flip, by_hand = flip;
    const ImageTransform mirror = drawn(image, "flip", flip), turned = drawn(image, "flip,rotate=0.2", both);
    const bool flipped = by_hand.uniform() < 0.5f;
    const double angle = double{by_hand.uniform(-0.2f, 0.2f) * 6.283185307179586f};
    const uint32_t next = by_hand.bits();
    CHECK_FALSE((flip.bits() != next || both.bits() != next));
    CHECK_FALSE(mirror.from[0][0] != (flipped ? -1 : 1));
    CHECK_FALSE(std::abs(turned.from[0][0] - (flipped ? -1 : 1) * std::cos(angle)) > 1e-6);
    CHECK_FALSE(std::abs(turned.from[0][1] - (flipped ? 1 : -1) * std::sin(angle)) > 1e-6);
    CHECK_FALSE(std::abs(turned.from[1][0] - std::sin(angle)) > 1e-6);
    CHECK_FALSE(std::abs(turned.from[1][1] - std::cos(angle)) > 1e-6);
    flips += flipped;
  }
  CHECK(flips > 450);
  CHECK(flips < 550);
}
