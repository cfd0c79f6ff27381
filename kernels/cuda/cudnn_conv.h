// cuDNN's algorithms for a convolution, among which conv_choice.cpp chooses by timing them.
//
// cuDNN gets the computation as a graph of operations (its "backend" interface): a convolution, which in the forward
// pass is followed by the addition of a residual and a bias and by relu, and in the backward pass by the gradient of
// the relu below and its sum. What flows between them then never leaves the registers. It answers with engines that can
// compute the graph on this GPU, the likely fastest first.
#pragma once

#include <cudnn.h>

#include <memory>
#include <string>
#include <vector>

#include "kernels/conv_geometry.h"
#include "kernels/cuda/queue.h"

namespace counterpoise::detail {

// What to compute: everything that the choice of an engine depends on.
struct ConvProblem {
  enum Pass { forward, grad_input, grad_weight } pass;
  ConvGeometry geometry;
  DType dtype;                 // of x, w, bias, y and their gradients: f32 or bf16. Sums are accumulated in f32
  bool bias = false;           // forward only
  bool residual = false;       // forward only: a tensor of y's shape is added, before bias and relu
  bool relu = false;           // forward only
  bool tf32 = false;           // f32 products may be rounded to TF32, 10 bits of mantissa
  bool deterministic = false;  // only engines that give the same bits in every run
  // grad_input only: followed by the backward pass through x = relu(z + bias), Backend::conv2d_grad_input_relu().
  bool relu_grad = false;
};

// Where the tensors of a convolution lie: those that its pass reads, and `out` for the one that it writes, which is y,
// x (the gradient dx) or w (dw). That one's own pointer is null; but with `relu_grad` x is read, `out` is dz, and `db`
// the gradient of the bias, f32.
struct ConvData {
  const void *x, *w, *bias, *y;
  void* out;
  float* db = nullptr;
  const void* residual = nullptr;
};

// What plans are made for: the GPU of a handle or, without one, a GPU that is only described, by its properties in
// cuDNN's JSON. cuDNN answers for either which engines can compute a problem, but runs plans only on the first.
struct ConvTarget {
  cudnnHandle_t handle = nullptr;
  std::string properties = "";
  Queue* queue = nullptr;  // whose stream is the handle's
};

// One engine with its knobs set, made ready for one problem.
class ConvPlan {
 public:
  virtual ~ConvPlan() = default;
  // "engine 41, knobs 2=7 13=1": the same words for the same config, by which cudnn_plan() finds it again.
  virtual std::string name() const = 0;
  virtual size_t workspace_bytes() const { return 0; }
  virtual double prepare_ms() const { return 0; }  // how long it took to make it ready
  // Enqueues the computation. Throws Error(device) if cuDNN refuses.
  virtual void run(const ConvData& data, void* workspace) const = 0;
};

// A plan of a library, whose work is one call in the queue.
class LibraryPlan : public ConvPlan, public std::enable_shared_from_this<LibraryPlan> {
 public:
  explicit LibraryPlan(Queue* queue) : queue_(queue) {}
  void run(const ConvData& data, void* workspace) const final {
    const struct {
      ConvData data;
      void* workspace;
    } addresses = {data, workspace};
    queue_->call(this, addresses, [self = shared_from_this(), data, workspace](cudaStream_t stream) {
      self->execute(data, workspace, stream);
    });
  }

 private:
  // Enqueues the computation on the stream, which is the handle's. Throws Error(device) if the library refuses.
  virtual void execute(const ConvData& data, void* workspace, cudaStream_t stream) const = 0;

  Queue* const queue_;  // null for a GPU that is only described
};

// Plans for a problem, and, where cuDNN refused one or all, what it said last.
struct ConvPlans {
  std::vector<std::shared_ptr<ConvPlan>> plans;
  std::string refusal;
};

// At most `limit` plans for a problem, the likely fastest first; none if cuDNN has no engine for it. Plans that need
// more than `workspace_limit` bytes are left out, and plans whose kernels must be compiled first, which takes seconds,
// unless the likely fastest is one. With `relu_grad` all have to be compiled: three are tried. Throws
// Error(out_of_memory) if cuDNN has no memory to make the first, as cudnn_plan() does.
ConvPlans cudnn_plans(const ConvTarget& target, const ConvProblem& problem, size_t workspace_limit,
                      size_t limit = size_t(-1));

// The plan of this name, or none if cuDNN refuses it for this problem.
ConvPlans cudnn_plan(const ConvTarget& target, const ConvProblem& problem, size_t workspace_limit,
                     const std::string& name);

}  // namespace counterpoise::detail
