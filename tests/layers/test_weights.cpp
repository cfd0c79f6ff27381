// Weights on disk: layers/weights.h.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <limits>
#include <numeric>

#include "core/io/file.h"
#include "core/io/safetensors.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/linear.h"
#include "layers/models/models.h"
#include "layers/sequential.h"
#include "layers/weights.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/support.h"

using namespace counterpoise;

TEST_CASE("weights: a file is read back bit for bit, into f64 and another backend as well") {
  const TemporaryFolder folder;
  ModelConfig tiny;
  tiny.name = "vgg11_bn", tiny.width = 1. / 32, tiny.image_size = 64;
  const auto net = make_model(tiny, guarded_cpu(), 1), other = make_model(tiny, guarded_cpu(), 2);
  const auto wide = make_model(tiny, guarded_reference(), 3);
  wide->cast(DType::f64);
  save_weights(*net, folder / "a.safetensors", {{"model", "vgg11_bn"}});
  load_weights(*other, folder / "a.safetensors");
  load_weights(*wide, folder / "a.safetensors");
  for (const Parameter& p : net->parameters()) {
    CHECK(parameter(*other, p.name).value().to_vector<float>() == p.var.value().to_vector<float>());
    CHECK(numbers(parameter(*wide, p.name).value()) == numbers(p.var.value()));
    CHECK(parameter(*wide, p.name).value().dtype() == DType::f64);
    CHECK(parameter(*other, p.name).requires_grad() == p.trainable);
  }
  save_weights(*wide, folder / "b.safetensors", {{"model", "vgg11_bn"}});
  CHECK(read_file(folder / "a.safetensors", 1 << 20) == read_file(folder / "b.safetensors", 1 << 20));
  CHECK(SafetensorsFile(folder / "a.safetensors").metadata().at("model") == "vgg11_bn");
}

TEST_CASE("weights: in the file images are channels first") {
  const TemporaryFolder folder;
  Backend& b = guarded_cpu();
  const InitScope scope(b, 1);
  const Index K = 2, C = 3, R = 5, H = 4, W = 7;
  Sequential net;
  net.add("conv", Conv2d(C, K, R));
  net.add("fc", Linear(H * W * C, K, 0, {FileLayout::flattened, H, W, C}));
  net.add("plain", Linear(4, K));
  const auto count = [](Index n, float from) {
    std::vector<float> v(n);
    std::iota(v.begin(), v.end(), from);
    return v;
  };
  const std::vector<float> conv = count(K * C * R * R, 0), fc = count(K * C * H * W, 1000);
  const std::vector<float> bias = count(K, 5), plain = count(K * 4, -9);
  save_safetensors(folder / "w.safetensors", {{"conv.weight", {K, C, R, R}, conv},
                                              {"conv.bias", {K}, bias},
                                              {"fc.weight", {K, C * H * W}, fc},
                                              {"fc.bias", {K}, bias},
                                              {"plain.weight", {K, 4}, plain},
                                              {"plain.bias", {K}, bias}});
  load_weights(net, folder / "w.safetensors");
  const std::vector<double> conv_here = numbers(parameter(net, "conv.weight").value());
  const std::vector<double> fc_here = numbers(parameter(net, "fc.weight").value());
  bool same = true;
  for (Index k = 0; k < K; ++k) {
    for (Index c = 0; c < C; ++c) {
      for (Index r = 0; r < R; ++r) {
        for (Index s = 0; s < R; ++s) {
          same = same && conv_here[((k * R + r) * R + s) * C + c] == conv[((k * C + c) * R + r) * R + s];
        }
      }
      for (Index h = 0; h < H; ++h) {
        for (Index w = 0; w < W; ++w) {
          same = same && fc_here[((k * H + h) * W + w) * C + c] == fc[((k * C + c) * H + h) * W + w];
        }
      }
    }
  }
  CHECK(same);
  CHECK(parameter(net, "plain.weight").value().to_vector<float>() == plain);
  save_weights(net, folder / "again.safetensors", {});
  const SafetensorsFile again(folder / "again.safetensors");
  CHECK(again.read_f32("conv.weight") == conv);
  CHECK(again.shape("conv.weight") == std::vector<int64_t>{K, C, R, R});
  CHECK(again.read_f32("fc.weight") == fc);
}

TEST_CASE("weights: a file of another network is refused whole") {
  const TemporaryFolder folder;
  const std::string path = folder / "w.safetensors";
  const InitScope scope(guarded_cpu(), 1);
  Sequential net = {Conv2d(3, 2, 3), BatchNorm2d(2)};
  const std::vector<double> before = numbers(parameter(net, "0.weight").value());
  const std::vector<float> w(54, 1.f), two(2, 1.f), three(3, 1.f);
  std::vector<float> broken = two;
  std::vector<int64_t> counter = {1234};
  std::vector<FileTensor> good = {{"0.weight", {2, 3, 3, 3}, w},
                                  {"0.bias", {2}, two},
                                  {"1.weight", {2}, two},
                                  {"1.bias", {2}, two},
                                  {"1.running_mean", {2}, broken},
                                  {"1.running_var", {2}, two},
                                  {"1.num_batches_tracked", {}, counter}};
  const auto refused = [&](std::vector<FileTensor> tensors, const std::vector<std::string>& words) {
    save_safetensors(path, std::move(tensors));
    CHECK(fails(ErrorKind::bad_data, words, [&] { load_weights(net, path); }));
    CHECK(numbers(parameter(net, "0.weight").value()) == before);
  };
  refused({{"0.weight", {2, 3, 3, 3}, w},
           {"0.bias", {3}, three},
           {"1.weight", {1, 2}, two},
           {"1.bias", {2}, two},
           {"2.bias", {2}, two},
           {"features.bias", {2}, two}},
          {path, "2 missing: 1.running_mean, 1.running_var", "2 unexpected: 2.bias, features.bias",
           "2 misshapen: 0.bias [3] instead of [2], 1.weight [1, 2] instead of [2]"});
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    broken[1] = bad;
    refused(good, {path, "1.running_mean", "NaN"});
  }
  broken[1] = 0.5;
  save_safetensors(path, good);
  load_weights(net, path);
  CHECK(parameter(net, "0.weight").value().to_vector<float>() == w);
  CHECK(parameter(net, "1.running_mean").value().to_vector<float>() == broken);
}
