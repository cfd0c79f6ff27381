// Files that other readers of safetensors took wrongly, and files that are damaged at random: all must be refused.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/io/file.h"
#include "core/io/safetensors.h"
#include "core/random.h"
#include "tests/core/safetensors_files.h"

using namespace counterpoise;

// Bugs of other readers, by the address of the report on github.com.

TEST_CASE("safetensors: ml-explore/mlx#3363 a shape larger than its offsets reads beyond them") {
  refused_header("{" + entry("a", "F32", "[1000000]", "[0,4]") + "}", "needs 4000000 bytes", 4);
}

TEST_CASE("safetensors: ml-explore/mlx#3409 offsets beyond the end of the file") {
  refused_header("{" + entry("a", "U8", "[1073741824]", "[0,1073741824]") + "}", "truncated", 16);
}

TEST_CASE("safetensors: ztxz16/fastllm#712 the header's length wraps when 8 is added") {
  refused(with_length(~uint64_t{7}, "{}"), "announces a header of 18446744073709551608 bytes");
  refused(with_length(uint64_t{1} << 63, "{}"), "announces a header");
}

TEST_CASE("safetensors: JustVugg/colibri#413 the product of a shape wraps") {
  refused_header("{" + entry("a", "F32", "[4294967296,4294967297]", "[0,17179869184]") + "}", "overflows");
}

TEST_CASE("safetensors: google-ai-edge/LiteRT#9255 a product that wraps to 0 passes as empty") {
  refused_header("{" + entry("a", "F32", "[4294967296,4294967296]", "[0,0]") + "}", "overflows");
}

TEST_CASE("safetensors: kekzl/imp#1603 an unknown dtype switches the size check off") {
  refused_header("{" + entry("a", "F999", "[1000000]", "[0,4]") + "}", "tensor 'a' has dtype 'F999'", 4);
}

TEST_CASE("safetensors: syoyo/safetensors-cpp#1 a real file with 4 trailing bytes") {
  refused_header("{" + a + "}", "4 bytes follow the last tensor", 8);
}

TEST_CASE("safetensors: a file that is cut anywhere is refused") {
  TempFile temp;
  const std::vector<float> weight(2000, 1.5f), bias(3);
  save_safetensors(temp.path, {{"fc.weight", {2, 1000}, weight}, {"fc.bias", {3}, bias}}, {{"model", "vgg16"}});
  const std::string bytes = read_file(temp.path, 100000);
  const size_t header = bytes.size() - 2003 * 4;
  int opened = 0;
  for (size_t n = 0; n < bytes.size(); n += n <= header ? 1 : 1024) opened += open_error(bytes.substr(0, n)).empty();
  opened += open_error(bytes.substr(0, bytes.size() - 1)).empty();
  CHECK(opened == 0);
}

TEST_CASE("safetensors: random bytes in the header never crash the reader") {
  const std::string golden = read_file(source_folder() + "/tests/core/golden/python.safetensors", 4096);
  const size_t header = 8 + static_cast<unsigned char>(golden[0]) + 256 * static_cast<unsigned char>(golden[1]);
  REQUIRE(header < golden.size());
  Random rng(1, Stream::test);
  const std::string likely = "0123456789{}[]\",:-e.\\u";  // spoil the meaning more often than the JSON
  int refused = 0;
  for (int trial = 0; trial < 600; ++trial) {
    std::string bytes = golden;
    for (uint64_t flips = 1 + rng.below(3); flips > 0; --flips)
      bytes[rng.below(header)] = trial % 2 ? static_cast<char>(rng.bits()) : likely[rng.below(22)];
    refused += !open_error(bytes).empty();  // a flip in a name or in the metadata may be harmless
  }
  CHECK(refused > 300);
}
