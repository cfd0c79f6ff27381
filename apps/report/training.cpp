// The training: metrics and shares by epoch, the numbers of images, the options.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/report/sections.h"
#include "apps/trainer/format.h"

namespace counterpoise::html_report {

namespace {

int best_epoch(const Run& run) {
  const double best = number(run.result, {"best_epoch"});
  return std::isfinite(best) && best > 0 && best < 1e9 ? static_cast<int>(best) : 0;
}

Axis epoch_axis(const std::vector<double>& epochs) {
  Axis axis = number_axis("epoch", epochs, 8);
  axis.low = *std::min_element(epochs.begin(), epochs.end()),
  axis.high = *std::max_element(epochs.begin(), epochs.end());
  if (axis.low == axis.high) axis.low -= 0.5, axis.high += 0.5;
  std::vector<std::pair<double, std::string>> ticks;
  for (const auto& tick : axis.ticks) {
    if (tick.first == std::floor(tick.first) && tick.first >= axis.low && tick.first <= axis.high)
      ticks.push_back(tick);
  }
  axis.ticks = ticks;
  return axis;
}

// Colors as in the section of the decision threshold.
struct Column {
  const char *key, *name;
  int color;
};
constexpr Column ratios[] = {{"average_precision", "average precision", 3},
                             {"f1", "F1", 2},
                             {"precision", "precision", 0},
                             {"recall", "recall", 1},
                             {"balanced_accuracy", "balanced accuracy", 4},
                             {"accuracy", "accuracy", 6},
                             {"roc_auc", "ROC AUC", 5}};

// The classes from the rarest to the most frequent; those beyond the seventh are one area, unless it is one class.
struct Share {
  std::string name;
  std::vector<double> values;
};
std::vector<Share> shares_of(const Run& run, const std::string& prefix) {
  std::vector<std::pair<double, Share>> all;
  for (const std::string& c : run.classes) {
    std::vector<double> values = run.column(prefix + c);
    if (values.empty()) return {};
    const double images = number(run.result, {"training_images", c});
    all.emplace_back(std::isfinite(images) ? images : 0, Share{html(c), std::move(values)});
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Share> y;
  for (auto& [images, share] : all) {
    if (y.size() < 7 || all.size() == 8) {
      y.push_back(std::move(share));
    } else if (y.size() == 7) {
      y.push_back({whole(double(all.size()) - 7) + " other classes", std::move(share.values)});
    } else {
      for (size_t i = 0; i < y[7].values.size(); ++i) y[7].values[i] += share.values[i];
    }
  }
  return y;
}

std::string share_figure(const Run& run, const std::string& prefix, const std::string& title) {
  const std::vector<Share> shares = shares_of(run, prefix);
  const std::vector<double> epochs = run.column("epoch");
  if (shares.empty() || epochs.empty()) return "";
  Chart chart = {"", title, epoch_axis(epochs), percent_axis("share")};
  chart.x.low = epochs.front() - 0.5, chart.x.high = epochs.back() + 0.5;
  const auto part = [&](const Share& share, size_t i) {
    return std::isfinite(share.values[i]) ? std::max(0., share.values[i]) : 0;
  };
  std::vector<double> low(epochs.size()), sums(epochs.size());
  for (const Share& share : shares) {
    for (size_t i = 0; i < epochs.size(); ++i) sums[i] += part(share, i);
  }
  for (size_t s = 0; s < shares.size(); ++s) {
    Chart::Area area = {shares[s].name, static_cast<int>(s), {}, {}, {}, false};
    for (size_t i = 0; i < epochs.size(); ++i) {
      const double value = sums[i] > 0 ? part(shares[s], i) / sums[i] : 0;
      for (const double edge : {-0.5, 0.5}) {
        area.x.push_back(epochs[i] + edge), area.low.push_back(low[i]), area.high.push_back(low[i] + value);
      }
      low[i] += value;
    }
    chart.areas.push_back(area);
  }
  return figure(chart);
}

Chart::Line line_of(const Run& run, const std::string& key, const std::string& name, int color) {
  Chart::Line line = {name, color, run.column("epoch"), run.column(key)};
  line.dots = line.x.size() <= 20;
  return line;
}

std::string list(const Json& object) {
  std::string y;
  for (const auto& [name, value] : object.items()) {
    y += "<div><dt>" + html(name) + "</dt><dd>" + value_html(value) + "</dd></div>\n";
  }
  return y.empty() ? "" : "<dl>\n" + y + "</dl>\n";
}

}  // namespace

std::string epochs_section(const Run& run) {
  const std::vector<double> epochs = run.column("epoch");
  if (epochs.empty()) return "";
  std::vector<Chart::Mark> marks;
  if (const int best = best_epoch(run)) marks.push_back({double(best), "best epoch " + std::to_string(best), "kept"});
  std::vector<std::string> figures;
  if (!run.column("loss").empty()) {
    Chart chart = {"", "Loss", epoch_axis(epochs), {"loss"}};
    chart.lines.push_back(line_of(run, "loss", "training loss", 0));
    std::vector<double> all = chart.lines[0].y;
    const std::vector<double> validation = run.column("log_loss");
    if (!validation.empty()) {
      chart.lines.push_back(line_of(run, "log_loss", "validation log loss", 1));
      all.insert(all.end(), validation.begin(), validation.end());
    }
    chart.y = number_axis("loss", all, 5);
    chart.marks = marks;
    figures.push_back(figure(chart));
  }
  Chart chart = {"", "Validation metrics", epoch_axis(epochs), percent_axis("metric")};
  for (const Column& c : ratios) {
    const bool precise = std::string(c.key) == "accuracy" && !run.column("balanced_accuracy").empty();
    if (run.column(c.key).empty() || precise) continue;
    chart.lines.push_back(line_of(run, c.key, c.name, c.color));
  }
  chart.marks = marks;
  if (!chart.lines.empty()) figures.push_back(figure(chart));
  std::string text;
  const std::string monitor = string_at(run.result, {"monitor"});
  const double value = number(run.result, {"best_value"});
  if (best_epoch(run) > 0) {
    text = "The best epoch is " + std::to_string(best_epoch(run)) + " of " + whole(double(epochs.size()));
    if (!monitor.empty()) text += ", by " + html(monitor) + (std::isfinite(value) ? " (" + decimal(value) + ")" : "");
    text = note(text + " on the validation images.");
  }
  return section("epochs", "Epochs", side_by_side(figures) + text);
}

std::string overlaid_epochs(const std::vector<Run>& runs) {
  std::vector<std::string> figures;
  for (const Column& c :
       {Column{"average_precision", "Average precision", 0}, Column{"f1", "F1", 0}, Column{"recall", "Recall", 0},
        Column{"precision", "Precision", 0}, Column{"loss", "Training loss", 0}}) {
    Chart chart = {
        "", std::string(c.name) + (std::string(c.key) == "loss" ? "" : " on validation"), {}, percent_axis(c.name)};
    std::vector<double> epochs, values;
    for (size_t i = 0; i < runs.size(); ++i) {
      if (runs[i].column(c.key).empty() || runs[i].column("epoch").empty()) continue;
      chart.lines.push_back(line_of(runs[i], c.key, html(runs[i].name), static_cast<int>(i)));
      chart.lines.back().dashed = i >= 8;
      const Chart::Line& l = chart.lines.back();
      epochs.insert(epochs.end(), l.x.begin(), l.x.end()), values.insert(values.end(), l.y.begin(), l.y.end());
    }
    if (chart.lines.empty()) continue;
    chart.x = epoch_axis(epochs);
    if (std::string(c.key) == "loss") chart.y = number_axis("loss", values, 5);
    figures.push_back(figure(chart));
  }
  return section("epochs", "Epochs", side_by_side(figures));
}

std::string shares_section(const Run& run) {
  const std::string loss = share_figure(run, "loss:", "Share of the training loss");
  const std::string gradient = share_figure(run, "gradient:", "Share of the gradient on the logits");
  if (loss.empty() && gradient.empty()) return "";
  return section("shares", "Loss and gradient by class",
                 side_by_side({loss, gradient}) +
                     note("A rare class with a small share of the gradient hardly changes the network: more weight, "
                          "sampling or another loss raises it."));
}

std::string counts_section(const Run& run) {
  const Json &used = at(run.result, "training_images"), &available = at(run.result, "available_images");
  const Json &sampled = at(run.result, "sampled_shares"), &weights = at(run.result, "class_weights");
  double total = 0, largest = 0;
  for (const std::string& c : run.classes) {
    const double n = number(used, {c});
    if (std::isfinite(n)) total += n, largest = std::max(largest, n);
  }
  if (total == 0) return "";
  Table table;
  table.sortable = run.count() > 2;
  table.caption = "Images of each class";
  table.header = {"Class"};
  if (available.is_object()) table.header.push_back("Available");
  table.header.insert(table.header.end(), {"Used", "Share"});
  if (sampled.is_object()) table.header.push_back("As the sampler draws them");
  if (weights.is_object()) table.header.push_back("Class weight");
  const auto bar = [](double share) {
    return formatted("<i class=\"bar\" style=\"--w:%.4f\"></i>", std::isfinite(share) ? std::clamp(share, 0., 1.) : 0.);
  };
  for (const std::string& c : run.classes) {
    const double n = number(used, {c});
    std::vector<std::string> row = {html(c)};
    if (available.is_object()) row.push_back(cell(whole(number(available, {c})), number(available, {c})));
    row.push_back(cell(whole(n), n));
    row.push_back(cell(percent(n / total) + bar(n / total), n));
    if (sampled.is_object()) {
      const double share = number(sampled, {c});
      row.push_back(cell(percent(share) + bar(share), share));
    }
    if (weights.is_object()) row.push_back(cell(shortest(number(weights, {c})), number(weights, {c})));
    table.rows.push_back(row);
  }
  double smallest = largest;
  for (const std::string& c : run.classes) {
    const double n = number(used, {c});
    if (n > 0) smallest = std::min(smallest, n);
  }
  return section("counts", "Training images",
                 table.html() + note("The largest class has " + decimal(largest / smallest, 1) +
                                     " times as many training images as the smallest."));
}

std::string unreadable_section(const Run& run) {
  const Json& names = at(run.result, "unreadable");
  if (!names.is_array() || names.empty()) return "";
  std::string items;
  size_t shown = 0;
  for (const Json& name : names) {
    if (++shown > 200) break;
    items += "<li>" + value_html(name) + "</li>\n";
  }
  const size_t n = names.size();
  return section("unreadable", "Unreadable images",
                 "<p>" + whole(double(n)) + (n == 1 ? " image" : " images") + " could not be read and " +
                     (n == 1 ? "was" : "were") + " left out.</p>\n<details" + (n <= 10 ? " open" : "") +
                     "><summary>List</summary><ul class=\"paths\">\n" + items + "</ul>" +
                     (n > 200 ? note(whole(double(n) - 200) + " more are in result.json.") : "") + "</details>\n");
}

std::string options_section(const Run& run) {
  std::string body;
  if (const Json& options = at(run.result, "options"); options.is_object()) {
    const std::string all = list(options);
    if (!all.empty()) body += "<details><summary>Options of the run</summary>\n" + all + "</details>\n";
  }
  Json environment = Json::object();
  for (const char* key :
       {"environment", "version", "device", "seconds", "steps", "epoch", "split", "data_split", "monitor"}) {
    const Json& value = at(run.result, key);
    if (value.is_object()) {
      for (const auto& [name, entry] : value.items()) environment[name] = entry;
    } else if (!value.is_null()) {
      environment[key] = value;
    }
  }
  environment["folder"] = run.folder;
  body += "<details><summary>Environment</summary>\n" + list(environment) + "</details>\n";
  return section("options", "Options and environment", body);
}

}  // namespace counterpoise::html_report
