// More than two classes: the confusion matrix, and each class against all others.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/report/sections.h"
#include "apps/trainer/format.h"
#include "losses/metrics/confusion.h"
#include "losses/metrics/curves.h"
#include "losses/metrics/multiclass_scores.h"

namespace counterpoise::html_report {

namespace {

using Counts = std::vector<std::vector<int64_t>>;

constexpr size_t most_in_table = 20, most_in_image = 100, most_curves = 24, most_confusions = 10;

int64_t sum(const std::vector<int64_t>& row) { return std::accumulate(row.begin(), row.end(), int64_t(0)); }

double rate(int64_t n, int64_t row) { return row > 0 ? double(n) / double(row) : NAN; }

// The matrix as an image: a square per cell, shaded by its share of the row.
std::string matrix_image(const Run& run, const Counts& counts) {
  const size_t K = counts.size();
  std::string y = formatted(
      "<svg class=\"heat\" viewBox=\"0 0 %zu %zu\" role=\"img\" aria-label=\"Confusion matrix of %zu "
      "classes; the largest confusions are in the table\">\n",
      K, K, K);
  for (size_t i = 0; i < K; ++i) {
    const int64_t row = sum(counts[i]);
    for (size_t j = 0; j < K; ++j) {
      if (counts[i][j] == 0) continue;
      y += formatted("<rect class=\"%s\" x=\"%zu\" y=\"%zu\" width=\"1\" height=\"1\" style=\"--h:%.3f\"><title>",
                     i == j ? "right" : "wrong", j, i, rate(counts[i][j], row)) +
           html(run.classes[i]) + " predicted as " + html(run.classes[j]) + ": " + whole(double(counts[i][j])) +
           " of " + whole(double(row)) + "</title></rect>\n";
    }
  }
  return y + "</svg>\n" +
         note("Rows: actual class; columns: predicted class; the darker, the larger the share of the row.");
}

std::string largest_confusions(const Run& run, const Counts& counts) {
  struct Pair {
    size_t actual, predicted;
    int64_t n;
  };
  std::vector<Pair> pairs;
  for (size_t i = 0; i < counts.size(); ++i) {
    for (size_t j = 0; j < counts.size(); ++j) {
      if (i != j && counts[i][j] > 0) pairs.push_back({i, j, counts[i][j]});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.n > b.n; });
  if (pairs.size() > most_confusions) pairs.resize(most_confusions);
  if (pairs.empty()) return "";
  Table table;
  table.caption = "Largest confusions";
  table.header = {"Actual", "Predicted", "Images", "Of the actual class"};
  for (const Pair& p : pairs) {
    table.rows.push_back({html(run.classes[p.actual]), html(run.classes[p.predicted]), whole(double(p.n)),
                          percent(rate(p.n, sum(counts[p.actual])))});
  }
  return "<h3>Largest confusions</h3>\n" + table.html();
}

}  // namespace

std::string matrix_of_many(const Run& run) {
  const Counts counts = run.confusion();
  if (counts.empty() || counts.size() > most_in_image) return "";
  if (counts.size() > most_in_table) return matrix_image(run, counts);
  std::string y =
      "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Confusion matrix\"><table class=\"matrix "
      "many\"><thead><tr><th scope=\"col\">actual \\ predicted</th>";
  for (const std::string& name : run.classes) y += "<th scope=\"col\"><span>" + html(name) + "</span></th>";
  y += "<th scope=\"col\">all</th></tr></thead>\n<tbody>\n";
  for (size_t i = 0; i < counts.size(); ++i) {
    const int64_t row = sum(counts[i]);
    y += "<tr><th scope=\"row\">" + html(run.classes[i]) + "</th>";
    for (size_t j = 0; j < counts.size(); ++j) {
      const double share = rate(counts[i][j], row);
      y += std::string("<td class=\"") + (i == j ? "right" : "wrong") +
           formatted("\" style=\"--h:%.3f\" title=\"", std::isfinite(share) ? share : 0.) + html(run.classes[i]) +
           " predicted as " + html(run.classes[j]) + ": " + (row > 0 ? percent(share) : "no images") + "\">" +
           (counts[i][j] == 0 ? "<span class=\"pale\">0</span>" : whole(double(counts[i][j]))) + "</td>";
    }
    y += "<td>" + whole(double(row)) + "</td></tr>\n";
  }
  return y + "</tbody></table></div>\n";
}

std::string matrix_section(const Run& run) {
  const Counts counts = run.confusion();
  if (counts.empty()) return "";
  const std::string matrix = matrix_of_many(run);
  std::string body =
      matrix.empty() ? note("The matrix of " + whole(double(run.count())) + " classes is too large to show.") : matrix;
  if (run.count() <= most_in_table) {
    body += note(
        "Rows: actual class; columns: predicted class. Shaded by the share of the row: blue correct, orange wrong.");
  }
  return section("matrix", "Confusion matrix", body + largest_confusions(run, counts));
}

std::vector<ClassMetrics> class_metrics(const Run& run) {
  const size_t K = run.count();
  std::vector<ClassMetrics> y(K, {NAN, NAN, NAN, NAN, NAN, NAN, NAN});
  const Json& saved = at(run.result, "per_class");
  for (const Json& entry : saved.is_array() ? saved : Json::array()) {
    const auto place = std::find(run.classes.begin(), run.classes.end(), string_at(entry, {"class"}));
    if (place == run.classes.end()) continue;
    const auto n = [&](const char* key) { return number(entry, {key}); };
    y[place - run.classes.begin()] = {
        n("precision"), n("recall"), n("f1"), n("support"), n("average_precision"), n("roc_auc"), n("training_images")};
  }
  const Counts counts = run.confusion();
  if (saved.is_null() && !counts.empty()) {
    const ConfusionMatrix matrix(counts);
    for (size_t c = 0; c < K; ++c) {
      const Confusion one = matrix.of(static_cast<int64_t>(c));
      y[c] = {one.precision(NAN), one.recall(NAN), one.f1(NAN), double(one.tp + one.fn), NAN, NAN, NAN};
    }
  }
  for (size_t c = 0; c < K; ++c) {
    if (!std::isfinite(y[c].training_images)) {
      y[c].training_images = number(run.result, {"training_images", run.classes[c]});
    }
  }
  return y;
}

std::string classes_section(const Run& run) {
  const std::vector<ClassMetrics> rows = class_metrics(run);
  const bool any =
      std::any_of(rows.begin(), rows.end(), [](const ClassMetrics& m) { return std::isfinite(m.support); });
  if (!any) return "";
  Table table;
  table.sortable = true;
  table.caption = "Metrics of each class";
  table.header = {"Class", "Precision", "Recall", "F1", "Images", "Average precision", "ROC AUC", "Training images"};
  for (size_t c = 0; c < rows.size(); ++c) {
    const ClassMetrics& m = rows[c];
    table.rows.push_back({html(run.classes[c]), cell(decimal(m.precision), m.precision),
                          cell(decimal(m.recall), m.recall), cell(decimal(m.f1), m.f1),
                          cell(whole(m.support), m.support), cell(decimal(m.average_precision), m.average_precision),
                          cell(decimal(m.roc_auc), m.roc_auc), cell(whole(m.training_images), m.training_images)});
  }
  std::string body = table.html() + note("Each class against all others, on the " + run.images() +
                                         ".<span class=\"js-only\"> A click on a heading sorts by its column.</span>");
  Table top;
  top.header = {"The correct class is among", "Share of the images"};
  const Json& top_k = at(run.result, "top_k");
  if (top_k.is_object()) {
    top.rows.push_back({"the most probable (accuracy)", percent(number(run.result, {"accuracy"}))});
    for (const auto& [k, value] : top_k.items()) {
      top.rows.push_back({"the " + html(k) + " most probable", percent(value.is_number() ? value.get<double>() : NAN)});
    }
  }
  Table shots;
  shots.header = {"Classes with", "Accuracy"};
  for (const char* key : {"many", "medium", "few"}) {
    if (!at(run.result, "shots").is_object()) break;
    shots.rows.push_back({std::string(key) + " training images", percent(number(run.result, {"shots", key}))});
  }
  std::string small;
  if (!top.rows.empty()) small += "<div><h3>Top-k accuracy</h3>\n" + top.html() + "</div>\n";
  if (!shots.rows.empty()) {
    small += "<div><h3>Many-, medium- and few-shot classes</h3>\n" + shots.html() +
             note("More than 100, 20 to 100, and fewer than 20 training images.") + "</div>\n";
  }
  if (!small.empty()) body += "<div class=\"pair\">\n" + small + "</div>\n";
  return section("classes", "Classes", body);
}

std::string class_curves_section(const Run& run) {
  if (run.reported.size() == 0) return "";
  // The classes with the lowest average precision, or F1 where the result does not say.
  const std::vector<ClassMetrics> metrics = class_metrics(run);
  const auto quality = [&](size_t c) {
    const ClassMetrics& m = metrics[c];
    return std::isfinite(m.average_precision) ? m.average_precision : std::isfinite(m.f1) ? m.f1 : 0;
  };
  std::vector<int64_t> images(run.count());
  for (const int32_t label : run.reported.labels) ++images[label];
  std::vector<size_t> order;
  for (size_t c = 0; c < run.count(); ++c) {
    if (images[c] > 0 && images[c] < static_cast<int64_t>(run.reported.size())) order.push_back(c);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return quality(a) < quality(b); });
  const size_t all = order.size();
  if (all > most_curves) order.resize(most_curves);

  const std::vector<double> probabilities = softmax(run.reported.logits, static_cast<int64_t>(run.count()));
  std::vector<std::pair<double, std::string>> figures;
  for (const size_t c : order) {
    Predictions one;
    one.labels = run.reported.labels;
    for (size_t i = 0; i < run.reported.size(); ++i) one.logits.push_back(probabilities[i * run.count() + c]);
    const Sweep s = sweep(one, static_cast<int32_t>(c), {});
    const double prevalence = double(s.positives) / double(s.positives + s.negatives);
    const double area = average_precision(one.logits, one.are(static_cast<int32_t>(c)));
    Chart chart = {"", html(run.classes[c]), percent_axis("recall"), percent_axis("precision")};
    chart.x.ticks = chart.y.ticks = {{0, "0%"}, {0.5, "50%"}, {1, "100%"}};
    Chart::Line line = {"", 0, {}, {}};
    for (const Step& step : s.curve()) {
      const Confusion at = s.at(step);
      line.x.push_back(at.recall()), line.y.push_back(at.precision());
    }
    chart.lines = {line, {"", -1, {0, 1}, {prevalence, prevalence}, true}};
    chart.note = "average precision " + decimal(area);
    figures.emplace_back(area, small_figure(chart));
  }
  if (figures.empty()) return "";
  std::stable_sort(figures.begin(), figures.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string body;
  for (const auto& [area, html] : figures) body += html;
  return section("curves", "Precision-recall curves by class",
                 "<div class=\"figures\">\n" + body + "</div>\n" +
                     note((all > order.size() ? "The " + whole(double(order.size())) + " classes of " +
                                                    whole(double(all)) + " with the lowest average precision"
                                              : std::string("From the worst class to the best")) +
                          "; recall across, precision up. Dashed: chance."));
}

}  // namespace counterpoise::html_report
