// data/images/augment.h and Backend::images(): the same rotated pixels as SciPy on every backend, and the table of
// augmentations.
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "data/images/augment.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/support.h"

using namespace counterpoise;
using Bytes = std::vector<uint8_t>;

namespace {

const nlohmann::json& golden() {
  static const nlohmann::json all =
      nlohmann::json::parse(std::ifstream(source_folder() + "/tests/data/golden/images.json"))["rotate"];
  return all;
}

struct Pixels {
  int height, width;
  Bytes rgb;
};

Pixels golden_source() {
  const std::string hex = golden()["source"]["rgb"];
  Pixels image{golden()["source"]["height"], golden()["source"]["width"], Bytes(hex.size() / 2)};
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = std::stoi(hex.substr(2 * i, 2), nullptr, 16);
  return image;
}

Pixels numbered(int height, int width) {
  Pixels image{height, width, Bytes(size_t(height) * width * 3)};
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = i * 37 % 251;
  return image;
}

Pixels mirrored(const Pixels& image) {
  Pixels y = image;
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
Tensor transformed(Backend& backend, const std::vector<Pixels>& images, const std::vector<ImageTransform>& transforms,
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

ImageTransform rotation(double angle, bool flip = false) {
  ImageTransform transform;
  if (flip) transform.flip();
  transform.rotate(angle);
  return transform;
}

}  // namespace

TEST_CASE("augment: the rotated image is SciPy's on every backend") {
  const Pixels source = golden_source(), mirror = mirrored(source);
  for (const TestBackend& machine : test_backends()) {
    CAPTURE(machine.backend.name());
    for (const auto& entry : golden()["rotated"]) {
      const float angle = entry["angle"];
      CAPTURE(angle);
      const std::vector<double> got =
          numbers(transformed(machine.backend, {source, mirror}, {rotation(angle), rotation(angle, true)}));
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
  std::vector<Pixels> images;
  std::vector<ImageTransform> transforms;
  const auto draw = [&](const std::string& spec) {
    Random rng(1, Stream::augment, 0, images.size());
    images.push_back(numbered(33, 140));
    transforms.push_back(draw_transform(parse_augment(spec), rng));
  };
  for (const char* spec : {"none", "flip", "flip", "flip,rotate=0.2", "flip,rotate=1"}) draw(spec);
  for (const Augmentation& row : augmentations()) {
    for (const float strength : {row.high, row.high / 2, row.high / 2}) {
      draw(row.name + (row.parameter.empty() ? "" : "=" + detail::text(strength)));
    }
  }
  transforms[0].then({{0.5, 0.25, 3}, {-0.125, 1.5, -7}});  // any affine map, far outside, too
  const std::vector<double> want = numbers(transformed(reference_backend(), images, transforms));
  for (const int threads : {1, 3}) {
    const Threads guard(threads);
    CHECK(numbers(transformed(cpu_backend(), images, transforms)) == want);
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

TEST_CASE("augment: quarter turns move pixels, no turn leaves them") {
  const int n = 6;
  const Pixels image = numbered(n, n);
  ImageTransform flip;
  flip.flip();
  const std::vector<ImageTransform> transforms = {{}, rotation(std::acos(-1.) / 2), flip, rotation(0, true)};
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

TEST_CASE("augment: changes are applied one after the other") {
  // A shift to the right by 2 pixels, and then a mirror: the pixel shown at x lies at the mirrored place less 2.
  ImageTransform shift;
  shift.then({{1, 0, -2}, {0, 1, 0}});
  ImageTransform both = shift;
  both.flip();
  const Pixels image = numbered(4, 9);
  const std::vector<float> shifted = transformed(reference_backend(), {image}, {shift}).to_vector<float>();
  const std::vector<float> got = transformed(reference_backend(), {image}, {both}).to_vector<float>();
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 9; ++x) {
      for (int c = 0; c < 3; ++c) REQUIRE(got[(y * 9 + x) * 3 + c] == shifted[(y * 9 + 8 - x) * 3 + c]);
    }
    for (int x = 2; x < 9; ++x) REQUIRE(shifted[(y * 9 + x) * 3] == scale_pixel(image.rgb[(y * 9 + x - 2) * 3]));
  }
}

TEST_CASE("augment: a crop with a black edge is torchvision's RandomCrop with padding, on every backend") {
  const Pixels image = numbered(7, 9);
  std::vector<ImageTransform> transforms;
  std::vector<std::pair<int, int>> shifts;
  for (const int down : {-4, 0, 3, 7}) {
    for (const int right : {-9, -2, 0, 4}) {
      ImageTransform shift;
      shift.then({{1, 0, double(right)}, {0, 1, double(down)}});
      shift.border = ImageTransform::Border::zero;
      transforms.push_back(shift);
      shifts.emplace_back(down, right);
    }
  }
  const std::vector<Pixels> images(transforms.size(), image);
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
  const Pixels image = numbered(5, 6);
  ImageTransform half;
  half.then({{1, 0, -0.5}, {0, 1, 0}});
  half.border = ImageTransform::Border::zero;
  const std::vector<float> got = transformed(reference_backend(), {image}, {half}).to_vector<float>();
  for (int c = 0; c < 3; ++c) {
    CHECK(byte_of(got[c]) == doctest::Approx(image.rgb[c] / 2.));  // half of the first pixel
    CHECK(byte_of(got[3 + c]) == doctest::Approx((image.rgb[c] + image.rgb[3 + c]) / 2.));
  }
  ImageTransform far = half;
  far.then({{1e12, 0, 1e30}, {0, -1e30, 7}});
  for (const TestBackend& machine : test_backends()) {
    bool black = true;
    for (const float x : transformed(machine.backend, {image}, {far}).to_vector<float>()) black &= x == -1;
    CHECK(black);
  }
}

TEST_CASE("augment: crop draws every shift from -P to P, and none of it changes what flip draws") {
  std::set<std::pair<double, double>> seen;
  for (int i = 0; i < 2000; ++i) {
    Random with(3, Stream::augment, 0, i), without = with;
    const ImageTransform crop = draw_transform(parse_augment("flip,crop=2"), with);
    const ImageTransform flip = draw_transform(parse_augment("flip"), without);
    CHECK_FALSE(crop.map[0][0] != flip.map[0][0]);
    CHECK_FALSE(crop.border != ImageTransform::Border::zero);
    CHECK_FALSE(flip.border != ImageTransform::Border::mirror);
    seen.emplace(std::abs(crop.map[0][2]) < 3 ? crop.map[0][2] * crop.map[0][0] : 99, crop.map[1][2]);
  }
  std::set<std::pair<double, double>> want;
  for (int x = -2; x <= 2; ++x) {
    for (int y = -2; y <= 2; ++y) want.emplace(x, y);
  }
  CHECK(seen == want);
}

TEST_CASE("augment: a transform draws two numbers, whatever is on") {
  int flips = 0;
  for (int i = 0; i < 1000; ++i) {
    Random none(3, Stream::augment, 0, i), flip = none, both = none, by_hand = none;
    const ImageTransform plain = draw_transform({}, none), mirror = draw_transform(parse_augment("flip"), flip);
    const ImageTransform rotated = draw_transform(parse_augment("flip,rotate=0.2"), both);
    const bool flipped = by_hand.uniform() < 0.5f;
    const double angle = double{by_hand.uniform(-0.2f, 0.2f) * 6.283185307179586f};
    const uint32_t next = by_hand.bits();
    CHECK_FALSE((none.bits() != next || flip.bits() != next || both.bits() != next));
    CHECK_FALSE(plain.map[0][0] != 1);
    CHECK_FALSE(mirror.map[0][0] != (flipped ? -1 : 1));
    CHECK_FALSE(std::abs(rotated.map[0][0] - (flipped ? -1 : 1) * std::cos(angle)) > 1e-6);
    CHECK_FALSE(std::abs(rotated.map[0][1] - (flipped ? 1 : -1) * std::sin(angle)) > 1e-6);
    CHECK_FALSE(std::abs(rotated.map[1][0] - std::sin(angle)) > 1e-6);
    CHECK_FALSE(std::abs(rotated.map[1][1] - std::cos(angle)) > 1e-6);
    flips += flipped;
  }
  CHECK(flips > 450);
  CHECK(flips < 550);
}

TEST_CASE("augment: the text form") {
  for (const char* good : {"none", "flip", "rotate=0.2", "flip,rotate=0.2", "rotate=1"})
    CHECK(to_string(parse_augment(good)) == good);
  CHECK(to_string(parse_augment("rotate=0.25,flip")) == "flip,rotate=0.25");
  CHECK(to_string(parse_augment("rotate=0")) == "none");
  CHECK(to_string({}) == "none");
  for (const char* bad : {"", "Flip", "flip,", "flip,none", "flip,flip", "flip=1", "rotate", "rotate=", "rotate=2",
                          "rotate=-0.1", "rotate=nan", "rotate=0.2x", "rotate=0.2,rotate=0.1", ",", "flip flip"}) {
    CAPTURE(bad);
    CHECK(contains(error_of([&] { parse_augment(bad); }, ErrorKind::invalid_argument), "flip,rotate=R"));
  }
  CHECK(contains(augment_help(), "rotate rotates by an angle"));
}

TEST_CASE("augment: every row of the table has a name of its own and a range that holds 0") {
  std::set<std::string> names;
  for (const Augmentation& row : augmentations()) {
    CAPTURE(row.name);
    CHECK(names.insert(row.name).second);
    CHECK(row.low <= 0);
    CHECK(row.high > 0);
    CHECK(!row.help.empty());
    const std::string spec = row.name + (row.parameter.empty() ? "" : "=" + detail::text(row.high));
    CHECK(to_string(parse_augment(spec)) == spec);
  }
}
