// What the real cuDNN answers to our calls, on machines without a GPU: it is given the properties of an H200
// (h200.json) in place of one, and makes plans for it, which only running needs the GPU for. Skipped where cuDNN is not
// installed.
#include <dlfcn.h>
#include <doctest/doctest.h>

#include <set>

#include "core/io/file.h"
#include "kernels/cuda/cudnn_conv.h"
#include "kernels/cuda/cudnn_descriptor.h"
#include "kernels/cuda/libraries.h"
#include "tests/support.h"

using namespace counterpoise;
using namespace counterpoise::detail;

namespace {

bool is_installed() {
  try {
    return cudnn().get_version() > 0;
  } catch (const Error&) {
    return false;
  }
}
doctest::skip needs_cudnn() { return doctest::skip(!is_installed()); }

constexpr size_t workspace_limit = size_t(8) << 30;

ConvTarget h200() { return {nullptr, read_file(source_folder() + "/tests/kernels/cudnn/h200.json", 1 << 20)}; }

// The 26 convolutions of a training step of VGG16 on images of 160x160: nine shapes, three passes, but images need no
// gradient. Images have their three channels padded to eight.
std::vector<ConvProblem> vgg16(DType dtype, Index batch) {
  static const Index shapes[][3] = {{160, 8, 64},   {160, 64, 64},  {80, 64, 128},  {80, 128, 128}, {40, 128, 256},
                                    {40, 256, 256}, {20, 256, 512}, {20, 512, 512}, {10, 512, 512}};
  std::vector<ConvProblem> y;
  for (const auto& [size, C, K] : shapes) {
    for (const auto pass : {ConvProblem::forward, ConvProblem::grad_input, ConvProblem::grad_weight}) {
      if (pass == ConvProblem::grad_input && C == 8) continue;
      ConvProblem p{pass, ConvGeometry({batch, size, size, C}, {K, 3, 3, C}, {1, 1}), dtype};
      p.bias = p.relu = pass == ConvProblem::forward;
      y.push_back(p);
    }
  }
  return y;
}

}  // namespace

TEST_CASE("cudnn: there are plans for all convolutions of VGG16, each found again by its name" * needs_cudnn()) {
  struct Case {
    DType dtype;
    bool tf32;
    size_t at_least;  // somewhat fewer than cuDNN 9.19 has for the shape with the fewest
  };
  for (const Case& c : {Case{DType::bf16, false, 15}, Case{DType::f32, true, 8}, Case{DType::f32, false, 2}}) {
    for (ConvProblem& p : vgg16(c.dtype, 256)) {
      p.tf32 = c.tf32;
      CAPTURE(int(c.dtype));
      CAPTURE(p.pass);
      CAPTURE(p.geometry.C);
      CAPTURE(p.geometry.H);
      const ConvPlans all = cudnn_plans(h200(), p, workspace_limit);
      CAPTURE(all.refusal);
      CHECK(all.plans.size() >= c.at_least);
      const ConvPlans one = cudnn_plans(h200(), p, workspace_limit, 1);
      REQUIRE(one.plans.size() == 1);
      CHECK(one.plans[0]->name() == all.plans[0]->name());
      std::set<std::string> names;
      for (const auto& plan : all.plans) {
        CHECK(names.insert(plan->name()).second);
        CHECK(plan->workspace_bytes() <= workspace_limit);
        const ConvPlans again = cudnn_plan(h200(), p, workspace_limit, plan->name());
        REQUIRE_MESSAGE(again.plans.size() == 1, plan->name(), ": ", again.refusal);
        CHECK(again.plans[0]->name() == plan->name());
      }
    }
  }
}

// A plan that was the fastest for a batch of 256 is there for the last, smaller batch, too.
TEST_CASE("cudnn: plans go with other batch sizes" * needs_cudnn()) {
  const std::vector<ConvProblem> large = vgg16(DType::bf16, 256), small = vgg16(DType::bf16, 37);
  for (size_t i = 0; i < large.size(); ++i) {
    const ConvPlans fast = cudnn_plans(h200(), large[i], workspace_limit, 4);
    REQUIRE(!fast.plans.empty());
    size_t found = 0;
    for (const auto& plan : fast.plans) {
      found += cudnn_plan(h200(), small[i], workspace_limit, plan->name()).plans.size();
    }
    CHECK(found == fast.plans.size());
  }
}

TEST_CASE("cudnn: exact f32 uses no tensor cores, and deterministic plans are fewer" * needs_cudnn()) {
  for (ConvProblem& p : vgg16(DType::f32, 64)) {
    std::set<std::string> exact, tf32;
    for (const auto& plan : cudnn_plans(h200(), p, workspace_limit).plans) exact.insert(plan->name());
    p.tf32 = true;
    const ConvPlans all = cudnn_plans(h200(), p, workspace_limit);
    for (const auto& plan : all.plans) tf32.insert(plan->name());
    CHECK(!exact.empty());
    CHECK(exact != tf32);
    p.tf32 = false;  // a plan of tensor cores, by its name, is refused as well
    size_t refused = 0;
    for (const auto& name : tf32) refused += cudnn_plan(h200(), p, workspace_limit, name).plans.empty();
    CHECK(refused > 0);
  }
  size_t all = 0, deterministic = 0;
  for (ConvProblem& p : vgg16(DType::f32, 64)) {
    all += cudnn_plans(h200(), p, workspace_limit).plans.size();
    p.deterministic = true;
    const size_t n = cudnn_plans(h200(), p, workspace_limit).plans.size();
    CHECK(n > 0);
    deterministic += n;
  }
  CHECK(deterministic < all);
}

// As at the end of a ResNet's block in evaluation: there are engines that need not be compiled.
TEST_CASE("cudnn: there are plans for a convolution with residual, bias and relu" * needs_cudnn()) {
  for (const auto& [C, kernel] : {std::pair<Index, Index>{64, 1}, {128, 3}, {16, 3}}) {
    for (const DType dtype : {DType::bf16, DType::f32}) {
      for (const bool tf32 : {false, true}) {
        if (tf32 && dtype == DType::bf16) continue;
        ConvProblem p{ConvProblem::forward, ConvGeometry({128, 28, 28, C}, {C, kernel, kernel, C}, {1, kernel / 2}),
                      dtype};
        p.bias = p.residual = p.relu = true;
        p.tf32 = tf32;
        CAPTURE(C);
        CAPTURE(int(dtype));
        CAPTURE(tf32);
        const ConvPlans plans = cudnn_plans(h200(), p, workspace_limit);
        CAPTURE(plans.refusal);
        CHECK(plans.plans.size() >= 1);
      }
    }
  }
}

// The graph of a gradient through relu has engines that are compiled for it. cuDNN compiles by libnvrtc, and loads what
// it has compiled by the driver's libcuda; the toolkit has a stub of that, which refuses to load. So this shows that
// the graph is understood and that its kernels compile.
TEST_CASE("cudnn: the gradient of an input through relu is one graph, whose kernels compile" * needs_cudnn()) {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY);
  if (!driver) driver = dlopen("/usr/local/cuda/lib64/stubs/libcuda.so", RTLD_LAZY);
  if (!driver) {
    MESSAGE("not tested: there is neither a driver nor the toolkit's stub of it");
    return;
  }
  ConvProblem p{ConvProblem::grad_input, ConvGeometry({256, 160, 160, 64}, {64, 3, 3, 64}, {1, 1}), DType::bf16};
  p.relu_grad = true;
  const ConvPlans plans = cudnn_plans(h200(), p, workspace_limit);
  CAPTURE(plans.refusal);
  CHECK((contains(plans.refusal, "cuLibraryLoadData") || !plans.plans.empty()));
  CHECK(plans.plans.size() <= 3);
}

TEST_CASE("cudnn: what it refuses comes with a reason" * needs_cudnn()) {
  ConvProblem p = vgg16(DType::bf16, 4)[0];
  const ConvPlans none = cudnn_plan(h200(), p, workspace_limit, "engine 9999, knobs");
  CHECK(none.plans.empty());
  CHECK(none.refusal.rfind("CUDNN_STATUS_", 0) == 0);
  const ConvPlans poor =
      cudnn_plan(h200(), p, workspace_limit, cudnn_plans(h200(), p, workspace_limit, 1).plans[0]->name());
  CHECK(poor.plans.size() == 1);
  p.geometry.stride = 0;
  const ConvPlans refused = cudnn_plans(h200(), p, workspace_limit);
  CHECK(refused.plans.empty());
  CHECK(contains(refused.refusal, "CUDNN_STATUS_"));
  const ConvPlans unknown = cudnn_plans({nullptr, "{}"}, vgg16(DType::bf16, 4)[0], workspace_limit);
  CHECK(unknown.plans.empty());
  CHECK(contains(unknown.refusal, "CUDNN_STATUS_"));
}

TEST_CASE("cudnn: what it has no memory for is out of memory, and other failures are of the device" * needs_cudnn()) {
  const auto kind_of = [](cudnnStatus_t status) {
    try {
      CP_CHECK_CUDNN(status);
    } catch (const Error& error) {
      CHECK(contains(error.what(), "CUDNN_STATUS_"));
      return error.kind();
    }
    return ErrorKind::failure;
  };
  CHECK(kind_of(CUDNN_STATUS_SUCCESS) == ErrorKind::failure);
  CHECK(kind_of(CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED) == ErrorKind::out_of_memory);
  CHECK(kind_of(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED) == ErrorKind::out_of_memory);
  CHECK(kind_of(CUDNN_STATUS_EXECUTION_FAILED) == ErrorKind::device);
}
