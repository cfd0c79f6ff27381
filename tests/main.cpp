// The entry point of the tests. Run all with `make test`, some with `make test TEST_ARGS="-tc='focal*'"`.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>

#include "kernels/backend.h"
#include "tests/gpu.h"

// Nothing that a test or a program of it finds out about a GPU is kept in the user's folder. (Before other
// initializers.)
__attribute__((constructor(101))) static void keep_no_cache() { setenv("COUNTERPOISE_CACHE", "", 1); }

namespace counterpoise {

namespace {
struct Noted {
  const char* name;
  bool emulated;
};
std::vector<Noted>& noted() {
  static std::vector<Noted> all;
  return all;
}
}  // namespace

void NeedsGpu::fill(doctest::detail::TestCase& test) const { noted().push_back({test.m_name, emulated}); }

std::vector<std::string> tests_without_their_gpu() {
  Backend* gpu = cuda_backend();
  const bool emulated = gpu && gpu->description().find("emulated") != std::string::npos;
  std::vector<std::string> names;
  for (const Noted& test : noted()) {
    if (!gpu || (test.emulated && !emulated)) names.emplace_back(test.name);
  }
  return names;
}

}  // namespace counterpoise

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  for (const std::string& name : counterpoise::tests_without_their_gpu()) {
    std::string pattern;  // in which commas separate names
    for (const char c : name) pattern += c == ',' ? std::string("\\,") : std::string(1, c);
    context.addFilter("test-case-exclude", pattern.c_str());
  }
  return context.run();
}
