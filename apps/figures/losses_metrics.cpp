// What the metrics are: of fourteen images with their scores, and of many.
#include <algorithm>
#include <cmath>

#include "apps/figures/losses_figures.h"
#include "apps/plots/drawing.h"
#include "apps/plots/plot.h"
#include "apps/trainer/format.h"
#include "core/random.h"
#include "losses/metrics/calibration.h"
#include "losses/metrics/curves.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

using namespace drawing;

namespace {

// The example: the logits of five cats and nine dogs.
const std::vector<double> scores = {2.6, 1.5, 0.7, 0.3, -1.6, 1.1, 0.2, -0.8, -1.1, -1.9, -2.2, -2.6, -3.0, -3.4};
const std::vector<bool> is_cat = {true,  true,  true,  true,  true,  false, false,
                                  false, false, false, false, false, false, false};

const std::string blue = color_text(palette[0]), orange = color_text(palette[1]);

std::string dot(double x, double y, double radius, const std::string& color, bool filled = true) {
  return text("<circle cx=\"", px(x), "\" cy=\"", px(y), "\" r=\"", radius, "\" fill=\"",
              filled ? color : std::string("#ffffff"), "\" stroke=\"", color, "\" stroke-width=\"2\"/>\n");
}
std::string bold(double x, double y, const std::string& what, double size = 14) {
  return words(x, y, what, {size, "start", ink, " font-weight=\"600\""});
}

// The images on a line of their scores, divided by the threshold 0.
Figure counts_figure() {
  constexpr double width = 880, height = 330, left = 70, right = 640, top = 66, middle = 156, bottom = 246;
  const auto place = [](double score) { return left + (score + 4) / 7.5 * (right - left); };
  const Confusion c = confusion(scores, is_cat, 0);
  std::string body = heading("Four kinds of images: the threshold 0 divides five cats and nine dogs");
  body += rectangle({place(0), top, right - place(0), bottom - top}, "fill=\"#eef4f9\"");
  body += stroke(left, middle, right, middle, grid) + stroke(left, bottom, right, bottom, zero_line);
  for (const double tick : multiples(1, -4, 3)) {
    body += stroke(place(tick), bottom, place(tick), bottom + 5, zero_line);
    body += words(place(tick), bottom + 20, tick_text(tick), {13, "middle", pale_ink});
  }
  body += words((left + right) / 2, bottom + 42, "score: the logit of \"cat\"", {13, "middle"});
  body += text("<path d=\"M", px(place(0)), " ", px(top - 12), "V", px(bottom), "\" stroke=\"", ink,
               "\" stroke-width=\"2\" stroke-dasharray=\"5 4\"/>\n");
  body += words(place(0) + 8, top - 3, "predicted cat \u2192", {13});
  body += words(place(0) - 8, top - 3, "\u2190 predicted dog", {13, "end"});
  body += bold(18, (top + middle) / 2 + 5, "cats", 13) + bold(18, (middle + bottom) / 2 + 5, "dogs", 13);
  for (size_t i = 0; i < scores.size(); ++i) {
    const bool right_one = (scores[i] >= 0) == is_cat[i];
    body += dot(place(scores[i]), is_cat[i] ? (top + middle) / 2 : (middle + bottom) / 2, 9, is_cat[i] ? blue : orange,
                right_one);
  }
  const auto count = [&](double x, double y, const char* anchor, const char* name, int64_t number) {
    body += words(x, y, text(name, " ", number), {13, anchor, ink});
  };
  count(right - 8, top + 20, "end", "true positives, TP:", c.tp);
  count(left + 8, top + 20, "start", "false negatives, FN:", c.fn);
  count(right - 8, bottom - 10, "end", "false positives, FP:", c.fp);
  count(left + 8, bottom - 10, "start", "true negatives, TN:", c.tn);
  body += words(left, bottom + 68, "A filled dot is predicted correctly, an open one is not.", {13, "start", pale_ink});
  double y = top + 14;
  const auto metric = [&](const char* name, const std::string& quotient, double value) {
    body += bold(right + 26, y, name);
    body += words(right + 26, y + 19, quotient + " = " + formatted("%.3f", value), {13});
    y += 50;
  };
  metric("accuracy", text("(", c.tp, " + ", c.tn, ") / ", c.total()), c.accuracy());
  metric("precision", text(c.tp, " / (", c.tp, " + ", c.fp, ")"), c.precision());
  metric("recall", text(c.tp, " / (", c.tp, " + ", c.fn, ")"), c.recall());
  metric("F1", text(2 * c.tp, " / (", 2 * c.tp, " + ", c.fp, " + ", c.fn, ")"), c.f1());
  return {"losses/metrics/figures/counts.svg", whole_svg(width, height, "The confusion matrix of an example", body)};
}

// Precision, recall and F1 at each threshold; and the same thresholds on a map of F1.
Figure thresholds_figure() {
  Plot moving = {"Against the threshold", "threshold", "metric"};
  moving.lines = {{"precision", {}, {}}, {"recall", {}, {}}, {"F1", {}, {}, false, false, 2}};
  const auto at = [&](double threshold) {
    const Confusion c = confusion(scores, is_cat, threshold);
    const double values[] = {c.precision(), c.recall(), c.f1()};
    for (size_t i = 0; i < 3; ++i) moving.lines[i].x.push_back(threshold), moving.lines[i].y.push_back(values[i]);
  };
  const std::vector<ThresholdCounts> sweep = threshold_sweep(scores, is_cat);
  double below = -4;
  for (size_t i = sweep.size(); i-- > 0; below = sweep[i].threshold + 1e-9) at(below), at(sweep[i].threshold);

  Plot map = {"F1 of precision and recall", "recall", "precision"};
  map.surface = Surface::of([](double r, double p) { return p + r > 0 ? 2 * p * r / (p + r) : 0; }, 0, 1, 0, 1);
  map.surface.contours = {0.2, 0.4, 0.6, 0.8};
  Plot::Line path = {"", {}, {}, false, /*points=*/true, 6};
  for (const ThresholdCounts& t : sweep) path.x.push_back(t.counts.recall()), path.y.push_back(t.counts.precision());
  map.lines = {path};
  return {"losses/metrics/figures/thresholds.svg",
          svg("Moving the threshold trades recall for precision", {moving, map})};
}

// A bar for each cat, from the highest score down, as high as the precision where the threshold is its score.
Figure average_precision_figure() {
  constexpr double width = 700, height = 380, left = 78, bottom = 310, wide = 400, high = 240;
  std::string body = heading("Average precision: the area under the steps");
  for (const double tick : multiples(0.2, 0, 1)) {
    body += stroke(left, bottom - high * tick, left + wide, bottom - high * tick, tick == 0 ? zero_line : grid);
    body += words(left - 8, bottom - high * tick + 4.5, tick_text(tick), {13, "end", pale_ink});
    body += words(left + wide * tick, bottom + 18, tick_text(tick), {13, "middle", pale_ink});
  }
  double before = 0;
  for (const ThresholdCounts& t : threshold_sweep(scores, is_cat)) {
    const Confusion& c = t.counts;
    if (c.recall() > before) {
      const double x = left + wide * before, up = high * c.precision();
      body += rectangle({x, bottom - up, wide * (c.recall() - before), up},
                        text("fill=\"#cfe3f1\" stroke=\"", blue, "\" stroke-width=\"1.5\""));
      const double center = x + wide * (c.recall() - before) / 2;
      body += words(center, bottom - up + 20, text(c.tp, " / ", c.tp + c.fp), {13, "middle"});
      body += words(center, bottom - 10, "cat at " + tick_text(t.threshold), {12, "middle", pale_ink});
    }
    before = c.recall();
  }
  for (const ThresholdCounts& t : threshold_sweep(scores, is_cat)) {
    body += dot(left + wide * t.counts.recall(), bottom - high * t.counts.precision(), 3.5, "#222222");
  }
  body += words(left + wide / 2, bottom + 40, "recall", {13, "middle"});
  body += words(22, bottom - high / 2, "precision",
                {13, "middle", ink, text(" transform=\"rotate(-90 22 ", px(bottom - high / 2), ")\"").c_str()});
  const double x = left + wide + 24;
  body += bold(x, bottom - high + 20, "average precision");
  body += words(x, bottom - high + 42, "= " + formatted("%.3f", average_precision(scores, is_cat)), {14});
  body += words(x, bottom - high + 76, "Dots: the thresholds,", {13, "start", pale_ink});
  body += words(x, bottom - high + 94, "each at one image's score.", {13, "start", pale_ink});
  body += words(x, bottom - high + 122, "A dog lowers the precision,", {13, "start", pale_ink});
  body += words(x, bottom - high + 140, "a cat adds a step.", {13, "start", pale_ink});
  return {"losses/metrics/figures/average_precision.svg",
          whole_svg(width, height, "Average precision of the example", body)};
}

// One classifier, whose scores are normally distributed, with mean 2 for cats and 0 for dogs, where cats are more or
// less rare.
Figure rarity_figure() {
  Plot roc = {"ROC curve: the same for each", "false positive rate", "recall"};
  Plot precision = {"Precision and recall", "recall", "precision"};
  const auto above = [](double mean, double threshold) {  // of a million
    return static_cast<int64_t>(std::lround(5e5 * std::erfc((threshold - mean) / std::sqrt(2))));
  };
  for (const auto& [name, share] :
       {std::pair<const char*, double>{"1 cat to 1 dog", 1. / 2}, {"1 to 11", 1. / 12}, {"1 to 100", 1. / 101}}) {
    Plot::Line line = {name, {}, {}}, rates = {name, {}, {}, /*dashed=*/share < 0.5};
    for (int i = -60; i <= 100; ++i) {
      const int64_t tp = above(2, i * 0.05), fp = above(0, i * 0.05);
      const Confusion c = {tp, fp, 1000000 - tp, 1000000 - fp};
      line.x.push_back(c.recall()), line.y.push_back(at_prevalence(c, share).precision);
      rates.x.push_back(1 - c.specificity()), rates.y.push_back(c.recall());
    }
    precision.lines.push_back(line), roc.lines.push_back(rates);
  }
  return {"losses/metrics/figures/rarity.svg", svg("One classifier, while cats become rarer", {precision, roc})};
}

// The confidences of a network that exaggerates, and after temperature scaling.
Figure calibration_figure() {
  constexpr double panel = 400, wide = 300, high = 240, top = 84, width = 2 * panel + 60, height = 400;
  Random rng(1, Stream::test);
  std::vector<double> logits;
  std::vector<bool> positive;
  for (int i = 0; i < 6000; ++i) {
    const double honest = 1.5 * rng.normal();
    positive.push_back(rng.uniform() < probability(honest)), logits.push_back(2.5 * honest);
  }
  const double temperature = fit_temperature(logits, positive);
  std::string body = heading("Confidence and accuracy: the gaps are the calibration error");
  for (const bool scaled : {false, true}) {
    std::vector<double> p;
    for (const double z : logits) p.push_back(probability(scaled ? z / temperature : z));
    const TopLabel top_labels = top_label(p, positive);
    const double ece = calibration_error(top_labels, 10).expected;
    const double left = 74 + (scaled ? panel + 20 : 0), bottom = top + high;
    // Confidences of two classes are at least 1/2.
    const auto x_of = [&](double confidence) { return left + (confidence - 0.5) * 2 * wide; };
    const auto y_of = [&](double share) { return bottom - (share - 0.4) / 0.6 * high; };
    body += bold(left, top - 24,
                 scaled ? "after division by T = " + formatted("%.2f", temperature) : "an overconfident network");
    body += words(left, top - 7, "ECE = " + formatted("%.3f", ece), {13});
    for (const double tick : multiples(0.1, 0.4, 1)) {
      body += stroke(left, y_of(tick), left + wide, y_of(tick), grid);
      body += words(left - 8, y_of(tick) + 4.5, tick_text(tick), {13, "end", pale_ink});
      if (tick > 0.45) body += words(x_of(tick), bottom + 18, tick_text(tick), {13, "middle", pale_ink});
    }
    for (const ReliabilityBin& bin : reliability_curve(top_labels.confidence, top_labels.correct, 10)) {
      const double from = 0.1 * std::floor(10 * bin.probability), x = x_of(from) + 3;
      const double actual = y_of(bin.frequency), said = y_of(bin.probability);
      body += rectangle({x, actual, wide / 5 - 6, bottom - actual}, "fill=\"#cfe3f1\"");
      body += rectangle({x, std::min(actual, said), wide / 5 - 6, std::fabs(actual - said)},
                        text("fill=\"", orange, "\" opacity=\"0.75\""));
      body += words(x + wide / 10 - 3, bottom - 8, text(bin.samples), {12, "middle", pale_ink});
    }
    body += stroke(x_of(0.5), y_of(0.5), x_of(1), y_of(1), pale_ink, 1.5);
    body += stroke(left, bottom, left + wide, bottom, zero_line);
    body += words(left + wide / 2, bottom + 40, "confidence", {13, "middle"});
    if (!scaled) {
      body += words(22, top + high / 2, "accuracy",
                    {13, "middle", ink, text(" transform=\"rotate(-90 22 ", px(top + high / 2), ")\"").c_str()});
    }
  }
  body += words(74, height - 12,
                "Bars: accuracy of the images of each bin, with their number. Orange: its gap to their mean "
                "confidence. Line: no gap.",
                {13, "start", pale_ink});
  return {"losses/metrics/figures/calibration.svg", whole_svg(width, height, "Reliability diagram", body)};
}

}  // namespace

Figures metrics_figures() {
  return {counts_figure(), thresholds_figure(), average_precision_figure(), rarity_figure(), calibration_figure()};
}

}  // namespace counterpoise
