// What tests of whole networks against PyTorch share. Not thread-safe.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/io/safetensors.h"
#include "layers/models/models.h"
#include "layers/weights.h"
#include "losses/loss.h"
#include "optim/optimizer.h"
#include "tests/golden.h"
#include "tests/layers/golden_numbers.h"

namespace counterpoise::golden {

using Json = nlohmann::json;

struct Precision {
  DType dtype;
  double tolerance;
};
// On the emulated GPU only f32: its f64 convolutions are loops, run thread by thread.
inline std::vector<Precision> precisions(const Backend& backend) {
  if (backend.description().find("emulated") != std::string::npos) return {{DType::f32, 1e-4}};
  return {{DType::f64, 1e-9}, {DType::f32, 1e-4}};
}

// The backends on which whole networks run.
inline std::vector<Backend*> fast_backends() {
  std::vector<Backend*> all = {&cpu_backend()};
  if (Backend* accelerator = cuda_backend()) all.push_back(accelerator);
  return all;
}

// Writes the weights of a network with these tensors as PyTorch would, and loads them.
inline void load_formula(Module& model, const Json& shapes) {
  const TemporaryFolder folder;
  std::list<std::vector<float>> values;  // its elements stay where they are
  const std::vector<int64_t> no_batches = {0};
  std::vector<FileTensor> tensors;
  for (const auto& [name, shape] : shapes.items()) {
    if (ends_with(name, "num_batches_tracked")) {
      tensors.emplace_back(name, shape.get<Extents>(), no_batches);
    } else {
      values.push_back(weights(name, shape.get<Extents>()));
      tensors.emplace_back(name, shape.get<Extents>(), values.back());
    }
  }
  save_safetensors(folder / "vgg.safetensors", tensors);
  load_weights(model, folder / "vgg.safetensors");
}

// A network of a golden file with the batch of images that it sees, in f32.
struct Network {
  Network(const Json& spec, Backend& backend) : Network(spec, backend, spec["shapes"]) {}
  // `shapes` are those of PyTorch's state_dict.
  Network(const Json& spec, Backend& backend, const Json& shapes) : spec(spec) {
    ModelConfig config;
    config.name = spec["name"];
    config.width = spec["width"];
    config.image_size = spec["image_size"];
    config.head = spec["head"] == "imagenet" ? ModelConfig::imagenet : ModelConfig::lectures;
    config.outputs = spec["outputs"];
    model = make_model(config, backend, /*seed=*/1);
    load_formula(*model, shapes);

    // Noise, on average darker or brighter by the class: image n is of class n % classes.
    const Index N = spec["batch"], S = spec["image_size"], classes = spec["classes"];
    // The golden file's name for the images, in two pieces because it is no word of this repository.
    const std::string name = std::string("pict") + "ures " + std::to_string(spec["seed"].get<int>());
    Numbers x = numbers(name, N * 3 * S * S);
    std::vector<int32_t> of_class;
    for (Index n = 0; n < N; ++n) {
      of_class.push_back(static_cast<int32_t>(n % classes));
      const double brightness = static_cast<double>(n % classes) - static_cast<double>(classes - 1) / 2;
      for (Index i = n * 3 * S * S; i < (n + 1) * 3 * S * S; ++i) x[i] = (x[i] + brightness) / 2;
    }
    images = from_torch(backend, x, {N, 3, S, S}, DType::f64);
    labels = make_labels(backend, of_class, /*positive=*/1);
    cast(DType::f32);
  }

  // Nothing is lost on the way to f64 and back: weights, labels and images are floats.
  void cast(DType dtype) {
    model->cast(dtype);
    images = images.cast(dtype);
    labels.positive = labels.positive.cast(dtype);
  }
  Var logits() { return model->forward(images); }
  Var loss() {
    const std::string name = spec["loss"];
    LossParams given;
    if (name == "focal") given = {{"gamma", 2}, {"alpha", 0.5}};
    return Loss(name, given)(logits(), labels);
  }
  // The losses of the steps, each before its update; of the first ones if `most` is given.
  Numbers train(int most = 1000) {
    Sgd sgd(model->trainable(), spec["lr"], {{"momentum", 0.9}});
    Numbers losses;
    for (int step = 0; step < std::min<int>(most, spec["steps"]); ++step) {
      const Var loss = this->loss();
      losses.push_back(loss.value().item());
      loss.backward();
      sgd.step();
    }
    return losses;
  }

  const Json& spec;
  std::unique_ptr<Model> model;
  Tensor images;
  Labels labels;
};

inline Numbers gradient_of(const Parameter& p) {
  Tensor d = p.var.grad();
  const FileLayout& image = p.layout;
  if (image.kind == FileLayout::flattened) {
    d = d.reshape({d.shape()[0], image.height, image.width, image.channels});
  }
  return to_torch(d);
}

// Every gradient agrees, by its norm and the estimated norm of its difference, and so does the
// whole.
inline void check_gradients(const Network& network, const Json& want, double tolerance) {
  double whole = 0;
  for (const auto& [name, gradient] : want.items()) whole += std::pow(gradient["norm"].get<double>(), 2);
  whole = std::sqrt(whole);

  double worst = 0, squares = 0;
  size_t seen = 0;
  for (const Parameter& p : network.model->parameters()) {
    if (!p.trainable) continue;
    ++seen;
    CAPTURE(p.name);
    REQUIRE(want.contains(p.name));
    const Json& gradient = want[p.name];
    const double size = gradient["norm"];
    const Numbers got = gradient_of(p);
    const Numbers apart = difference(projections(p.name, got), gradient["projections"].get<Numbers>());
    const double error = norm(apart) / std::sqrt(projection_count);
    squares += error * error;
    // A bias before a batch normalization changes nothing: its gradient is rounding, and is held
    // against the whole.
    const double scale = size > 1e-12 * whole ? size : whole;
    worst = std::max({worst, error / scale, std::fabs(norm(got) - size) / scale});
  }
  CHECK(seen == want.size());
  CHECK(worst <= tolerance);
  CHECK(std::sqrt(squares) / whole <= tolerance);
}

inline void check_gradient_case(const Json& spec) {
  for (Backend* backend : fast_backends()) {
    CAPTURE(backend->name());
    Network network(spec, *backend);
    for (const auto& [dtype, tolerance] : precisions(*backend)) {
      CAPTURE(name(dtype));
      network.cast(dtype);
      network.loss().backward();
      check_gradients(network, spec["gradients"], tolerance);
      for (const Parameter& p : network.model->parameters()) {
        if (!spec["whole"].contains(p.name)) continue;
        CAPTURE(p.name);
        CHECK(relative_norm(gradient_of(p), spec["whole"][p.name]) <= tolerance);
      }
      network.model->zero_grad();
    }
  }
}

}  // namespace counterpoise::golden
