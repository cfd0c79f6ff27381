// core/io/safetensors.h: what was written is read, files from Python are read, and each rule refuses its bad files.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "core/io/file.h"
#include "core/io/safetensors.h"
#include "core/random.h"
#include "kernels/error.h"
#include "tests/core/safetensors_files.h"

using namespace counterpoise;

namespace {

using Shape = std::vector<int64_t>;

std::string save_error(const std::vector<FileTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {}) {
  TempFile temp;
  try {
    save_safetensors(temp.path, tensors, metadata);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::failure);
    CHECK(!std::filesystem::exists(temp.path));
    return error.what();
  }
  return "";
}

uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return bits;
}

// The value of a narrow float by the definition in IEEE 754, section 3.4.
double by_definition(uint32_t bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1, top = (1 << exponent_bits) - 1;
  const double sign = bits >> (exponent_bits + mantissa_bits) ? -1 : 1;
  const int exponent = bits >> mantissa_bits & top;
  const double fraction = std::ldexp(bits & ((1u << mantissa_bits) - 1), -mantissa_bits);
  if (exponent == top) return fraction == 0 ? sign * INFINITY : NAN;
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias);
  return sign * std::ldexp(1 + fraction, exponent - bias);
}

}  // namespace

TEST_CASE("safetensors: all 65,536 halves and bfloat16s widen exactly") {
  int wrong = 0;
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float half = f16_to_f32(bits), brain = bf16_to_f32(bits);
    const double h = by_definition(bits, 5, 10), g = by_definition(bits, 8, 7);
    wrong += std::isnan(h) ? !std::isnan(half) : half != h || std::signbit(half) != std::signbit(h);
    wrong += std::isnan(g) ? !std::isnan(brain) : brain != g || std::signbit(brain) != std::signbit(g);
  }
  CHECK(wrong == 0);
  CHECK(bits_of(f16_to_f32(0xfe01)) == 0xffc02000u);  // a NaN keeps its sign and its payload
  CHECK(bits_of(bf16_to_f32(0xffc1)) == 0xffc10000u);
}

TEST_CASE("safetensors: what is written is read") {
  TempFile temp;
  const float inf = std::numeric_limits<float>::infinity();
  std::vector<float> odd = {0.0f, -0.0f, 1e-45f, inf, -inf, std::nanf("77")};
  const std::vector<float> scalar = {3.5f}, none, many(100000, 0.25f);
  const std::vector<double> wide = {0.1, -1e300, 1e-300};
  const std::vector<int64_t> order = {5, -1, int64_t{1} << 62};
  const uint16_t halves[] = {0x3c00, 0xc000};
  const uint8_t small[] = {0, 255, 7};
  const int32_t ints[] = {-1, 2};
  const std::map<std::string, std::string> metadata = {
      {"model", "vgg16"}, {"", "\"quotes\", \\ and\nlines"}, {"classes", "[\"katt\xc3\xa9\"]"}};
  save_safetensors(temp.path,
                   {{"odd", {2, 3}, odd},
                    {"scalar", {}, scalar},
                    {"none", {3, 0, 2}, none},
                    {"many", {10, 10000}, many},
                    {"wide", {3}, wide},
                    {"order", {3, 1}, order},
                    {"f16", FileDType::F16, {2}, halves},
                    {"bf16", FileDType::BF16, {2}, halves},
                    {"u8", FileDType::U8, {3}, small},
                    {"bool", FileDType::BOOL, {3}, small},
                    {"i32", FileDType::I32, {2}, ints}},
                   metadata);

  const SafetensorsFile file(temp.path);
  CHECK(file.metadata() == metadata);
  CHECK(file.names() ==
        std::vector<std::string>{"bf16", "bool", "f16", "i32", "many", "none", "odd", "order", "scalar", "u8", "wide"});
  CHECK(file.shape("odd") == Shape{2, 3});
  const std::vector<float> back = file.read_f32("odd");
  REQUIRE(back.size() == odd.size());
  CHECK(std::memcmp(back.data(), odd.data(), 24) == 0);  // NaN payload and signs of zero too
  CHECK(file.shape("scalar") == Shape{});
  CHECK(file.elements("scalar") == 1);
  CHECK(file.read_f32("scalar") == scalar);
  CHECK(file.shape("none") == Shape{3, 0, 2});
  CHECK(file.read_f32("none").empty());
  CHECK(file.read_f32("many") == many);
  CHECK(file.read_f32("wide") == std::vector<float>{0.1f, -inf, 0.0f});
  CHECK(file.read_i64("order") == order);
  CHECK(file.read_f32("f16") == std::vector<float>{1, -2});
  CHECK(file.read_f32("bf16") == std::vector<float>{0.0078125f, -2});
  CHECK(file.read_i64("u8") == std::vector<int64_t>{0, 255, 7});
  CHECK(file.read_i64("bool") == std::vector<int64_t>{0, 1, 1});
  CHECK(file.read_i64("i32") == std::vector<int64_t>{-1, 2});
  CHECK(file.dtype("i32") == FileDType::I32);
}

TEST_CASE("safetensors: the layout is sorted, aligned, and the same every time") {
  TempFile temp;
  const std::vector<float> one = {1}, two = {2};
  const uint8_t byte = 9;
  const FileTensor x{"x", {1}, one}, y{"y", {1}, two}, u{"u", FileDType::U8, {}, &byte};
  save_safetensors(temp.path, {u, y, x});
  const std::string bytes = read_file(temp.path, 10000);
  const size_t payload = bytes.size() - 9;
  CHECK(payload % 8 == 0);
  uint64_t n;
  std::memcpy(&n, bytes.data(), 8);
  CHECK(n == payload - 8);
  const float expected[] = {1, 2};
  CHECK(std::memcmp(&bytes[payload], expected, 8) == 0);
  CHECK(bytes.back() == 9);
  save_safetensors(temp.path, {x, u, y});
  CHECK(read_file(temp.path, 10000) == bytes);
  save_safetensors(temp.path, {});
  CHECK(SafetensorsFile(temp.path).names().empty());
}

TEST_CASE("safetensors: what cannot be saved is refused before anything is written") {
  const std::vector<float> one = {1};
  const std::string long_name(513, 'n');
  CHECK(contains(save_error({{"a", {1}, one}, {"a", {}, one}}), "two tensors are named 'a'"));
  CHECK(contains(save_error({{long_name, {1}, one}}), "longer than 512 bytes"));
  CHECK(contains(save_error({{"__metadata__", {1}, one}}), "reserved"));
  CHECK(contains(save_error({{"\xff", {1}, one}}), "not UTF-8"));
  CHECK(contains(save_error({}, {{"k", "\xff"}}), "not UTF-8"));
  CHECK(contains(save_error({{"a", FileDType::F32, {-1}, one.data()}}), "shape [-1] is impossible"));
  CHECK(contains(save_error({{"a", FileDType::F32, {1}, nullptr}}), "has no data"));
  CHECK(contains(save_error({}, {{"k", std::string(17 << 20, 'v')}}), "more than 16777216"));
  CHECK_THROWS_WITH_AS((FileTensor{"a", {2, 3}, one}),
                       "cannot save tensor 'a': its shape is [2, 3] but it has 1 values", Error);
}

TEST_CASE("safetensors: a file that Python wrote") {
  const SafetensorsFile file(source_folder() + "/tests/core/golden/python.safetensors");
  CHECK(file.metadata() == std::map<std::string, std::string>{{"format", "pt"},
                                                              {"classes", "[\"cat\", \"dog\"]"},
                                                              {"note", "\xc3\xbc \xe2\x89\xa5 \"quoted\"\n"}});
  CHECK(file.names().size() == 11);
  const float inf = std::numeric_limits<float>::infinity();
  const auto floats = [&](const std::string& name, float large, float tiny, float tenth) {
    CAPTURE(name);
    const std::vector<float> got = file.read_f32(name);
    const std::vector<float> want = {0, -0.0f, 1, -2.5f, large, tiny, inf, -inf, NAN, tenth};
    REQUIRE(got.size() == want.size());
    for (size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      CHECK((got[i] == want[i] || (std::isnan(got[i]) && std::isnan(want[i]))));
      CHECK((std::isnan(want[i]) || std::signbit(got[i]) == std::signbit(want[i])));
    }
  };
  floats("f64", 65504, 6e-8f, 0.1f);
  floats("f32", 65504, 6e-8f, 0.1f);
  floats("f16", 65504, 0x1p-24f, 0.0999755859375f);
  floats("bf16", 65536, 6.0070306062698364e-8f, 0.10009765625f);
  CHECK(file.shape("i64") == Shape{2, 3});
  const int64_t lowest = std::numeric_limits<int64_t>::min();
  CHECK(file.read_i64("i64") == std::vector<int64_t>{0, -1, int64_t{1} << 62, lowest, -(lowest + 1), 7});
  CHECK(file.shape("i32") == Shape{2, 1});
  CHECK(file.read_i64("i32") == std::vector<int64_t>{-2147483648, 2147483647});
  CHECK(file.read_i64("u8") == std::vector<int64_t>{0, 51, 102, 153, 204, 255});
  CHECK(file.read_i64("bool") == std::vector<int64_t>{1, 0, 1});
  CHECK(file.shape("scalar").empty());
  CHECK(file.read_f32("scalar") == std::vector<float>{3.5f});
  CHECK(file.shape("empty") == Shape{3, 0, 2});
  CHECK(file.read_f32("empty").empty());
  CHECK(file.read_f32("matrix") == std::vector<float>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("safetensors: questions that the file cannot answer") {
  const SafetensorsFile file(source_folder() + "/tests/core/golden/python.safetensors");
  CHECK_THROWS_WITH_AS(file.read_f32("weight"), doctest::Contains("no tensor 'weight'"), Error);
  CHECK_THROWS_WITH_AS(file.shape("x"), doctest::Contains("it has 11: 'bf16', 'bool'"), Error);
  CHECK_THROWS_WITH_AS(file.read_f32("i64"), doctest::Contains("I64, not floats"), Error);
  CHECK_THROWS_WITH_AS(file.read_i64("f32"), doctest::Contains("F32, not integers"), Error);
  CHECK_FALSE(file.contains("x"));
  CHECK(file.contains("f32"));
}

TEST_CASE("safetensors: sound files that look odd are read") {
  const std::string both = "{" + a + "," + b + "}";
  CHECK(open_error(file_of(both, 8)) == "");
  CHECK(open_error(file_of(" \t\r\n" + both + "  \n", 8)) == "");
  CHECK(open_error(file_of("{" + b + "," + a + "}", 8)) == "");  // any order
  CHECK(open_error(file_of("{\"__metadata__\":{}," + a + "," + b + "}", 8)) == "");
  CHECK(open_error(file_of("{}", 0)) == "");
  CHECK(open_error(file_of("{" + entry("z", "F32", "[0]", "[0,0]") + "," + a + "}", 4)) == "");
  CHECK(open_error(file_of("{" + entry("\\u00e9", "U8", "[]", "[0,1]") + "}", 1)) == "");
  CHECK(open_error(file_of("{" + entry("n", "BF16", "[2,1,3]", "[0,12]") + "}", 12)) == "");
  // A header of 640 bytes begins like a pickle.
  CHECK(open_error(file_of("{}" + std::string(638, ' '), 0)) == "");

  TempFile temp;  // tensors at odd addresses
  write_file(temp.path,
             file_of("{" + entry("u", "U8", "[1]", "[0,1]") + "," + entry("f", "F32", "[1]", "[1,5]") + "}", 1) +
                 std::string("\0\0\x80\x3f", 4));
  CHECK(SafetensorsFile(temp.path).read_f32("f") == std::vector<float>{1});
}

TEST_CASE("safetensors rule 1: eight bytes") {
  refused("", "it has 0 bytes");
  refused("1234567", "it has 7 bytes");
}

TEST_CASE("safetensors rule 2: the header's length is at most 16 MiB") {
  refused(with_length((16 << 20) + 1, "{}"), "16777217 bytes, more than 16777216");
  refused(with_length(~uint64_t{0}, "{}"), "more than 16777216");
}

TEST_CASE("safetensors rule 2: files of other formats are recognized") {
  refused("PK\x03\x04\x14\x08\x08\x08 and more", "weights_only=True");
  refused("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46 and more", "pickle");
  refused(std::string("\x80\x04\x95\x12\x34\0\0\0", 8) + "more", "torch.load");
  refused("\x89HDF\r\n\x1a\n and more", "HDF5");
  refused("version https://git-lfs.github.com/spec/v1\n", "git lfs pull");
}

TEST_CASE("safetensors rule 3: the header ends inside the file") {
  refused(with_length(3, "{}"), "3 bytes but only 2 follow");
  refused(with_length(0, ""), "does not begin with '{'");
}

TEST_CASE("safetensors rule 4: the header is a JSON object in UTF-8") {
  refused_header("[]", "begin with '{'");
  refused_header("   ", "begin with '{'");
  refused_header("\xef\xbb\xbf{}", "begin with '{'");  // a byte order mark
  refused_header("{", "not UTF-8 JSON at byte 2");
  refused_header("{}}", "not UTF-8 JSON at byte 3");
  refused_header("{} {}", "not UTF-8 JSON");
  refused_header("{" + a + ",}", "not UTF-8 JSON", 4);
  refused_header("{\"__metadata__\":{\"k\":\"\xff\"}}", "not UTF-8 JSON");
  refused_header("{\"__metadata__\":{\"k\":\"\xed\xa0\x80\"}}", "not UTF-8 JSON");  // a surrogate
  refused_header("{\"__metadata__\":{\"k\":\"\\ud800\"}}", "not UTF-8 JSON");
  refused_header("{/**/}", "not UTF-8 JSON");
  refused_header(std::string("{}\0 more", 8), "not UTF-8 JSON at byte 3");
}

TEST_CASE("safetensors rule 5: nothing is nested deeper, and numbers are plain") {
  refused_header("{" + entry("a", "F32", "[[1]]", "[0,4]") + "}", "an array in its shape", 4);
  refused_header("{" + entry("a", "F32", "{}", "[0,4]") + "}", "an object in its shape", 4);
  refused_header("{\"a\":" + std::string(100000, '[') + "}", "an array instead of an object");
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "{\"a\":";
  refused_header(deep, "tensor 'a' has 'a'");
  refused_header("{\"a\":{\"dtype\":{}}}", "an object in its dtype instead of a string");
  refused_header("{\"__metadata__\":" + deep, "an object for 'a'");
  for (const char* number :
       {"1.0", "1e0", "-1", "-0", "18446744073709551616", "null", "true", "\"1\"", "99999999999999999999999999"})
    refused_header("{" + entry("a", "F32", detail::text("[", number, "]"), "[0,4]") + "}",
                   "instead of a plain non-negative integer", 4);
  refused_header("{" + entry("a", "F32", "[1]", "[0,4.0]") + "}", "4.0 in its data_offsets", 4);
  for (const char* number : {"01", "+1", "0x1", "NaN", "1e999"})
    refused_header("{" + entry("a", "F32", detail::text("[", number, "]"), "[0,4]") + "}", "not UTF-8 JSON", 4);
  refused_header("{" + entry("a", "F32", "[281474976710656]", "[0,4]") + "}", "above 2^48-1", 4);
  refused_header("{\"a\":1}", "a number instead of an object");
  refused_header("{\"a\":null}", "null instead of an object");
  refused_header("{" + entry("a", "F32", "1", "[0,4]") + "}", "instead of an array", 4);
  refused_header("{\"a\":{\"dtype\":32}}", "instead of a string");
}

TEST_CASE("safetensors rule 6: no key twice") {
  refused_header("{" + a + "," + a + "}", "tensor 'a' twice", 4);
  refused_header("{" + a + "," + entry("\\u0061", "F32", "[1]", "[4,8]") + "}", "twice", 8);
  refused_header("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", "'dtype' twice");
  refused_header("{\"__metadata__\":{\"k\":\"1\",\"k\":\"1\"}}", "'k' twice");
  refused_header("{\"__metadata__\":{},\"__metadata__\":{}}", "__metadata__ twice");
}

TEST_CASE("safetensors rule 7: metadata maps strings to strings") {
  for (const char* value : {"1", "null", "true", "[]", "{}", "1.5", "-1"})
    refused_header(detail::text("{\"__metadata__\":{\"k\":", value, "}}"), "for 'k' instead of a string");
  for (const char* value : {"1", "null", "[]", "\"text\""})
    refused_header(detail::text("{\"__metadata__\":", value, "}"), "instead of an object");
}

TEST_CASE("safetensors rule 8: dtype, shape and two offsets, no more and no less") {
  refused_header("{\"a\":{}}", "lacks dtype");
  refused_header("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "lacks shape", 4);
  refused_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", "lacks data_offsets", 4);
  refused_header("{\"a\":{\"dtype\":\"F32\",\"more\":1}}", "has 'more'", 4);
  refused_header("{" + entry("a", "F32", "[1]", "[]") + "}", "0 data_offsets instead of 2", 4);
  refused_header("{" + entry("a", "F32", "[1]", "[4]") + "}", "1 data_offsets", 4);
  refused_header("{" + entry("a", "F32", "[1]", "[0,4,8]") + "}", "3 data_offsets", 4);
  refused_header("{" + entry("a\\n", "F8_E4M3", "[4]", "[0,4]") + "}", "tensor 'a?' has dtype 'F8_E4M3'", 4);
  refused_header("{" + entry("a", "f32", "[1]", "[0,4]") + "}", "dtype 'f32'", 4);
}

TEST_CASE("safetensors rule 9: the tensors tile the payload") {
  refused_header("{" + b + "}", "begins at 4 where 0 is expected: there is a gap", 8);
  refused_header("{" + a + "," + entry("b", "F32", "[1]", "[5,9]") + "}", "gap", 9);
  refused_header("{" + a + "," + entry("b", "F32", "[1]", "[0,4]") + "}", "overlap", 4);
  refused_header("{" + a + "," + entry("b", "F32", "[1]", "[3,7]") + "}", "overlap", 7);
  refused_header("{" + entry("a", "F32", "[1]", "[4,0]") + "}", "ends at 0, before", 4);
  refused_header("{" + a + "," + entry("z", "F32", "[0]", "[2,2]") + "}", "overlap", 4);
}

TEST_CASE("safetensors rule 10: shape and dtype give the bytes") {
  refused_header("{" + entry("a", "F32", "[2]", "[0,4]") + "}",
                 "shape [2] and dtype F32 needs 8 bytes but its data_offsets span 4", 4);
  refused_header("{" + entry("a", "F32", "[0]", "[0,4]") + "}", "needs 0 bytes", 4);
  refused_header("{" + entry("a", "F64", "[]", "[0,4]") + "}", "needs 8 bytes", 4);
  const std::string large = "281474976710655";
  for (const std::string& shape :
       {"[" + large + "," + large + "]", "[" + large + "," + large + ",0]", "[0," + large + "," + large + "]"})
    refused_header("{" + entry("a", "U8", shape, "[0,0]") + "}", "overflows 64 bits");
  // The product fits, but not times 8 bytes.
  refused_header("{" + entry("a", "F64", "[4294967296,536870912]", "[0,0]") + "}", "overflows");
}

TEST_CASE("safetensors rule 11: the last tensor ends where the file ends") {
  refused_header("{" + a + "}", "truncated: 1 bytes are missing", 3);
  refused_header("{" + a + "}", "1 bytes follow the last tensor", 5);
  refused_header("{}", "8 bytes follow", 8);
}

TEST_CASE("safetensors rule 12: not too many tensors, nor names too long") {
  const std::string longest(512, 'n');
  CHECK(open_error(file_of("{" + entry(longest, "U8", "[0]", "[0,0]") + "}", 0)) == "");
  refused_header("{" + entry(longest + "n", "U8", "[0]", "[0,0]") + "}", "has 513 bytes");
  std::string shape = "[1";
  for (int i = 1; i < 64; ++i) shape += ",1";
  CHECK(open_error(file_of("{" + entry("a", "U8", shape + "]", "[0,1]") + "}", 1)) == "");
  refused_header("{" + entry("a", "U8", shape + ",1]", "[0,1]") + "}", "64 dimensions", 1);
  std::string header = "{";
  for (int i = 0; i <= 65536; ++i) header += detail::text(i ? "," : "", entry(std::to_string(i), "U8", "[0]", "[0,0]"));
  refused(file_of(header + "}", 0), "more than 65536 tensors");
  std::string metadata = "{\"__metadata__\":{";
  for (int i = 0; i <= 65536; ++i) metadata += detail::text(i ? "," : "", "\"", i, "\":\"\"");
  refused(file_of(metadata + "}}", 0), "__metadata__ has more than 65536 entries");
}
