// cuDNN's algorithms for a convolution, among which conv.cpp chooses by timing them.
//
// cuDNN gets the computation as a graph of operations (its "backend" interface): a convolution, which in the forward
// pass is followed by the addition of a bias and by relu, whose inputs then never leave the registers. It answers with
// engines that can compute the graph on this GPU, the likely fastest first.
#pragma once

#include <cudnn.h>

#include <memory>
#include <string>
#include <vector>

#include "kernels/conv_geometry.h"

namespace counterpoise::detail {

// What to compute: everything that the choice of an engine depends on.
struct ConvProblem {
  enum Pass { forward, grad_input, grad_weight } pass;
  ConvGeometry geometry;
  DType dtype;                 // of x, w, bias, y and their gradients: f32 or bf16. Sums are accumulated in f32
  bool bias = false;           // forward only
  bool relu = false;           // forward only
  bool tf32 = false;           // f32 products may be rounded to TF32, 10 bits of mantissa
  bool deterministic = false;  // only engines that give the same bits in every run
};

// Where the tensors of a convolution lie: those that its pass reads, and `out` for the one that it writes, which is y,
// x (the gradient dx) or w (dw). That one's own pointer is null.
struct ConvData {
  const void *x, *w, *bias, *y;
  void* out;
};

// One engine, compiled for one problem.
class ConvPlan {
 public:
  virtual ~ConvPlan() = default;
  virtual std::string name() const = 0;  // "engine 41, knobs ...": for messages and benchmarks
  virtual size_t workspace_bytes() const = 0;
  // Enqueues the computation on the handle's stream. Throws Error(device) if cuDNN refuses.
  virtual void run(const ConvData& data, void* workspace) const = 0;
};

// The plans for a problem, at most `limit`, the likely fastest first; none if cuDNN has no engine for it. Plans that
// need more than `workspace_limit` bytes are left out.
std::vector<std::unique_ptr<ConvPlan>> cudnn_plans(cudnnHandle_t handle, const ConvProblem& problem, int limit,
                                                   size_t workspace_limit);

}  // namespace counterpoise::detail
