// bench: how long a VGG16 takes for a training step or a forward pass, and how much memory. apps/bench.py runs it in
// turns with PyTorch.
//
//   ./apps/bench train 160 16 5     # picture size, batch, steps: prints a line of JSON
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/random.h"
#include "kernels/parallel.h"
#include "layers/vgg.h"
#include "losses/registry.h"
#include "optim/optimizer.h"

using namespace counterpoise;

static int run(int argc, char** argv) {
  const char* usage = "usage: bench train|infer SIZE BATCH STEPS [WIDTH [THREADS]]";
  ENSURE_OR(Exit::usage, argc >= 5 && argc <= 7, usage);
  const bool training = std::strcmp(argv[1], "train") == 0;
  ENSURE_OR(Exit::usage, training || std::strcmp(argv[1], "infer") == 0, usage);
  const Index size = std::atoi(argv[2]), batch = std::atoi(argv[3]);
  const int steps = std::atoi(argv[4]);
  VggConfig config;
  config.image_size = size;
  config.width = argc > 5 ? std::atof(argv[5]) : 1;
  set_cpu_threads(argc > 6 ? std::atoi(argv[6]) : 0);
  ENSURE_OR(Exit::usage, size > 0 && batch > 0 && steps > 0, usage);

  Backend& backend = cpu_backend();
  const auto model = vgg(config, backend, 1);
  std::vector<Var> trainable;
  for (const Parameter& p : model->parameters()) trainable.push_back(p.var);
  Sgd optimizer(trainable, 0.9);
  Random rng(1, Stream::test);
  std::vector<float> pixels(batch * size * size * 3);
  for (float& p : pixels) p = rng.uniform(-1, 1);
  std::vector<int32_t> classes(batch);
  for (Index i = 0; i < batch; ++i) classes[i] = static_cast<int32_t>(i % 2);
  const Tensor x = Tensor::from(backend, {batch, size, size, 3}, pixels);
  const Labels labels = make_labels(backend, classes, 0);
  const LossInfo& bce = find_loss("bce");

  std::vector<double> seconds;
  for (int step = 0; step <= steps; ++step) {  // the first warms up and is not counted
    const auto start = std::chrono::steady_clock::now();
    if (training) {
      const Var loss = compute(bce, (*model)(x), labels, {}, {});
      loss.backward();
      optimizer.step(1e-4);
    } else {
      const NoGrad no_grad;
      (*model)(x).value().to_vector<float>();
    }
    if (step > 0) {
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
  }
  std::sort(seconds.begin(), seconds.end());
  rusage usage_now{};
  getrusage(RUSAGE_SELF, &usage_now);
  std::printf("{\"seconds\": %.6f, \"peak_mib\": %.0f, \"threads\": %d}\n", seconds[seconds.size() / 2],
              static_cast<double>(usage_now.ru_maxrss) / 1024, cpu_threads());
  return 0;
}

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
