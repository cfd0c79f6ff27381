#include "apps/report/scores.h"

#include <algorithm>
#include <cmath>

#include "losses/metrics/curves.h"
#include "losses/metrics/posthoc.h"
#include "losses/registry.h"

namespace counterpoise::html_report {

namespace {

constexpr size_t most_steps = 1000, most_points = 500;

// Keeps a step wherever one of the three rates has changed by more than `change` since the last one that was kept.
std::vector<Step> thinned(const std::vector<Step>& all, const std::vector<char>& needed, double positives,
                          double negatives, double change) {
  std::vector<Step> y;
  const auto precision = [](const Step& s) { return double(s.tp) / double(std::max<int64_t>(1, s.tp + s.fp)); };
  for (size_t i = 0; i < all.size(); ++i) {
    const bool far = y.empty() || double(all[i].tp - y.back().tp) > change * positives ||
                     double(all[i].fp - y.back().fp) > change * negatives ||
                     std::fabs(precision(all[i]) - precision(y.back())) > change;
    if (far || needed[i] || i + 1 == all.size()) y.push_back(all[i]);
  }
  return y;
}

std::vector<Step> at_most(size_t limit, const std::vector<Step>& all, const std::vector<char>& needed, double positives,
                          double negatives) {
  if (all.size() <= limit) return all;
  double change = 0.0005;
  std::vector<Step> y = all;
  for (; y.size() > limit && change < 1; change *= 1.3) y = thinned(all, needed, positives, negatives, change);
  return y;
}

}  // namespace

double Scale::probability(double z) const { return logistic ? counterpoise::probability(z) : z + offset; }
double Scale::cut(double p) const { return logistic ? logit(p) : p - offset; }

Confusion Sweep::at(const Step& s) const { return {s.tp, s.fp, positives - s.tp, negatives - s.fp}; }

Step Sweep::step_at(double cut) const {
  const auto below = std::find_if(steps.begin(), steps.end(), [&](const Step& s) { return s.cut < cut; });
  return below == steps.begin() ? Step{INFINITY, 0, 0} : *(below - 1);
}

std::vector<Step> Sweep::curve() const {
  return at_most(most_points, steps, std::vector<char>(steps.size()), double(positives), double(negatives));
}

Sweep sweep(const Predictions& predictions, int32_t positive, const std::vector<double>& exact) {
  Sweep y;
  if (predictions.size() == 0) return y;
  const SortedScores sorted(predictions.logits, predictions.are(positive));
  y.positives = sorted.positives(), y.negatives = sorted.negatives();
  std::vector<Step> all;
  sorted.descend([&](double cut, const Confusion& c) { all.push_back({cut, c.tp, c.fp}); });
  std::vector<double> cuts = exact;
  if (y.both_classes()) {
    const double cut = best_threshold(sorted, "f1").threshold;
    y.best_f1 = {cut, 0, 0};
    for (const Step& s : all) {
      if (s.cut >= cut) y.best_f1 = {cut, s.tp, s.fp};
    }
    cuts.push_back(cut);
  }
  std::vector<char> needed(all.size());
  for (const double cut : cuts) {
    // The last step at or above the cut has the counts at it, which hold down to the next step.
    const auto below = std::find_if(all.begin(), all.end(), [&](const Step& s) { return s.cut < cut; });
    if (below != all.begin()) needed[below - all.begin() - 1] = 1;
    if (below != all.end()) needed[below - all.begin()] = 1;
  }
  y.steps = at_most(most_steps, all, needed, double(y.positives), double(y.negatives));
  return y;
}

Kept kept_decision(const Run& run) {
  Kept y;
  const double cut = number(run.result, {"decision", "cut"}), p = number(run.result, {"decision", "threshold"});
  y.rule = string_at(run.result, {"decision", "rule"});
  const std::string asked = string_at(run.result, {"options", "threshold"});
  if (y.rule.empty()) y.rule = asked;
  // The outputs of losses such as the mean squared error are not logits: the network is undecided at 0.5. Results of
  // versions that did not write the origin have it from the loss, or from the pair of cut and threshold.
  const double origin = number(run.result, {"decision", "origin"});
  const std::string loss = string_at(run.result, {"options", "loss"});
  const bool numbers = std::any_of(losses().begin(), losses().end(), [&](const LossInfo& info) {
    return info.name == loss && info.defaults.threshold != 0;
  });
  if (std::isfinite(cut)) {
    y.cut = cut, y.known = true;
    if (std::isfinite(origin)) return y.scale = {origin == 0, origin}, y;
    y.scale.logistic = std::isfinite(p) ? std::fabs(counterpoise::probability(cut) - p) < 1e-6 && !numbers : !numbers;
    if (!y.scale.logistic) y.scale.offset = std::isfinite(p) ? p - cut : 0.5;
    return y;
  }
  // An older result: its counts say where the threshold was.
  y.scale = {!numbers, 0.5};
  const double tp = number(run.result, {"tp"}), fp = number(run.result, {"fp"});
  const double given = asked.empty() ? NAN : std::atof(asked.c_str());
  if (given > 0 && given < 1) y.cut = y.scale.cut(given);
  const Sweep all = sweep(run.reported, run.positive, {y.cut});
  const Step at = all.step_at(y.cut);
  Step match = {NAN, 0, 0};
  for (const Step& s : all.steps) {
    if (double(s.tp) == tp && double(s.fp) == fp && !std::isfinite(match.cut)) match = s;
  }
  y.known = double(at.tp) == tp && double(at.fp) == fp;
  if (!y.known && std::isfinite(match.cut)) y.cut = match.cut, y.known = true;
  return y;
}

Axis threshold_axis(const Predictions& predictions, const Kept& kept) {
  const auto [lowest, highest] = std::minmax_element(predictions.logits.begin(), predictions.logits.end());
  double low = std::min(*lowest, kept.cut), high = std::max(*highest, kept.cut);
  const double margin = 0.03 * (high - low) + 1e-3;
  low -= margin, high += margin;
  // Beyond, probabilities are below 0.0001 or above 0.9999.
  if (kept.scale.logistic)
    low = std::max(low, std::min(-9.3, kept.cut)), high = std::min(high, std::max(9.3, kept.cut));
  if (kept.scale.logistic && high - low < 2) low -= 1, high += 1;
  Axis axis = {"decision threshold", low, high, {}};
  // In order of preference; as many as there is room for.
  for (const double p :
       {0.5,  0.1,  0.9,  0.01, 0.99, 0.001, 0.999, 0.0001, 0.9999, 0.2,  0.8,   0.3,   0.7,   0.05,  0.95, 0.4, 0.6,
        0.02, 0.98, 0.03, 0.97, 0.15, 0.25,  0.35,  0.45,   0.55,   0.65, 0.005, 0.995, 0.002, 0.998, 0.0,  1.0}) {
    const double z = kept.scale.cut(p);
    bool room = z >= low && z <= high;
    for (const auto& [other, text] : axis.ticks) room = room && std::fabs(z - other) > 0.085 * (high - low);
    if (room) axis.ticks.emplace_back(z, threshold_text(p));
  }
  return axis;
}

}  // namespace counterpoise::html_report
