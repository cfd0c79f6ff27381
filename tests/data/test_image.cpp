// data/images/image.h: the same pixels as Pillow, and no file that does harm.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "core/random.h"
#include "data/images/image.h"
#include "data/images/jpeg_check.h"
#include "data/images/memory_budget.h"
#include "data/images/png_check.h"
#include "data/images/resize.h"
#include "kernels/error.h"
#include "tests/golden.h"

using namespace counterpoise;
using Bytes = std::vector<uint8_t>;

namespace {

const nlohmann::json& golden() { return read_golden("data/golden/images.json"); }

Bytes golden_file(const std::string& name) { return from_hex(golden()["files"][name]["bytes"].get<std::string>()); }

Image golden_image(const nlohmann::json& entry) {
  return {entry["height"], entry["width"], from_hex(entry["rgb"].get<std::string>())};
}

Image decode(const Bytes& bytes) { return decode_image(bytes.data(), bytes.size(), "a.jpg"); }

// What decoding says about bad data: one line that begins with the name. Empty where it succeeds.
template <class Action>
std::string complaint(Action action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string message = error.what();
    CAPTURE(message);
    CHECK(error.kind() == ErrorKind::bad_data);
    CHECK(message.rfind("a.jpg: ", 0) == 0);
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
  return "";
}
std::string complaint(const Bytes& bytes) {
  return complaint([&] { decode(bytes); });
}

void check_complaint(const Bytes& bytes, const std::string& words) {
  const std::string message = complaint(bytes);
  CAPTURE(message);
  CAPTURE(words);
  CHECK(message.find(words) != std::string::npos);
}

Bytes bytes_of(const std::string& text) { return Bytes(text.begin(), text.end()); }

// The file with `value` in place of the bytes from `at` on.
Bytes with(Bytes file, size_t at, const Bytes& value) {
  std::copy(value.begin(), value.end(), file.begin() + at);
  return file;
}

Bytes big_endian(uint32_t n) { return {uint8_t(n >> 24), uint8_t(n >> 16), uint8_t(n >> 8), uint8_t(n)}; }

void append(Bytes& file, const Bytes& more) { file.insert(file.end(), more.begin(), more.end()); }

// The CRC-32 one bit at a time, as its definition says.
uint32_t slow_crc32(const Bytes& bytes) {
  uint32_t sum = ~0u;
  for (const uint8_t b : bytes) {
    sum ^= b;
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (0xEDB88320 & -(sum & 1));
  }
  return ~sum;
}

void append_chunk(Bytes& png, const std::string& type, const Bytes& content) {
  append(png, big_endian(uint32_t(content.size())));
  Bytes body = bytes_of(type);
  append(body, content);
  append(png, body);
  append(png, big_endian(slow_crc32(body)));
}

// The PNG file with `value` in its IHDR chunk, from byte `at` of the file on, and that chunk's checksum.
Bytes with_header(const Bytes& png, size_t at, const Bytes& value) {
  const Bytes changed = with(png, at, value);
  Bytes result(changed.begin(), changed.begin() + 8);
  append_chunk(result, "IHDR", Bytes(changed.begin() + 16, changed.begin() + 29));
  result.insert(result.end(), changed.begin() + 33, changed.end());
  return result;
}

// Where in a JPEG file the segment of a marker begins.
size_t find_marker(const Bytes& file, uint8_t marker) {
  const uint8_t two[] = {0xFF, marker};
  const auto found = std::search(file.begin(), file.end(), two, two + 2);
  REQUIRE(found != file.end());
  return found - file.begin();
}

// A JPEG that begins with a Huffman table of 255 symbols for each code length from `shortest` on.
Bytes huffman_bomb(int shortest) {
  const int symbols = 255 * (17 - shortest), length = 2 + 17 + symbols;
  Bytes file = {0xFF, 0xD8, 0xFF, 0xC4, uint8_t(length >> 8), uint8_t(length), 0};
  for (int bits = 1; bits <= 16; ++bits) file.push_back(bits < shortest ? 0 : 255);
  file.resize(file.size() + symbols, 0x11);
  const Bytes rest = golden_file("baseline.jpg");
  file.insert(file.end(), rest.begin() + 2, rest.end());
  return file;
}

}  // namespace

TEST_CASE("image: files decode to what Pillow makes of them") {
  for (const auto& [name, file] : golden()["files"].items()) {
    CAPTURE(name);
    const Image want = golden_image(file), got = decode(golden_file(name));
    REQUIRE(got.height == want.height);
    REQUIRE(got.width == want.width);
    REQUIRE(got.rgb.size() == want.rgb.size());
    int largest = 0;
    for (size_t i = 0; i < got.rgb.size(); ++i) largest = std::max(largest, std::abs(got.rgb[i] - want.rgb[i]));
    CHECK(largest <= file["tolerance"].get<int>());
  }
}

TEST_CASE("image: what follows an image does not matter, and its absence does") {
  for (const auto& [name, file] : golden()["files"].items()) {
    CAPTURE(name);
    Bytes bytes = golden_file(name);
    bytes.insert(bytes.end(), 100, 0x2A);
    CHECK(complaint(bytes) == "");
    bytes.resize(bytes.size() - 100);
    for (size_t n = 0; n < bytes.size(); ++n) {
      CAPTURE(n);
      const Bytes part(bytes.begin(), bytes.begin() + n);  // sanitizers then know its end
      CHECK(complaint(part) != "");
    }
  }
}

TEST_CASE("image: flipped bits never do more than throw") {
  Random rng(7, Stream::test);
  for (const auto& [name, file] : golden()["files"].items()) {
    CAPTURE(name);
    const Bytes bytes = golden_file(name);
    for (int trial = 0; trial < 300; ++trial) {
      Bytes damaged = bytes;
      for (int flips = 1 << trial % 4; flips > 0; --flips) damaged[rng.below(bytes.size())] ^= 1 << rng.below(8);
      complaint(damaged);
    }
  }
}

TEST_CASE("image: no flipped bit of a PNG goes unnoticed") {
  CHECK(detail::crc32(bytes_of("123456789").data(), 9) == 0xCBF43926);  // the check value of its definition
  for (const char* name : {"rgb.png", "16bit.png"}) {
    CAPTURE(name);
    REQUIRE(golden()["files"].contains(name));
    const Bytes bytes = golden_file(name);
    int accepted = 0;
    for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      Bytes damaged = bytes;
      damaged[bit / 8] ^= 1 << bit % 8;
      accepted += complaint(damaged) == "";
    }
    CHECK(accepted == 0);
    check_complaint(with(bytes, 33 + 8 + 5, {uint8_t(~bytes[33 + 8 + 5])}), "wrong checksum of the chunk at byte 33");
  }
}

TEST_CASE("image: a Huffman table of too many symbols is refused, twice") {
  for (const int shortest : {1, 12}) {
    CAPTURE(shortest);
    const Bytes bomb = huffman_bomb(shortest);
    check_complaint(bomb, "a Huffman table of");
    // The second fence. Where this fails, stb.cpp was compiled without -fsanitize=bounds
    // -fno-sanitize-recover=bounds.
    const std::string message = complaint([&] { detail::stb_decode(bomb.data(), bomb.size(), 17, 18, "a.jpg"); });
    CHECK(message.find("past the end of an array") != std::string::npos);
  }
}

TEST_CASE("image: a small file cannot take much memory") {
  // A PNG of 18 x 17 pixels whose data unpack to 8 MB: one zero, then copies of the last 258 bytes.
  Bytes png = golden_file("rgb.png"), data = {0x78, 0x01};
  uint32_t bits = 0, used = 0;
  const auto put = [&](uint32_t value, int count) {
    bits |= value << used;
    for (used += count; used >= 8; used -= 8, bits >>= 8) data.push_back(bits & 255);
  };
  put(3, 3);     // the last block, with the fixed codes
  put(0x0C, 8);  // a zero
  for (int i = 0; i < 32768; ++i) {
    put(0xA3, 8);  // length 258
    put(0, 5);     // distance 1
  }
  put(0, 7);  // end of block
  put(0, 8);
  png.resize(33);  // signature and IHDR
  append_chunk(png, "IDAT", data);
  append_chunk(png, "IEND", {});
  check_complaint(png, "more memory");
}

TEST_CASE("image: a small file cannot take much time") {
  // A progressive JPEG of 10000 x 10000 gray pixels: each scan is a pass over all of them, though it has no data.
  const auto jpeg = [](int scans) {
    Bytes file = {0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0};
    file.resize(file.size() + 64, 1);
    append(file, {0xFF, 0xC2, 0, 11, 8, 0x27, 0x10, 0x27, 0x10, 1, 1, 0x11, 0});
    append(file, {0xFF, 0xC4, 0, 20, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    for (int i = 0; i < scans; ++i) append(file, {0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0});
    append(file, {0xFF, 0xD9});
    return file;
  };
  const auto check = [&](int scans) { detail::check_jpeg(jpeg(scans).data(), jpeg(scans).size(), "a.jpg"); };
  CHECK(complaint([&] { check(15); }) == "");
  CHECK(contains(complaint([&] { check(16); }), "too many scans for 10000 x 10000 pixels"));
  CHECK(contains(complaint([&] { check(200); }), "too many scans for 10000 x 10000 pixels"));
}

TEST_CASE("image: what an image needs for decoding is limited, too") {
  // 9000 x 9000 pixels; the data are missing, so that those within the limit are damaged.
  const Bytes png = golden_file("rgb.png");
  const auto message = [&](uint8_t depth, uint8_t color, uint8_t interlaced) {
    return complaint(with_header(png, 16, {0, 0, 0x23, 0x28, 0, 0, 0x23, 0x28, depth, color, 0, 0, interlaced}));
  };
  CHECK(contains(message(16, 6, 0), "9000 x 9000 pixels of this kind take 1296 MB to decode, at most 1200"));
  CHECK(contains(message(16, 6, 1), "take 1620 MB"));
  CHECK(contains(message(16, 2, 0), "damaged"));
  CHECK(contains(message(8, 6, 1), "damaged"));
}

TEST_CASE("image: threads share the memory for decoding") {
  detail::MemoryBudget budget(100);
  std::atomic<int> used{0}, most{0}, alone{0};
  std::vector<std::thread> threads;
  for (int bytes : {30, 40, 60, 1000}) {
    threads.emplace_back([&, bytes] {
      for (int i = 0; i < 50; ++i) {
        const detail::MemoryBudget::Part part(budget, bytes);
        const int now = used += bytes;
        for (int seen = most; bytes < 1000 && seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::sleep_for(std::chrono::microseconds(100));
        alone += bytes == 1000 && used == 1000;
        used -= bytes;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(most <= 100);
  CHECK(most > 60);
  CHECK(alone == 50);
}

TEST_CASE("image: each reason for a refusal is named") {
  check_complaint({}, "empty");
  check_complaint(bytes_of("<html>404 not found</html>"), "not a JPEG, PNG or BMP image");
  check_complaint(bytes_of("GIF89a......."), "a GIF");
  check_complaint(from_hex(golden()["cmyk"].get<std::string>()), "CMYK");

  const Bytes jpeg = golden_file("baseline.jpg"), png = golden_file("rgb.png");
  const Bytes bmp = golden_file("rgb.bmp");
  const size_t frame = find_marker(jpeg, 0xC0), scan = find_marker(jpeg, 0xDA);
  check_complaint(with(jpeg, frame + 1, {0xC9}), "arithmetic");
  check_complaint(with(jpeg, frame + 4, {12}), "12 bits");
  check_complaint(with(jpeg, frame + 5, {0, 0}), "no pixels");
  check_complaint(with(jpeg, frame + 5, {0x40, 1}), "too large");
  check_complaint(with(jpeg, frame + 5, {0x30, 0, 0x30, 0}), "too large");
  check_complaint(with(jpeg, frame + 11, {0x31, 0, 2, 0x21}), "fractional");
  check_complaint(with(jpeg, frame + 11, {0x51}), "sampling");
  check_complaint(with(jpeg, frame + 12, {3}), "missing quantization table");
  check_complaint(with(jpeg, scan + 6, {0x22}), "missing DC Huffman table");
  check_complaint(with(jpeg, scan + 5, {99}), "unknown component");
  check_complaint(with(jpeg, find_marker(jpeg, 0xC4) + 2, {0, 1}), "length");
  check_complaint({0xFF, 0xD8, 0xFF, 0xD9}, "no frame header");
  Bytes no_scan(jpeg.begin(), jpeg.begin() + scan);
  no_scan.insert(no_scan.end(), {0xFF, 0xD9});
  check_complaint(no_scan, "no image data");

  check_complaint(with_header(png, 16, {0, 0, 0x40, 1}), "too large");
  check_complaint(with_header(png, 16, {0, 0, 0x30, 0, 0, 0, 0x30, 0}), "too large");
  check_complaint(with_header(png, 16, {0xFF, 0, 0, 0}), "impossible size");
  check_complaint(with_header(png, 16, {0, 0, 0, 0}), "without pixels");
  check_complaint(with_header(png, 24, {16, 3}), "bits");
  check_complaint(with_header(png, 16, {0, 0, 1}), "damaged");  // wider than its data
  Bytes foreign(png.begin(), png.begin() + 33);
  append_chunk(foreign, "CgBI", {0, 0, 0, 0});
  foreign.insert(foreign.end(), png.begin() + 33, png.end());
  check_complaint(foreign, "critical chunk");
  check_complaint(with(bmp, 18, {0, 0, 0, 0x7F}), "truncated");
  check_complaint(with(bmp, 30, {1}), "compressed");
  check_complaint(with(bmp, 22, {0, 0, 0, 0x80}), "impossible size");

  CHECK_THROWS_AS(decode_image("/no/such/image.jpg"), Error);
  CHECK_THROWS_AS(decode_image("/tmp"), Error);
}

TEST_CASE("image: threads that decode do not see each other") {
  const Bytes good = golden_file("progressive.jpg"), bad = huffman_bomb(12);
  const Image want = decode(good);
  std::vector<int> right(4);
  std::vector<std::thread> threads;
  for (int& r : right)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        r += decode(good).rgb == want.rgb;
        try {
          detail::stb_decode(bad.data(), bad.size(), 17, 18, "bad");
        } catch (const Error&) {
          ++r;
        }
      }
    });
  for (std::thread& t : threads) t.join();
  CHECK(right == std::vector<int>(4, 100));
}

TEST_CASE("image: the resized image is Pillow's") {
  const Image source = golden_image(golden()["resize"]["source"]);
  for (const auto& entry : golden()["resize"]["resized"]) {
    const Image want = golden_image(entry), got = resize_bilinear(source, want.height, want.width);
    CAPTURE(want.height);
    CAPTURE(want.width);
    CHECK(got.height == want.height);
    CHECK(got.width == want.width);
    CHECK(got.rgb == want.rgb);
  }
  CHECK_THROWS_AS(resize_bilinear(source, 0, 5), Error);
  CHECK_THROWS_AS(resize_bilinear({2, 2, {1, 2, 3}}, 5, 5), Error);
}

TEST_CASE("image: a part is resized as Pillow does it with a box, and mirrored where its sides are exchanged") {
  const Image source = golden_image(golden()["resize"]["source"]);
  for (const auto& entry : golden()["resize"]["parts"]) {
    const Image want = golden_image(entry);
    const auto part = entry["part"];
    CAPTURE(part.dump());
    const Image got = resize_bilinear(source, {part[0], part[1], part[2], part[3]}, want.height, want.width);
    const Image mirrored = resize_bilinear(source, {part[2], part[3], part[0], part[1]}, want.height, want.width);
    const size_t pixels = want.rgb.size() / 3;
    int largest = 0;
    for (size_t i = 0; i < pixels; ++i) {
      for (size_t c = 0; c < 3; ++c) {
        largest = std::max(largest, std::abs(want.rgb[3 * i + c] - got.rgb[3 * i + c]));
        largest = std::max(largest, std::abs(want.rgb[3 * i + c] - mirrored.rgb[3 * (pixels - 1 - i) + c]));
      }
    }
    CHECK(largest <= 1);
  }
  const Image gray{4, 4, Bytes(48, 9)};
  CHECK(resize_bilinear(gray, {0.5, 1, 3.5, 2}, 7, 3).rgb == Bytes(63, 9));
  CHECK(resize_bilinear({1, 1, {7, 8, 9}}, {0.25, 0, 0.5, 1}, 1, 2).rgb == Bytes{7, 8, 9, 7, 8, 9});
  for (const Region bad : {Region{-0.1, 0, 4, 4}, {0, 0, 4.1, 4}, {2, 0, 2, 4}, {0, 0, 4, NAN}}) {
    CHECK(contains(error_of([&] { resize_bilinear(gray, bad, 2, 2); }), "is not within the image"));
  }
}

TEST_CASE("image: resized as Keras does it, without antialiasing") {
  const nlohmann::json& all = read_golden("data/golden/resize.json");
  REQUIRE(all["images"].size() == 2);
  for (const auto& entry : all["images"]) {
    const Image source = golden_image(entry);
    for (const auto& want : entry["resized"]) {
      const int height = want["height"], width = want["width"];
      CAPTURE(height);
      CAPTURE(width);
      const Image got = resize_keras(source, height, width);
      CHECK(got.height == height);
      CHECK(got.width == width);
      const std::vector<double> numbers = want["numbers"].get<std::vector<double>>();
      REQUIRE(got.rgb.size() == numbers.size());
      double largest = 0;
      for (size_t i = 0; i < numbers.size(); ++i) largest = std::max(largest, std::fabs(got.rgb[i] - numbers[i]));
      CHECK(largest <= 0.5 + 1e-3);  // the nearest byte
      CHECK(resize(source, height, width, Resize::keras).rgb == got.rgb);
      CHECK(resize(source, height, width, Resize::antialias).rgb == resize_bilinear(source, height, width).rgb);
    }
    CHECK(resize_keras(source, source.height, source.width).rgb == source.rgb);
    CHECK_THROWS_AS(resize_keras(source, 5, 0), Error);
  }
  // Of stripes one pixel wide, reduced to a third, only every third is looked at: the image becomes one color.
  Image stripes = {3, 9, {}};
  for (int i = 0; i < 27; ++i) stripes.rgb.insert(stripes.rgb.end(), 3, i % 3 == 1 ? 255 : 0);
  CHECK(resize_keras(stripes, 1, 3).rgb == Bytes(9, 255));
  CHECK(resize_bilinear(stripes, 1, 3).rgb != Bytes(9, 255));

  CHECK(parse_resize("keras") == Resize::keras);
  CHECK(to_string(parse_resize("antialias")) == "antialias");
  CHECK(contains(error_of([] { parse_resize("bicubic"); }, ErrorKind::invalid_argument), "antialias and keras"));
}
