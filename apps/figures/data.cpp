// Class counts, samplers, splits, and resampled tables.
#include <algorithm>
#include <cmath>

#include "apps/figures/figures.h"
#include "apps/plots/drawing.h"
#include "apps/plots/plot.h"
#include "apps/trainer/format.h"
#include "core/random.h"
#include "data/imbalance.h"
#include "data/sampler.h"
#include "data/split.h"
#include "data/tables/resample.h"
#include "losses/metrics/confusion.h"

namespace counterpoise {

using namespace drawing;

namespace {

std::vector<double> doubles(const std::vector<int64_t>& counts) { return {counts.begin(), counts.end()}; }

// The two profiles of imbalance, each beside the balanced set that it was cut from.
Figure profiles_figure() {
  const std::vector<int64_t> balanced(10, 5000);
  std::vector<BarChart> charts;
  for (const auto& [spec, note] :
       {std::pair<const char*, const char*>{"exp:100", "a long tail: each class is a fixed factor rarer"},
        {"step:10", "half of the classes are rare"}}) {
    BarChart chart = {spec, note, {}, doubles(balanced), doubles(imbalanced_counts(spec, balanced))};
    for (int k = 0; k < 10; ++k) chart.names.push_back(std::to_string(k));
    charts.push_back(std::move(chart));
  }
  return {"data/figures/profiles.svg", bars_svg("Ten classes of 5000 images (gray), made imbalanced", charts)};
}

// What "always the common class" scores while the other one becomes rarer.
Figure accuracy_figure() {
  Plot plot = {"", "common samples for each rare one", "score"};
  plot.log_x = true;
  plot.lines = {{"accuracy", {}, {}}, {"balanced accuracy", {}, {}}, {"recall of the rare class", {}, {}}};
  for (int i = 0; i <= 60; ++i) {
    const double ratio = std::pow(10, i / 20.);
    const Confusion c = {0, 0, 1000, std::lround(1000 * ratio)};
    const double values[] = {c.accuracy(), c.balanced_accuracy(), c.recall()};
    for (size_t k = 0; k < 3; ++k) plot.lines[k].x.push_back(ratio), plot.lines[k].y.push_back(values[k]);
  }
  return {"data/figures/accuracy.svg", svg("A classifier that always predicts the common class", {plot})};
}

// Every sampler's first epoch of a long-tailed set; of the progressive one also the last.
Figure samplers_figure() {
  const std::vector<std::string> names = {"disc", "ring", "cross", "star", "arrow"};
  const std::vector<int64_t> counts = {500, 200, 80, 30, 12};
  std::vector<size_t> samples;
  std::vector<int32_t> classes;
  for (size_t c = 0; c < counts.size(); ++c) {
    for (int64_t i = 0; i < counts[c]; ++i)
      samples.push_back(samples.size()), classes.push_back(static_cast<int32_t>(c));
  }
  std::vector<BarChart> charts;
  const auto add = [&](const Sampler& sampler, const std::string& title, uint64_t epoch) {
    SamplerRun run;
    run.seed = 1, run.epoch = epoch, run.epochs = 10;
    std::vector<int64_t> drawn(counts.size());
    for (const size_t sample : sampler.order(samples, classes, run)) ++drawn[classes[sample]];
    int64_t total = 0;
    for (const int64_t n : drawn) total += n;
    charts.push_back({title, text(total, " images in an epoch"), names, doubles(counts), doubles(drawn)});
  };
  for (const Sampler& sampler : samplers()) {
    const bool changes = sampler.name == "progressive";
    add(sampler, sampler.name + (changes ? ", first epoch" : ""), 1);
    if (changes) add(sampler, sampler.name + ", last epoch", 10);
  }
  return {"data/figures/samplers.svg",
          bars_svg("Images of each class in an epoch, before (gray) and after each sampler", charts)};
}

// The images of 19 patients, three classes, as squares in the color of their part.
Figure splits_figure() {
  constexpr double side = 13, step = 15, left = 150, header = 84;
  const char* part_names[] = {"training", "validation", "test"};
  const unsigned part_colors[] = {palette[5], palette[4], palette[2]};
  const std::vector<std::string> class_names = {"well", "ill", "very ill"};
  const std::vector<double> shares = {0.6, 0.2, 0.2};
  std::vector<int32_t> labels;
  std::vector<std::string> patients;
  const std::vector<int> counts = {45, 20, 10};
  for (size_t c = 0; c < counts.size(); ++c) {
    for (int i = 0; i < counts[c]; ++i) {
      labels.push_back(static_cast<int32_t>(c));
      patients.push_back(text(c, "-", i / (c == 0 ? 5 : c == 1 ? 4 : 2)));
    }
  }
  std::vector<int> random(labels.size());  // by lot, whatever the class
  Random rng(4, Stream::test);
  for (size_t i = 0; i < random.size(); ++i) random[i] = i < 0.6 * random.size() ? 0 : i < 0.8 * random.size() ? 1 : 2;
  rng.shuffle(random);
  struct Row {
    const char *title, *note;
    std::vector<int> parts;
    bool grouped = false;
  };
  const std::vector<Row> rows = {
      {"at random", "a part may miss a class", random},
      {"stratified", "each part has its share of every class", stratified_parts(labels, shares, 1)},
      {"stratified, by patient", "and all images of a patient (joined) are in one part",
       stratified_parts(labels, shares, 1, patients), true}};
  std::string body = heading("Three ways to split 75 images of three classes");
  double x = 18;
  for (size_t p = 0; p < 3; ++p) {
    body += rectangle({x, 44, side, side}, text("fill=\"", color_text(part_colors[p]), "\""));
    body += words(x + 20, 55, part_names[p], {13});
    x += 50 + width_of(part_names[p], 13);
  }
  body += words(left + 48 * step + 66, 55, "images in each", {13, "start", pale_ink});
  double y = header;
  for (const Row& row : rows) {
    body += words(18, y + 12, row.title, {14, "start", ink, " font-weight=\"600\""});
    body += words(34 + 1.1 * width_of(row.title, 14), y + 12, row.note, {12.5, "start", pale_ink});
    y += 24;
    size_t i = 0;
    for (size_t c = 0; c < counts.size(); ++c) {
      body += words(left - 12, y + 11, class_names[c], {13, "end"});
      std::vector<int> in_part(3);
      double at = left;
      for (int n = 0; n < counts[c]; ++n, ++i) {
        const bool joined = row.grouped && n > 0 && patients[i] == patients[i - 1];
        if (n > 0) at += row.grouped && !joined ? step + 6 : step;
        const double more = joined ? step - side : 0;
        body +=
            rectangle({at - more, y, side + more, side}, text("fill=\"", color_text(part_colors[row.parts[i]]), "\""));
        ++in_part[row.parts[i]];
      }
      body += words(left + 48 * step + 66, y + 11, text(in_part[0], ", ", in_part[1], ", ", in_part[2]), {13});
      y += 19;
    }
    y += 16;
  }
  const double width = left + 48 * step + 190;
  return {"data/figures/splits.svg", whole_svg(width, y, "Splits", body)};
}

// A small class inside a large one, and where resampling adds points.
Figure resampling_figure() {
  Random rng(2, Stream::test);
  std::vector<double> features;
  std::vector<int32_t> labels;
  for (int i = 0; i < 96; ++i) {
    const bool rare = i >= 80;
    features.push_back(rng.normal() * (rare ? 0.6 : 1) + (rare ? 1.6 : 0));
    features.push_back(rng.normal() * (rare ? 0.6 : 1) + (rare ? 1.2 : 0));
    labels.push_back(rare);
  }
  const Table table(features, 2, labels);
  std::vector<Plot> plots;
  const auto add = [&](const char* title, const Resampled& resampled) {
    Plot plot = {title, "feature 1", "feature 2"};
    plot.lines = {{"common class", {}, {}, false, true, 5},
                  {"new rows", {}, {}, false, true, 4},
                  {"rare class", {}, {}, false, true, 1}};
    for (size_t i = 0; i < resampled.table.rows(); ++i) {
      const double* row = resampled.table.row(i);
      Plot::Line& line = plot.lines[resampled.table.labels[i] == 0 ? 0 : resampled.origins[i].synthetic() ? 1 : 2];
      line.x.push_back(row[0]), line.y.push_back(row[1]);
    }
    plots.push_back(std::move(plot));
  };
  add("smote", smote(table, 1));
  add("borderline_smote", borderline_smote(table, 1));
  add("adasyn", adasyn(table, 1));
  return {"data/figures/resampling.svg",
          svg("80 rows of a common class, 16 of a rare one, and the rows that are added", plots)};
}

}  // namespace

Figures data_figures() {
  return {profiles_figure(), accuracy_figure(), samplers_figure(), splits_figure(), resampling_figure()};
}

}  // namespace counterpoise
