#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "apps/benchmarks/timing.h"
#include "apps/benchmarks/vgg16.h"
#include "kernels/image_transform.h"
#include "kernels/updates.h"

namespace counterpoise {

namespace {

double bytes_of(const Tensor& x) { return double(x.size()) * double(size_of(x.dtype())); }

// Bytes that an operation must move at least, each input read and each output written once, and its floating-point
// operations, where these limit it.
struct Cost {
  double bytes = 0, flops = 0;
};

class Operations {
 public:
  Operations(const BenchOptions& options, Backend& backend, const Row& row)
      : o_(options), backend_(backend), row_(row) {
    copy();
    convolutions();
    linear();
    weights();
    images();
  }

  nlohmann::json table() const {
    nlohmann::json table = rows_;
    std::sort(table.begin() + 1, table.end(), [](const nlohmann::json& a, const nlohmann::json& b) {
      return a.at("total").get<double>() > b.at("total").get<double>();
    });
    return {{"operations", table}};
  }

 private:
  template <class Run>
  void add(const char* operation, const std::string& shape, int times, const Cost& cost, const Run& run) {
    const double seconds = seconds_each(o_, backend_, run, o_.seconds / 10);
    nlohmann::json row = {{"operation", operation},   {"shape", shape},
                          {"times", times},           {"seconds", seconds},
                          {"total", times * seconds}, {"gb_per_s", cost.bytes / seconds / 1e9}};
    if (cost.flops > 0) row["tflop_per_s"] = cost.flops / seconds / 1e12;
    rows_.push_back(row);
    row_(row);
  }

  // Of the largest activation. No step does it: it shows how fast memory is.
  void copy() {
    const ConvLayer first = vgg16_layers(o_).front();
    const Tensor x = random_batch(backend_, o_, first.size, first.outputs);
    Tensor y = Tensor::empty(backend_, x.shape(), x.dtype());
    add("copy", detail::text(first.size, "x", first.size, ", ", first.outputs), 0, {2 * bytes_of(x)},
        [&] { backend_.copy(x, y); });
  }

  void convolutions() {
    const std::vector<ConvLayer> layers = vgg16_layers(o_);
    int in_block = 0;
    for (size_t i = 0; i < layers.size(); ++i) {
      const ConvLayer& l = layers[i];
      convolution(l);
      in_block += l.times;
      if (i + 1 < layers.size() && layers[i + 1].size == l.size) continue;
      activation(l, in_block);
      pooling(l);
      in_block = 0;
    }
  }

  void convolution(const ConvLayer& l) {
    LayerTensors t(backend_, o_, l);
    if (t.x.shape()[3] != l.channels) {
      const Tensor x = random_batch(backend_, o_, l.size, l.channels);
      add("pad_channels", detail::text(l.size, "x", l.size, ", ", l.channels, " to ", t.x.shape()[3]), 1,
          {bytes_of(x) + bytes_of(t.x)}, [&] { backend_.pad_channels(x, t.x); });
    }
    const Cost cost{bytes_of(t.x) + bytes_of(t.w) + bytes_of(t.y), l.flops(o_.batch)};
    add("conv2d, bias, relu", l.text(), l.times, cost,
        [&] { backend_.conv2d(t.x, t.w, t.bias, {}, same_size, true, t.y); });
    add("conv2d dw", l.text(), l.times, cost, [&] { backend_.conv2d_grad_weight(t.x, t.dy, same_size, t.dw); });
    if (l.channels == 3) return;  // images need no gradient
    add("conv2d dx", l.text(), l.times, cost, [&] { backend_.conv2d_grad_input(t.dy, t.w, same_size, t.dx); });
  }

  void activation(const ConvLayer& l, int times) {
    const Tensor y = random_batch(backend_, o_, l.size, l.outputs);
    Tensor dy = y.clone(), db = Tensor::empty(backend_, {l.outputs});
    add("relu_bias_grad", detail::text(l.size, "x", l.size, ", ", l.outputs), times, {3 * bytes_of(y)},
        [&] { backend_.relu_bias_grad(y, dy, dy, db); });
  }

  void pooling(const ConvLayer& l) {
    const Pool2dParams params{2, 2};
    const Tensor x = random_batch(backend_, o_, l.size, l.outputs);
    const Tensor dy = random_batch(backend_, o_, params.out(l.size), l.outputs);
    Tensor y = Tensor::empty(backend_, dy.shape(), dy.dtype()), dx = Tensor::empty(backend_, x.shape(), x.dtype());
    const std::string shape = detail::text(l.size, "x", l.size, ", ", l.outputs);
    Tensor position = Tensor::empty(backend_, dy.shape(), params.position_dtype());
    add("max_pool2d", shape, 1, {bytes_of(x) + bytes_of(y) + bytes_of(position)},
        [&] { backend_.max_pool2d(x, params, y, position); });
    add("max_pool2d_grad", shape, 1, {bytes_of(x) + bytes_of(y) + bytes_of(position)},
        [&] { backend_.max_pool2d_grad(dy, position, params, dx); });
  }

  void linear() {
    const ConvLayer last = vgg16_layers(o_).back();
    const Index features = last.size / 2 * (last.size / 2) * last.outputs;
    const Tensor x = random_batch(backend_, o_, last.size / 2, last.outputs).reshape({o_.batch, features});
    const Tensor w = random_tensor(backend_, {1, features}).cast(o_.dtype());
    const Tensor dy = random_tensor(backend_, {o_.batch, 1}).cast(o_.dtype());
    Tensor y = Tensor::empty(backend_, dy.shape()), dx = x.clone(), dw = w.clone();  // logits are f32
    const std::string shape = detail::text(features, " to 1");
    const Cost cost{bytes_of(x) + bytes_of(w) + bytes_of(dy), 2.0 * double(o_.batch * features)};
    add("linear", shape, 1, cost, [&] { backend_.matmul(x, false, w, true, y); });
    add("linear dw", shape, 1, cost, [&] { backend_.matmul(dy, true, x, false, dw); });
    add("linear dx", shape, 1, cost, [&] { backend_.matmul(dy, false, w, false, dx); });
  }

  // Operations on all weights.
  void weights() {
    const auto model = benchmarked_model(o_, backend_);
    std::vector<Tensor> gradients, velocities;
    std::vector<Tensor> in_bf16;  // the weights' roundings, which the optimizer writes as well, and their gradients
    std::vector<WeightTensors> moved;
    std::vector<ConstView> summed;
    Index numbers = 0;
    const bool rounds = o_.dtype() == DType::bf16;
    for (const Parameter& p : model->parameters()) {
      Tensor w = p.var.value();
      numbers += w.size();
      gradients.push_back(w.clone());
      velocities.push_back(Tensor::zeros(backend_, w.shape()));
      in_bf16.push_back(rounds ? w.cast(DType::bf16) : Tensor());
      moved.push_back({w, gradients.back(), {velocities.back()}, in_bf16.back()});
      summed.push_back(gradients.back());
    }
    const std::string shape = detail::text(numbers, " numbers");
    const double bytes = 4 * double(numbers);  // of all weights in f32
    Tensor sum = Tensor::empty(backend_, {}, DType::f64);
    add("optimizer_step", shape, 1, {(rounds ? 5.5 : 5) * bytes}, [&] {
      backend_.optimizer_step(formula::Sgd{/*lr=*/0, /*momentum=*/0.9}, moved);
    });
    add("sum_squares", shape, 1, {bytes}, [&] { backend_.sum_squares(summed, sum); });
    if (!rounds) return;
    add("cast from bf16", shape, 1, {1.5 * bytes}, [&] {
      for (size_t i = 0; i < gradients.size(); ++i) {
        if (gradients[i].shape().rank() > 1) backend_.cast(in_bf16[i], gradients[i]);  // those of biases are f32
      }
    });
  }

  void images() {
    const Shape shape{o_.batch, o_.size, o_.size, 3};
    std::vector<uint8_t> bytes(shape.size());
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(7 * i);
    std::vector<int32_t> order(o_.batch);
    std::vector<ImageTransform> transforms(o_.batch);
    for (Index i = 0; i < o_.batch; ++i) {
      order[i] = static_cast<int32_t>(i);
      if (i % 2) transforms[i].from[0][0] = -1, transforms[i].from[0][2] = double(o_.size);  // mirrored
    }
    const Tensor all = Tensor::from(backend_, shape, bytes), index = Tensor::from(backend_, {o_.batch}, order);
    Tensor plans = Tensor::empty(backend_, {o_.batch, Index(sizeof(ImageTransform))}, DType::u8);
    backend_.upload(transforms.data(), plans);
    Tensor y = Tensor::empty(backend_, shape, o_.dtype());
    add("images", detail::text(o_.size, "x", o_.size, ", 3"), 1, {bytes_of(all) + bytes_of(y)},
        [&] { backend_.images(all, index, plans, y); });
  }

  const BenchOptions& o_;
  Backend& backend_;
  const Row& row_;
  nlohmann::json rows_ = nlohmann::json::array();
};

}  // namespace

nlohmann::json operation_times(const BenchOptions& options, Backend& backend, const Row& row) {
  return Operations(options, backend, row).table();
}

}  // namespace counterpoise
