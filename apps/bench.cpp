// bench: how long VGG16 takes for a training step or a forward pass, and how much memory; or each of its convolutions;
// or one of them in each of the ways that there are. Prints a line of JSON; apps/bench.py runs it in turns with
// PyTorch.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/random.h"
#include "kernels/direct_conv.h"
#include "kernels/im2col_conv.h"
#include "kernels/parallel.h"
#include "kernels/winograd.h"
#include "layers/vgg.h"
#include "losses/loss.h"
#include "optim/optimizer.h"

using namespace counterpoise;

namespace {

struct Options {
  std::string mode;
  Index size = 160, batch = 16;
  double width = 1, seconds = 1;
  int threads = 0;
};

// The median duration of run(), which is repeated for about `budget` seconds, after once unmeasured.
template <class Run>
double seconds_of(const Run& run, double budget) {
  std::vector<double> durations;
  run();
  const auto clock = [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()); };
  const auto start = clock();
  while (durations.empty() || (clock() - start).count() < budget) {
    const auto before = clock();
    run();
    durations.push_back((clock() - before).count());
  }
  std::sort(durations.begin(), durations.end());
  const size_t n = durations.size();
  return (durations[(n - 1) / 2] + durations[n / 2]) / 2;
}

Tensor random(Backend& backend, const Shape& shape) {
  Random rng(1, Stream::test);
  std::vector<float> values(shape.size());
  for (float& v : values) v = rng.uniform(-1, 1);
  return Tensor::from(backend, shape, values);
}

nlohmann::json network(const Options& options, Backend& backend) {
  VggConfig config;
  config.image_size = options.size;
  config.width = options.width;
  const auto model = vgg(config, backend, 1);
  std::vector<Var> trainable;
  for (const Parameter& p : model->parameters()) trainable.push_back(p.var);
  Sgd optimizer(trainable, 0.9);
  std::vector<int32_t> classes(options.batch);
  for (Index i = 0; i < options.batch; ++i) classes[i] = static_cast<int32_t>(i % 2);
  const Tensor x = random(backend, {options.batch, options.size, options.size, 3});
  const Labels labels = make_labels(backend, classes, 0);
  Loss bce(find_loss("bce"), LossInfo::one_logit, {});

  const auto train = [&] {
    bce((*model)(x), labels).backward();
    optimizer.step(1e-4);
  };
  const auto infer = [&] {
    const NoGrad no_grad;
    (*model)(x).value().to_vector<float>();
  };
  const double seconds = options.mode == "train" ? seconds_of(train, options.seconds)  //
                                                 : seconds_of(infer, options.seconds);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {{"seconds", seconds}, {"peak_mib", static_cast<double>(usage.ru_maxrss) / 1024}, {"threads", cpu_threads()}};
}

// VGG16's convolutions, each shape once: forward with bias and relu, and the two gradients.
nlohmann::json layers(const Options& options, Backend& backend) {
  struct Layer {
    Index shrink, channels, outputs;
  };
  nlohmann::json table = nlohmann::json::array();
  for (const Layer& l : {Layer{1, 3, 64},
                         {1, 64, 64},
                         {2, 64, 128},
                         {2, 128, 128},
                         {4, 128, 256},
                         {4, 256, 256},
                         {8, 256, 512},
                         {8, 512, 512},
                         {16, 512, 512}}) {
    const Index size = options.size / l.shrink;
    const Tensor x = random(backend, {options.batch, size, size, l.channels});
    const Tensor w = random(backend, {l.outputs, 3, 3, l.channels}), bias = random(backend, {l.outputs});
    const Tensor dy = random(backend, {options.batch, size, size, l.outputs});
    const Tensor y = Tensor::empty(backend, dy.shape()), dx = Tensor::empty(backend, x.shape());
    const Tensor dw = Tensor::empty(backend, w.shape());
    const Conv2dParams params{1, 1};
    table.push_back(
        {{"size", size},
         {"channels", l.channels},
         {"outputs", l.outputs},
         {"forward", seconds_of([&] { backend.conv2d(x, w, bias, params, true, y); }, options.seconds / 10)},
         {"dx", seconds_of([&] { backend.conv2d_grad_input(dy, w, params, dx); }, options.seconds / 10)},
         {"dw", seconds_of([&] { backend.conv2d_grad_weight(x, dy, params, dw); }, options.seconds / 10)}});
  }
  return {{"layers", table}, {"threads", cpu_threads()}};
}

double relative_error(const Tensor& got, const Tensor& exact) {
  const std::vector<float> a = got.to_vector<float>(), b = exact.to_vector<float>();
  double error = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) error += std::pow(double(a[i]) - b[i], 2), norm += double(b[i]) * b[i];
  return std::sqrt(error / norm);
}

// A convolution of 256 channels to 256, and the gradient of its weights, in each way; the errors are relative to the
// first way's results, whose sums are held in double.
nlohmann::json steps(const Options& options, Backend& backend) {
  const Index size = options.size, C = 256, K = 256;
  const Tensor x = random(backend, {options.batch, size, size, C}), w = random(backend, {K, 3, 3, C});
  const Tensor dy = random(backend, {options.batch, size, size, K}), no_bias;
  const Conv2dParams params{1, 1};
  const ConvGeometry g(x.shape(), w.shape(), params);
  const float *px = View(x).as<float>(), *pw = View(w).as<float>(), *pdy = View(dy).as<float>(), *none = nullptr;

  Tensor exact_y, exact_dw;
  nlohmann::json table = nlohmann::json::array();
  const auto measure = [&](const char* name, const auto& forward, const auto& grad_weight) {
    const Tensor y = Tensor::empty(backend, dy.shape()), dw = Tensor::empty(backend, w.shape());
    const double forward_seconds = seconds_of([&] { forward(y); }, options.seconds / 10);
    const double dw_seconds = seconds_of([&] { grad_weight(dw); }, options.seconds / 10);
    if (!exact_y.defined()) exact_y = y, exact_dw = dw;
    table.push_back({{"name", name},
                     {"forward", forward_seconds},
                     {"dw", dw_seconds},
                     {"forward_error", relative_error(y, exact_y)},
                     {"dw_error", relative_error(dw, exact_dw)}});
  };
  const auto data = [](const Tensor& t) { return View(t).as<float>(); };
  measure(
      "seven loops", [&](const Tensor& y) { reference_backend().conv2d(x, w, no_bias, params, false, y); },
      [&](const Tensor& dw) { reference_backend().conv2d_grad_weight(x, dy, params, dw); });
  measure(
      "im2col and OpenBLAS", [&](const Tensor& y) { im2col_conv(backend, g, px, pw, none, false, data(y)); },
      [&](const Tensor& dw) { im2col_grad_weight(backend, g, px, pdy, data(dw)); });
  measure(
      "padded rows as matrices", [&](const Tensor& y) { direct_conv(backend, g, px, pw, none, false, data(y)); },
      [&](const Tensor& dw) { direct_grad_weight(backend, g, px, pdy, data(dw)); });
  for (const int tile : {2, 4}) {
    measure(
        tile == 2 ? "Winograd F(2x2, 3x3)" : "Winograd F(4x4, 3x3)",
        [&](const Tensor& y) { winograd_conv(backend, tile, g, px, pw, false, none, false, data(y)); },
        [&](const Tensor& dw) { winograd_grad_weight(backend, tile, g, px, pdy, data(dw)); });
  }
  return {{"steps", table}, {"threads", cpu_threads()}};
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Times VGG16 on this machine's processor; apps/bench.py compares it with PyTorch.");
  app.add_option(
         "mode", options.mode,
         "train (a step), infer (a forward pass), layers (each convolution) or steps (a convolution in each way)")
      ->required()
      ->check(CLI::IsMember({"train", "infer", "layers", "steps"}));
  const auto size = app.add_option("--size", options.size, "Edge of the pictures in pixels; for steps it is 40");
  const auto batch = app.add_option("--batch", options.batch, "Pictures at a time; for steps it is 1");
  size->check(CLI::Range(32, 4096)), batch->check(CLI::Range(1, 4096));
  app.add_option("--width", options.width, "Factor of the channels, for train and infer")->check(CLI::Range(0.01, 4.0));
  app.add_option("--threads", options.threads, "0: one for each core")->check(CLI::Range(0, 1024));
  app.add_option("--seconds", options.seconds, "Repeat for about so long")->check(CLI::Range(0.0, 3600.0));
  app.get_formatter()->column_width(24);
  for (CLI::Option* option : app.get_options()) option->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  if (options.mode == "steps" && size->empty()) options.size = 40;
  if (options.mode == "steps" && batch->empty()) options.batch = 1;
  set_cpu_threads(options.threads);
  Backend& backend = cpu_backend();
  const nlohmann::json result = options.mode == "layers"  ? layers(options, backend)
                                : options.mode == "steps" ? steps(options, backend)
                                                          : network(options, backend);
  std::puts(result.dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return static_cast<int>(Exit::failure);
  }
}
