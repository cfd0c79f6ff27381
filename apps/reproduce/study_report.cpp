#include "apps/reproduce/study_report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/compare/arguments.h"
#include "apps/compare/markdown.h"
#include "apps/reproduce/orders.h"
#include "apps/trainer/format.h"
#include "data/tables/csv.h"
#include "kernels/version.h"

namespace counterpoise {

namespace {

using Json = nlohmann::ordered_json;

std::string published_text(const StudyRow& row) {
  std::string all;
  for (const Published& p : row.published)
    all += (all.empty() ? "" : ", ") + p.text + (p.source.empty() ? "" : " " + p.source);
  return row.varies.empty() ? (all.empty() ? "–" : all) : "ours";
}

// Whether a row belongs in the table: those of other groups have a section of their own.
bool is_in_table(const Study& study, const StudyResults& results, size_t r) {
  return study.groups.count(study.rows[r].group) && results.rows[r].present;
}

std::string failures(const Study& study, const StudyResults& results) {
  std::string all;
  std::set<size_t> told;  // trainings, because rows may share one
  for (size_t r = 0; r < study.rows.size(); ++r) {
    if (results.rows[r].failed == 0 || !told.insert(training_of(study, r)).second) continue;
    all += text("- ", study.rows[r].name, ", ", plural(results.rows[r].failed, "training"), ": ",
                results.rows[r].failure, "\n");
  }
  return all.empty() ? "" : "\nFailed:\n\n" + all;
}

}  // namespace

std::string study_table(const Study& study, const StudyResults& results) {
  std::vector<std::vector<std::string>> lines = {{"row", "training images", "method", study.source}};
  for (const StudyMetric& metric : study.metrics) lines[0].push_back(metric.heading);
  lines[0].emplace_back("runs");
  bool shared = false;
  for (size_t r = 0; r < study.rows.size(); ++r) {
    if (!is_in_table(study, results, r)) continue;
    const StudyRow& row = study.rows[r];
    std::vector<std::string> line = {row.name, row.data, markdown_cell(row.method), published_text(row)};
    for (size_t m = 0; m < study.metrics.size(); ++m)
      line.push_back(measured(study.metrics[m], results.rows[r].summaries[m]));
    const size_t training = training_of(study, r);
    shared = shared || training != r;
    line.push_back(text(results.rows[r].done, training == r ? "" : " of " + study.rows[training].name));
    lines.push_back(line);
  }
  std::string all = lines.size() > 1 ? markdown_table(lines) + "\n" : "";
  all += text("Mean ± standard deviation over ", plural(results.seeds.size(), "seed"), ".");
  for (const StudyMetric& metric : study.metrics) {
    if (metric.key == "tuned_f1")
      all +=
          " Tuned threshold: the one with the best F1 on one half of the validation images, applied to the other "
          "half, and the other way round.";
  }
  if (shared) all += " \"N of R4\": the N trainings are those of R4.";
  all += " Common options: `" + printable(quoted(study.common)) + "`.\n" + failures(study, results);
  std::set<size_t> trainings;
  size_t missing = 0;
  for (size_t r = 0; r < study.rows.size(); ++r) {
    if (trainings.insert(training_of(study, r)).second) missing += results.rows[r].missing;
  }
  if (missing)
    all += text("\n", plural(missing, "training"), missing == 1 ? " is" : " are",
                " missing. The same command "
                "trains what is missing.\n");
  std::set<std::string> groups;
  for (size_t r = 0; r < study.rows.size(); ++r) {
    if (is_in_table(study, results, r)) groups.insert(study.rows[r].group);
  }
  std::string skipped;
  for (const StudyRow& row : study.rows) {
    if (!row.needs.empty() && groups.count(row.group)) skipped += "- " + row.name + ": " + row.needs + "\n";
  }
  return skipped.empty() ? all : all + "\nNot trained:\n\n" + skipped;
}

std::string study_report(const Study& study, const StudyResults& results) {
  std::string all = "# " + study.title + "\n\n" + study.introduction + "\n\n" + study_table(study, results) + "\n" +
                    orders_section(study, results);
  for (const auto& section : study.sections) all += section(study, results);
  if (!study.remarks.empty()) all += "## On the published numbers\n\n";
  for (const std::string& remark : study.remarks) all += "- " + remark + "\n";
  return all;
}

std::string study_csv(const Study& study, const StudyResults& results) {
  std::string all = "row,group,images,method,options,source,published,runs";
  for (const StudyMetric& metric : study.metrics) all += text(",", metric.key, ",", metric.key, "_deviation");
  all += "\n";
  const auto field = [](double value) { return std::isfinite(value) ? exact(value) : std::string(); };
  for (size_t r = 0; r < study.rows.size(); ++r) {
    if (!results.rows[r].present) continue;
    const StudyRow& row = study.rows[r];
    for (const std::string& value : {row.name, row.group, row.data, row.method, quoted(row.arguments)})
      all += csv_field(value) + ",";
    const Published published = row.published.empty() ? Published() : row.published[0];
    all += csv_field(published.source) + "," + csv_field(published.text) + "," + text(results.rows[r].done);
    for (const Summary& s : results.rows[r].summaries) all += "," + field(s.mean) + "," + field(s.deviation);
    all += "\n";
  }
  return all;
}

Json study_json(const Study& study, const StudyResults& results) {
  Json rows = Json::array();
  for (size_t r = 0; r < study.rows.size(); ++r) {
    const StudyRow& row = study.rows[r];
    Json published = Json::array(), metrics = Json::object();
    for (const Published& p : row.published)
      published.push_back({{"source", p.source}, {"text", p.text}, {"value", p.value}});
    for (size_t m = 0; results.rows[r].present && m < study.metrics.size(); ++m) {
      const Summary& s = results.rows[r].summaries[m];
      metrics[study.metrics[m].key] = {
          {"mean", s.mean}, {"deviation", s.deviation}, {"values", results.rows[r].values[m]}};
    }
    rows.push_back({{"row", row.name},
                    {"group", row.group},
                    {"images", row.data},
                    {"method", row.method},
                    {"options", quoted(row.arguments)},
                    {"published", published},
                    {"varies", row.varies},
                    {"training", study.rows[training_of(study, r)].name},
                    {"needs", row.needs},
                    {"runs", results.rows[r].done},
                    {"metrics", metrics}});
  }
  Json orders = Json::array();
  for (const GroupOrder& order : compare_orders(study, results)) {
    Json disagreements = Json::array();
    for (const Disagreement& d : order.disagreements) {
      disagreements.push_back({{"above", study.rows[d.above].name},
                               {"below", study.rows[d.below].name},
                               {"difference", d.ours.difference},
                               {"standard_error", d.ours.error},
                               {"pairs", d.ours.pairs},
                               {"agree", d.ours.better}});
    }
    orders.push_back({{"group", order.group}, {"pairs", order.pairs}, {"disagreements", disagreements}});
  }
  return {{"program", "Counterpoise " COUNTERPOISE_VERSION},
          {"title", study.title},
          {"common", quoted(study.common)},
          {"seeds", results.seeds},
          {"rows", rows},
          {"orders", orders}};
}

std::string study_list(const Study& study, const std::vector<size_t>& rows, size_t seeds, int cores) {
  std::vector<std::vector<std::string>> lines = {
      {"row", "group", "training images", "method", study.source, text("one core, ", plural(seeds, "seed"))}};
  double all = 0;
  std::set<size_t> counted;
  std::string cannot;
  for (const size_t r : rows) {
    const StudyRow& row = study.rows[r];
    const size_t training = training_of(study, r);
    const bool first = counted.insert(training).second;
    const double seconds = row.seconds * static_cast<double>(seeds);
    std::string time = duration_text(seconds);
    if (!row.needs.empty()) time = "–", cannot += "- " + row.name + ": " + row.needs + "\n";
    else if (first) all += seconds;
    if (!first) time = "as " + study.rows[training].name;
    lines.push_back({row.name, row.group, row.data, markdown_cell(row.method), published_text(row), time});
  }
  std::string out = markdown_table(lines);
  out += text("\nWith ", plural(seeds, "seed"), " about ", duration_text(all), " on one core, ",
              duration_text(all / cores), " on the ", cores, " here.\n");
  if (!study.legend.empty()) out += study.legend + "\n";
  if (!study.requirements.empty()) out += study.requirements + "\n";
  return cannot.empty() ? out : out + "\nNot trained:\n\n" + cannot;
}

}  // namespace counterpoise
