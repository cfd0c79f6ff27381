// bench: time and memory of a training step or a forward pass of VGG16, or the time of each of its convolutions, of
// each operation of a step, or of each algorithm for a convolution. Prints one line of JSON; apps/scripts/bench.py
// compares it with PyTorch, or with another build of this program.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "apps/trainer/device.h"
#include "apps/trainer/flags.h"
#include "apps/trainer/program.h"
#include "core/random.h"
#include "kernels/cpu/direct_conv.h"
#include "kernels/cpu/im2col_conv.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/winograd.h"
#include "kernels/image_transform.h"
#include "layers/models/models.h"
#include "losses/loss.h"
#include "optim/optimizer.h"

using namespace counterpoise;
using namespace counterpoise::detail;  // the algorithms of convolution, which `steps` compares

namespace {

struct Options {
  std::string mode, device = "cpu", precision = "fp32";
  Index size = 160, batch = 16;
  double width = 1, seconds = 1;
  int threads = 0;
  DType dtype() const { return activation_dtype(precision); }
};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Runs it without measuring. Once is enough for memory to be allocated and code to be loaded, but on a GPU an algorithm
// for a convolution is chosen when its shape comes for the third time.
template <class Run>
void warm_up(Backend& backend, const Run& run) {
  for (int i = 0; i < (backend.is_remote() ? 5 : 1); ++i) run();
  backend.synchronize();
}

// The median duration of run() in seconds, until the backend has finished it; repeated for about `budget` seconds.
template <class Run>
double seconds_of(Backend& backend, const Run& run, double budget) {
  std::vector<double> durations;
  warm_up(backend, run);
  const double start = now();
  while (durations.empty() || now() - start < budget) {
    const double before = now();
    run();
    backend.synchronize();
    durations.push_back(now() - before);
  }
  std::sort(durations.begin(), durations.end());
  const size_t n = durations.size();
  return (durations[(n - 1) / 2] + durations[n / 2]) / 2;
}

// The mean duration of a short run() in seconds. All repetitions are enqueued before the first is waited for, as a
// network enqueues its operations.
template <class Run>
double seconds_each(Backend& backend, const Run& run, double budget) {
  warm_up(backend, run);
  for (Index repetitions = 1;; repetitions *= 2) {
    const double before = now();
    for (Index i = 0; i < repetitions; ++i) run();
    backend.synchronize();
    const double duration = now() - before;
    if (duration >= budget) return duration / static_cast<double>(repetitions);
  }
}

Tensor random(Backend& backend, const Shape& shape) {
  Random rng(1, Stream::test);
  std::vector<float> values(shape.size());
  for (float& v : values) v = rng.uniform(-1, 1);
  return Tensor::from(backend, shape, values);
}

// A batch that repeats one random image, which is faster to make than a batch of different ones. It is not constant,
// because a GPU needs less power for constants and runs faster than it does in a network.
Tensor random_batch(Backend& backend, const Options& options, Index size, Index channels) {
  const Tensor image = random(backend, {1, size, size, channels}).cast(options.dtype());
  return expand(image, {options.batch, size, size, channels});
}

std::unique_ptr<Model> network(const Options& options, Backend& backend) {
  ModelConfig config;
  config.image_size = options.size;
  config.width = options.width;
  return make_model(config, backend, 1);
}

double peak_mib(const Backend& backend) {
  if (backend.is_remote()) return static_cast<double>(backend.peak_bytes()) / (1 << 20);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

nlohmann::json step(const Options& options, Backend& backend) {
  const auto model = network(options, backend);
  Sgd optimizer(model->trainable(), 1e-4, {{"momentum", 0.9}});
  std::vector<int32_t> classes(options.batch);
  for (Index i = 0; i < options.batch; ++i) classes[i] = static_cast<int32_t>(i % 2);
  const Tensor x = random(backend, {options.batch, options.size, options.size, 3}).cast(options.dtype());
  const Labels labels = make_labels(backend, classes, 0);
  Loss bce("bce");

  const auto logits = [&] { return cast((*model)(x), DType::f32); };
  const auto train = [&] {
    bce(logits(), labels).backward();
    optimizer.step();
  };
  const auto infer = [&] {
    const NoGrad no_grad;
    logits().value().to_vector<float>();
  };
  const double seconds = options.mode == "train" ? seconds_of(backend, train, options.seconds)
                                                 : seconds_of(backend, infer, options.seconds);
  return {{"seconds", seconds}, {"peak_mib", peak_mib(backend)}};
}

// The shape of a convolution, and how many layers of VGG16 have it.
struct Layer {
  Index size, channels, outputs;
  int times;
};

std::vector<Layer> vgg16_layers(const Options& options) {
  std::vector<Layer> layers;
  Index size = options.size, channels = 3;
  for (const auto& [width, convolutions] : {std::pair{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}}) {
    const Index outputs = std::llround(width * options.width);
    for (int i = 0; i < convolutions; ++i) {
      const bool again = i > 0 && layers.back().channels == channels;
      if (again) ++layers.back().times;
      else layers.push_back({size, channels, outputs, 1});
      channels = outputs;
    }
    size /= 2;
  }
  return layers;
}

// The tensors that a convolution of this shape reads and writes in its forward and backward pass.
struct LayerTensors {
  LayerTensors(Backend& backend, const Options& options, const Layer& l)
      : x(random_batch(backend, options, l.size, l.channels)),
        w(random(backend, {l.outputs, 3, 3, l.channels}).cast(options.dtype())),
        bias(random(backend, {l.outputs})),
        dy(random_batch(backend, options, l.size, l.outputs)),
        y(Tensor::empty(backend, dy.shape(), dy.dtype())),
        dx(Tensor::empty(backend, x.shape(), x.dtype())),
        dw(Tensor::empty(backend, w.shape(), w.dtype())) {}
  Tensor x, w, bias, dy, y, dx, dw;
};

constexpr Conv2dParams same_size{1, 1};

// The time of VGG16's convolutions, each shape once: the forward pass with bias and ReLU, and the two gradients.
nlohmann::json layers(const Options& options, Backend& backend) {
  nlohmann::json table = nlohmann::json::array();
  for (const Layer& l : vgg16_layers(options)) {
    LayerTensors t(backend, options, l);
    const auto seconds = [&](const auto& run) { return seconds_of(backend, run, options.seconds / 10); };
    table.push_back({{"size", l.size},
                     {"channels", l.channels},
                     {"outputs", l.outputs},
                     {"forward", seconds([&] { backend.conv2d(t.x, t.w, t.bias, same_size, true, t.y); })},
                     {"dx", seconds([&] { backend.conv2d_grad_input(t.dy, t.w, same_size, t.dx); })},
                     {"dw", seconds([&] { backend.conv2d_grad_weight(t.x, t.dy, same_size, t.dw); })}});
  }
  return {{"layers", table}};
}

// Every operation of a training step of catdog on every shape: how often a step does it and how long it takes, the
// longest in total first. What takes next to no time (the loss, the sum with one bias) is left out.
class Operations {
 public:
  Operations(const Options& options, Backend& backend) : o_(options), backend_(backend) {
    convolutions();
    linear();
    weights();
    images();
  }

  nlohmann::json table() const {
    nlohmann::json table = rows_;
    std::sort(table.begin(), table.end(), [](const nlohmann::json& a, const nlohmann::json& b) {
      return a.at("total").get<double>() > b.at("total").get<double>();
    });
    return {{"operations", table}};
  }

 private:
  template <class Run>
  void add(const char* operation, const std::string& shape, int times, const Run& run) {
    const double seconds = seconds_each(backend_, run, o_.seconds / 10);
    rows_.push_back({{"operation", operation},
                     {"shape", shape},
                     {"times", times},
                     {"seconds", seconds},
                     {"total", times * seconds}});
  }

  void convolutions() {
    const std::vector<Layer> layers = vgg16_layers(o_);
    int in_block = 0;
    for (size_t i = 0; i < layers.size(); ++i) {
      const Layer& l = layers[i];
      convolution(l);
      in_block += l.times;
      if (i + 1 < layers.size() && layers[i + 1].size == l.size) continue;
      activation(l, in_block);
      pooling(l);
      in_block = 0;
    }
  }

  void convolution(const Layer& l) {
    LayerTensors t(backend_, o_, l);
    const std::string shape = text(l.size, "x", l.size, ", ", l.channels, " to ", l.outputs);
    add("conv2d, bias, relu", shape, l.times, [&] { backend_.conv2d(t.x, t.w, t.bias, same_size, true, t.y); });
    add("conv2d dw", shape, l.times, [&] { backend_.conv2d_grad_weight(t.x, t.dy, same_size, t.dw); });
    if (l.channels == 3) return;  // images need no gradient
    add("conv2d dx", shape, l.times, [&] { backend_.conv2d_grad_input(t.dy, t.w, same_size, t.dx); });
  }

  void activation(const Layer& l, int times) {
    const Tensor y = random_batch(backend_, o_, l.size, l.outputs);
    Tensor dy = y.clone(), db = Tensor::empty(backend_, {l.outputs});
    add("relu_bias_grad", text(l.size, "x", l.size, ", ", l.outputs), times,
        [&] { backend_.relu_bias_grad(y, dy, dy, db); });
  }

  void pooling(const Layer& l) {
    const Pool2dParams params{2, 2};
    const Tensor x = random_batch(backend_, o_, l.size, l.outputs);
    const Tensor dy = random_batch(backend_, o_, params.out(l.size), l.outputs);
    Tensor y = Tensor::empty(backend_, dy.shape(), dy.dtype()), dx = Tensor::empty(backend_, x.shape(), x.dtype());
    const std::string shape = text(l.size, "x", l.size, ", ", l.outputs);
    add("max_pool2d", shape, 1, [&] { backend_.max_pool2d(x, params, y); });
    add("max_pool2d_grad", shape, 1, [&] { backend_.max_pool2d_grad(x, y, dy, params, dx); });
  }

  void linear() {
    const Layer last = vgg16_layers(o_).back();
    const Index features = last.size / 2 * (last.size / 2) * last.outputs;
    const Tensor x = random_batch(backend_, o_, last.size / 2, last.outputs).reshape({o_.batch, features});
    const Tensor w = random(backend_, {1, features}).cast(o_.dtype());
    const Tensor dy = random(backend_, {o_.batch, 1}).cast(o_.dtype());
    Tensor y = dy.clone(), dx = x.clone(), dw = w.clone();
    const std::string shape = text(features, " to 1");
    add("linear", shape, 1, [&] { backend_.matmul(x, false, w, true, y); });
    add("linear dw", shape, 1, [&] { backend_.matmul(dy, true, x, false, dw); });
    add("linear dx", shape, 1, [&] { backend_.matmul(dy, false, w, false, dx); });
  }

  // Operations on all weights.
  void weights() {
    const auto model = network(o_, backend_);
    std::vector<Tensor> gradients, velocities;
    std::vector<std::pair<Tensor, Tensor>> casts;  // a weight and itself in bf16; the biases of convolutions stay f32
    std::vector<WeightTensors> moved;
    std::vector<ConstView> summed;
    Index numbers = 0;
    for (const Parameter& p : model->parameters()) {
      Tensor w = p.var.value();
      numbers += w.size();
      gradients.push_back(w.clone());
      velocities.push_back(Tensor::zeros(backend_, w.shape()));
      moved.push_back({w, gradients.back(), {velocities.back()}});
      summed.push_back(gradients.back());
      if (o_.dtype() == DType::bf16 && w.shape().rank() > 1) casts.emplace_back(gradients.back(), w.cast(DType::bf16));
    }
    const std::string shape = text(numbers, " numbers");
    Tensor sum = Tensor::empty(backend_, {}, DType::f64);
    add("optimizer_step", shape, 1, [&] { backend_.optimizer_step(formula::Sgd{/*lr=*/0, /*momentum=*/0.9}, moved); });
    add("sum_squares", shape, 1, [&] { backend_.sum_squares(summed, sum); });
    if (casts.empty()) return;
    add("cast to bf16", shape, 1, [&] {
      for (auto& [w, in_bf16] : casts) backend_.cast(w, in_bf16);
    });
    add("cast from bf16", shape, 1, [&] {
      for (auto& [w, in_bf16] : casts) backend_.cast(in_bf16, w);
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
      if (i % 2) transforms[i].flip();
    }
    const Tensor all = Tensor::from(backend_, shape, bytes), index = Tensor::from(backend_, {o_.batch}, order);
    Tensor plans = Tensor::empty(backend_, {o_.batch, Index(sizeof(ImageTransform))}, DType::u8);
    backend_.upload(transforms.data(), plans);
    Tensor y = Tensor::empty(backend_, shape, o_.dtype());
    add("images", text(o_.size, "x", o_.size, ", 3"), 1, [&] { backend_.images(all, index, plans, y); });
  }

  const Options& o_;
  Backend& backend_;
  nlohmann::json rows_ = nlohmann::json::array();
};

double relative_error(const Tensor& got, const Tensor& exact) {
  const std::vector<float> a = got.to_vector<float>(), b = exact.to_vector<float>();
  double error = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) error += std::pow(double(a[i]) - b[i], 2), norm += double(b[i]) * b[i];
  return std::sqrt(error / norm);
}

// A convolution from 256 channels to 256, and the gradient of its weights, by each algorithm. Errors are relative to
// the results of the first, which sums in double precision.
nlohmann::json steps(const Options& options, Backend& backend) {
  const Index size = options.size, C = 256, K = 256;
  const Tensor x = random(backend, {options.batch, size, size, C}), w = random(backend, {K, 3, 3, C});
  const Tensor dy = random(backend, {options.batch, size, size, K}), no_bias;
  const Conv2dParams params{1, 1};
  const ConvGeometry g(x.shape(), w.shape(), params);
  const float *px = ConstView(x).as<float>(), *pw = ConstView(w).as<float>(), *pdy = ConstView(dy).as<float>(),
              *none = nullptr;

  Tensor exact_y, exact_dw;
  nlohmann::json table = nlohmann::json::array();
  const auto measure = [&](const char* name, const auto& forward, const auto& grad_weight) {
    Tensor y = Tensor::empty(backend, dy.shape()), dw = Tensor::empty(backend, w.shape());
    const double forward_seconds = seconds_of(
        backend, [&] { forward(y); }, options.seconds / 10);
    const double dw_seconds = seconds_of(
        backend, [&] { grad_weight(dw); }, options.seconds / 10);
    if (!exact_y.defined()) exact_y = y, exact_dw = dw;
    table.push_back({{"name", name},
                     {"forward", forward_seconds},
                     {"dw", dw_seconds},
                     {"forward_error", relative_error(y, exact_y)},
                     {"dw_error", relative_error(dw, exact_dw)}});
  };
  const auto data = [](Tensor& t) { return View(t).as<float>(); };
  measure(
      "seven loops", [&](Tensor& y) { reference_backend().conv2d(x, w, no_bias, params, false, y); },
      [&](Tensor& dw) { reference_backend().conv2d_grad_weight(x, dy, params, dw); });
  measure(
      "im2col and OpenBLAS", [&](Tensor& y) { im2col_conv(backend, g, px, pw, none, false, data(y)); },
      [&](Tensor& dw) { im2col_grad_weight(backend, g, px, pdy, data(dw)); });
  measure(
      "padded rows as matrices", [&](Tensor& y) { direct_conv(backend, g, px, pw, none, false, data(y)); },
      [&](Tensor& dw) { direct_grad_weight(backend, g, px, pdy, data(dw)); });
  for (const int tile : {2, 4}) {
    measure(
        tile == 2 ? "Winograd F(2x2, 3x3)" : "Winograd F(4x4, 3x3)",
        [&](Tensor& y) { winograd_conv(backend, tile, g, px, pw, false, none, false, data(y)); },
        [&](Tensor& dw) { winograd_grad_weight(backend, tile, g, px, pdy, data(dw)); });
  }
  return {{"steps", table}};
}

Exit run(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Time VGG16 on this machine's CPU or GPU, and print one line of JSON. apps/scripts/bench.py compares the times "
      "with "
      "PyTorch's.\n\n"
      "Modes:\n"
      "  train         a training step\n"
      "  infer         a forward pass\n"
      "  layers        each convolution, forward and backward\n"
      "  operations    each operation of a training step\n"
      "  steps         one convolution by each algorithm, from plain loops to Winograd",
      "./apps/bench");
  app.set_help_flag("-h,--help", "Print this help and exit");
  const auto add = [&app](const std::string& flag, auto& value, const std::string& type, const std::string& help) {
    return app.add_option(flag, value, help)->type_name(type)->capture_default_str();
  };
  add("MODE", options.mode, "", "What to time")
      ->required()
      ->check(CLI::IsMember({"train", "infer", "layers", "operations", "steps"}));
  add("--device", options.device, "NAME", "cpu, or cuda: a GPU")->check(CLI::IsMember({"cpu", "cuda"}));
  add("--precision", options.precision, "NAME", "fp32; on a GPU also tf32 or bf16")
      ->check(CLI::IsMember({"fp32", "tf32", "bf16"}));
  const auto size = add("--size", options.size, "N", "Images of N x N pixels")->check(CLI::Range(32, 4096));
  const auto batch = add("--batch", options.batch, "N", "Images per step")->check(CLI::Range(1, 4096));
  size->default_str("160; steps: 40"), batch->default_str("16; steps: 1");
  add("--width", options.width, "X", "Factor on the channels of every convolution; not for steps")
      ->check(CLI::Range(0.01, 4.0));
  add("--threads", options.threads, "N", "Threads that compute; 0: one per core")->check(CLI::Range(0, 1024));
  add("--seconds", options.seconds, "X", "How long to repeat a step; a tenth of it for a single operation")
      ->check(CLI::Range(0.0, 3600.0));
  parse_command_line(app, argc, argv);
  if (options.mode == "steps" && size->empty()) options.size = 40;
  if (options.mode == "steps" && batch->empty()) options.batch = 1;
  set_cpu_threads(options.threads);
  CP_ENSURE_AS(invalid_argument, options.mode != "steps" || options.device == "cpu",
               "steps: these algorithms are those of the CPU; use --device cpu");
  Backend& backend = choose_backend(options.device, options.precision);
  nlohmann::json result = options.mode == "layers"       ? layers(options, backend)
                          : options.mode == "operations" ? Operations(options, backend).table()
                          : options.mode == "steps"      ? steps(options, backend)
                                                         : step(options, backend);
  result["device"] = backend.description();
  result["threads"] = cpu_threads();
  std::puts(result.dump().c_str());
  return Exit::ok;
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("bench", [&] { return run(argc, argv); });
}
