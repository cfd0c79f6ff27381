// Several runs side by side.
#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "apps/report/sections.h"
#include "apps/trainer/format.h"

namespace counterpoise::html_report {

namespace {

struct Metric {
  std::vector<std::string> path;
  const char* name;
  bool lower_is_better = false;
};
const std::vector<Metric>& metrics() {
  static const std::vector<Metric> all = {
      {{"average_precision"}, "Average precision"},
      {{"f1"}, "F1"},
      {{"precision"}, "Precision"},
      {{"recall"}, "Recall"},
      {{"macro", "f1"}, "F1, mean of the classes"},
      {{"macro", "recall"}, "Recall, mean of the classes"},
      {{"balanced_accuracy"}, "Balanced accuracy"},
      {{"accuracy"}, "Accuracy"},
      {{"roc_auc"}, "ROC AUC"},
      {{"mcc"}, "MCC"},
      {{"at_training_prevalence", "precision"}, "Precision at the training classes\u2019 shares"},
      {{"at_training_prevalence", "f1"}, "F1 at the training classes\u2019 shares"},
      {{"shots", "many"}, "Accuracy of many-shot classes"},
      {{"shots", "medium"}, "Accuracy of medium-shot classes"},
      {{"shots", "few"}, "Accuracy of few-shot classes"},
      {{"log_loss"}, "Log loss", true},
      {{"brier"}, "Brier score", true},
      {{"expected_calibration_error"}, "Calibration error", true},
  };
  return all;
}

std::string run_key(const std::vector<Run>& runs, size_t i) {
  return key(static_cast<int>(i), html(runs[i].name), i >= 8);
}

std::string interval_text(const Run& run, const Metric& m) {
  std::string metric;
  for (const std::string& key : m.path) metric += (metric.empty() ? "" : "_") + key;
  const Interval i = run.interval(metric);
  return i.known() ? "<small>" + decimal(i.low) + "\u2013" + decimal(i.high) + "</small>" : "";
}

std::string metrics_of(const std::vector<Run>& runs) {
  Table table;
  table.caption = "Metrics side by side";
  table.header = {"Metric"};
  for (size_t i = 0; i < runs.size(); ++i) table.header.push_back(run_key(runs, i));
  for (const Metric& m : metrics()) {
    double best = NAN;
    for (const Run& run : runs) {
      const double x = number(run.result, m.path);
      if (std::isfinite(x) && !(m.lower_is_better ? x >= best : x <= best)) best = x;
    }
    if (!std::isfinite(best)) continue;
    const double first = number(runs[0].result, m.path);
    std::vector<std::string> row = {std::string(m.name) + (m.lower_is_better ? " <small>lower is better</small>" : "")};
    for (size_t i = 0; i < runs.size(); ++i) {
      const double x = number(runs[i].result, m.path);
      std::string text = x == best ? "<b>" + decimal(x) + "</b>" : decimal(x);
      if (i > 0 && std::isfinite(x - first)) text += " <small>" + difference(x - first) + "</small>";
      row.push_back(text + interval_text(runs[i], m));
    }
    table.rows.push_back(row);
  }
  if (table.rows.empty()) return "";
  return table.html() + note("Bold: the best. Signed: the difference to " + html(runs[0].name) +
                             ". Ranges: 95% intervals; where they overlap widely, a difference may be chance.");
}

std::string summary(const std::vector<Run>& runs) {
  const bool two = std::all_of(runs.begin(), runs.end(), [](const Run& r) { return r.two_classes(); });
  for (const Metric& m :
       {Metric{{"average_precision"}, "average precision"}, Metric{{"macro", "f1"}, "mean F1 of the classes"},
        Metric{{"f1"}, "F1"}, Metric{{"balanced_accuracy"}, "balanced accuracy"}}) {
    size_t best = 0;
    bool complete = two || m.path[0] != "average_precision";
    for (size_t i = 0; i < runs.size(); ++i) {
      const double x = number(runs[i].result, m.path);
      complete = complete && std::isfinite(x);
      if (complete && x > number(runs[best].result, m.path)) best = i;
    }
    if (!complete) continue;
    const double value = number(runs[best].result, m.path), first = number(runs[0].result, m.path);
    std::string y = "<p class=\"headline\">Of " + whole(double(runs.size())) + " runs, <em>" + html(runs[best].name) +
                    "</em> has the highest " + m.name + ": <strong>" + decimal(value) + "</strong>";
    if (best > 0) y += ", " + difference(value - first) + " over <em>" + html(runs[0].name) + "</em>";
    return y + ".</p>\n";
  }
  return "<p class=\"headline\">" + whole(double(runs.size())) + " runs side by side.</p>\n";
}

std::string warnings(const std::vector<Run>& runs) {
  std::string y;
  const auto differ = [&](auto&& what) {
    return std::any_of(runs.begin(), runs.end(), [&](const Run& r) { return what(r) != what(runs[0]); });
  };
  if (differ([](const Run& r) { return r.classes; })) y += "<li>They have different classes.</li>\n";
  else if (differ([](const Run& r) { return r.positive; })) y += "<li>They have different positive classes.</li>\n";
  if (differ([](const Run& r) { return r.split(); })) {
    const auto any = [&](const char* split) {
      return std::any_of(runs.begin(), runs.end(), [&](const Run& r) { return r.split() == split; });
    };
    std::string parts;
    if (any("test")) parts += ", some of the test images";
    if (any("validation")) parts += ", some of the validation images";
    if (any("all")) parts += ", some of all images of a folder";
    y += "<li>The results are of different images: " + parts.substr(2) + ".</li>\n";
  }
  const auto images = [](const Run& r) {
    std::vector<std::string> paths = r.reported.paths;
    std::sort(paths.begin(), paths.end());
    return paths;
  };
  const bool known = std::all_of(runs.begin(), runs.end(), [](const Run& r) { return r.reported.size() > 0; });
  if (known && differ(images)) y += "<li>They were evaluated on different images.</li>\n";
  return y.empty() ? "" : "<p><strong>Compare these runs with care:</strong></p><ul>\n" + y + "</ul>\n";
}

std::string options_of(const std::vector<Run>& runs) {
  std::vector<std::string> names;
  for (const Run& run : runs) {
    for (const auto& [name, value] : at(run.result, "options").items()) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  Table table;
  table.caption = "Options that differ";
  table.header = {"Option"};
  for (size_t i = 0; i < runs.size(); ++i) table.header.push_back(run_key(runs, i));
  for (const std::string& name : names) {
    const Json& first = at(at(runs[0].result, "options"), name);
    std::vector<std::string> row = {html(name)};
    bool same = true;
    for (const Run& run : runs) {
      const Json& value = at(at(run.result, "options"), name);
      same = same && value == first;
      row.push_back(value.is_null() ? "" : value_html(value));
    }
    if (!same) table.rows.push_back(row);
  }
  return table.rows.empty() ? "" : section("options", "Options that differ", table.html());
}

std::string matrices(const std::vector<Run>& runs, const std::vector<const TwoClasses*>& two) {
  std::string y;
  for (size_t i = 0; i < runs.size(); ++i) {
    const std::string matrix = !two[i]                       ? matrix_of_many(runs[i])
                               : two[i]->at_kept.total() > 0 ? matrix_of_two(runs[i], two[i]->at_kept, false)
                                                             : "";
    if (!matrix.empty()) y += "<div><h3>" + run_key(runs, i) + "</h3>\n" + matrix + "</div>\n";
  }
  return y.empty() ? "" : section("matrix", "Confusion matrices", "<div class=\"pair\">\n" + y + "</div>\n");
}

std::string recalls(const std::vector<Run>& runs) {
  if (runs[0].two_classes()) return "";
  for (const Run& run : runs) {
    if (run.classes != runs[0].classes) return "";
  }
  std::vector<std::vector<ClassMetrics>> all;
  for (const Run& run : runs) all.push_back(class_metrics(run));
  Table table;
  table.sortable = true;
  table.caption = "F1 of each class";
  table.header = {"Class"};
  for (size_t i = 0; i < runs.size(); ++i) table.header.push_back(run_key(runs, i));
  for (size_t c = 0; c < runs[0].count(); ++c) {
    std::vector<std::string> row = {html(runs[0].classes[c])};
    for (size_t i = 0; i < runs.size(); ++i) {
      const double x = all[i][c].f1;
      row.push_back(cell(decimal(x) + (i > 0 ? " <small>" + difference(x - all[0][c].f1) + "</small>" : ""), x));
    }
    table.rows.push_back(row);
  }
  return section("classes", "F1 of each class", table.html());
}

}  // namespace

std::string comparison(const std::vector<Run>& runs) {
  std::vector<std::unique_ptr<TwoClasses>> owned;
  std::vector<const TwoClasses*> two;
  for (const Run& run : runs) {
    if (run.two_classes()) owned.push_back(std::make_unique<TwoClasses>(run));
    two.push_back(run.two_classes() ? owned.back().get() : nullptr);
  }
  std::string curves;
  if (owned.size() == runs.size()) curves = overlaid_curves(two);
  return section("result", "Result", summary(runs) + warnings(runs) + metrics_of(runs)) + options_of(runs) +
         matrices(runs, two) + curves + recalls(runs) + overlaid_epochs(runs);
}

}  // namespace counterpoise::html_report
