// ResNets agree with PyTorch: the answers in golden/resnet.json, which golden/make_resnet.py wrote. As for VGG
// (test_golden.cpp) weights and images come from a formula. In f64 only a different meaning could make a difference,
// and the tolerance is 1e-9. In f32 it is 1e-4 for logits, and wider for what passes the relus backwards: of a million
// inputs some lie so close to 0 that rounding decides their sign, and with it whether a gradient passes.
#include <cstdlib>

#include "tests/layers/golden_network.h"

using namespace counterpoise;
using namespace counterpoise::golden;

namespace {

// The logits, gradients and running statistics of a step in training mode, then logits and gradients in evaluation
// mode, in which normalizations are part of the convolutions. The tolerances of gradients are given for the two modes.
void check_step(const Json& spec, const Precision& precision, double train_gradients, double eval_gradients) {
  for (Backend* backend : fast_backends()) {
    const std::vector<Precision> tested = precisions(*backend);
    if (std::none_of(tested.begin(), tested.end(), [&](const Precision& p) { return p.dtype == precision.dtype; })) {
      continue;
    }
    CAPTURE(backend->name());
    CAPTURE(name(precision.dtype));
    Network network(spec, *backend);
    network.cast(precision.dtype);
    const Var z = network.logits();
    CHECK(relative_norm(to_torch(z.value()), spec["train_logits"]) <= precision.tolerance);
    // The running statistics have moved once.
    double worst = 0;
    size_t seen = 0;
    for (const Parameter& p : network.model->parameters()) {
      if (p.trainable || !spec["running"].contains(p.name)) continue;
      ++seen;
      worst = std::max(worst, relative_norm(to_torch(p.var.value()), spec["running"][p.name]));
    }
    CHECK(seen == spec["running"].size());
    CHECK(worst <= precision.tolerance);
    Loss("cross-entropy")(z, network.labels).backward();
    check_gradients(network, spec["gradients"], train_gradients);
    network.model->zero_grad();
    network.model->train(false);
    const Var decided = network.logits();
    CHECK(relative_norm(to_torch(decided.value()), spec["eval_logits"]) <= precision.tolerance);
    const Tensor dz =
        from_torch(*backend, numbers("dz", decided.value().size()), {spec["batch"], spec["outputs"]}, precision.dtype);
    sum(decided * dz).backward();
    check_gradients(network, spec["eval_gradients"], eval_gradients);
  }
}

constexpr double f32_gradients = 2e-2, f32_losses = 1e-2;

// ResNet-50's twenty steps take a quarter of a minute; four show the same, unless GOLDEN=all asks for them.
void check_training(const Json& all, size_t i) {
  const Json& run = all["training"][i];
  const char* wanted = std::getenv("GOLDEN");
  const int most = run["name"] != "resnet50" || (wanted && std::string(wanted) == "all") ? 20 : 4;
  const Json& shapes = all["gradients"][i]["shapes"];
  CAPTURE(run["name"].get<std::string>());
  const Numbers in_f64 = run["float64"];
  CHECK(in_f64.back() < in_f64.front());
  for (Backend* backend : fast_backends()) {
    for (const auto& [dtype, tolerance] : precisions(*backend)) {
      if (run["name"] == "resnet50" && dtype == DType::f32) continue;  // as above
      CAPTURE(backend->name());
      CAPTURE(name(dtype));
      Network network(run, *backend, shapes);
      network.cast(dtype);
      const Numbers losses = network.train(most);
      const Numbers expected(in_f64.begin(), in_f64.begin() + static_cast<std::ptrdiff_t>(losses.size()));
      CHECK(losses.size() > 2);
      CHECK(relative_worst(losses, expected) <= (dtype == DType::f32 ? f32_losses : tolerance));
    }
  }
}

}  // namespace

TEST_CASE("golden: CIFAR's ResNet-20, a step in f64") {
  check_step(read_golden("layers/golden/resnet.json")["gradients"][0], {DType::f64, 1e-9}, 1e-9, 1e-9);
}

TEST_CASE("golden: torchvision's ResNet-18 and ResNet-50, a step" * slow()) {
  const Json all = read_golden("layers/golden/resnet.json");
  for (const size_t i : {0, 1, 2}) {
    const Json& spec = all["gradients"][i];
    CAPTURE(spec["name"].get<std::string>());
    // ResNet-50's gradients in training mode amplify rounding so much that PyTorch's own float32 differs from its
    // float64 by some percent: only f64 says something.
    const bool is_deep = spec["name"] == "resnet50";
    check_step(spec, {DType::f64, 1e-9}, is_deep ? 1e-7 : 1e-9, 1e-9);
    if (!is_deep) check_step(spec, {DType::f32, 1e-4}, f32_gradients, f32_gradients);
  }
}

TEST_CASE("golden: ResNets' losses over twenty steps" * slow()) {
  const Json all = read_golden("layers/golden/resnet.json");
  for (const size_t i : {0, 1, 2}) check_training(all, i);
}
