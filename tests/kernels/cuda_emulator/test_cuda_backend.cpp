// What only the emulated GPU can show of the cuda backend: when a copy reads memory, and grids that are larger than
// CUDA launches.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <tuple>
#include <vector>

#include "core/ops.h"
#include "kernels/cuda/cuda_backend.h"
#include "tests/backends.h"
#include "tests/gpu.h"
#include "tests/kernels/cuda_emulator/emulator.h"
#include "tests/program.h"

using namespace counterpoise;

// 80 MiB through a ring of 64: the host fills a part again, which must wait until the GPU has read it.
TEST_CASE("gpu: uploads through the staging ring arrive whole" * needs_emulated_gpu()) {
  Backend& backend = *cuda_backend();
  backend.synchronize();
  constexpr size_t size = (size_t(8) << 20) + 1, tensors = 10;
  std::vector<unsigned char> host(size), arrived(size);
  const auto fill = [&](size_t tensor) {  // no two places hold the same numbers
    uint64_t state = 0x9e3779b97f4a7c15u * (tensor + 1);
    for (size_t i = 0; i + 8 <= size; i += 8) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      std::memcpy(&host[i], &state, 8);
    }
    host[size - 1] = static_cast<unsigned char>(tensor);
  };
  std::vector<void*> memory;
  for (size_t t = 0; t < tensors; ++t) {
    memory.push_back(backend.allocate(size));
    fill(t);
    backend.upload(host.data(), {memory[t], {Index(size)}, DType::u8});
  }
  for (size_t t = 0; t < tensors; ++t) {
    fill(t);
    backend.download({memory[t], {Index(size)}, DType::u8}, arrived.data());
    CAPTURE(t);
    CHECK(std::memcmp(host.data(), arrived.data(), size) == 0);
    backend.release(memory[t], size);
  }
}

// Groups of 16, 16 and 8 images, which begin where 16 bytes do, also with five channels.
TEST_CASE("gpu: without gradients a convolution is pooled in groups of images, with the same result in less memory" *
          needs_emulated_gpu()) {
  auto& backend = dynamic_cast<CudaBackend&>(*cuda_backend());
  backend.set_mode({/*tf32=*/false, /*deterministic=*/true});  // without timing plans
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const Index K : {5, 8}) {
      const Var x(random_tensor(backend, {40, 16, 16, 3}, dtype)),
          w(random_tensor(backend, {K, 3, 3, 3}, dtype, 1), true), bias(random_tensor(backend, {K}, dtype, 2), true);
      const auto pooled = [&](size_t piece) {
        const NoGrad no_grad;
        backend.inference_piece = piece;
        backend.reset_memory_peaks();
        const long launches = emulated_launches();
        const Tensor y = conv2d_relu_max_pool2d(x, w, bias, {1, 1}, {2, 2}).value();
        const long launched = emulated_launches() - launches;
        return std::tuple(y.cast(DType::f32).to_vector<float>(), launched, backend.memory_peaks().allocated);
      };
      pooled(0), pooled(1);  // at their first use plans of convolutions are compared
      const auto [at_once, few, much] = pooled(0);
      const auto [in_groups, more, little] = pooled(1);
      CHECK(in_groups == at_once);
      CHECK(more > few);
      CHECK(more <= 3 * few);
      CHECK(much - little > size_t(20 * 16 * 16 * K) * size_of(dtype));
      CHECK(std::get<1>(pooled(size_t(1) << 30)) == few);
    }
  }
  backend.inference_piece = size_t(128) << 20;
  backend.set_mode({});
}

TEST_CASE("gpu: sums have more groups of columns, and pooling and softmax more rows, than a grid has blocks" *
          needs_emulated_gpu() * slow()) {
  Backend& backend = *cuda_backend();
  const auto floats = [&](void* memory, const Shape& shape) { return View{memory, shape, DType::f32}; };
  const auto check = [&](const std::vector<float>& x, const Shape& in, const Shape& out, const auto& run,
                         const auto& expected) {
    const size_t in_bytes = 4 * in.size(), out_bytes = 4 * out.size();
    void *on_gpu = backend.allocate(in_bytes), *result = backend.allocate(out_bytes);
    backend.upload(x.data(), floats(on_gpu, in));
    run(floats(on_gpu, in), floats(result, out));
    std::vector<float> y(out.size());
    backend.download(floats(result, out), y.data());
    Index wrong = 0;
    for (Index i = 0; i < out.size(); ++i) wrong += y[i] != expected(i);
    CHECK(wrong == 0);
    backend.release(on_gpu, in_bytes);
    backend.release(result, out_bytes);
  };
  const auto numbers = [](Index n) {  // small integers, whose sums are exact
    std::vector<float> x(n);
    for (Index i = 0; i < n; ++i) x[i] = static_cast<float>(i * 7 % 61);
    return x;
  };
  // An odd number of columns is summed in groups of 32.
  const Index columns = 32 * 65536 + 1, rows = 65536 + 10;
  const std::vector<float> x = numbers(2 * columns);
  check(
      x, {2, columns}, {columns}, [&](const View& a, const View& y) { backend.sum_to(a, y); },
      [&](Index c) { return x[c] + x[columns + c]; });
  check(
      x, {1, 2 * rows, 2, 1}, {1, rows, 1, 1},
      [&](const View& a, const View& y) {
        backend.max_pool2d(a, {2, 2, 0}, y, {});
      },
      [&](Index r) { return *std::max_element(&x[4 * r], &x[4 * r] + 4); });
  check(
      x, {rows, 2}, {rows, 2}, [&](const View& a, const View& y) { backend.log_softmax(a, y); },
      [&](Index i) {
        const double z[2] = {x[i / 2 * 2], x[i / 2 * 2 + 1]}, largest = std::max(z[0], z[1]);
        return static_cast<float>(z[i % 2] - largest - std::log(std::exp(z[0] - largest) + std::exp(z[1] - largest)));
      });
}

TEST_CASE("gpu: a batch of no images starts nothing" * needs_emulated_gpu()) {
  Backend& backend = *cuda_backend();
  Tensor y = Tensor::empty(backend, {0, 4, 4, 3});
  const Tensor bytes = Tensor::empty(backend, {1, 4, 4, 3}, DType::u8), none = Tensor::empty(backend, {0}, DType::i32);
  const long before = emulated_launches();
  backend.images(bytes, none, none, y);
  CHECK(emulated_launches() == before);
}

TEST_CASE("gpu: work that runs at once and work that runs as late as possible give the same bits" *
          needs_emulated_gpu() * slow()) {
  const TemporaryFolder late, eager;
  const std::string run =
      " --model vgg11 --count cat=8,dog=8 --epochs 1 --image-size 32 --width 0.0625 --batch-size 8 --deterministic "
      "--device cuda --output ";
  must_succeed(shell("export CUDA_EMULATOR=; " + program("catdog") + run + late.path()));
  must_succeed(shell("export CUDA_EMULATOR=eager; " + program("catdog") + run + eager.path()));
  CHECK(slurp(late / "last.safetensors") == slurp(eager / "last.safetensors"));
  CHECK(slurp(late / "steps.csv") == slurp(eager / "steps.csv"));
}
