// Agreement with PyTorch: the answers in golden/vgg.json and golden/vgg_layers.json, which
// golden/make_vgg.py wrote.
//
// Neither weights nor images are stored. Both sides compute them by the same formula, numbers() here
// and there. The weights go through a file with torchvision's names and layouts, so load_weights is
// part of what is tested.
//
// Each network runs twice. In f64 only a different meaning could make a difference, and the tolerance
// is 1e-9; in f32, in which networks are trained, it is 1e-4. `make test TEST_ARGS="-tc='golden*'
// -s"` prints what was measured.
#include "tests/layers/golden_network.h"

using namespace counterpoise;
using namespace counterpoise::golden;

TEST_CASE("golden: a VGG16's losses over twenty steps" * slow()) {
  const Json runs = read_golden("layers/golden/vgg.json")["training"];
  for (const Json& run : runs) {
    CAPTURE(run["loss"].get<std::string>());
    const Numbers in_f64 = run["float64"], in_f32 = run["float32"];
    CHECK(in_f64.back() < 0.6 * in_f64.front());  // it does learn
    for (Backend* backend : fast_backends()) {
      for (const auto& [dtype, tolerance] : precisions(*backend)) {
        CAPTURE(backend->name());
        CAPTURE(name(dtype));
        Network network(run, *backend);
        network.cast(dtype);
        const Numbers losses = network.train();
        CHECK(relative_worst(losses, in_f64) <= tolerance);
        if (dtype == DType::f32) CHECK(relative_worst(losses, in_f32) <= tolerance);
      }
    }
  }
}

TEST_CASE("golden: a small VGG16's gradients") {
  check_gradient_case(read_golden("layers/golden/vgg.json")["gradients"][0]);
}

TEST_CASE("golden: a whole VGG16's gradients" * slow()) {
  check_gradient_case(read_golden("layers/golden/vgg.json")["gradients"][1]);
}

TEST_CASE("golden: a VGG16 with batch normalization, in training and after it") {
  const Json spec = read_golden("layers/golden/vgg.json")["batch_norm"];
  for (Backend* backend : fast_backends()) {
    for (const auto& [dtype, tolerance] : precisions(*backend)) {
      CAPTURE(backend->name());
      CAPTURE(name(dtype));
      Network first(spec, *backend);
      first.cast(dtype);
      const Numbers train_logits = spec["train_logits"], eval_logits = spec["eval_logits"];
      CHECK(relative_norm(to_torch(first.logits().value()), train_logits) <= tolerance);
      first.loss().backward();
      check_gradients(first, spec["gradients"], tolerance);

      Network network(spec, *backend);
      network.cast(dtype);
      CHECK(relative_worst(network.train(), spec["losses"]) <= tolerance);
      double worst = 0;
      size_t seen = 0;
      for (const Parameter& p : network.model->parameters()) {
        if (p.trainable) continue;
        ++seen;
        worst = std::max(worst, relative_norm(to_torch(p.var.value()), spec["running"][p.name]));
      }
      CHECK(seen == spec["running"].size());
      CHECK(worst <= tolerance);
      network.model->train(false);
      CHECK(relative_norm(to_torch(network.logits().value()), eval_logits) <= tolerance);
    }
  }
}

TEST_CASE("golden: torchvision's head, with images averaged up to 7x7" * slow()) {
  const Json spec = read_golden("layers/golden/vgg.json")["imagenet"];
  const NoGrad evaluation;
  for (Backend* backend : fast_backends()) {
    CAPTURE(backend->name());
    Network network(spec, *backend);
    network.model->train(false);
    CHECK(relative_norm(to_torch(network.logits().value()), spec["logits"]) <= 1e-4);
  }
}

// -- single operations --

TEST_CASE("golden: single operations in f64, values and gradients") {
  std::vector<Backend*> backends = fast_backends();
  backends.push_back(&reference_backend());
  const Json cases = read_golden("layers/golden/vgg_layers.json");
  for (const Json& spec : cases) {
    const std::string key = spec["key"], op = spec["op"];
    CAPTURE(key);
    for (Backend* backend : backends) {
      CAPTURE(backend->name());
      const auto tensor = [&](const std::string& name, const Extents& shape) {
        return from_torch(*backend, numbers(key + name, product(shape)), shape, DType::f64);
      };
      std::map<std::string, Var> inputs;
      for (const auto& [name, shape] : spec["inputs"].items()) {
        inputs[name] = Var(tensor(name, shape), /*requires_grad=*/true);
      }
      const Var& x = inputs["x"];
      std::map<std::string, Tensor> running;
      Var y;
      if (op == "conv2d") {
        const Conv2dParams params{spec["stride"], spec["pad"]};
        y = conv2d(x, inputs["weight"], inputs.count("bias") ? inputs["bias"] : Var(), params);
      } else if (op == "max_pool2d") {
        y = max_pool2d(x, {spec["window"], spec["stride"], spec["pad"]});
      } else if (op == "avg_pool2d") {
        y = avg_pool2d(x, {spec["window"], spec["stride"], spec["pad"]});
      } else if (op == "adaptive_avg_pool2d") {
        y = adaptive_avg_pool2d(x, spec["rows"], spec["columns"]);
      } else if (op == "batch_norm") {
        const Extents channels = spec["inputs"]["weight"];
        running["running_mean"] = tensor("running_mean", channels);
        running["running_var"] = affine(tensor("running_var", channels), 0.5, 1).value();
        y = batch_norm(x, inputs["weight"], inputs["bias"], running["running_mean"], running["running_var"],
                       spec["training"], spec["momentum"], spec["eps"]);
      } else if (op == "log_softmax") {
        y = log_softmax(x);
      }
      REQUIRE(y.defined());
      CHECK(relative_norm(to_torch(y.value()), spec["y"]) <= 1e-10);
      sum(y * tensor("dy", spec["shape"])).backward();
      for (const auto& [name, want] : spec["gradients"].items()) {
        CAPTURE(name);
        CHECK(relative_norm(to_torch(inputs[name].grad()), want) <= 1e-10);
      }
      for (const auto& [name, want] : spec["running"].items()) {
        CAPTURE(name);
        CHECK(relative_norm(to_torch(running[name]), want) <= 1e-10);
      }
    }
  }
}
