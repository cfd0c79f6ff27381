#include "apps/trainer/result.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <tuple>

#include "apps/trainer/format.h"
#include "data/sampler.h"
#include "losses/metrics/bootstrap.h"
#include "losses/metrics/multiclass_scores.h"

namespace counterpoise {

namespace {

using Json = nlohmann::ordered_json;

// Of shares of images and of other metrics. A bootstrap in which all resamples agree has no width, as if the metric
// were certain: a share then has Wilson's interval, another metric none.
std::vector<MetricInterval> intervals(const Evaluation& e) {
  std::vector<MetricInterval> all =
      e.is_binary() ? bootstrap_intervals(e.logits, e.is_positive(), e.decision.cut)
                    : multiclass_bootstrap_intervals(e.labels, e.predicted, static_cast<int64_t>(e.classes.size()));
  for (MetricInterval& interval : all) {
    if (interval.low < interval.high) continue;
    const Confusion c = e.is_binary() ? e.counts() : Confusion();
    const int64_t of = interval.metric == "accuracy"    ? static_cast<int64_t>(e.labels.size())
                       : interval.metric == "precision" ? c.tp + c.fp
                       : interval.metric == "recall"    ? c.tp + c.fn
                                                        : 0;
    std::tie(interval.low, interval.high) = wilson_interval(interval.low, static_cast<double>(of));
  }
  return all;
}

// The share of the positive class among the training images that were not left out on purpose.
double training_prevalence(const TrainingData& data) {
  const auto all = std::accumulate(data.counts.begin(), data.counts.end(), int64_t(0));
  return static_cast<double>(data.counts[data.positive]) / static_cast<double>(all);
}

template <class Value>
Json by_class(const TrainingData& data, const std::vector<Value>& values) {
  Json json = Json::object();
  for (size_t k = 0; k < values.size(); ++k) json[data.classes()[k]] = values[k];
  return json;
}

std::string readable(std::string metric) {
  std::replace(metric.begin(), metric.end(), '_', ' ');
  return metric == "f1" ? "F1" : metric == "macro f1" ? "macro F1" : metric;
}

}  // namespace

std::string result_text(const TrainingResult& r, const Options& o, const TrainingData& data) {
  const Evaluation& e = r.on;
  std::string out = text("Result on ", e.samples.size(), " ", r.split, " images; weights of epoch ", r.epoch);
  out += r.epoch == r.best_epoch ? text(", the best by ", o.monitor, " on validation")
                                 : text(", the last (the best by ", o.monitor, " on validation: ", r.best_epoch, ")");
  if (e.is_binary()) {
    out += text("; threshold ", formatted("%.4g", probability_of(e.decision.cut, e.decision)),
                r.threshold_by.empty() ? "" : ", chosen by " + r.threshold_by);
  }
  out += "\n\n" + report(e) + "\n";
  if (e.is_binary() && e.counts().tp + e.counts().fp == 0) {
    out += text("  No image was classified as ", printable(o.positive),
                "; --threshold f1 chooses another threshold, --class-weights balanced balances the loss\n");
  }
  const auto all = intervals(e);
  std::string line = "  95 % intervals:";
  for (const MetricInterval& interval : all) {
    const bool wanted =
        e.is_binary() ? interval.metric == "precision" || interval.metric == "recall" || interval.metric == "f1" : true;
    if (wanted && !std::isnan(interval.low)) {
      line += formatted("%s %s %.3f to %.3f", line.back() == ':' ? "" : ",", readable(interval.metric).c_str(),
                        interval.low, interval.high);
    }
  }
  if (line.back() != ':') out += line + "\n";
  if (e.is_binary()) {
    const double share = training_prevalence(data);
    const AtPrevalence there = at_prevalence(e.counts(), share);
    if (!std::isnan(there.precision)) {
      out += formatted("  Where %.1f %% are %s, as in training: precision %.3f, F1 %.3f\n", 100 * share,
                       printable(o.positive).c_str(), there.precision, there.f1);
    }
  }
  return out;
}

Json result_json(const TrainingResult& r, const Options& o, const TrainingData& data) {
  const Evaluation& e = r.on;
  Json json = to_json(e);
  json["split"] = r.split;
  json["epoch"] = r.epoch;
  json["best_epoch"] = r.best_epoch;
  json["monitor"] = o.monitor;
  json["best_value"] = r.best_value;
  json["steps"] = r.steps;
  if (e.is_binary()) {
    json["decision"]["rule"] = !r.threshold_by.empty() ? r.threshold_by : is_tuned(o) ? untuned_threshold : o.threshold;
    const AtPrevalence there = at_prevalence(e.counts(), training_prevalence(data));
    json["at_training_prevalence"] = {{"precision", there.precision}, {"f1", there.f1}, {"accuracy", there.accuracy}};
  } else {
    const ShotAccuracy shots = shot_accuracy(e.matrix(), data.counts);
    json["shots"] = {{"many", shots.many}, {"medium", shots.medium}, {"few", shots.few}};
  }
  for (const MetricInterval& interval : intervals(e))
    json["intervals"][interval.metric] = {interval.low, interval.high};
  for (size_t k = 0; k < data.counts.size(); ++k) json["per_class"][k]["training_images"] = data.counts[k];
  json["training_images"] = by_class(data, data.counts);
  json["available_images"] = by_class(data, data.available);
  json["sampled_shares"] = by_class(
      data, find_sampler(o.sampler).shares(
                data.counts, {static_cast<uint64_t>(o.seed), 1, static_cast<uint64_t>(o.epochs), o.batch_size}));
  if (!data.class_weights.empty()) json["class_weights"] = by_class(data, data.class_weights);
  json["data_split"] = data.origin;
  if (!data.fingerprint.empty()) json["data_fingerprint"] = data.fingerprint;
  json["unreadable"] = Json::array();
  for (const ImageDataset* set : {data.training.get(), data.validation.get(), data.test.get()}) {
    if (!set) continue;
    for (const auto& [sample, reason] : set->unreadable()) json["unreadable"].push_back(reason);
  }
  json["options"] = to_json(o);
  return json;
}

}  // namespace counterpoise
