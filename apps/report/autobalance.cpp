// AutoBalance's search: the learned scales and shifts of the logits, against the shares of the classes and by epoch.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/report/sections.h"
#include "apps/trainer/format.h"

namespace counterpoise::html_report {

namespace {

struct Learned {
  std::string name;
  double images, log_prior, l, delta, scale;
};

// The classes with training images, from the rarest to the most frequent; empty where the result has nothing learned.
std::vector<Learned> learned_by(const Run& run) {
  std::vector<Learned> all;
  double total = 0;
  for (const std::string& c : run.classes) {
    const auto of = [&](const char* key) { return number(run.result, {"autobalance", key, c}); };
    const Learned one = {c, number(run.result, {"training_images", c}), 0, of("l"), of("delta"), of("scale")};
    if (!std::isfinite(one.images + one.l + one.delta + one.scale) || one.images <= 0) continue;
    all.push_back(one);
    total += one.images;
  }
  for (Learned& one : all) one.log_prior = std::log(one.images / total);
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.images < b.images; });
  return all;
}

// Only differences between the classes' l matter to a softmax.
std::vector<double> centered(std::vector<double> values) {
  const double mean = std::accumulate(values.begin(), values.end(), 0.) / static_cast<double>(values.size());
  for (double& v : values) v -= mean;
  return values;
}

std::string against_prior(const std::vector<Learned>& all) {
  std::vector<double> prior, l, scale;
  for (const Learned& one : all) prior.push_back(one.log_prior), l.push_back(one.l), scale.push_back(one.scale);
  l = centered(l);
  const std::vector<double> adjusted = centered(prior);
  Chart shifts = {"", "Shift l of the logit", number_axis("log of the class's share", prior, 6), {}};
  shifts.lines.push_back({"learned l, less its mean", 0, prior, l, false, true});
  shifts.lines.push_back({"logit adjustment: log share, less its mean", -1, prior, adjusted, true, false});
  std::vector<double> both = l;
  both.insert(both.end(), adjusted.begin(), adjusted.end());
  shifts.y = number_axis("l", both, 6);
  Chart scales = {
      "", "Scale of the logit, the sigmoid of Delta", number_axis("log of the class's share", prior, 6), {}};
  scales.lines.push_back({"learned", 1, prior, scale, false, true});
  // (Scales that nearly agree should look so: the axis spans at least a tenth.)
  const auto [low, high] = std::minmax_element(scale.begin(), scale.end());
  const double spare = std::max(0., 0.1 - (*high - *low)) / 2;
  scales.y = number_axis("scale", {*low - spare, *high + spare}, 5);
  return side_by_side({figure(shifts), figure(scales)});
}

// Of more than 8 classes the 4 rarest and the 4 most frequent.
std::string by_epoch(const Run& run, const std::vector<Learned>& all) {
  const auto epochs = run.search.find("epoch");
  if (epochs == run.search.end() || epochs->second.size() < 2) return "";
  std::vector<std::string> figures;
  for (const auto& [key, title] :
       {std::pair("l:", "l by epoch of the search"), std::pair("delta:", "Delta by epoch of the search")}) {
    Chart chart = {"", title, number_axis("epoch of the search", epochs->second, 8), {}};
    std::vector<double> values;
    for (size_t k = 0; k < all.size(); ++k) {
      if (all.size() > 8 && k >= 4 && k + 4 < all.size()) continue;
      const auto column = run.search.find(key + all[k].name);
      if (column == run.search.end()) continue;
      chart.lines.push_back({html(all[k].name), static_cast<int>(chart.lines.size()), epochs->second, column->second});
      values.insert(values.end(), column->second.begin(), column->second.end());
    }
    if (chart.lines.empty()) continue;
    chart.y = number_axis(key[0] == 'l' ? "l" : "Delta", values, 6);
    figures.push_back(figure(chart));
  }
  return side_by_side(figures);
}

}  // namespace

std::string autobalance_section(const Run& run) {
  const std::vector<Learned> all = learned_by(run);
  if (all.size() < 2) return "";
  Table table;
  table.sortable = all.size() > 2;
  table.caption = "Learned scales and shifts";
  table.header = {"Class", "Training images", "Log share", "l", "Delta", "Scale"};
  for (const Learned& one : all) {
    table.rows.push_back({html(one.name), cell(whole(one.images), one.images),
                          cell(decimal(one.log_prior), one.log_prior), cell(decimal(one.l), one.l),
                          cell(decimal(one.delta), one.delta), cell(decimal(one.scale), one.scale)});
  }
  const double slope = number(run.result, {"autobalance", "slope"});
  const double correlation = number(run.result, {"autobalance", "correlation"});
  std::string text;
  if (std::isfinite(slope + correlation)) {
    text =
        note("l rises by " + decimal(slope) + " for each unit of the log share (1 would be logit adjustment); their " +
             "correlation is " + decimal(correlation) + ".");
  }
  return section("autobalance", "AutoBalance", against_prior(all) + by_epoch(run, all) + text + table.html());
}

}  // namespace counterpoise::html_report
