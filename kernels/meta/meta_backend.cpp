// The meta backend: tensors with a shape and a dtype, but without numbers. It has no state.
#include "kernels/backend.h"

namespace counterpoise {

namespace {

[[noreturn]] void no_numbers() { throw Error(ErrorKind::failure, "a tensor on the meta backend holds no numbers"); }

class MetaBackend : public Backend {
 public:
  std::string name() const override { return "meta"; }
  std::string description() const override { return "shapes without numbers"; }
  void require(DType) const override {}
  void set_mode(const ComputeMode&) override {}
  bool is_remote() const override { return true; }

  // Nobody reads or writes through the pointer, which must not be null.
  void* allocate(size_t) override { return &nothing_; }
  void release(void*, size_t) noexcept override {}
  void upload(const void*, const View&) override {}
  void download(const ConstView&, void*) override { no_numbers(); }
  std::unique_ptr<Readback> make_readback(size_t) override { no_numbers(); }
  void copy(const ConstView&, const View&) override {}
  void synchronize() override {}

  void fill(double, const View&) override {}
  void cast(const ConstView&, const View&) override {}
  void unary(Unary, double, double, const ConstView&, const View&) override {}
  void unary_grad(Unary, double, double, const ConstView&, const ConstView&, const ConstView&, const View&) override {}
  void binary(Binary, const ConstView&, const ConstView&, const View&) override {}
  void binary_grad(Binary, bool, const ConstView&, const ConstView&, const ConstView&, const View&) override {}
  void add_scaled(double, const ConstView&, const View&) override {}
  void relu_mask(const ConstView&, const ConstView&, const View&) override {}
  void relu_bias_grad(const ConstView&, const ConstView&, const View&, const View&) override {}

  void sum_to(const ConstView&, const View&) override {}
  void sum_squares(const std::vector<ConstView>&, const View&) override {}

  void matmul(const ConstView&, bool, const ConstView&, bool, const View&) override {}

  void conv2d(const ConstView&, const ConstView&, const ConstView&, const ConstView&, Conv2dParams, bool,
              const View&) override {}
  void conv2d_grad_input(const ConstView&, const ConstView&, Conv2dParams, const View&) override {}
  void conv2d_grad_weight(const ConstView&, const ConstView&, Conv2dParams, const View&) override {}

  void max_pool2d(const ConstView&, Pool2dParams, const View&, const View&) override {}
  void max_pool2d_grad(const ConstView&, const ConstView&, Pool2dParams, const View&) override {}
  void avg_pool2d(const ConstView&, Pool2dParams, const View&) override {}
  void avg_pool2d_grad(const ConstView&, Pool2dParams, const View&) override {}
  void adaptive_avg_pool2d(const ConstView&, const View&) override {}
  void adaptive_avg_pool2d_grad(const ConstView&, const View&) override {}

  void batch_norm(const ConstView&, const ConstView&, const ConstView&, const ConstView&, double, double, bool,
                  const View&, const View&, const View&, const View&, const View&) override {}
  void batch_norm_grad(const ConstView&, const ConstView&, const ConstView&, const ConstView&, const ConstView&,
                       const ConstView&, const View&, const View&, const View&, const View&) override {}

  void log_softmax(const ConstView&, const View&) override {}
  void log_softmax_grad(const ConstView&, const ConstView&, const View&) override {}
  void gather(const ConstView&, const ConstView&, const View&) override {}
  void gather_grad(const ConstView&, const ConstView&, const View&) override {}
  void dropout(const ConstView&, double, uint64_t, uint64_t, const View&) override {}
  void images(const ConstView&, const ConstView&, const ConstView&, const View&) override {}
  void optimizer_step(const Update&, const std::vector<WeightTensors>&, const StepControl&) override {}

 private:
  alignas(64) char nothing_ = 0;
};

}  // namespace

Backend& meta_backend() {
  static MetaBackend backend;
  return backend;
}

}  // namespace counterpoise
