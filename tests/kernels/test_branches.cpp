// Gradients of weights that are computed aside (Backend::aside()) while a step is a CUDA graph: beside the gradients of
// inputs, and with the same bits.
#include <functional>
#include <vector>

#include "core/ops.h"
#include "tests/backends.h"
#include "tests/gpu.h"

using namespace counterpoise;

namespace {

// The parameters' shapes, the input's, and loss(parameters, input).
struct Network {
  std::vector<Shape> parameters;
  Shape input;
  std::function<Var(const std::vector<Var>&, const Var&)> loss;
  bool tf32 = false;
};

// The sums of all gradients of 26 steps, which are a graph from the fourth on: in branches, in a row, in branches
// again, then as what was faster (detail::BranchesTrial).
std::vector<float> summed_gradients(bool graphs, const Network& network, DType dtype) {
  Backend& backend = *cuda_backend();
  ComputeMode mode;
  mode.graphs = graphs, mode.deterministic = true, mode.tf32 = network.tf32;
  const std::vector<Shape>& shapes = network.parameters;
  backend.set_mode(mode);
  std::vector<float> y;
  {
    std::vector<Var> parameters;
    std::vector<Tensor> sums;
    for (size_t i = 0; i < shapes.size(); ++i) {
      parameters.push_back(Var(random_tensor(backend, shapes[i], DType::f32, i), /*requires_grad=*/true));
      sums.push_back(Tensor::zeros(backend, shapes[i], DType::f32));
    }
    const Var x(random_tensor(backend, network.input, DType::f32, 9).cast(dtype));
    const auto graph = backend.make_step_graph();
    for (int step = 0; step < 26; ++step) {
      graph->run([&] {
        for (Var& p : parameters) p.zero_grad();
        network.loss(parameters, x).backward();
        for (size_t i = 0; i < shapes.size(); ++i) {
          if (parameters[i].grad().defined()) backend.add_scaled(1, parameters[i].grad(), sums[i]);
        }
      });
    }
    if (graphs) {
      CAPTURE(graph->summary());
      CHECK(std::stoi(graph->summary()) >= 22);
      CHECK(graph->summary().find(" changed each time; gradients of weights ") != std::string::npos);
    }
    for (const Tensor& sum : sums) {
      for (const float v : sum.to_vector<float>()) y.push_back(v);
    }
  }
  backend.set_mode({});
  return y;
}

}  // namespace

TEST_CASE("gpu: gradients of weights beside those of inputs have the bits of one after the other" * needs_gpu()) {
  const Conv2dParams same{1, 1};
  const std::vector<Shape> shapes = {{16, 3, 3, 8}, {16}, {8, 3, 3, 16}, {8}, {16, 3, 3, 8}};
  const auto layers = [=](const std::vector<Var>& p, const Var& x) {
    const Var a = conv2d(x, p[0], p[1], same, true), b = conv2d(a, p[2], p[3], same, true);
    return conv2d(b, p[4], {}, same);
  };
  const auto total = [](const Var& y) { return mean(cast(y, DType::f32)); };
  for (const DType dtype : {DType::f32, DType::bf16}) {
    CAPTURE(name(dtype));
    const std::function<Var(const std::vector<Var>&, const Var&)> losses[] = {
        [&](const auto& p, const Var& x) { return total(layers(p, x)); },
        // Weights that are computed, and whose gradient an operation reads: before that of the input is computed.
        [&](std::vector<Var> p, const Var& x) {
          for (const int i : {0, 2, 4}) p[i] = p[i] * p[i] + sigmoid(p[i]);
          return total(layers(p, x));
        },
        // Weights that something else uses, too, and layers that share theirs.
        [&](std::vector<Var> p, const Var& x) {
          p[4] = p[0];
          return sum(p[0] * reshape(p[2], p[0].shape())) + total(layers(p, x));
        },
        // A residual, whose gradient is that of the sum.
        [&](const auto& p, const Var& x) {
          const Var a = conv2d(x, p[0], p[1], same, true);
          return total(conv2d(conv2d(a, p[2], p[3], same, true), p[4], {}, same, true, a));
        }};
    for (size_t i = 0; i < std::size(losses); ++i) {
      CAPTURE(i);
      const Network network{shapes, {4, 12, 12, 8}, losses[i]};
      CHECK(summed_gradients(true, network, dtype) == summed_gradients(false, network, dtype));
    }
  }
}

// Kernels that take so long that those of two branches run at the same time. With eight channels the second layer's
// gradients are kernels of our own, which sum over blocks in both branches. (The emulated GPU, which would take an
// hour, gets small images: it does not need time to find races.)
TEST_CASE("gpu: gradients of our own kernels beside those of inputs have the bits of one after the other" *
          needs_gpu()) {
  const bool emulated = cuda_backend()->description().find("emulated") != std::string::npos;
  const std::vector<Shape> shapes = {{8, 3, 3, 3}, {8}, {64, 3, 3, 8}, {64}, {64, 3, 3, 64}, {64}};
  const auto loss = [](const std::vector<Var>& p, const Var& x) {
    Var y = x;
    for (size_t i = 0; i < p.size(); i += 2) y = conv2d(y, p[i], p[i + 1], {1, 1}, true);
    return mean(cast(y, DType::f32));
  };
  const Shape images = emulated ? Shape{2, 9, 33, 3} : Shape{128, 56, 56, 3};
  const Network network{shapes, images, loss, /*tf32=*/true};
  for (const DType dtype : {DType::f32, DType::bf16}) {
    CAPTURE(name(dtype));
    CHECK(summed_gradients(true, network, dtype) == summed_gradients(false, network, dtype));
  }
}
