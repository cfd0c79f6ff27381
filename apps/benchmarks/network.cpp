#include <sys/resource.h>

#include <string>
#include <vector>

#include "apps/benchmarks/timing.h"
#include "apps/benchmarks/vgg16.h"
#include "core/ops.h"
#include "losses/loss.h"
#include "optim/optimizer.h"

namespace counterpoise {

void ensure_no_fallbacks(const BenchOptions& options, const Backend& backend) {
  if (options.allow_fallbacks) return;
  const std::vector<std::string> fallbacks = backend.fallbacks();
  CP_ENSURE_AS(device, fallbacks.empty(),
               "an operation took a slow path (--allow-fallbacks prints its time nevertheless): ", fallbacks.front());
}

namespace {

constexpr double mebibyte = 1 << 20;
constexpr int steps_at_once = 10;  // on a GPU, as in bench_pytorch.py

double peak_mib_of_process() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// The median of a run's durations, and the peak of memory: on a GPU that of the runs after the choice of algorithms for
// convolutions, since these are chosen with more memory than they use later.
template <class Run>
nlohmann::json time_and_memory(const BenchOptions& options, Backend& backend, const Run& run) {
  if (!backend.is_remote()) {
    const double seconds = seconds_of(options, backend, run, options.seconds);
    return {{"seconds", seconds}, {"peak_mib", peak_mib_of_process()}};
  }
  warm_up(options, backend, run);
  backend.reset_memory_peaks();
  const double seconds = seconds_of(options, backend, run, options.seconds, steps_at_once);
  const MemoryPeaks peaks = backend.memory_peaks();
  return {{"seconds", seconds},
          {"allocated_mib", double(peaks.allocated) / mebibyte},
          {"reserved_mib", double(peaks.reserved) / mebibyte}};
}

}  // namespace

nlohmann::json network_times(const BenchOptions& options, Backend& backend) {
  const auto model = benchmarked_model(options, backend);
  Sgd optimizer(model->trainable(), 1e-4, {{"momentum", 0.9}});
  std::vector<int32_t> classes(options.batch);
  for (Index i = 0; i < options.batch; ++i) classes[i] = static_cast<int32_t>(i % 2);
  const Tensor x = random_tensor(backend, {options.batch, options.size, options.size, 3}).cast(options.dtype());
  const Labels labels = make_labels(backend, classes, 0);
  Loss bce("bce");

  const auto logits = [&] { return cast((*model)(x), DType::f32); };
  const auto graph = backend.make_step_graph();
  const auto train = [&] {
    graph->run([&] {
      bce(logits(), labels).backward();
      optimizer.step();
    });
  };
  model->train(options.mode == "train");
  const auto infer = [&] {
    const NoGrad no_grad;
    Tensor y;
    graph->run([&] { y = logits().value(); });
    y.to_vector<float>();
  };
  nlohmann::json times =
      options.mode == "train" ? time_and_memory(options, backend, train) : time_and_memory(options, backend, infer);
  if (options.step_graphs && backend.is_remote()) times["graph"] = graph->summary();
  return times;
}

nlohmann::json layer_times(const BenchOptions& options, Backend& backend) {
  nlohmann::json table = nlohmann::json::array();
  for (const ConvLayer& l : vgg16_layers(options)) {
    LayerTensors t(backend, options, l);
    const auto seconds = [&](const auto& run) { return seconds_of(options, backend, run, options.seconds / 10); };
    table.push_back({{"size", l.size},
                     {"channels", l.channels},
                     {"outputs", l.outputs},
                     {"forward", seconds([&] { backend.conv2d(t.x, t.w, t.bias, {}, same_size, true, t.y); })},
                     {"dx", seconds([&] { backend.conv2d_grad_input(t.dy, t.w, same_size, t.dx); })},
                     {"dw", seconds([&] { backend.conv2d_grad_weight(t.x, t.dy, same_size, t.dw); })}});
  }
  return {{"layers", table}};
}

}  // namespace counterpoise
