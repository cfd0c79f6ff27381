#include "apps/trainer/evaluate.h"

#include <cstdio>
#include <numeric>

#include "apps/trainer/flags.h"
#include "apps/trainer/stop_signal.h"
#include "data/images/image_folder.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

std::vector<double> logits(const Tensor& outputs, const Decision& decision) {
  std::vector<double> z = outputs.cast(DType::f64).to_vector<double>();
  const Shape& shape = outputs.shape();
  const auto read = [&](double z) { return (z - decision.origin) / decision.temperature - decision.shift; };
  if (shape.rank() == 1 || shape[1] == 1) {
    for (double& value : z) value = read(value);
    return z;
  }
  CP_ENSURE(shape[1] == 2, "logits: outputs of shape ", shape,
            " are neither one per sample nor one for each of two classes");
  std::vector<double> difference(shape[0]);
  for (Index n = 0; n < shape[0]; ++n) {
    difference[n] = read(z[2 * n + decision.positive] - z[2 * n + 1 - decision.positive]);
  }
  return difference;
}

double cut_of(const std::string& threshold, const Decision& decision) {
  const double p = parse_number("--threshold", threshold);
  CP_ENSURE_AS(invalid_argument, 0 < p && p < 1, "--threshold ", threshold,
               " is out of range: a probability between 0 and 1");
  return decision.origin != 0 ? p - decision.origin : logit(p);
}

Evaluation evaluate(Module& model, Feed& feed, const Decision& decision, int batch_size, int workers) {
  std::vector<size_t> order(feed.set().size());
  std::iota(order.begin(), order.end(), size_t(0));
  return evaluate(model, feed, order, decision, batch_size, workers);
}

Evaluation evaluate(Module& model, Feed& feed, const std::vector<size_t>& order, const Decision& decision,
                    int batch_size, int workers) {
  const NoGrad no_grad;
  const ImageDataset& set = feed.set();
  model.train(false);
  LoaderOptions options;
  options.batch_size = batch_size;
  options.workers = workers;
  Loader loader(set, order, feed.complete(options));

  Evaluation result;
  for (Batch batch; !stop_signal() && loader.next(batch);) {
    if (batch.labels.empty()) continue;
    const Var z = model(feed.pixels(batch));
    for (double logit : logits(z.value(), decision)) result.logits.push_back(logit);
    result.samples.insert(result.samples.end(), batch.samples.begin(), batch.samples.end());
  }
  model.train(true);

  result.counts = confusion(result.logits, is_positive(set, result, decision.positive), decision.cut);
  result.unreadable = set.unreadable().size();
  CP_ENSURE_AS(bad_data, !result.samples.empty() || stop_signal(), "none of the ", order.size(),
               " validation images can be read; the first: ", set.unreadable().begin()->second);
  return result;
}

std::vector<bool> is_positive(const ImageDataset& set, const Evaluation& evaluation, int32_t positive) {
  std::vector<bool> y;
  for (size_t i : evaluation.samples) y.push_back(set.samples()[i].label == positive);
  return y;
}

std::string report(const Confusion& c, const std::vector<std::string>& classes, int32_t positive) {
  char numbers[160];
  std::snprintf(numbers, sizeof numbers, "  accuracy  %.4f\n  precision %.4f\n  recall    %.4f\n  F1        %.4f\n",
                c.accuracy(), c.precision(), c.recall(), c.f1());
  return table(c, classes[positive], classes[1 - positive]) + "\n" + numbers;
}

Scores scores(const ImageDataset& set, const Evaluation& e, const Decision& decision) {
  return {decision.origin == 0 ? Scores::logit : Scores::number, e.logits, is_positive(set, e, decision.positive)};
}

std::string predictions_csv(const ImageDataset& set, const Evaluation& e, int32_t positive) {
  std::string csv = "path,label,logit\n";
  for (size_t i = 0; i < e.samples.size(); ++i) {
    const ImageDataset::Sample& sample = set.samples()[e.samples[i]];
    std::string path = sample.path;
    if (path.find_first_of(",\"\n") != std::string::npos) {  // RFC 4180
      for (size_t at = 0; (at = path.find('"', at)) != std::string::npos; at += 2) path.insert(at, "\"");
      path = "\"" + path + "\"";
    }
    char rest[64];
    std::snprintf(rest, sizeof rest, ",%d,%.9g\n", sample.label == positive ? 1 : 0, e.logits[i]);
    csv += path + rest;
  }
  return csv;
}

std::string unreadable_notice(const ImageDataset& set, const std::string& what) {
  const auto unreadable = set.unreadable();
  if (unreadable.empty()) return "";
  return text(unreadable.size(), " of ", set.size(), " ", what,
              " images could not be read and were left out; the first: ", unreadable.begin()->second);
}

namespace {
Backend& find_backend(const std::string& device) {
  if (device == "cpu") return cpu_backend();
  if (Backend* cuda = cuda_backend()) return *cuda;
  CP_ENSURE_AS(device, device == "auto", "--device cuda: ", cuda_absence());
  return cpu_backend();
}
}  // namespace

DType activation_dtype(const std::string& precision) { return precision == "bf16" ? DType::bf16 : DType::f32; }

Backend& choose_backend(const std::string& device, const std::string& precision, bool deterministic) {
  Backend& backend = find_backend(device);
  backend.require(activation_dtype(precision));
  backend.set_mode({precision == "tf32", deterministic});
  return backend;
}

int32_t choose_positive(const std::string& name, const std::vector<std::string>& classes) {
  const std::string all = join(classes);
  CP_ENSURE_AS(bad_data, classes.size() == 2, "catdog tells two classes apart, but the data set has ", classes.size(),
               ": ", all);
  for (size_t c = 0; c < classes.size(); ++c) {
    if (classes[c] == (name.empty() ? "cat" : name)) return static_cast<int32_t>(c);
  }
  CP_ENSURE_AS(invalid_argument, name.empty(), "--positive: no class \"", name, "\"; the classes are ", all);
  return 1;
}

std::unique_ptr<ImageDataset> validation_images(const std::string& data, int image_size) {
  constexpr uint64_t validation_seed = ~uint64_t(0);  // --seed ends far below, so that nobody trains with it
  if (data.empty()) {
    return std::make_unique<SyntheticImages>(std::vector<int64_t>{500, 500}, image_size, validation_seed);
  }
  return std::make_unique<ImageFolder>(split_directory(data, {"validation", "val"}), image_size);
}

}  // namespace counterpoise
