// The choice of a plan for a convolution: what is timed, compared, remembered and told, with an emulated cuDNN that can
// be told to give wrong numbers.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <memory>

#include "core/io/file.h"
#include "core/tensor.h"
#include "kernels/cuda/compare.h"
#include "kernels/cuda/cuda_backend.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/environment.h"
#include "tests/support.h"

using namespace counterpoise;
using namespace counterpoise::detail;

namespace {

// A GPU backend of our own, which begins with nothing but the rows of the folder's file. Like the program's own it is
// never destroyed.
CudaBackend& new_backend(const std::string& folder) {
  static auto& all = *new std::vector<CudaBackend*>();  // still reachable when leaks are looked for
  const Environment cache("COUNTERPOISE_CACHE", folder);
  all.push_back(new CudaBackend());
  return *all.back();
}

// Those that plans of cuDNN alone compute.
constexpr ConvPass passes[] = {ConvPass::forward, ConvPass::grad_input, ConvPass::grad_weight};

// One convolution of x [batch, 6, 6, 8] with four filters.
std::vector<double> convolve(Backend& backend, ConvPass pass, Index batch, DType dtype) {
  const Tensor x = random_tensor(backend, {batch, 6, 6, 8}, dtype), w = random_tensor(backend, {4, 3, 3, 8}, dtype, 1),
               b = random_tensor(backend, {4}, dtype, 2), dy = random_tensor(backend, {batch, 6, 6, 4}, dtype, 3);
  const Tensor& like = pass == ConvPass::forward ? dy : pass == ConvPass::grad_input ? x : w;
  Tensor out = Tensor::empty(backend, like.shape(), dtype);
  if (pass == ConvPass::forward) backend.conv2d(x, w, b, {}, {1, 1}, true, out);
  else if (pass == ConvPass::grad_input) backend.conv2d_grad_input(dy, w, {1, 1}, out);
  else backend.conv2d_grad_weight(x, dy, {1, 1}, out);
  return numbers(out);
}

// The same with what cuDNN may compute together with it: the gradient of the input through the relu below it, dz and
// then its sum, or a residual.
std::vector<double> convolve_with_more(Backend& backend, ConvPass pass, DType dtype) {
  const Tensor x = random_tensor(backend, {3, 6, 6, 8}, dtype), w = random_tensor(backend, {4, 3, 3, 8}, dtype, 1),
               b = random_tensor(backend, {4}, dtype, 2), dy = random_tensor(backend, {3, 6, 6, 4}, dtype, 3);
  Tensor out = Tensor::empty(backend, pass == ConvPass::forward ? dy.shape() : x.shape(), dtype);
  Tensor db = Tensor::zeros(backend, {8}, parameter_dtype(dtype));
  if (pass == ConvPass::forward) backend.conv2d(x, w, b, dy, {1, 1}, true, out);
  else backend.conv2d_grad_input_relu(dy, w, {1, 1}, x, out, db);
  std::vector<double> y = numbers(out);
  for (const double sum : numbers(db)) y.push_back(sum);
  return y;
}

bool is_right(Backend& backend, ConvPass pass, Index batch, DType dtype) {
  return deviation(convolve(backend, pass, batch, dtype), convolve(reference_backend(), pass, batch, dtype), 0) <
         (dtype == DType::bf16 ? 0.008 : 1e-5);
}

std::string cache_file(const TemporaryFolder& folder) { return folder / "convolutions-emulated-GPU.txt"; }

}  // namespace

TEST_CASE("gpu: a plan that gives wrong numbers is found when plans are timed, named, and not used") {
  for (const int wrong : {-1, 0, 1, 2}) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      for (const ConvPass pass : passes) {
        CAPTURE(wrong);
        CAPTURE(int(dtype));
        CAPTURE(int(pass));
        const Environment gpu("CUDA_EMULATOR", text("wrong-plan=", wrong));
        CudaBackend& backend = new_backend("");
        const Warnings warnings;
        for (int use = 1; use <= 6; ++use) {
          CAPTURE(use);
          // Nobody doubts the first plan before plans are timed.
          if (use >= 3 || wrong != 0) CHECK(is_right(backend, pass, 2, dtype));
          else CHECK_FALSE(is_right(backend, pass, 2, dtype));
        }
        CHECK(warnings.all.size() == (wrong < 0 ? 0 : 1));
        for (const std::string& w : warnings.all) {
          CHECK(contains(w, "wrong numbers"));
          CHECK(contains(w, text("engine ", wrong, ", knobs")));
        }
        CHECK(backend.fallbacks().empty());
      }
    }
  }
}

TEST_CASE("gpu: in the deterministic mode the first plan is compared with the second, and the definition decides") {
  for (const int wrong : {-1, 0, 1, 2}) {
    for (const ConvPass pass : passes) {
      CAPTURE(wrong);
      CAPTURE(int(pass));
      const Environment gpu("CUDA_EMULATOR", text("wrong-plan=", wrong));
      CudaBackend& backend = new_backend("");
      backend.set_mode({false, /*deterministic=*/true});
      const Warnings warnings;
      for (int use = 1; use <= 4; ++use) CHECK(is_right(backend, pass, 2, DType::bf16));
      CHECK(warnings.all.size() == (wrong == 0 || wrong == 1 ? 1 : 0));  // nobody looks at the third
      CHECK(backend.fallbacks().empty());
    }
  }
}

TEST_CASE("gpu: what cuDNN refuses runs in plain loops, is told once, and counted") {
  const Environment gpu("CUDA_EMULATOR", "no-plans");
  CudaBackend& backend = new_backend("");
  const Warnings warnings;
  CHECK(backend.fallbacks().empty());
  for (int use = 0; use < 4; ++use) {
    for (const ConvPass pass : passes) CHECK(is_right(backend, pass, 2, DType::bf16));
  }
  REQUIRE(warnings.all.size() == 1);
  CHECK(contains(warnings.all[0], "CUDNN_STATUS_NOT_SUPPORTED"));
  CHECK(contains(warnings.all[0], "forward of 6x6x8, 4 filters of 3x3, stride 1, padding 1, bf16"));
  REQUIRE(backend.fallbacks().size() == 3);
  for (const std::string& line : backend.fallbacks()) {
    CHECK(contains(line, "ran 4 times in plain loops"));
    CHECK(contains(line, "CUDNN_STATUS_NOT_SUPPORTED"));
  }
  for (int use = 0; use < 4; ++use) CHECK(is_right(backend, ConvPass::forward, 2, DType::f64));
  CHECK(backend.fallbacks().size() == 3);  // in f64 the loops are meant
}

TEST_CASE("gpu: where cuDNN has no memory to make a plan, it is out of memory, and not refused for good") {
  CudaBackend& backend = new_backend("");
  const Warnings warnings;
  for (const ConvPass pass : passes) {
    {
      const Environment gpu("CUDA_EMULATOR", "no-plan-memory");
      try {
        convolve(backend, pass, 2, DType::f32);
        FAIL("no error");
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::out_of_memory);
      }
    }
    for (int use = 1; use <= 4; ++use) CHECK(is_right(backend, pass, 2, DType::f32));
    {  // Another batch size goes on with cuDNN's first guess, if there is memory for that alone.
      const Environment gpu("CUDA_EMULATOR", "no-plan-memory=2");
      CHECK(is_right(backend, pass, 3, DType::f32));
    }
  }
  CHECK(warnings.all.empty());
  CHECK(backend.fallbacks().empty());
}

TEST_CASE("gpu: the fastest plan is kept in a file, and goes with other batch sizes") {
  const Environment gpu("CUDA_EMULATOR", "");
  const TemporaryFolder folder;
  CudaBackend& backend = new_backend(folder.path());
  const auto use = [](Backend& b, Index batch, int times) {
    for (int i = 0; i < times; ++i) CHECK(is_right(b, ConvPass::grad_input, batch, DType::bf16));
  };
  use(backend, 8, 2);
  CHECK_FALSE(std::filesystem::exists(cache_file(folder)));
  use(backend, 8, 1);  // the third
  const std::string timed = read_file(cache_file(folder), 1 << 20);
  CHECK(count(timed, "\n") == 2);
  CHECK(contains(timed, "grad_input of 6x6x8, 4 filters of 3x3, stride 1, padding 1, bf16\t8\tengine "));
  use(backend, 5, 30);  // the last batch of an epoch
  CHECK(read_file(cache_file(folder), 1 << 20) == timed);
  use(backend, 1, 15);  // very different, but rare
  CHECK(read_file(cache_file(folder), 1 << 20) == timed);
  use(backend, 1, 1);
  CHECK(contains(read_file(cache_file(folder), 1 << 20), "bf16\t1\tengine "));

  // Another run reads it and times nothing.
  write_file(cache_file(folder), timed);
  CudaBackend& next = new_backend(folder.path());
  use(next, 8, 20);
  CHECK(read_file(cache_file(folder), 1 << 20) == timed);
  // Another convolution gets a row of its own, beside those that other programs have written meanwhile.
  for (int i = 0; i < 3; ++i) CHECK(is_right(next, ConvPass::forward, 8, DType::f32));
  CHECK(count(read_file(cache_file(folder), 1 << 20), "\n") == 3);
  CHECK(contains(read_file(cache_file(folder), 1 << 20), "f32, bias, relu\t8\t"));

  // Nothing is timed or read in the deterministic mode, whose bits must not depend on either.
  const TemporaryFolder empty;
  CudaBackend& exact = new_backend(empty.path());
  exact.set_mode({false, /*deterministic=*/true});
  use(exact, 8, 20);
  CHECK_FALSE(std::filesystem::exists(cache_file(empty)));
}

TEST_CASE("gpu: what follows a convolution is computed with it by a plan that was compared and is faster") {
  int together = 0;
  const auto try_out = [&](ConvPass pass, DType dtype, int wrong) {
    CAPTURE(int(pass));
    CAPTURE(int(dtype));
    CAPTURE(wrong);
    const bool compiles = pass == ConvPass::grad_input, tf32 = dtype == DType::f32;
    const Environment gpu("CUDA_EMULATOR", text("wrong-plan=", wrong));
    const TemporaryFolder folder;
    const Warnings warnings;
    const std::vector<double> expected = convolve_with_more(reference_backend(), pass, dtype);
    const auto is_right = [&](Backend& backend) {
      return deviation(convolve_with_more(backend, pass, dtype), expected, 0) < (dtype == DType::bf16 ? 0.016 : 1e-5);
    };
    const auto use = [&](CudaBackend& backend, int times) {
      for (int i = 1; i <= times; ++i) {  // nobody doubts the first plan of a convolution before plans are timed
        const bool right = is_right(backend);
        CHECK((right || (wrong == 0 && i < 3)));
      }
    };
    const std::string what = compiles ? ", through relu\t3\t" : ", residual, relu\t3\t";
    const auto row = [&] {
      const std::string rows = read_file(cache_file(folder), 1 << 20);
      const size_t begin = rows.find(what), end = rows.find('\n', begin);
      return begin == std::string::npos ? "" : rows.substr(begin + what.size(), end - begin - what.size());
    };
    CudaBackend& backend = new_backend(folder.path());
    backend.compile_from = 1;
    backend.set_mode({tf32});
    if (compiles) {  // nothing unless told so
      use(backend, 4);
      CHECK(row() == "");
      backend.set_mode({tf32, false, /*compile=*/true});
    }
    use(backend, 6);
    CHECK(row() != "");
    CHECK_FALSE(contains(row(), text("engine ", wrong, ",")));
    together += contains(row(), "engine ");
    CHECK(warnings.all.size() == (wrong < 0 ? 0 : 2));  // of the convolution alone, and of both together
    // The next run begins with the pair, compares what the file has, and uses it.
    CudaBackend& next = new_backend(folder.path());
    next.compile_from = 1;
    next.set_mode({tf32, false, true});
    const std::string before = read_file(cache_file(folder), 1 << 20);
    use(next, 4);
    if (wrong != 0) CHECK(read_file(cache_file(folder), 1 << 20) == before);  // else the pair's first plan is doubted
    CHECK(next.fallbacks().empty());
    // Where the same bits are wanted in every run, it is the pair, by the first plan that is right, untimed. Small
    // gradients are not compiled.
    next.set_mode({tf32, /*deterministic=*/true});
    CHECK(is_right(next));
    next.set_mode({tf32, false, true});
    next.compile_from = size_t(1) << 30;
    use(next, 2);
  };
  for (const ConvPass pass : {ConvPass::grad_input, ConvPass::forward}) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      for (const int wrong : {-1, 0, 1, 2}) try_out(pass, dtype, wrong);
    }
  }
  CHECK(together >= 8);  // by the emulator's durations later plans are nearly always faster
}

TEST_CASE("gpu: a plan from the file is compared before it is used, too") {
  const TemporaryFolder folder;
  {
    const Environment gpu("CUDA_EMULATOR", "");
    CudaBackend& backend = new_backend(folder.path());
    for (int i = 0; i < 3; ++i) convolve(backend, ConvPass::forward, 4, DType::f32);
  }
  std::string rows = read_file(cache_file(folder), 1 << 20);
  const size_t plan = rows.rfind("engine ");
  REQUIRE(plan != std::string::npos);
  write_file(cache_file(folder), rows.substr(0, plan) + "engine 2, knobs 0=2\n");
  {  // A plan that cuDNN does not have any more is replaced by one that is timed.
    const TemporaryFolder other;
    write_file(cache_file(other), rows.substr(0, plan) + "engine 9, knobs 0=9\n");
    CudaBackend& backend = new_backend(other.path());
    for (int i = 0; i < 16; ++i) CHECK(is_right(backend, ConvPass::forward, 4, DType::f32));
    CHECK_FALSE(contains(read_file(cache_file(other), 1 << 20), "engine 9,"));
  }
  const Environment gpu("CUDA_EMULATOR", "wrong-plan=2");
  CudaBackend& backend = new_backend(folder.path());
  const Warnings warnings;
  for (int i = 0; i < 6; ++i) CHECK(is_right(backend, ConvPass::forward, 4, DType::f32));
  CHECK(warnings.all.size() == 1);
  CHECK_FALSE(contains(read_file(cache_file(folder), 1 << 20), "engine 2,"));
}

TEST_CASE("gpu: a file of plans that is damaged, of another system or unwritable is as good as none") {
  const TemporaryFolder folder;
  const std::string path = folder / "convolutions-A-GPU.txt";
  {
    PlanCache cache(folder.path(), "A GPU", "driver 1, cuDNN 2");
    CHECK(cache.find("a") == nullptr);
    cache.set("a", {8, "engine 1, knobs"});
    cache.set("b", {1, "engine 2, knobs 3=4"});
    CHECK(cache.find("a")->plan == "engine 1, knobs");
  }
  const std::string whole = read_file(path, 1 << 20);
  PlanCache same(folder.path(), "A GPU", "driver 1, cuDNN 2");
  REQUIRE(same.find("b") != nullptr);
  CHECK(same.find("b")->batch == 1);
  CHECK(same.find("b")->plan == "engine 2, knobs 3=4");
  same.remove("b");
  CHECK(PlanCache(folder.path(), "A GPU", "driver 1, cuDNN 2").find("b") == nullptr);
  CHECK(PlanCache(folder.path(), "A GPU", "driver 1, cuDNN 3").find("a") == nullptr);

  write_file(path, whole.substr(0, whole.size() - 3));  // the last line is cut off
  PlanCache cut(folder.path(), "A GPU", "driver 1, cuDNN 2");
  CHECK(cut.find("a") != nullptr);
  CHECK(cut.find("b") == nullptr);
  write_file(path, whole + "nonsense\n\t\t\nc\t-1\tengine 1\n");
  CHECK(PlanCache(folder.path(), "A GPU", "driver 1, cuDNN 2").find("b") != nullptr);
  CHECK(PlanCache(folder.path(), "A GPU", "driver 1, cuDNN 2").find("c") == nullptr);

  PlanCache unwritable("/proc/no/such/folder", "A GPU", "driver 1, cuDNN 2");
  unwritable.set("a", {8, "engine 1, knobs"});
  CHECK(unwritable.find("a") != nullptr);
}

TEST_CASE("gpu: the deviation of two results sees single numbers, and numbers that are not finite") {
  Backend& backend = *cuda_backend();
  Queue queue;
  const auto compare = [&](const std::vector<float>& a, const std::vector<float>& b) {
    const Index n = static_cast<Index>(a.size());
    const Tensor x = Tensor::from(backend, {n}, a), y = Tensor::from(backend, {n}, b);
    return deviation(backend, queue, DType::f32, n, ConstView(x).data, ConstView(y).data);
  };
  std::vector<float> a(100000);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 7) - 3;
  CHECK(compare(a, a).of_norm == 0);
  CHECK(compare(a, a).of_largest == 0);
  std::vector<float> b = a;
  b[99999] += 3;
  CHECK(compare(b, a).of_norm == doctest::Approx(3 / std::sqrt(400000.)).epsilon(0.001));
  CHECK(compare(b, a).of_largest == doctest::Approx(1));
  b[500] = NAN;
  CHECK(std::isinf(compare(b, a).of_norm));
  CHECK(std::isinf(compare(b, a).of_largest));
  CHECK_FALSE(compare(a, b).known());
  CHECK(std::isinf(compare({1, 2}, {0, 0}).of_norm));
  CHECK(compare({0, 0}, {0, 0}).of_largest == 0);
}

TEST_CASE("gpu: time_conv_plans reports every plan, compared with the first or with the definition") {
  Backend& backend = *cuda_backend();
  for (const bool exact : {false, true}) {
    for (const int wrong : {-1, 0, 1}) {
      const Environment gpu("CUDA_EMULATOR", text("wrong-plan=", wrong));
      std::vector<ConvPlanTiming> rows;
      for (const ConvPass pass : passes) {
        time_conv_plans(backend, pass, {4, 6, 6, 3}, {8, 3, 3, 3}, {1, 1}, DType::bf16, exact,
                        [&](const ConvPlanTiming& row) { rows.push_back(row); });
      }
      REQUIRE(rows.size() == 9);
      for (size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(exact);
        CAPTURE(wrong);
        CAPTURE(i);
        CHECK(rows[i].ms > 0);
        CHECK(rows[i].refusal == "");
        const int plan = static_cast<int>(i % 3);
        CHECK(rows[i].agrees == (exact || wrong != 0 ? plan != wrong : plan == 0));
        CHECK((rows[i].deviation < 0.01) == rows[i].agrees);
      }
    }
  }
  std::vector<ConvPlanTiming> rows;
  time_conv_plans(backend, ConvPass::grad_input_relu, {4, 6, 6, 8}, {8, 3, 3, 8}, {1, 1}, DType::bf16, false,
                  [&](const ConvPlanTiming& row) { rows.push_back(row); });
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].name == "pair");
  for (const ConvPlanTiming& row : rows) CHECK(row.agrees);
  CHECK_THROWS_WITH_AS(time_conv_plans(cpu_backend(), ConvPass::forward, {1, 4, 4, 8}, {8, 3, 3, 8}, {1, 1}, DType::f32,
                                       false, [](const ConvPlanTiming&) {}),
                       doctest::Contains("the cpu backend has no plans"), Error);
}
