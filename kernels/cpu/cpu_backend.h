// The fast backend for the processor: Winograd's algorithm for convolutions, OpenBLAS for large products, a thread
// pool, loops that the compiler vectorizes, and memory that is reused.
//
// It is the reference backend with the operations that matter for speed replaced. What it inherits (casts, average
// pooling, log-softmax, gather) works on tensors so small, or is called so rarely, that it takes no measurable time.
// The same input and number of threads give the same bits. Several threads may call its operations at once.
#pragma once

#include "kernels/cpu/caching_allocator.h"
#include "kernels/reference/reference_backend.h"

namespace counterpoise {

class CpuBackend : public ReferenceBackend {
 public:
  CpuBackend();
  std::string name() const override { return "cpu"; }
  std::string description() const override { return cpu_description(); }
  void require(DType dtype) const override;
  // As fast as all at once; with smaller pieces the weights are transformed too often.
  size_t piece_bytes(bool) const override { return size_t(96) << 20; }

  void* allocate(size_t bytes) override;
  void release(void* memory, size_t bytes) noexcept override;

  void fill(double value, const View& y) override;
  void unary(Unary op, double a, double b, const ConstView& x, const View& y) override;
  void unary_grad(Unary op, double a, double b, const ConstView& x, const ConstView& y, const ConstView& dy,
                  const View& dx) override;
  void binary(Binary op, const ConstView& a, const ConstView& b, const View& y) override;
  void binary_grad(Binary op, bool wrt_a, const ConstView& a, const ConstView& b, const ConstView& dy,
                   const View& d) override;
  void add_scaled(double alpha, const ConstView& x, const View& y) override;
  void relu_mask(const ConstView& y, const ConstView& dy, const View& dz) override;

  void sum_to(const ConstView& x, const View& y) override;
  void sum_squares(const std::vector<ConstView>& xs, const View& y) override;

  void matmul(const ConstView& a, bool transpose_a, const ConstView& b, bool transpose_b, const View& y) override;

  void conv2d(const ConstView& x, const ConstView& w, const ConstView& bias, const ConstView& residual,
              Conv2dParams params, bool relu, const View& y) override;
  void conv2d_grad_input(const ConstView& dy, const ConstView& w, Conv2dParams params, const View& dx) override;
  void conv2d_grad_weight(const ConstView& x, const ConstView& dy, Conv2dParams params, const View& dw) override;

  void max_pool2d(const ConstView& x, Pool2dParams params, const View& y, const View& position) override;
  void max_pool2d_grad(const ConstView& dy, const ConstView& position, Pool2dParams params, const View& dx) override;

  void batch_norm(const ConstView& x, const ConstView& scale, const ConstView& shift, const ConstView& residual,
                  double eps, double momentum, bool relu, const View& y, const View& mean, const View& inv_std,
                  const View& running_mean, const View& running_var) override;
  void batch_norm_grad(const ConstView& x, const ConstView& scale, const ConstView& mean, const ConstView& inv_std,
                       const ConstView& y, const ConstView& dy, const View& dx, const View& dscale, const View& dshift,
                       const View& dz) override;

  void dropout(const ConstView& x, double p, uint64_t key, uint64_t stream, const View& y) override;

  void images(const ConstView& bytes, const ConstView& index, const ConstView& transforms, const View& y) override;

  void optimizer_step(const Update& update, const std::vector<WeightTensors>& weights,
                      const StepControl& control) override;

 private:
  detail::CachingAllocator memory_;
};

}  // namespace counterpoise
