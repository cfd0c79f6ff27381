#include "apps/compare/table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/compare/arguments.h"
#include "apps/compare/markdown.h"
#include "apps/trainer/format.h"
#include "data/tables/csv.h"

namespace counterpoise {

namespace {

// "average_precision" as the head of a column. A key in an object, which may be the name of a class, stays as it is.
std::string heading(std::string metric) {
  if (metric.find('.') == std::string::npos) std::replace(metric.begin(), metric.end(), '_', ' ');
  const size_t f1 = metric.rfind("f1");
  if (f1 != std::string::npos && f1 + 2 == metric.size()) metric[f1] = 'F';
  return markdown_cell(metric);
}

// A title in a Markdown table: options as code.
std::string title(const Technique& row) {
  const std::string text = markdown_cell(row.title());
  return row.name.empty() && text.find('`') == std::string::npos ? "`" + text + "`" : text;
}

// What the cells of all rows that are compared with each other share.
std::string pair_name(const Cell& cell) { return text("seed ", cell.seed, cell.fold ? text(" fold ", cell.fold) : ""); }

nlohmann::ordered_json number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
}

}  // namespace

ComparisonTable::ComparisonTable(Comparison comparison, std::vector<Cell> cells, std::vector<Outcome> outcomes)
    : comparison_(std::move(comparison)),
      cells_(std::move(cells)),
      outcomes_(std::move(outcomes)),
      done_(comparison_.rows.size(), 0) {
  CP_ENSURE(cells_.size() == outcomes_.size(), "a table of ", cells_.size(), " cells with ", outcomes_.size(),
            " outcomes");
  const size_t rows = comparison_.rows.size(), pairs = rows ? cells_.size() / rows : 0;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (size_t i = 0; i < cells_.size(); ++i) {
    done_[cells_[i].row] += outcomes_[i].state == Outcome::done;
    failed_ += outcomes_[i].state == Outcome::failed;
    missing_ += outcomes_[i].state == Outcome::missing;
  }
  for (size_t m = 0; m < comparison_.metrics.size(); ++m) {
    std::vector<Entry> column(rows);
    for (Entry& entry : column) entry.values.assign(pairs, nan);
    for (size_t i = 0; i < cells_.size(); ++i) {
      if (outcomes_[i].state != Outcome::done) continue;
      column[cells_[i].row].values[cells_[i].index] = outcomes_[i].values[m];
      if (std::isnan(outcomes_[i].values[m])) ++undefined_[comparison_.metrics[m]];
    }
    for (Entry& entry : column) {
      entry.summary = summarize(entry.values);
      entry.to_first =
          paired(entry.values, column[0].values, comparison_.folds, lower_is_better(comparison_.metrics[m]));
    }
    entries_.push_back(std::move(column));
    mark_best(m);
  }
}

// The best mean is bold if its row is clearly better than the first; that of the first row if it is clearly better than
// each of the others.
void ComparisonTable::mark_best(size_t metric) {
  std::vector<Entry>& column = entries_[metric];
  const bool lower = lower_is_better(comparison_.metrics[metric]);
  size_t best = column.size();
  for (size_t r = 0; r < column.size(); ++r) {
    const double mean = column[r].summary.mean;
    if (std::isnan(mean)) continue;
    if (best == column.size() || (lower ? mean < column[best].summary.mean : mean > column[best].summary.mean))
      best = r;
  }
  if (best == column.size()) return;
  bool clear = column.size() > 1;
  for (size_t r = 1; r < column.size(); ++r) {
    if (best == 0) clear = clear && column[r].to_first.clear(!lower);
    else if (r == best) clear = column[r].to_first.clear(lower);
  }
  column[best].bold = clear;
}

std::string ComparisonTable::markdown() const {
  const bool differences = comparison_.rows.size() > 1;
  std::vector<std::vector<std::string>> lines = {{"technique", "runs"}};
  std::vector<const char*> formats;
  for (size_t m = 0; m < entries_.size(); ++m) {
    lines[0].push_back(heading(comparison_.metrics[m]));
    if (differences) lines[0].push_back("Δ " + heading(comparison_.metrics[m]));
    double largest = 0;
    for (const Entry& entry : entries_[m]) {
      if (!std::isnan(entry.summary.mean)) largest = std::max(largest, std::fabs(entry.summary.mean));
    }
    formats.push_back(largest < 10 ? "%.3f" : "%.1f");
  }
  for (size_t r = 0; r < comparison_.rows.size(); ++r) {
    std::vector<std::string> line = {title(comparison_.rows[r]), text(done_[r])};
    for (size_t m = 0; m < entries_.size(); ++m) {
      const Entry& entry = entries_[m][r];
      const std::string f = formats[m], signed_format = "%+" + f.substr(1);
      const auto spread = [&](double x) { return std::isnan(x) ? "" : " ± " + formatted(f.c_str(), x); };
      const std::string mean = std::isnan(entry.summary.mean) ? "–" : formatted(f.c_str(), entry.summary.mean);
      line.push_back((entry.bold ? "**" + mean + "**" : mean) + spread(entry.summary.deviation));
      if (!differences) continue;
      const Paired& p = entry.to_first;
      line.push_back(r == 0                     ? ""
                     : std::isnan(p.difference) ? "–"
                                                : text(formatted(signed_format.c_str(), p.difference), spread(p.error),
                                                       " (", p.better, "/", p.pairs, ")"));
    }
    lines.push_back(std::move(line));
  }
  std::string all = markdown_table(lines);
  const std::string over =
      plural(comparison_.seeds.size(), "seed") + (comparison_.folds ? " and " + plural(comparison_.folds, "fold") : "");
  all += text("\nMean ± standard deviation over ", over, ".");
  if (differences) {
    all +=
        text(" Δ: mean difference to the first row with the same seed", comparison_.folds ? " and fold" : "",
             " ± its standard error", comparison_.folds > 1 ? " (corrected for folds that share images)" : "",
             ", and in how many of these pairs the row is better. The best mean is bold if it differs from the first "
             "row's, or the first row's from all others, by more than two standard errors.");
  }
  if (!comparison_.common.empty()) all += " Common options: `" + printable(quoted(comparison_.common)) + "`.";
  all += "\n";
  if (!undefined_.empty()) {
    all += "\nLeft out because a result does not define them:";
    for (const auto& [metric, count] : undefined_) all += text(" ", plural(count, "value"), " of ", metric, ",");
    all.back() = '.';
    all += "\n";
  }
  all += other_images() + failures();
  if (missing_) {
    all += text("\n", missing_, " of ", plural(cells_.size(), "training"), missing_ == 1 ? " is" : " are",
                " missing. The same command trains what is missing.\n");
  }
  return all;
}

std::string ComparisonTable::other_images() const {
  std::map<size_t, std::set<std::string>> images;  // of the trainings with one seed and fold
  std::string pairs;
  for (size_t i = 0; i < cells_.size(); ++i) {
    std::set<std::string>& known = images[cells_[i].index];
    if (outcomes_[i].images.empty() || !known.insert(outcomes_[i].images).second || known.size() != 2) continue;
    pairs += (pairs.empty() ? "" : ", ") + pair_name(cells_[i]);
  }
  if (pairs.empty()) return "";
  return "\nWarning: the rows were not trained and judged on the same images with " + pairs +
         ", so that Δ is not of their options alone. Begin a comparison in another folder, or remove the trainings of "
         "earlier images from cells/.\n";
}

// The failed trainings, those of one row with one cause in one line.
std::string ComparisonTable::failures() const {
  std::vector<std::pair<std::string, std::string>> causes;  // what and why
  for (size_t r = 0; r < comparison_.rows.size(); ++r) {
    for (size_t i = 0; i < cells_.size(); ++i) {
      if (cells_[i].row != r || outcomes_[i].state != Outcome::failed) continue;
      const std::string cell = pair_name(cells_[i]);
      const auto same = std::find_if(causes.begin(), causes.end(), [&](const auto& cause) {
        return cause.first.rfind(title(comparison_.rows[r]) + ", ", 0) == 0 && cause.second == outcomes_[i].failure;
      });
      if (same != causes.end()) same->first += ", " + cell;
      else causes.emplace_back(title(comparison_.rows[r]) + ", " + cell, outcomes_[i].failure);
    }
  }
  if (causes.empty()) return "";
  std::string all = text("\n", failed_, " of ", plural(cells_.size(), "training"), " failed:\n\n");
  for (const auto& [what, why] : causes) all += "- " + what + ": " + why + "\n";
  return all;
}

nlohmann::ordered_json ComparisonTable::json(const std::string& directory) const {
  nlohmann::ordered_json summary = nlohmann::ordered_json::array(), trainings = nlohmann::ordered_json::array();
  for (size_t r = 0; r < comparison_.rows.size(); ++r) {
    for (size_t m = 0; m < entries_.size(); ++m) {
      const Entry& entry = entries_[m][r];
      nlohmann::ordered_json line = {
          {"technique", comparison_.rows[r].title()}, {"options", quoted(comparison_.rows[r].arguments)},
          {"metric", comparison_.metrics[m]},         {"runs", entry.summary.count},
          {"mean", number(entry.summary.mean)},       {"standard_deviation", number(entry.summary.deviation)}};
      line["pairs"] = r ? nlohmann::ordered_json(entry.to_first.pairs) : nlohmann::ordered_json();
      line["difference"] = r ? number(entry.to_first.difference) : nlohmann::ordered_json();
      line["standard_error"] = r ? number(entry.to_first.error) : nlohmann::ordered_json();
      line["better"] = r ? nlohmann::ordered_json(entry.to_first.better) : nlohmann::ordered_json();
      summary.push_back(std::move(line));
    }
  }
  for (size_t i = 0; i < cells_.size(); ++i) {
    const Cell& cell = cells_[i];
    nlohmann::ordered_json line = {{"technique", comparison_.rows[cell.row].title()}, {"seed", cell.seed}};
    if (cell.fold) line["fold"] = cell.fold;
    line["folder"] =
        cell.folder.rfind(directory + "/", 0) == 0 ? cell.folder.substr(directory.size() + 1) : cell.folder;
    line["state"] = outcomes_[i].state == Outcome::done     ? "done"
                    : outcomes_[i].state == Outcome::failed ? "failed"
                                                            : "missing";
    if (outcomes_[i].state == Outcome::failed) line["failure"] = outcomes_[i].failure;
    for (size_t m = 0; m < outcomes_[i].values.size(); ++m)
      line["values"][comparison_.metrics[m]] = number(outcomes_[i].values[m]);
    trainings.push_back(std::move(line));
  }
  return {{"summary", summary}, {"trainings", trainings}};
}

std::string ComparisonTable::csv() const {
  const nlohmann::ordered_json summary = json("")["summary"];
  std::string all;
  for (const auto& line : summary) {
    if (all.empty()) {
      for (const auto& [key, value] : line.items()) all += (all.empty() ? "" : ",") + key;
      all += "\n";
    }
    std::string fields;
    for (const auto& [key, value] : line.items()) {
      if (key != "technique") fields += ",";
      fields += value.is_null() ? "" : csv_field(value.is_string() ? value.get<std::string>() : value.dump());
    }
    all += fields + "\n";
  }
  return all;
}

}  // namespace counterpoise
