// The cuda backend: NVIDIA GPUs through cuBLAS, cuDNN and kernels of our own.
//
// Everything is enqueued in one queue (queue.h) and executed in that order; only download(), synchronize() and
// Readback::wait() wait. All kernels of our own, and with ComputeMode::deterministic all of cuDNN's, give the same bits
// in every run. Not thread-safe: one thread at a time may use the backend.
//
// The class is implemented in several files, by what they compute: cuda_backend.cpp (the GPU, copies), pointwise.cu,
// reduce.cu, pool.cu, norm.cu, optim.cu, images.cu, matmul.cpp, and for convolutions conv.cpp, conv_choice.cpp
// (which plan), cudnn_conv.cpp (cuDNN's engines) and conv_plain.cu (loops for what cuDNN does not support).
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <memory>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/conv_plans.h"
#include "kernels/cuda/conv_choice.h"
#include "kernels/cuda/cudnn_conv.h"
#include "kernels/cuda/queue.h"

namespace counterpoise {

class CudaBackend : public Backend {
 public:
  // Uses the first GPU that CUDA shows (CUDA_VISIBLE_DEVICES chooses). Throws Error(device) with the reason if there is
  // none, its driver or a library is missing, or this program has no code for it.
  CudaBackend();
  std::string name() const override { return "cuda"; }
  std::string description() const override { return description_; }
  void require(DType dtype) const override;
  void set_mode(const ComputeMode& mode) override;
  bool is_remote() const override { return true; }

  void* allocate(size_t bytes) override;
  void release(void* memory, size_t bytes) noexcept override;
  void upload(const void* host, const View& y) override;
  void download(const ConstView& x, void* host) override;
  std::unique_ptr<Readback> make_readback(size_t bytes) override;
  void copy(const ConstView& x, const View& y) override;
  void synchronize() override;
  std::unique_ptr<StepGraph> make_step_graph() override;
  void aside(const std::function<void()>& enqueue) override;
  void rejoin() override { queue_.rejoin(); }
  size_t memory_bytes() const override { return memory_; }
  // Gradients at once, because they are sums over all images.
  size_t piece_bytes(bool differentiated) const override { return differentiated ? 0 : inference_piece; }
  MemoryPeaks memory_peaks() const override;
  void reset_memory_peaks() override;
  std::vector<std::string> fallbacks() const override;

  void fill(double value, const View& y) override;
  void cast(const ConstView& x, const View& y) override;
  void unary(Unary op, double a, double b, const ConstView& x, const View& y) override;
  void unary_grad(Unary op, double a, double b, const ConstView& x, const ConstView& y, const ConstView& dy,
                  const View& dx) override;
  void binary(Binary op, const ConstView& a, const ConstView& b, const View& y) override;
  void binary_grad(Binary op, bool wrt_a, const ConstView& a, const ConstView& b, const ConstView& dy,
                   const View& d) override;
  void add_scaled(double alpha, const ConstView& x, const View& y) override;
  void relu_mask(const ConstView& y, const ConstView& dy, const View& dz) override;
  void relu_bias_grad(const ConstView& y, const ConstView& dy, const View& dz, const View& db) override;

  void sum_to(const ConstView& x, const View& y) override;
  void sum_squares(const std::vector<ConstView>& xs, const View& y) override;

  void matmul(const ConstView& a, bool transpose_a, const ConstView& b, bool transpose_b, const View& y) override;

  Index conv2d_channels(DType dtype, Index C) const override;
  void pad_channels(const ConstView& x, const View& y) override;
  void conv2d(const ConstView& x, const ConstView& w, const ConstView& bias, const ConstView& residual,
              Conv2dParams params, bool relu, const View& y) override;
  void conv2d_grad_input(const ConstView& dy, const ConstView& w, Conv2dParams params, const View& dx) override;
  void conv2d_grad_input_relu(const ConstView& dy, const ConstView& w, Conv2dParams params, const ConstView& x,
                              const View& dz, const View& db) override;
  void conv2d_grad_weight(const ConstView& x, const ConstView& dy, Conv2dParams params, const View& dw) override;

  void max_pool2d(const ConstView& x, Pool2dParams params, const View& y, const View& position) override;
  void max_pool2d_grad(const ConstView& dy, const ConstView& position, Pool2dParams params, const View& dx) override;
  void avg_pool2d(const ConstView& x, Pool2dParams params, const View& y) override;
  void avg_pool2d_grad(const ConstView& dy, Pool2dParams params, const View& dx) override;
  void adaptive_avg_pool2d(const ConstView& x, const View& y) override;
  void adaptive_avg_pool2d_grad(const ConstView& dy, const View& dx) override;

  void batch_norm(const ConstView& x, const ConstView& scale, const ConstView& shift, const ConstView& residual,
                  double eps, double momentum, bool relu, const View& y, const View& mean, const View& inv_std,
                  const View& running_mean, const View& running_var) override;
  void batch_norm_grad(const ConstView& x, const ConstView& scale, const ConstView& mean, const ConstView& inv_std,
                       const ConstView& y, const ConstView& dy, const View& dx, const View& dscale, const View& dshift,
                       const View& dz) override;

  void log_softmax(const ConstView& x, const View& y) override;
  void log_softmax_grad(const ConstView& y, const ConstView& dy, const View& dx) override;
  void gather(const ConstView& x, const ConstView& index, const View& y) override;
  void gather_grad(const ConstView& dy, const ConstView& index, const View& dx) override;

  void dropout(const ConstView& x, double p, uint64_t key, uint64_t stream, const View& y) override;
  void images(const ConstView& bytes, const ConstView& index, const ConstView& transforms, const View& y) override;

  void optimizer_step(const Update& update, const std::vector<WeightTensors>& weights,
                      const StepControl& control) override;

  // As the function of this name in conv_plans.h.
  void time_conv_plans(ConvPass pass, const Shape& x, const Shape& w, Conv2dParams params, DType dtype, bool exact,
                       const std::function<void(const ConvPlanTiming&)>& report);

  // With ComputeMode::compile: the bytes of the smallest gradient whose convolution is compiled together with the relu
  // below it, 64 MiB. (The tests compile smaller ones.)
  size_t compile_from = size_t(64) << 20;
  // The bytes of the pieces in which operations compute without gradients. (The tests compute in smaller ones.)
  size_t inference_piece = size_t(128) << 20;

  // Counters of blocks for kernels that wait for each other's (sums.h): each is 0 when a kernel begins and ends. What
  // is aside has others, because it may run at the same time.
  static constexpr Index max_arrivals = 65535;
  unsigned* arrivals() const { return arrivals_ + (queue_.is_aside() ? max_arrivals : 0); }

 private:
  // Pinned memory, from which the GPU copies while the program continues: parts, which are filled in turns. A part is
  // filled again when the GPU has passed the place in the stream where the program went on to the next part; with few
  // large ones that would be after a step that has just been enqueued.
  struct Staging {
    static constexpr int parts = 4;
    static constexpr size_t bytes = size_t(16) << 20;  // of a part
    char* memory[parts] = {};
    cudaEvent_t read[parts] = {};  // when the GPU has read all of a part
    int part = 0;
    size_t used = 0;  // of the part that is being filled
  };
  void find_device();
  void open_libraries();
  detail::ConvProblem problem(detail::ConvProblem::Pass pass, const ConstView& x, const ConstView& w,
                              Conv2dParams params) const;
  // Of weights with C channels.
  void convolve(const detail::ConvProblem& problem, Index C, const detail::ConvData& data);
  void convolve_padded(detail::ConvProblem problem, Index C, detail::ConvData data);

  std::string description_, device_text_;
  int compute_capability_ = 0;  // 90 for 9.0
  size_t memory_ = 0;           // of the GPU, in bytes
  ComputeMode mode_;
  detail::Queue queue_;
  unsigned* arrivals_ = nullptr;
  Staging staging_;
  cublasHandle_t cublas_ = nullptr;
  void* cublas_workspace_ = nullptr;
  cudnnHandle_t cudnn_ = nullptr, cudnn_aside_ = nullptr;
  std::unique_ptr<detail::ConvChoice> conv_choice_;
};

}  // namespace counterpoise
