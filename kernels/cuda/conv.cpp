// The cuda backend's convolutions: by the loops of the definition in f64, else by the plan that conv_choice.h chooses.
#include <cmath>
#include <deque>

#include "kernels/cuda/conv.h"
#include "kernels/cuda/conv_choice.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/scratch.h"

namespace counterpoise {

using namespace detail;

// The three channels of an image are padded to eight, so that tensor cores compute the first layer, too: bf16 tensors
// with multiples of eight channels are read 16 bytes at a time.
Index CudaBackend::conv2d_channels(DType dtype, Index C) const { return dtype == DType::bf16 ? (C + 7) / 8 * 8 : C; }

void CudaBackend::pad_channels(const ConstView& x, const View& y) {
  const Index C = x.shape[-1], wide = y.shape[-1];
  detail::pad_channels(queue_, C == 0 ? 0 : x.size() / C, C, wide, x.data, y.data);
}

void CudaBackend::convolve(const ConvProblem& problem, Index C, const ConvData& data) {
  if (problem.dtype == DType::f64) return plain_convolution(queue_, problem, data);
  if (C != conv2d_channels(problem.dtype, C)) return convolve_padded(problem, C, data);
  conv_choice_->run(problem, data);
}

// The weights, and the gradients with respect to them or to x, are as wide as x only in scratch memory.
void CudaBackend::convolve_padded(ConvProblem problem, Index C, ConvData data) {
  ConvGeometry& g = problem.geometry;
  const Index wide = conv2d_channels(problem.dtype, C);
  const bool to_x = problem.pass == ConvProblem::grad_input, to_w = problem.pass == ConvProblem::grad_weight;
  CP_ENSURE(to_x || g.C == wide, "conv2d: x has ", g.C, " channels, but must be padded to ", wide, " on the GPU");
  g.C = wide;
  const Index pixels = g.N * g.H * g.W, taps = g.K * g.R * g.S;
  const Scratch<bf16> x(*this, to_x ? pixels * g.C : 0), w(*this, taps * g.C);
  void* const out = data.out;
  if (!to_w) detail::pad_channels(queue_, taps, C, g.C, data.w, w.get()), data.w = w.get();
  if (to_x) data.out = x.get();
  if (to_w) data.out = w.get();
  conv_choice_->run(problem, data);
  if (to_x) take_channels(queue_, pixels, C, g.C, x.get(), out);
  if (to_w) take_channels(queue_, taps, C, g.C, w.get(), out);
}

std::vector<std::string> CudaBackend::fallbacks() const { return conv_choice_->fallbacks(); }

ConvProblem CudaBackend::problem(ConvProblem::Pass pass, const ConstView& x, const ConstView& w,
                                 Conv2dParams params) const {
  ConvProblem p = {pass, ConvGeometry(x.shape, w.shape, params), x.dtype};
  p.tf32 = mode_.tf32 && x.dtype == DType::f32;
  p.deterministic = mode_.deterministic;
  return p;
}

// -- the three passes --

void CudaBackend::conv2d(const ConstView& x, const ConstView& w, const ConstView& bias, const ConstView& residual,
                         Conv2dParams params, bool relu, const View& y) {
  if (y.size() == 0) return;
  ConvProblem p = problem(ConvProblem::forward, x, w, params);
  p.bias = bias.data != nullptr;
  p.residual = residual.data != nullptr;
  p.relu = relu;
  convolve(p, w.shape[3], {x.data, w.data, bias.data, nullptr, y.data, nullptr, residual.data});
}

void CudaBackend::conv2d_grad_input(const ConstView& dy, const ConstView& w, Conv2dParams params, const View& dx) {
  if (dx.size() == 0) return;
  if (dy.size() == 0) return fill(0, dx);
  convolve(problem(ConvProblem::grad_input, dx, w, params), w.shape[3], {nullptr, w.data, nullptr, dy.data, dx.data});
}

// By one of cuDNN's graphs, which are for tensor cores, where the mode allows kernels to be compiled and the gradient
// is so large that to write it, and to read and write it again, takes far longer than to start a kernel.
void CudaBackend::conv2d_grad_input_relu(const ConstView& dy, const ConstView& w, Conv2dParams params,
                                         const ConstView& x, const View& dz, const View& db) {
  const bool for_tensor_cores = dz.dtype == DType::f32
                                    ? mode_.tf32
                                    : dz.dtype == DType::bf16 && dz.shape[3] == conv2d_channels(dz.dtype, dz.shape[3]);
  const size_t bytes = static_cast<size_t>(dz.size()) * size_of(dz.dtype);
  if (!mode_.compile || mode_.deterministic || !for_tensor_cores || bytes < compile_from || dy.size() == 0) {
    return Backend::conv2d_grad_input_relu(dy, w, params, x, dz, db);
  }
  ConvProblem p = problem(ConvProblem::grad_input, dz, w, params);
  p.relu_grad = true;
  conv_choice_->run(p, {x.data, w.data, nullptr, dy.data, dz.data, db.as<float>()});
}

void CudaBackend::conv2d_grad_weight(const ConstView& x, const ConstView& dy, Conv2dParams params, const View& dw) {
  if (dw.size() == 0) return;
  if (dy.size() == 0) return fill(0, dw);
  convolve(problem(ConvProblem::grad_weight, x, dw, params), dw.shape[3], {x.data, nullptr, nullptr, dy.data, dw.data});
}

// -- benchmarks --

namespace {

// Numbers between -1 and 1, in steps of 1/32, which bf16 has exactly: made on the GPU, one random bit after another.
void fill_at_random(Backend& backend, uint64_t key, const View& y) {
  const Scratch<char> bits(backend, y.size() * static_cast<Index>(size_of(y.dtype)));
  const View bit{bits.get(), y.shape, y.dtype};
  backend.fill(-1, y);
  for (int k = 1; k <= 6; ++k) {
    backend.fill(1, bit);
    backend.dropout(bit, 0.5, key, static_cast<uint64_t>(k), bit);  // 0 or 2
    backend.add_scaled(std::ldexp(1, -k), bit, y);
  }
}

}  // namespace

void CudaBackend::time_conv_plans(ConvPass pass, const Shape& x, const Shape& w, Conv2dParams params, DType dtype,
                                  bool exact, const std::function<void(const ConvPlanTiming&)>& report) {
  ConvProblem p = problem(ConvProblem::forward, {nullptr, x, dtype}, {nullptr, w, dtype}, params);
  p.geometry.C = conv2d_channels(dtype, p.geometry.C);
  p.bias = p.relu = pass == ConvPass::forward;
  p.relu_grad = pass == ConvPass::grad_input_relu;
  const ConvGeometry& g = p.geometry;
  const Shape shapes[] = {
      {g.N, g.H, g.W, g.C}, {g.K, g.R, g.S, g.C}, {g.K}, {g.N, g.P, g.Q, g.K}, {g.N, g.H, g.W, p.relu_grad ? g.C : 0}};
  std::deque<Scratch<char>> memory;
  uint64_t key = 0;
  for (const Shape& shape : shapes) {
    memory.emplace_back(*this, shape.size() * static_cast<Index>(size_of(dtype)));
    fill_at_random(*this, ++key, {memory.back().get(), shape, dtype});
  }
  const Scratch<float> db(*this, g.C);
  void *const px = memory[0].get(), *const pw = memory[1].get(), *const py = memory[3].get();
  ConvData data = {px, pw, memory[2].get(), py, nullptr, db.get()};
  switch (pass) {
    case ConvPass::forward:
      data.y = nullptr, data.out = py;
      break;
    case ConvPass::grad_input:
      p.pass = ConvProblem::grad_input, data.x = nullptr, data.out = px;
      break;
    case ConvPass::grad_input_relu:
      p.pass = ConvProblem::grad_input, data.out = memory[4].get();
      break;
    case ConvPass::grad_weight:
      p.pass = ConvProblem::grad_weight, data.w = nullptr, data.out = pw;
      break;
  }
  conv_choice_->time_all(p, data, exact, report);
}

void time_conv_plans(Backend& backend, ConvPass pass, const Shape& x, const Shape& w, Conv2dParams params, DType dtype,
                     bool exact, const std::function<void(const ConvPlanTiming&)>& report) {
  auto* const cuda = dynamic_cast<CudaBackend*>(&backend);
  CP_ENSURE_AS(device, cuda, "the ", backend.name(), " backend has no plans to choose from; a GPU has");
  cuda->time_conv_plans(pass, x, w, params, dtype, exact, report);
}

}  // namespace counterpoise
