// Two classes: the decision threshold, ROC and precision-recall curves, scores, calibration.
#include <algorithm>
#include <cmath>

#include "apps/report/sections.h"
#include "apps/trainer/format.h"
#include "losses/metrics/calibration.h"
#include "losses/metrics/curves.h"
#include "losses/metrics/multiclass_scores.h"

namespace counterpoise::html_report {

namespace {

// Those of the decision's rule, such as "cost fn=10,fp=1"; 1 and 1 for another rule.
struct Costs {
  double fn = 1, fp = 1;
};
Costs costs_of(const Kept& kept) {
  Costs y;
  for (const auto& [name, value] : {std::pair("fn=", &y.fn), std::pair("fp=", &y.fp)}) {
    const size_t place = kept.rule.find(name);
    if (place == std::string::npos) continue;
    const double cost = std::atof(kept.rule.c_str() + place + 3);
    if (std::isfinite(cost) && cost >= 0) *value = cost;
  }
  return y;
}

double cost(const Confusion& c, const Costs& costs) { return costs.fn * double(c.fn) + costs.fp * double(c.fp); }

// The cut with the lowest cost; of several the lowest. One above all scores predicts nothing positive.
double cheapest(const Sweep& sweep, const Costs& costs) {
  double best = cost(sweep.at({INFINITY, 0, 0}), costs);
  double cut = sweep.steps.empty() ? 0 : std::nextafter(sweep.steps.front().cut, INFINITY);
  for (const Step& s : sweep.steps) {
    const double here = cost(sweep.at(s), costs);
    if (here <= best) best = here, cut = s.cut;
  }
  return cut;
}

std::vector<std::string> row(const TwoClasses& two, const std::string& name, double cut, const Costs& costs) {
  const Confusion c = two.reported.at(two.reported.step_at(cut));
  return {name,
          threshold_text(two.kept.scale.probability(cut)),
          whole(double(c.tp)) + " of " + whole(double(c.tp + c.fn)),
          whole(double(c.fp)),
          percent(c.precision(NAN)),
          percent(c.recall(NAN)),
          decimal(c.f1()),
          shortest(cost(c, costs), 6)};
}

std::string controls(const TwoClasses& two, const Axis& axis, const Costs& costs) {
  const double p = two.kept.scale.probability(two.kept.cut);
  return "<div class=\"controls js-only\">\n<label class=\"slide\">Decision threshold "
         "<input type=\"range\" id=\"slider\"" +
         formatted(" min=\"%.6g\" max=\"%.6g\" step=\"%.6g\" value=\"%.6g\"", axis.low, axis.high,
                   (axis.high - axis.low) / 1000, two.kept.cut) +
         "></label>\n<label><span>as a number</span> <input type=\"number\" id=\"threshold-number\" min=\"0\" "
         "max=\"1\" "
         "step=\"any\"" +
         formatted(" value=\"%.4g\"></label>\n", p) + "<label><span>cost of a missed " +
         named(two.run.positive_name()) +
         formatted("</span> <input type=\"number\" id=\"cost-fn\" min=\"0\" step=\"any\" value=\"%.6g\"></label>\n",
                   costs.fn) +
         "<label><span>cost of a false alarm</span>" +
         formatted(" <input type=\"number\" id=\"cost-fp\" min=\"0\" step=\"any\" value=\"%.6g\"></label>\n",
                   costs.fp) +
         "<label><span>share of " + named(two.run.positive_name()) + " in use, in %</span>" +
         formatted(" <input type=\"number\" id=\"share\" min=\"0\" max=\"100\" step=\"any\" value=\"%.3g\"></label>\n",
                   100 * double(two.reported.positives) / double(two.reported.positives + two.reported.negatives)) +
         "</div>\n";
}

// " (8.3% of the training images are cat)".
std::string training_share(const Run& run) {
  const double p = number(run.result, {"training_images", run.positive_name()});
  const double n = number(run.result, {"training_images", run.negative_name()});
  if (!(p + n > 0)) return "";
  return " (" + percent(p / (p + n)) + " of the training images are " + named(run.positive_name()) + ")";
}

Chart::Line sweep_line(const Sweep& sweep, const std::vector<Step>& steps, const std::string& name, int color,
                       double (*metric)(const Confusion&)) {
  Chart::Line line = {name, color, {}, {}};
  for (const Step& s : steps) line.x.push_back(s.cut), line.y.push_back(metric(sweep.at(s)));
  return line;
}

struct CurvesOf {
  Chart::Line roc, pr;
  double roc_auc, average_precision, prevalence;
  Chart::Point roc_at, pr_at;
};

CurvesOf curves_of(const TwoClasses& two, const std::string& name, int color) {
  CurvesOf y;
  const Sweep& s = two.reported;
  y.roc = {name, color, {0}, {0}};
  y.pr = {name, color, {0}, {1}};
  for (const Step& step : s.curve()) {
    const Confusion c = s.at(step);
    y.roc.x.push_back(1 - c.specificity()), y.roc.y.push_back(c.recall());
    y.pr.x.push_back(c.recall()), y.pr.y.push_back(c.precision());
  }
  if (y.pr.y.size() > 1) y.pr.y[0] = y.pr.y[1];
  const SortedScores sorted(two.run.reported.logits, two.run.reported.are(two.run.positive));
  y.roc_auc = counterpoise::roc_auc(sorted), y.average_precision = counterpoise::average_precision(sorted);
  y.prevalence = double(s.positives) / double(s.positives + s.negatives);
  const Confusion c = s.at(s.step_at(two.kept.cut));
  y.roc_at = {1 - c.specificity(), c.recall(), "", "kept threshold"};
  y.pr_at = {c.recall(), c.tp + c.fp > 0 ? c.precision() : 1, "", "kept threshold"};
  return y;
}

const char* mark_note = "The point is the threshold of the slider.";

}  // namespace

std::string decision_section(const TwoClasses& two) {
  const Run& run = two.run;
  if (!two.reported.both_classes()) {
    if (two.at_kept.total() == 0) return "";
    const bool one_class = two.reported.positives + two.reported.negatives > 0;
    return section(
        "threshold", "Confusion matrix",
        matrix_of_two(run, two.at_kept, false) +
            (one_class ? note("All predictions are for images of one class, so there is no threshold to choose "
                              "and there are no curves.")
                       : ""));
  }
  const Costs costs = costs_of(two.kept);
  const double cheap = cheapest(two.choice(), costs), best = two.choice().best_f1.cut;
  Chart chart = {"sweep", "Precision, recall and F1 over the threshold", threshold_axis(run.reported, two.kept),
                 percent_axis("share")};
  chart.x.label = "probability of " + short_html(run.positive_name()) + " from which it is predicted";
  const std::vector<Step> curve = two.reported.curve();
  chart.lines = {
      sweep_line(two.reported, curve, "precision", 0, [](const Confusion& c) { return c.precision(NAN); }),
      sweep_line(two.reported, curve, "recall", 1, [](const Confusion& c) { return c.recall(); }),
      sweep_line(two.reported, curve, "F1", 2, [](const Confusion& c) { return c.f1(); }),
  };
  if (two.kept.known) chart.marks.push_back({two.kept.cut, "kept", "kept"});
  chart.marks.push_back({best, "best F1", "best"});
  chart.marks.push_back({cheap, "cheapest", "cheap"});
  chart.marks.push_back({two.kept.cut, "", "now"});

  Table table;
  table.caption = "Thresholds side by side";
  table.header = {"", "Threshold", "Found", "False alarms", "Precision", "Recall", "F1", "Cost"};
  const auto button = [](const char* name, const char* id) {
    return std::string("<button type=\"button\" class=\"go\" data-go=\"") + id + "\">" + name + "</button>";
  };
  table.rows.push_back(row(two, "<span id=\"row-now\">Slider</span>", two.kept.cut, costs));
  if (two.kept.known) table.rows.push_back(row(two, button("Kept", "kept"), two.kept.cut, costs));
  table.rows.push_back(row(two, button("Best F1", "best"), best, costs));
  table.rows.push_back(row(two, button("Cheapest", "cheap"), cheap, costs));

  const std::string chosen = two.validation.both_classes()
                                 ? "Best F1 and cheapest are chosen on the validation images; all numbers are of the " +
                                       run.images() + ", which had no part in the choice."
                                 : "Best F1 and cheapest are chosen on the same " + run.images() +
                                       " that the numbers are of, so these are somewhat too good.";
  return section(
      "threshold", "Confusion matrix and threshold",
      "<p id=\"now\" aria-live=\"polite\"></p>\n<div class=\"pair\">\n<div>" + matrix_of_two(run, two.at_kept, true) +
          note("Percentages are of the row: of all images of that class.") + "</div>\n<div>" + figure(chart) +
          controls(two, chart.x, costs) + "</div>\n</div>\n" + table.html() +
          note(
              chosen + " Cost = missed " + named(run.positive_name()) +
              " images \u00d7 their cost + false alarms \u00d7 "
              "theirs. Where the class is rarer in use than among these images, set its share, because precision falls "
              "with it" +
              training_share(run) +
              ". To use a threshold: <code>eval --threshold P</code>, <code>predict --threshold P</code>."));
}

std::string curves_section(const TwoClasses& two) {
  if (!two.reported.both_classes()) return "";
  const CurvesOf c = curves_of(two, "", 0);
  Chart pr = {"pr",
              "Precision-recall curve, average precision " + decimal(c.average_precision),
              percent_axis("recall"),
              percent_axis("precision"),
              {c.pr},
              {},
              {},
              {c.pr_at}};
  pr.lines.push_back({"chance: " + percent(c.prevalence) + " of the images are " + html(two.run.positive_name()),
                      -1,
                      {0, 1},
                      {c.prevalence, c.prevalence},
                      true});
  Chart roc = {"roc",
               "ROC curve, area " + decimal(c.roc_auc),
               percent_axis("false positive rate"),
               percent_axis("recall (true positive rate)"),
               {c.roc},
               {},
               {},
               {c.roc_at}};
  roc.lines.push_back({"chance", -1, {0, 1}, {0, 1}, true});
  pr.points[0].style = roc.points[0].style = "now";
  return section("curves", "Precision-recall and ROC curves",
                 side_by_side({figure(pr), figure(roc)}) +
                     note(std::string(mark_note) + " Where the class is rare, the ROC curve looks better than the "
                                                   "predictions are: read the precision-recall curve first."));
}

std::string overlaid_curves(const std::vector<const TwoClasses*>& runs) {
  Chart pr = {"", "Precision-recall curves", percent_axis("recall"), percent_axis("precision")};
  Chart roc = {"", "ROC curves", percent_axis("false positive rate"), percent_axis("recall (true positive rate)")};
  for (size_t i = 0; i < runs.size(); ++i) {
    if (!runs[i]->reported.both_classes()) continue;
    CurvesOf c = curves_of(*runs[i], html(runs[i]->run.name), static_cast<int>(i));
    c.pr.dashed = c.roc.dashed = i >= 8;
    c.pr_at.style = c.roc_at.style = "c" + std::to_string(i % 8);
    pr.lines.push_back(c.pr), roc.lines.push_back(c.roc);
    pr.points.push_back(c.pr_at), roc.points.push_back(c.roc_at);
  }
  if (pr.lines.empty()) return "";
  return section("curves", "Precision-recall and ROC curves",
                 side_by_side({figure(pr), figure(roc)}) + note("The points are the kept thresholds."));
}

std::string scores_section(const TwoClasses& two) {
  const Run& run = two.run;
  if (run.reported.size() == 0) return "";
  constexpr size_t bins = 40;
  Chart chart = {"histogram", "Scores of each class", threshold_axis(run.reported, two.kept), {"share of the class"}};
  chart.x.label = "predicted probability of " + short_html(run.positive_name());
  std::vector<double> shares;
  for (const int32_t c : {1 - run.positive, run.positive}) {
    std::vector<double> counts(bins);
    double total = 0;
    for (size_t i = 0; i < run.reported.size(); ++i) {
      if (run.reported.labels[i] != c) continue;
      const double place = (run.reported.logits[i] - chart.x.low) / (chart.x.high - chart.x.low) * double(bins);
      ++counts[static_cast<size_t>(std::clamp(place, 0., double(bins) - 1))], ++total;
    }
    if (total == 0) continue;
    Chart::Area area = {html(run.classes[c]) + " (" + whole(total) + ")", c == run.positive ? 1 : 0, {}, {}, {}};
    for (size_t b = 0; b < bins; ++b) {
      for (const size_t edge : {b, b + 1}) {
        area.x.push_back(chart.x.low + double(edge) / double(bins) * (chart.x.high - chart.x.low));
        area.low.push_back(0), area.high.push_back(counts[b] / total);
      }
      shares.push_back(counts[b] / total);
    }
    chart.areas.push_back(area);
  }
  chart.y = number_axis("share of the class", shares, 5, true);
  for (auto& [value, text] : chart.y.ticks) text = formatted("%.6g%%", 100 * value);
  chart.marks = {{two.kept.cut, "", "now"}};
  chart.note = "The better the two are apart, the easier the decision. Images right of the line are predicted as " +
               named(run.positive_name()) + "; scores beyond the ends are in the first and the last bar.";
  return section("scores", "Scores", side_by_side({figure(chart)}));
}

std::string calibration_section(const Run& run, const Kept& kept) {
  const Predictions& p = run.reported;
  if (p.size() == 0) return "";
  const size_t K = run.count();
  const std::vector<double> of_classes =
      run.two_classes() ? std::vector<double>() : softmax(p.logits, static_cast<int64_t>(K));
  std::vector<double> probabilities;
  std::vector<bool> right;
  for (size_t i = 0; i < p.size(); ++i) {
    if (run.two_classes()) {
      probabilities.push_back(std::clamp(kept.scale.probability(p.logits[i]), 0., 1.));
      right.push_back(p.labels[i] == run.positive);
      continue;
    }
    probabilities.push_back(std::clamp(of_classes[i * K + p.predicted[i]], 0., 1.));
    right.push_back(p.labels[i] == p.predicted[i]);
  }
  const std::string what = run.two_classes() ? "are " + short_html(run.positive_name()) : "are predicted correctly";
  Chart chart = {"", "Reliability curve", percent_axis("predicted probability"), percent_axis("images that " + what)};
  Chart::Line line = {"this run", 0, {}, {}, false, true};
  Table table;
  table.caption = "Reliability by predicted probability";
  table.header = {"Predicted", "Images", "Actual"};
  for (const ReliabilityBin& bin : reliability_curve(probabilities, right, 10)) {
    line.x.push_back(bin.probability), line.y.push_back(bin.frequency);
    table.rows.push_back({percent(bin.probability), whole(double(bin.samples)), percent(bin.frequency)});
  }
  chart.lines = {line, {"perfectly calibrated", -1, {0, 1}, {0, 1}, true}};
  return section(
      "calibration", "Calibration",
      "<div class=\"pair\">\n<div>" + figure(chart) + "</div>\n<div>" + table.html() +
          note("Of the images with a predicted probability near the first column\u2019s, the last column\u2019s "
               "share " +
               what +
               ". Class weights, sampling and losses for rare classes shift probabilities on purpose. "
               "<code>--temperature</code> makes all of them more or less certain. <code>--adjust-logits 1</code> "
               "shifts them as balanced class weights do, so it is for a training without any of these.") +
          "</div>\n</div>\n");
}

Json script_data(const TwoClasses& two) {
  const auto json_of = [](const Sweep& s) {
    Json steps = Json::array();
    for (const Step& step : s.steps) steps.push_back({step.cut, step.tp, step.fp});
    return Json{{"positives", s.positives}, {"negatives", s.negatives}, {"steps", steps}};
  };
  Json json = {{"positive", two.run.positive_name()}, {"negative", two.run.negative_name()}};
  if (!two.reported.both_classes()) return json;
  json["scale"] = {{"logistic", two.kept.scale.logistic}, {"offset", two.kept.scale.offset}};
  json["kept"] = two.kept.cut;
  json["best"] = two.choice().best_f1.cut;
  json["reported"] = json_of(two.reported);
  json["choice"] = two.validation.both_classes() ? json_of(two.validation) : Json();
  return json;
}

}  // namespace counterpoise::html_report
