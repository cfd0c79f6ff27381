#include "apps/reproduce/results.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "apps/trainer/format.h"
#include "core/io/file.h"
#include "data/tables/csv.h"
#include "losses/metrics/confusion.h"
#include "losses/metrics/curves.h"

namespace counterpoise {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr const char* tuned = "tuned_f1";

// The scores of one half of the images.
struct Half {
  std::vector<double> logits;
  std::vector<bool> is_positive;
};

void read_cell(const Study& study, const Cell& cell, size_t seed, RowResult& row) {
  std::vector<std::string> keys;
  for (const StudyMetric& metric : study.metrics) keys.push_back(metric.key);
  Outcome outcome = outcome_of(cell, keys);
  if (outcome.state == Outcome::done) {
    try {
      for (size_t m = 0; m < keys.size(); ++m) {
        if (keys[m] == tuned) outcome.values[m] = tuned_f1(cell.folder + "/predictions.csv");
      }
    } catch (const Error& error) {
      outcome.state = Outcome::failed;
      outcome.failure = error.what();
    }
  }
  row.done += outcome.state == Outcome::done;
  row.failed += outcome.state == Outcome::failed;
  row.missing += outcome.state == Outcome::missing;
  if (row.failure.empty()) row.failure = outcome.failure;
  if (outcome.state != Outcome::done) return;
  for (size_t m = 0; m < keys.size(); ++m) row.values[m][seed] = outcome.values[m] * study.metrics[m].factor;
}

}  // namespace

size_t StudyResults::failed() const {
  size_t all = 0;
  for (const RowResult& row : rows) all += row.failed;
  return all;
}

size_t StudyResults::missing() const {
  size_t all = 0;
  for (const RowResult& row : rows) all += row.missing;
  return all;
}

StudyResults read_results(const Study& study, const Comparison& comparison, const std::string& directory) {
  StudyResults results;
  results.seeds = comparison.seeds;
  results.rows.resize(study.rows.size());
  std::map<std::vector<std::string>, size_t> trained;  // by its options, the row of the comparison
  for (size_t r = 0; r < comparison.rows.size(); ++r) trained[comparison.rows[r].arguments] = r;
  const std::vector<Cell> cells = cells_of(comparison, directory);
  for (size_t r = 0; r < study.rows.size(); ++r) {
    RowResult& row = results.rows[r];
    row.values.assign(study.metrics.size(), std::vector<double>(comparison.seeds.size(), nan));
    const auto training = trained.find(study.rows[r].arguments);
    row.present = study.rows[r].needs.empty() && training != trained.end();
    for (const Cell& cell : cells) {
      if (row.present && cell.row == training->second) read_cell(study, cell, cell.index, row);
    }
    for (const auto& values : row.values) row.summaries.push_back(summarize(values));
  }
  return results;
}

double tuned_f1(const std::string& predictions_csv) {
  if (!is_there(predictions_csv)) return nan;
  CsvReader reader(predictions_csv);
  const size_t label = reader.find("label"), logit = reader.find("logit"), columns = reader.header().size();
  if (label == columns || logit == columns) return nan;
  Half halves[2];
  size_t seen[2] = {0, 0};
  for (std::vector<std::string> fields; reader.next(fields);) {
    double z = 0;
    CP_ENSURE_AS(bad_data, parse_csv_number(fields[logit], z), reader.place(), ": \"", shortened(fields[logit]),
                 "\" is not a number");
    const bool positive = fields[label] == "1";
    Half& half = halves[seen[positive]++ % 2];
    half.logits.push_back(z), half.is_positive.push_back(positive);
  }
  if (std::min(seen[0], seen[1]) < 2) return nan;
  Confusion all;
  for (const int chosen_on : {0, 1}) {
    const Half &on = halves[chosen_on], &other = halves[1 - chosen_on];
    const double threshold = best_threshold(on.logits, on.is_positive, "f1").threshold;
    const Confusion c = confusion(other.logits, other.is_positive, threshold);
    all.tp += c.tp, all.fp += c.fp, all.fn += c.fn, all.tn += c.tn;
  }
  return all.f1();
}

std::string measured(const StudyMetric& metric, const Summary& s) {
  if (std::isnan(s.mean)) return "–";
  const auto with_decimals = [&](double value) { return formatted("%.*f", metric.decimals, value); };
  return with_decimals(s.mean) + (std::isnan(s.deviation) ? "" : " ± " + with_decimals(s.deviation));
}

Paired difference(const StudyResults& results, const Study& study, size_t row, size_t reference, size_t metric) {
  return paired(results.rows[row].values[metric], results.rows[reference].values[metric], /*folds=*/0,
                lower_is_better(study.metrics[metric].key));
}

}  // namespace counterpoise
