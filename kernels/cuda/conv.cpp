// The cuda backend's convolutions: which of cuDNN's engines computes one.
//
// cuDNN has several for each shape, and its first guess is good but not always the best. So the first guess computes a
// shape until the shape has occurred several times; then the most likely engines are timed on it, once, and the fastest
// is remembered. In the deterministic mode the first guess stays, because timings differ from run to run.
#include <algorithm>

#include "kernels/cuda/check.h"
#include "kernels/cuda/conv.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/scratch.h"

namespace counterpoise {

using namespace detail;

namespace {

constexpr int timed_at_use = 3;  // the last batch of an epoch, which is smaller, is not worth it
constexpr int most_plans = 8;
constexpr Index tensor_core_channels = 8;  // bf16 tensors with multiples of 8 channels are read 16 bytes at a time

std::vector<Index> key(const ConvProblem& p) {
  const ConvGeometry& g = p.geometry;
  return {p.pass,
          g.N,
          g.H,
          g.W,
          g.C,
          g.K,
          g.R,
          g.S,
          g.stride,
          g.pad,
          static_cast<Index>(p.dtype),
          p.bias,
          p.relu,
          p.tf32,
          p.deterministic};
}

Index rounded_up(Index channels) {
  return (channels + tensor_core_channels - 1) / tensor_core_channels * tensor_core_channels;
}

}  // namespace

// In bf16 the fast engines need little. In f32 they need as much as a copy of their input; with less, only the slowest
// engines are left.
size_t CudaBackend::workspace_limit(const ConvProblem& problem) const {
  return problem.dtype == DType::bf16 ? std::min(memory_ / 16, size_t(512) << 20) : memory_ / 16;
}

// The shortest of three runs, after one that may have to load code.
float CudaBackend::milliseconds(const ConvPlan& plan, const ConvData& data, void* workspace) {
  cudaEvent_t start, stop;
  CP_CUDA_CHECK(cudaEventCreate(&start));
  CP_CUDA_CHECK(cudaEventCreate(&stop));
  float best = 0;
  plan.run(data, workspace);
  for (int i = 0; i < 3; ++i) {
    CP_CUDA_CHECK(cudaEventRecord(start, stream_));
    plan.run(data, workspace);
    CP_CUDA_CHECK(cudaEventRecord(stop, stream_));
    CP_CUDA_CHECK(cudaEventSynchronize(stop));
    float duration = 0;
    CP_CUDA_CHECK(cudaEventElapsedTime(&duration, start, stop));
    best = i == 0 ? duration : std::min(best, duration);
  }
  CP_CUDA_CHECK(cudaEventDestroy(start));
  CP_CUDA_CHECK(cudaEventDestroy(stop));
  return best;
}

std::shared_ptr<ConvPlan> CudaBackend::fastest(std::vector<std::unique_ptr<ConvPlan>> plans, const ConvData& data) {
  std::shared_ptr<ConvPlan> best;
  float least = 0;
  for (auto& plan : plans) {
    try {
      const Scratch<char> workspace(*this, static_cast<Index>(plan->workspace_bytes()));
      const float duration = milliseconds(*plan, data, workspace.get());
      if (!best || duration < least) best = std::move(plan), least = duration;
    } catch (const Error&) {
      // There is no memory for its workspace, or it was refused for a reason that showed only now: skip it. A broken
      // GPU fails with the next plan, too, and if all fail, with the run that was requested.
    }
  }
  return best;
}

void CudaBackend::convolve(const ConvProblem& problem, const ConvData& data) {
  if (problem.dtype == DType::f64) return plain_convolution(stream_, problem, data);
  if (problem.dtype == DType::bf16 && problem.geometry.C % tensor_core_channels != 0) {
    return convolve_padded(problem, data);
  }
  Convolution& choice = convolutions_[key(problem)];
  if (++choice.uses == 1) {
    auto plans = cudnn_plans(cudnn_, problem, 1, workspace_limit(problem));
    if (!plans.empty()) choice.plan = std::move(plans[0]);
  }
  if (choice.uses == timed_at_use && choice.plan && !problem.deterministic) {
    auto timed = fastest(cudnn_plans(cudnn_, problem, most_plans, workspace_limit(problem)), data);
    if (timed) choice.plan = std::move(timed);
  }
  if (!choice.plan) return plain_convolution(stream_, problem, data);
  const Scratch<char> workspace(*this, static_cast<Index>(choice.plan->workspace_bytes()));
  choice.plan->run(data, workspace.get());
}

// Pads channels with zeros to a multiple of eight, the three of an image to eight, so that tensor cores compute the
// first layer, too.
void CudaBackend::convolve_padded(ConvProblem problem, ConvData data) {
  ConvGeometry& g = problem.geometry;
  const Index C = g.C, wide = rounded_up(C), pixels = g.N * g.H * g.W, taps = g.K * g.R * g.S;
  const Scratch<bf16> x(*this, pixels * wide), w(*this, taps * wide);
  const bool to_x = problem.pass == ConvProblem::grad_input, to_w = problem.pass == ConvProblem::grad_weight;
  if (!to_x) pad_channels(stream_, pixels, C, wide, data.x, x.get());
  if (!to_w) pad_channels(stream_, taps, C, wide, data.w, w.get());
  g.C = wide;
  void* const out = to_x ? x.get() : to_w ? w.get() : data.out;
  convolve(problem, {to_x ? nullptr : x.get(), to_w ? nullptr : w.get(), data.bias, data.y, out});
  if (to_x) take_channels(stream_, pixels, C, wide, x.get(), data.out);
  if (to_w) take_channels(stream_, taps, C, wide, w.get(), data.out);
}

ConvProblem CudaBackend::problem(ConvProblem::Pass pass, const ConstView& x, const ConstView& w,
                                 Conv2dParams params) const {
  ConvProblem p = {pass, ConvGeometry(x.shape, w.shape, params), x.dtype};
  p.tf32 = mode_.tf32 && x.dtype == DType::f32;
  p.deterministic = mode_.deterministic;
  return p;
}

// -- the three passes --

void CudaBackend::conv2d(const ConstView& x, const ConstView& w, const ConstView& bias, Conv2dParams params, bool relu,
                         const View& y) {
  if (y.size() == 0) return;
  ConvProblem p = problem(ConvProblem::forward, x, w, params);
  p.bias = bias.data != nullptr;
  p.relu = relu;
  convolve(p, {x.data, w.data, bias.data, nullptr, y.data});
}

void CudaBackend::conv2d_grad_input(const ConstView& dy, const ConstView& w, Conv2dParams params, const View& dx) {
  if (dx.size() == 0) return;
  if (dy.size() == 0) return fill(0, dx);
  convolve(problem(ConvProblem::grad_input, dx, w, params), {nullptr, w.data, nullptr, dy.data, dx.data});
}

void CudaBackend::conv2d_grad_weight(const ConstView& x, const ConstView& dy, Conv2dParams params, const View& dw) {
  if (dw.size() == 0) return;
  if (dy.size() == 0) return fill(0, dw);
  convolve(problem(ConvProblem::grad_weight, x, dw, params), {x.data, nullptr, nullptr, dy.data, dw.data});
}

}  // namespace counterpoise
