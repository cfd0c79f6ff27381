// Lesson 8: how good is a classifier? Four counts, and what each number made of them hides.
//
// The text beside this program is 08_metrics.md.
#include <counterpoise/counterpoise.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/lessons/lesson.h"

using namespace counterpoise;

// The four counts: true and false negatives and positives.
struct Counts {
  double tn, fp, fn, tp;
};

// A quotient of counts is undefined where there is nothing to count; we say 0 then, as scikit-learn does.
double part(double some, double all) { return all > 0 ? some / all : 0; }

double accuracy(const Counts& c) { return part(c.tp + c.tn, c.tp + c.tn + c.fp + c.fn); }
double precision(const Counts& c) { return part(c.tp, c.tp + c.fp); }
double recall(const Counts& c) { return part(c.tp, c.tp + c.fn); }

// The harmonic mean, 2 / F1 = 1 / precision + 1 / recall. From counts it is 2 TP / (2 TP + FP + FN).
double f1(double precision, double recall) { return part(2 * precision * recall, precision + recall); }
double f1(const Counts& c) { return part(2 * c.tp, 2 * c.tp + c.fp + c.fn); }

// A sample is predicted positive if its score is at least the threshold.
Counts count(const std::vector<double>& scores, const std::vector<bool>& is_positive, double threshold) {
  Counts c = {0, 0, 0, 0};
  for (size_t i = 0; i < scores.size(); ++i) {
    const bool predicted = scores[i] >= threshold;
    ++(is_positive[i] ? (predicted ? c.tp : c.fn) : (predicted ? c.fp : c.tn));
  }
  return c;
}

int main(int argc, char** argv) {
  // The lectures' matrices.
  const std::vector<std::pair<const char*, Counts>> matrices = {
      {"A", {50, 10, 5, 100}},     {"B", {50, 10, 10, 95}},       {"C", {60, 0, 20, 85}},
      {"D", {40, 20, 0, 105}},     {"E", {99900, 100, 100, 100}}, {"F", {50000, 100, 100, 50000}},
      {"G", {1489, 11, 679, 821}}, {"H", {100000, 0, 200, 0}},
  };
  std::printf("      TN    FP    FN     TP   accuracy  precision  recall  F1\n");
  double difference = 0;
  for (const auto& [name, c] : matrices) {
    std::printf("%s %6.0f %5.0f %5.0f %6.0f    %.4f    %.4f   %.4f  %.4f\n", name, c.tn, c.fp, c.fn, c.tp, accuracy(c),
                precision(c), recall(c), f1(c));
    const Confusion ours = {int64_t(c.tp), int64_t(c.fp), int64_t(c.fn), int64_t(c.tn)};  // the library's
    for (const double d : {ours.accuracy() - accuracy(c), ours.precision() - precision(c), ours.recall() - recall(c),
                           ours.f1() - f1(c)}) {
      difference = std::max(difference, std::fabs(d));
    }
  }
  std::printf("The library's Confusion differs by less than 1e-15: %s\n", difference < 1e-15 ? "yes" : "no");

  std::printf("\nprecision  recall     F1   (P + R) / 2   F1 on the slide\n");
  const double slide[][3] = {{1, 1, 1}, {0.1, 0.1, 0.1}, {0.5, 0.5, 0.5}, {1, 0.1, 0.182}, {0.3, 0.8, 0.36}};
  for (const auto& [p, r, printed] : slide) {
    std::printf("      %.1f     %.1f  %.3f         %.3f             %.3f\n", p, r, f1(p, r), (p + r) / 2, printed);
  }
  const Counts all_positive = {0, 100000, 0, 200};
  std::printf("All predicted positive, 200 of 100200 are: precision %.4f, recall %.0f, F1 %.4f, (P + R) / 2 %.4f\n",
              precision(all_positive), recall(all_positive), f1(all_positive),
              (precision(all_positive) + recall(all_positive)) / 2);

  // A moving threshold: sixteen images, four of them cats, and the probability of a cat that some model gave to each.
  const std::vector<double> scores = {0.95, 0.80, 0.65, 0.35, 0.85, 0.70, 0.50, 0.45,
                                      0.40, 0.30, 0.25, 0.20, 0.20, 0.15, 0.10, 0.05};
  std::vector<bool> is_cat(16, false);
  std::fill_n(is_cat.begin(), 4, true);
  std::printf("\nthreshold  TN FP FN TP   precision  recall  F1\n");
  Plot moving = {"A moving threshold", "threshold", "metric"};
  Plot::Line p = line("precision", {}, {}), r = line("recall", {}, {}), f = line("F1", {}, {}),
             a = line("accuracy", {}, {}), path = points("sixteen images", {}, {});
  for (int step = 0; step <= 94; ++step) {
    const double threshold = (step + 0.5) / 100;
    const Counts c = count(scores, is_cat, threshold);
    if (step % 15 == 2) {
      std::printf("    %.3f  %2.0f %2.0f %2.0f %2.0f   %.3f      %.3f   %.3f\n", threshold, c.tn, c.fp, c.fn, c.tp,
                  precision(c), recall(c), f1(c));
    }
    const std::pair<Plot::Line*, double> values[] = {
        {&p, precision(c)}, {&r, recall(c)}, {&f, f1(c)}, {&a, accuracy(c)}};
    for (const auto& [to, value] : values) to->x.push_back(threshold), to->y.push_back(value);
    if (step % 5 == 2) path.x.push_back(recall(c)), path.y.push_back(precision(c));
  }
  moving.lines = {p, r, f, a};
  const BestThreshold best = best_threshold(scores, is_cat, "f1");
  std::printf("The best F1 is %.4f, with the threshold %.3f\n", best.value, best.threshold);

  // Maps: recall to the right, precision upwards.
  Plot harmonic = {"F1", "recall", "precision"}, arithmetic = {"(precision + recall) / 2", "recall", "precision"};
  harmonic.surface = Surface::of([](double r, double p) { return f1(p, r); }, 0, 1, 0, 1, 41);
  arithmetic.surface = Surface::of([](double r, double p) { return (p + r) / 2; }, 0, 1, 0, 1, 41);
  Plot::Line lectures = points("matrices A to G", {}, {});
  for (const auto& [name, c] : matrices) {
    if (*name != 'H') lectures.x.push_back(recall(c)), lectures.y.push_back(precision(c));
  }
  const Plot::Line all = points("all predicted positive", {recall(all_positive)}, {precision(all_positive)});
  lectures.color = 0, path.color = 1;
  for (Plot* map : {&harmonic, &arithmetic}) {
    map->surface.low = 0, map->surface.high = 1;
    for (int tenth = 1; tenth <= 9; ++tenth) map->surface.contours.push_back(tenth / 10.);
    map->lines = {path, lectures, all};  // the path goes through one of the lectures' points
  }
  const Folder folder(argc, argv);
  folder.write("08_threshold.svg", svg("Sixteen images, four of them cats", {moving}));
  folder.write("08_iso_f1.svg",
               svg("Two means of precision and recall, with contours at 0.1, 0.2, ..., 0.9", {harmonic, arithmetic}));
}
