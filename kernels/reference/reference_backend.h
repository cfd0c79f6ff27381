// The reference backend: every operation as the plain loops of its definition, in any floating dtype. It is the code to
// read first, and what the tests compare the fast backends with. Sums are accumulated in double. It has no state, so
// several threads may use it at once.
#pragma once

#include "kernels/backend.h"

namespace counterpoise {

class ReferenceBackend : public Backend {
 public:
  std::string name() const override { return "reference"; }
  std::string description() const override { return "plain loops"; }
  void require(DType) const override {}
  void set_mode(const ComputeMode& mode) override;

  void* allocate(size_t bytes) override;
  void release(void* memory, size_t bytes) noexcept override;
  void upload(const void* host, const View& y) override;
  void download(const ConstView& x, void* host) override;
  std::unique_ptr<Readback> make_readback(size_t bytes) override;
  void copy(const ConstView& x, const View& y) override;
  void synchronize() override {}

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

  void conv2d(const ConstView& x, const ConstView& w, const ConstView& bias, const ConstView& residual,
              Conv2dParams params, bool relu, const View& y) override;
  void conv2d_grad_input(const ConstView& dy, const ConstView& w, Conv2dParams params, const View& dx) override;
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

 private:
  // y = the sums, each rounded once to y's dtype T.
  template <class T>
  static void store_sums(const std::vector<double>& sums, const View& y) {
    for (Index i = 0; i < y.size(); ++i) y.as<T>()[i] = static_cast<T>(sums[i]);
  }
};

}  // namespace counterpoise
