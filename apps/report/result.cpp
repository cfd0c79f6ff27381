// The result in a few sentences, the table of metrics, and the confusion matrix of two classes.
#include <algorithm>
#include <cmath>

#include "apps/report/sections.h"
#include "apps/trainer/format.h"
#include "losses/metrics/bootstrap.h"

namespace counterpoise::html_report {

namespace {

std::string strong(const std::string& text) { return "<strong>" + text + "</strong>"; }

std::string in_brackets(const Interval& i) {
  return i.known() ? " (95% interval " + percent(i.low) + " to " + percent(i.high) + ")" : "";
}

Interval interval_of(const Run& run, const std::string& metric, double share, double n) {
  const Interval saved = run.interval(metric);
  if (saved.low < saved.high) return saved;
  const auto [low, high] = wilson_interval(share, n);  // a bootstrap of equal samples has no width
  return {low, high};
}

std::string network_of(const Run& run) {
  return run.epoch() > 0 ? "the network of epoch " + std::to_string(run.epoch()) : "the network";
}

std::string of_two(const Run& run, const TwoClasses& two) {
  const Confusion& c = two.at_kept;
  if (c.total() == 0) return "";
  const std::string positive = named(run.positive_name());
  const double actual = double(c.tp + c.fn), predicted = double(c.tp + c.fp);
  std::string y =
      "<p class=\"headline\">On the " + whole(double(c.total())) + " " + run.images() + ", " + network_of(run);
  if (actual > 0) {
    y += " finds " + strong(whole(double(c.tp)) + " of " + whole(actual)) + " " + positive + " images: a recall of " +
         strong(percent(c.recall())) + in_brackets(interval_of(run, "recall", c.recall(), actual));
  }
  if (predicted > 0) {
    y += std::string(actual > 0 ? ". Of" : ": of") + " the " + whole(predicted) + " images that it predicts as " +
         positive + ", " + strong(percent(c.precision())) + " are " + positive + ": the precision" +
         in_brackets(interval_of(run, "precision", c.precision(), predicted));
  } else {
    y += std::string(actual > 0 ? ". It" : "") + " predicts no image as " + positive;
  }
  y += ".</p>\n<p>An image is predicted as " + positive + " from a probability of ";
  if (two.kept.known) y += strong(threshold_text(two.kept.scale.probability(two.kept.cut))) + " on";
  else y += "an unknown threshold on";
  const std::string& rule = two.kept.rule;
  if (!rule.empty() && rule.find_first_not_of("0123456789.") != std::string::npos) {
    y += ", chosen by <code>" + html(rule) + "</code>";
  }
  y += ".";
  const Confusion best = two.choice().at(two.choice().best_f1);
  const Confusion kept_there = two.choice().at(two.choice().step_at(two.kept.cut));
  if (two.choice().both_classes() && two.kept.known && best.f1() > kept_there.f1() + 0.01) {
    y += " The best F1 on the " + std::string(two.validation.both_classes() ? "validation images" : run.images()) +
         " is at " + strong(threshold_text(two.kept.scale.probability(two.choice().best_f1.cut))) + ": F1 " +
         decimal(best.f1()) + " instead of " + decimal(kept_there.f1()) +
         " (<a href=\"#threshold\">choose a threshold</a>).";
  }
  return y + "</p>\n";
}

std::string of_many(const Run& run) {
  const auto counts = run.confusion();
  if (counts.empty()) return "";
  double right = 0, total = 0, recalls = 0, present = 0, worst = INFINITY;
  std::vector<size_t> weakest;
  for (size_t i = 0; i < counts.size(); ++i) {
    double row = 0;
    for (const int64_t n : counts[i]) row += double(n);
    total += row, right += double(counts[i][i]);
    if (row == 0) continue;
    const double recall = double(counts[i][i]) / row;
    recalls += recall, ++present;
    if (recall < worst) worst = recall, weakest.clear();
    if (recall == worst) weakest.push_back(i);
  }
  if (total == 0) return "";
  const double saved = number(run.result, {"balanced_accuracy"});
  const double balanced = std::isfinite(saved) ? saved : recalls / present;
  std::string names;
  constexpr size_t most = 5;
  for (size_t i = 0; i < std::min(most, weakest.size()); ++i) {
    names += (i == 0 ? "" : i + 1 == weakest.size() ? " and " : ", ") + named(run.classes[weakest[i]]);
  }
  if (weakest.size() > most) names += " and " + whole(double(weakest.size() - most)) + " others";
  return "<p class=\"headline\">On the " + whole(total) + " " + run.images() + ", " + network_of(run) +
         " predicts the class of " + strong(percent(right / total)) + " correctly" +
         in_brackets(interval_of(run, "accuracy", right / total, total)) + ". The mean recall of the " +
         whole(double(counts.size())) + " classes is " + strong(percent(balanced)) +
         in_brackets(run.interval("balanced_accuracy")) + "; the lowest is " + percent(worst) + ", of " + names +
         ".</p>\n";
}

// % in a meaning stands for the name of the class.
struct Metric {
  const char *key, *name, *meaning;
  bool of_a_class = false;  // of more than two classes it is a mean
};
constexpr Metric metrics[] = {
    {"precision", "Precision", "share of the images predicted as % that are correct", true},
    {"recall", "Recall", "share of the images of % that are found", true},
    {"f1", "F1", "harmonic mean of precision and recall", true},
    {"accuracy", "Accuracy", "share of all images that are predicted correctly"},
    {"balanced_accuracy", "Balanced accuracy", "mean recall of the classes"},
    {"average_precision", "Average precision", "area under the precision-recall curve: all thresholds", true},
    {"roc_auc", "ROC AUC", "probability that an image of % scores above another image", true},
    {"specificity", "Specificity", "share of the other images that are not predicted as %", true},
    {"mcc", "MCC", "correlation of predicted and actual class, \u22121 to 1"},
    {"log_loss", "Log loss", "mean of \u2212log(probability of the actual class); lower is better"},
    {"brier", "Brier score", "mean squared error of the probability; lower is better"},
    {"expected_calibration_error", "Calibration error", "mean gap between probability and frequency; lower is better"},
};

std::string meaning_of(const Metric& m, const Run& run) {
  std::string y = m.meaning;
  const size_t place = y.find('%');
  if (place != std::string::npos) y.replace(place, 1, run.two_classes() ? html(run.positive_name()) : "a class");
  return "<small>" + y + "</small>";
}

}  // namespace

TwoClasses::TwoClasses(const Run& r) : run(r), kept(kept_decision(r)) {
  reported = sweep(run.reported, run.positive, {kept.cut});
  validation = sweep(run.validation, run.positive, {kept.cut});
  const auto counts = run.confusion();
  if (!counts.empty()) {
    const size_t p = static_cast<size_t>(run.positive), o = 1 - p;
    at_kept = {counts[p][p], counts[o][p], counts[p][o], counts[o][o]};
  } else if (!reported.steps.empty()) {
    at_kept = reported.at(reported.step_at(kept.cut));
  }
}

std::string headline(const Run& run, const TwoClasses* two) { return two ? of_two(run, *two) : of_many(run); }

std::string metrics_section(const Run& run, const TwoClasses* two) {
  const Json& usual = at(run.result, "at_training_prevalence");
  bool intervals = false;
  for (const Metric& m : metrics) intervals = intervals || run.interval(m.key).known();
  Table table;
  table.caption = "Metrics";
  table.header = {"Metric", "Value"};
  if (intervals) table.header.push_back("95% interval");
  if (two && usual.is_object()) table.header.push_back("At the training classes\u2019 shares");
  for (const Metric& m : metrics) {
    double value = number(run.result, {m.key});
    std::string name = m.name;
    if (!two && !std::isfinite(value)) value = number(run.result, {"macro", m.key});
    if (!two && m.of_a_class) name += ", mean of the classes";
    if (!std::isfinite(value) && !(at(run.result, m.key).is_null() && run.result.contains(m.key))) continue;
    std::vector<std::string> row = {name + meaning_of(m, run), decimal(value)};
    if (intervals) {
      Interval i = run.interval(m.key);
      if (!two && !i.known()) i = run.interval(std::string("macro_") + m.key);
      row.push_back(i.known() ? decimal(i.low) + "\u2013" + decimal(i.high) : "");
    }
    if (two && usual.is_object()) {
      const double x = number(usual, {m.key});
      row.push_back(std::isfinite(x) ? decimal(x) : "");
    }
    table.rows.push_back(row);
  }
  if (table.rows.empty()) return "";
  std::string about;
  if (two) {
    about = "Precision, recall and F1 are those of " + named(run.positive_name()) + " at the kept threshold.";
    if (usual.is_object()) {
      about += " Where " + named(run.positive_name()) +
               " is as rare as in the training images, precision is lower than where the classes are balanced.";
    }
  }
  return section("metrics", "Metrics", table.html() + (about.empty() ? "" : note(about)));
}

std::string matrix_of_two(const Run& run, const Confusion& c, bool live) {
  const auto one = [&](const char* id, int64_t n, int64_t row, bool right) {
    const double rate = row > 0 ? double(n) / double(row) : NAN;
    return std::string("<td class=\"") + (right ? "right" : "wrong") + "\"" +
           (live ? std::string(" id=\"") + id + "\"" : "") +
           formatted(" style=\"--h:%.3f\"><b>", std::isfinite(rate) ? rate : 0.) + whole(double(n)) + "</b><small>" +
           percent(rate) + "</small></td>";
  };
  const std::string p = named(run.positive_name()), n = named(run.negative_name());
  return "<table class=\"matrix\"><caption>Confusion matrix" +
         std::string(live ? "<span class=\"js-only\"> at the slider\u2019s threshold</span>" : "") +
         "</caption>\n<thead><tr><td></td><th scope=\"col\">predicted<br>" + p +
         "</th><th scope=\"col\">predicted<br>" + n +
         "</th><th scope=\"col\">all</th></tr></thead>\n<tbody><tr><th scope=\"row\">actual<br>" + p + "</th>" +
         one("tp", c.tp, c.tp + c.fn, true) + one("fn", c.fn, c.tp + c.fn, false) + "<td>" +
         whole(double(c.tp + c.fn)) + "</td></tr>\n<tr><th scope=\"row\">actual<br>" + n + "</th>" +
         one("fp", c.fp, c.fp + c.tn, false) + one("tn", c.tn, c.fp + c.tn, true) + "<td>" +
         whole(double(c.fp + c.tn)) + "</td></tr></tbody></table>\n";
}

}  // namespace counterpoise::html_report
