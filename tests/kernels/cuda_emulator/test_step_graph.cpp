// Repeated steps as CUDA graphs: on the emulated GPU, which counts how work was started.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/trainer/loop.h"
#include "core/ops.h"
#include "data/images/image_dataset.h"
#include "kernels/cuda/arena.h"
#include "kernels/cuda/cuda_step_graph.h"
#include "layers/models/models.h"
#include "losses/loss.h"
#include "tests/gpu.h"
#include "tests/kernels/cuda_emulator/device.h"
#include "tests/support.h"

using namespace counterpoise;
using detail::BlockOfStep;
using detail::lay_out;

namespace {

// The cuda backend with graphs, and without them at the end of the scope.
struct WithGraphs {
  Backend& backend = *cuda_backend();
  explicit WithGraphs(ComputeMode mode = {}) {
    mode.graphs = true;
    backend.set_mode(mode);
  }
  ~WithGraphs() { backend.set_mode({}); }
};

// A step with all that a graph must follow: memory that is released and requested again, an argument and an input that
// change, an upload, a result that outlives the step.
struct Accumulation {
  Backend& backend;
  Tensor sum = Tensor::zeros(backend, {500}, DType::f32);
  std::vector<float> expected = std::vector<float>(500);
  bool ends_early = false;  // without y

  // Adds (x + 1) k + y to the sum, where x and y are made of k. `middle` is called in the middle, with (x + 1) k.
  template <class Middle>
  Tensor add(int k, const Tensor& x, const Middle& middle) {
    const Tensor ones = Tensor::full(backend, {500}, 1, DType::f32);
    Tensor product = Tensor::empty(backend, {500}, DType::f32);
    {
      Tensor more = Tensor::empty(backend, {500}, DType::f32);
      backend.binary(Binary::add, x, ones, more);
      backend.fill(0, product);
      backend.add_scaled(k, more, product);
    }
    middle(product);
    if (ends_early) {
      backend.add_scaled(1, product, sum);
      return product;
    }
    const Tensor y = Tensor::from(backend, {500}, numbers(k + 1));
    backend.add_scaled(1, product, sum);
    backend.add_scaled(1, y, sum);
    return product;
  }
  static std::vector<float> numbers(int k) {
    std::vector<float> x(500);
    for (int i = 0; i < 500; ++i) x[i] = static_cast<float>((i * 7 + k * 13) % 32);
    return x;
  }
  void expect(int k) {
    const std::vector<float> x = numbers(k), y = numbers(k + 1);
    for (size_t i = 0; i < 500; ++i) expected[i] += (x[i] + 1) * static_cast<float>(k) + (ends_early ? 0 : y[i]);
  }
  bool is_right() const { return sum.to_vector<float>() == expected; }
};

size_t memory_in_use(Backend& backend) {
  backend.reset_memory_peaks();
  return backend.memory_peaks().allocated;
}

constexpr auto nothing = [](const Tensor&) {};

}  // namespace

TEST_CASE("gpu: a step's blocks that are in use at once share no memory, and others do") {
  uint64_t state = 1;
  const auto random = [&](Index below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<Index>((state >> 33) % static_cast<uint64_t>(below));
  };
  for (int round = 0; round < 50; ++round) {
    std::vector<BlockOfStep> blocks;
    for (int i = 0; i < 60; ++i) {
      const Index begin = random(100);
      blocks.push_back({static_cast<size_t>(random(5000)), begin, begin + 1 + random(20)});
    }
    const auto layout = lay_out(blocks);
    size_t most = 0;
    for (Index moment = 0; moment < 120; ++moment) {
      size_t used = 0;
      for (const BlockOfStep& b : blocks) {
        if (b.begin <= moment && moment < b.end) used += (std::max<size_t>(b.bytes, 1) + 511) / 512 * 512;
      }
      most = std::max(most, used);
    }
    CHECK(layout.bytes >= most);
    CHECK(layout.bytes <= most + most / 4);
    for (size_t i = 0; i < blocks.size(); ++i) {
      CHECK(layout.offsets[i] % 512 == 0);
      CHECK(layout.offsets[i] + blocks[i].bytes <= layout.bytes);
      for (size_t k = 0; k < i; ++k) {
        const bool at_once = blocks[i].begin < blocks[k].end && blocks[k].begin < blocks[i].end;
        const bool apart = layout.offsets[i] + std::max<size_t>(blocks[i].bytes, 1) <= layout.offsets[k] ||
                           layout.offsets[k] + std::max<size_t>(blocks[k].bytes, 1) <= layout.offsets[i];
        CHECK((!at_once || apart));
      }
    }
  }
  CHECK(lay_out({}).bytes == 0);
  CHECK(lay_out({{1000, 0, 5}, {1000, 5, 6}, {24, 0, 6}}).bytes == 1536);
}

TEST_CASE("gpu: a step that repeats is started as one graph, with the arguments of its time" * needs_emulated_gpu()) {
  const WithGraphs gpu;
  const auto graph = gpu.backend.make_step_graph();
  Accumulation work{gpu.backend};
  Tensor last;  // of the step before, which is released within this one, as the input is, before the graph starts
  for (int k = 1; k <= 12; ++k) {
    Tensor x = Tensor::from(gpu.backend, {500}, Accumulation::numbers(k));
    const long launches = emulated_launches(), graphs = emulated_graphs();
    graph->run([&] {
      last = work.add(k, x, nothing);
      x = Tensor();
    });
    CAPTURE(k);
    if (k > 3) {  // two that were alike, and the first after them, in which the result has no place in the arena yet
      CHECK(emulated_graphs() == graphs + 1);
      CHECK(emulated_launches() == launches + 1);
    }
    work.expect(k);
    CHECK(work.is_right());
    const std::vector<float> numbers = Accumulation::numbers(k);
    for (size_t i = 0; i < 500; i += 99) {
      CHECK(last.to_vector<float>()[i] == (numbers[i] + 1) * static_cast<float>(k));
    }
  }
  CHECK(graph->summary().find("10 of 12 steps as a CUDA graph, of ") == 0);
}

TEST_CASE("gpu: a step that does not repeat, waits, keeps a tensor or throws is computed as without a graph" *
          needs_emulated_gpu()) {
  const WithGraphs gpu;
  const size_t before = memory_in_use(gpu.backend);
  auto graph = gpu.backend.make_step_graph();
  std::optional<Accumulation> accumulation{Accumulation{gpu.backend}};
  Accumulation& work = *accumulation;
  std::vector<std::pair<Tensor, std::vector<float>>> kept;  // and what is in them
  int departures = 0;
  for (int k = 1; k <= 240; ++k) {
    const Tensor x = Tensor::from(gpu.backend, {500}, Accumulation::numbers(k));
    const int kind = k % 10 == 0 ? k / 10 % 8 : -1;
    work.ends_early = kind == 6;
    departures += kind >= 0;
    std::vector<float> product = Accumulation::numbers(k);
    for (float& v : product) v = (v + 1) * static_cast<float>(k);
    const auto middle = [&](const Tensor& t) {
      if (kind == 0) CHECK(t.to_vector<float>() == product);                            // waits
      if (kind == 1) Tensor::zeros(gpu.backend, {700}, DType::f32);                     // does more
      if (kind == 2) kept.push_back({t, product});                                      // keeps memory of the arena
      if (kind == 3) throw Error(ErrorKind::failure, "in the middle");                  // ends too soon
      if (kind == 4) gpu.backend.make_readback(2000)->start(t);                         // waits later
      if (kind == 5) graph->run([&] { Tensor::zeros(gpu.backend, {3}, DType::f32); });  // has a step within it
      if (kind == 7) {  // fills the memory through which uploads go, after an upload of its own
        const std::vector<float> large(9 << 20);
        kept.push_back({Tensor::from(gpu.backend, {500}, product), product});
        for (int i = 0; i < 2; ++i) Tensor::from(gpu.backend, {9 << 20}, large);
      }
    };
    try {
      graph->run([&] { work.add(k, x, middle); });
      work.expect(k);
    } catch (const Error&) {
      CHECK(kind == 3);
    }
    if (k % 10 == 5) kept.clear();
    CAPTURE(k);
    CHECK(work.is_right());
    for (const auto& [tensor, numbers] : kept) CHECK(tensor.to_vector<float>() == numbers);
  }
  CHECK(departures == 24);
  CAPTURE(graph->summary());
  CHECK(std::stoi(graph->summary()) >= 180);
  kept.clear();
  accumulation.reset();
  graph.reset();
  CHECK(memory_in_use(gpu.backend) == before);
}

TEST_CASE("gpu: a step whose operations are always others is started as it comes" * needs_emulated_gpu()) {
  const WithGraphs gpu;
  const auto graph = gpu.backend.make_step_graph();
  Accumulation work{gpu.backend};
  // Four alike, and four others.
  for (int k = 1; k <= 120; ++k) {
    const Tensor x = Tensor::from(gpu.backend, {500}, Accumulation::numbers(k));
    const bool more = k / 4 % 2 == 1;
    graph->run([&] {
      work.add(k, x, [&](const Tensor&) {
        if (more) Tensor::zeros(gpu.backend, {700}, DType::f32);
      });
    });
    work.expect(k);
  }
  CHECK(work.is_right());
  CHECK(graph->summary().find("; then no more: its operations change from step to step") != std::string::npos);
}

TEST_CASE("gpu: a step that threw several times and then changed for good is a graph again" * needs_emulated_gpu()) {
  const WithGraphs gpu;
  const auto graph = gpu.backend.make_step_graph();
  Accumulation work{gpu.backend};
  const auto run = [&](int k, const auto& middle) {
    const Tensor x = Tensor::from(gpu.backend, {500}, Accumulation::numbers(k));
    graph->run([&] { work.add(k, x, middle); });
  };
  for (int k = 1; k <= 4; ++k) run(k, nothing);
  for (int k = 1; k <= 4; ++k) {
    CHECK_THROWS_AS(run(k, [](const Tensor&) { throw Error(ErrorKind::failure, "in the middle"); }), Error);
  }
  work.ends_early = true;
  for (int k = 1; k <= 10; ++k) run(k, nothing);
  CHECK(std::stoi(graph->summary()) > 2);
}

TEST_CASE("gpu: a step's memory can be used by others where there is too little for both" * needs_emulated_gpu()) {
  const WithGraphs gpu;
  constexpr Index size = 1 << 20;  // four mebibytes
  const auto filled = [&](double value) { return Tensor::full(gpu.backend, {size}, value, DType::f32); };
  const auto graph = gpu.backend.make_step_graph();
  Tensor sum = filled(0);
  bool does_more = false;
  const auto step = [&] {
    const Tensor x = filled(1);
    if (does_more) {  // which takes no more memory at once than the step does
      const Tensor y = filled(2), z = filled(3);
      gpu.backend.add_scaled(1, y, sum);
      gpu.backend.add_scaled(1, z, sum);
    }
    gpu.backend.add_scaled(1, x, sum);
    { const Tensor y = filled(4), z = filled(5), u = filled(6); }
    const Tensor v = filled(7);
    gpu.backend.add_scaled(1, v, sum);
  };
  for (int i = 0; i < 4; ++i) graph->run(step);
  REQUIRE(std::stoi(graph->summary()) == 2);
  const size_t before = counterpoise::gpu().memory;
  counterpoise::gpu().memory = counterpoise::gpu().used + (size_t(2) << 20);
  // A step that leaves the list takes what it needs from the gaps of the arena, of which it has a block.
  does_more = true;
  graph->run(step);
  CHECK(sum.to_vector<float>() == std::vector<float>(size, 4 * 8 + 13));
  does_more = false;
  graph->run(step);
  CHECK(std::stoi(graph->summary()) == 3);
  // Between steps nothing of it is in use: it is given up, and made again when there is memory.
  const std::vector<float> most(size * 17 / 4, 9);
  CHECK(Tensor::from(gpu.backend, {size * 17 / 4}, most).to_vector<float>() == most);
  graph->run(step);
  counterpoise::gpu().memory = before;
  for (int i = 0; i < 4; ++i) graph->run(step);
  CHECK(std::stoi(graph->summary()) > 3);
  CHECK(sum.to_vector<float>() == std::vector<float>(size, 11 * 8 + 5));
  counterpoise::gpu().memory = counterpoise::gpu().used + (size_t(2) << 20);
  CHECK_THROWS_WITH_AS(Tensor::empty(gpu.backend, {100 * size}), doctest::Contains("out of memory"), Error);
  counterpoise::gpu().memory = before;
}

TEST_CASE("gpu: a step may use what another one's graph has made, and be the last to do so" * needs_emulated_gpu()) {
  const WithGraphs gpu;
  auto first = gpu.backend.make_step_graph();
  const auto second = gpu.backend.make_step_graph();
  Tensor kept, sum = Tensor::zeros(gpu.backend, {500}, DType::f32);
  bool keeps = false;
  const auto make = [&] {
    Tensor x = Tensor::full(gpu.backend, {500}, 3, DType::f32);
    if (keeps) kept = x;
  };
  const auto use = [&] {
    const Tensor from = std::exchange(kept, Tensor());
    gpu.backend.add_scaled(1, from, sum);
  };
  for (int i = 1; i <= 8; ++i) {
    keeps = false;
    for (int k = 0; k < 4; ++k) first->run(make);
    keeps = true;
    first->run(make);
    if (i == 6) first.reset();  // while a block of its memory is in use
    second->run(use);
    if (i == 6) first = gpu.backend.make_step_graph();
    CHECK(sum.to_vector<float>() == std::vector<float>(500, 3.f * static_cast<float>(i)));
  }
  CHECK(std::stoi(second->summary()) >= 5);
}

TEST_CASE("gpu: a step's graph has as much memory as the step needs, and returns it" * needs_emulated_gpu()) {
  const WithGraphs gpu;
  auto graph = gpu.backend.make_step_graph();
  const size_t before = memory_in_use(gpu.backend);
  constexpr Index size = 1 << 18;  // a mebibyte
  Tensor kept;
  const auto step = [&] {
    for (int i = 0; i < 5; ++i) {
      const Tensor x = Tensor::zeros(gpu.backend, {size}, DType::f32);
      const Tensor y = Tensor::zeros(gpu.backend, {size}, DType::f32);
      if (i == 2 && !kept.defined()) kept = y;
    }
  };
  kept = Tensor::zeros(gpu.backend, {1}, DType::f32);
  for (int i = 0; i < 4; ++i) graph->run(step);
  CHECK(graph->summary().find("2 of 4") == 0);
  CHECK(gpu.backend.memory_peaks().allocated <= before + (2 << 20) + 1024);
  kept = Tensor();
  graph->run(step);  // keeps a block of the arena
  graph.reset();
  CHECK(kept.to_vector<float>() == std::vector<float>(size));
  CHECK(memory_in_use(gpu.backend) >= before + (2 << 20));
  kept = Tensor();
  CHECK(memory_in_use(gpu.backend) == before);
}

TEST_CASE("gpu: a step of training as a graph gives the bits of one without, and starts little by itself" *
          needs_emulated_gpu() * slow()) {
  const SyntheticImages images({20, 20}, 32, 1);
  struct Case {
    const char *model, *loss;
    Index outputs;
    DType dtype;
    bool deterministic = true;
  };
  for (const Case& c : {Case{"vgg11", "focal", 1, DType::bf16}, Case{"vgg16", "bce", 1, DType::f32},
                        Case{"resnet20", "ldam", 2, DType::bf16}, Case{"vgg11_bn", "cross-entropy", 2, DType::f32},
                        Case{"vgg11", "bce", 1, DType::f32, false}}) {
    const std::string what = detail::text(c.model, " with ", c.loss, " in ", name(c.dtype));
    CAPTURE(what);
    std::vector<double> losses[2];
    for (const bool with_graphs : {!c.deterministic, c.deterministic}) {
      const WithGraphs gpu({false, c.deterministic});
      ModelConfig config;
      config.name = c.model, config.width = 1. / 32, config.image_size = 32, config.outputs = c.outputs;
      if (!c.deterministic) config.width = 3. / 64;  // for convolutions that no other test has
      if (!c.deterministic && with_graphs) {
        // Plans that were chosen for other batches are timed on these again: in the 16th step.
        const auto other = make_model(config, gpu.backend, 1);
        const Tensor x = Tensor::zeros(gpu.backend, {16, 32, 32, 3}, c.dtype);
        for (int i = 0; i < 3; ++i) sum((*other)(x)).backward();
      }
      const auto net = make_model(config, gpu.backend, 1);
      Loss loss(c.loss, {}, {{20, 20}});
      Adam optimizer(net->trainable());
      DataLoaderOptions options;
      options.batch_size = 4, options.workers = 0, options.backend = &gpu.backend, options.dtype = c.dtype;
      options.augment = augment::parse_policy("flip");
      DataLoader loader(images, options);
      const auto graph = gpu.backend.make_step_graph();
      long launches = 0, updates = 0;
      TrainingLoop loop;
      loop.epochs = 2;
      loop.lr = [](const Step& step) { return 1e-3 / static_cast<double>(step.index + 1); };
      loop.forward = [&](const Batch& batch, const Step&) {
        return loss(cast((*net)(batch.x), DType::f32), batch.labels, 0);
      };
      loop.after_step = [&](const Step& step) {
        losses[with_graphs].push_back(step.loss);
        // (Of the batch's making, too.) Inputs and what outlives the step may lie elsewhere than the last time.
        if (with_graphs && c.deterministic && step.index_in_epoch == 8) {
          CHECK(emulated_launches() - launches < 10);
          CHECK(emulated_graph_updates() - updates < 50);
        }
        launches = emulated_launches(), updates = emulated_graph_updates();
      };
      if (with_graphs) loop.graph = graph.get();
      CHECK(loop.run(loader, optimizer, net->trainable()) == 20);
      if (!with_graphs) continue;
      CAPTURE(graph->summary());
      CHECK((c.deterministic ? std::stoi(graph->summary()) == 17 : std::stoi(graph->summary()) >= 5));
    }
    CHECK(losses[0] == losses[1]);
  }
}
