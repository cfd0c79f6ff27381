#include "apps/report/run_data.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "apps/trainer/format.h"
#include "core/io/file.h"
#include "data/tables/csv.h"

namespace counterpoise::html_report {

namespace {

namespace fs = std::filesystem;

Json read_result(const std::string& folder) {
  const std::string path = folder + "/result.json";
  CP_ENSURE_AS(bad_data, is_there(folder), folder, ": there is no such folder");
  CP_ENSURE_AS(bad_data, is_there(path), folder, ": holds no result.json, which a complete training run writes");
  try {
    Json json = Json::parse(read_file(path, size_t(64) << 20));
    CP_ENSURE_AS(bad_data, json.is_object(), path, ": is not the result of a run");
    return json;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::bad_data, path, ": ", shortened(error.what()));
  }
}

double number_in(const std::string& field, const CsvReader& reader) {
  double x = 0;
  CP_ENSURE_AS(bad_data, parse_csv_number(field, x), reader.place(), ": \"", shortened(field), "\" is not a number");
  return x;
}

// The position of a column that the file must have.
size_t needed(const CsvReader& reader, const std::string& path, const std::string& column) {
  const size_t at = reader.find(column);
  CP_ENSURE_AS(bad_data, at < reader.header().size(), path, ": its first line does not name a column ",
               shortened(column));
  return at;
}

Predictions read_two(const Run& run, CsvReader& reader, const std::string& path) {
  const size_t name = needed(reader, path, "path"), label = needed(reader, path, "label");
  const size_t logit = needed(reader, path, "logit");
  Predictions y;
  for (std::vector<std::string> row; reader.next(row);) {
    const double positive = number_in(row[label], reader);
    CP_ENSURE_AS(bad_data, positive == 0 || positive == 1, reader.place(), ": the label is ", positive,
                 " instead of 0 or 1");
    y.paths.push_back(row[name]);
    y.labels.push_back(positive == 1 ? run.positive : 1 - run.positive);
    y.logits.push_back(number_in(row[logit], reader));
  }
  return y;
}

Predictions read_many(const Run& run, CsvReader& reader, const std::string& path) {
  const size_t name = needed(reader, path, "path"), label = needed(reader, path, "label");
  const size_t predicted = needed(reader, path, "predicted");
  std::vector<size_t> logits;
  std::map<std::string, int32_t> index;
  for (const std::string& c : run.classes) {
    logits.push_back(needed(reader, path, "logit:" + c));
    index.emplace(c, static_cast<int32_t>(index.size()));
  }
  const auto class_of = [&](const std::string& field) {
    const auto it = index.find(field);
    CP_ENSURE_AS(bad_data, it != index.end(), reader.place(), ": \"", shortened(field), "\" is none of the classes");
    return it->second;
  };
  Predictions y;
  for (std::vector<std::string> row; reader.next(row);) {
    y.paths.push_back(row[name]);
    y.labels.push_back(class_of(row[label]));
    y.predicted.push_back(class_of(row[predicted]));
    for (const size_t at : logits) y.logits.push_back(number_in(row[at], reader));
  }
  return y;
}

Predictions read_predictions(const Run& run, const std::string& path) {
  if (!is_there(path)) return {};
  CsvReader reader(path);
  return run.two_classes() ? read_two(run, reader, path) : read_many(run, reader, path);
}

std::map<std::string, std::vector<double>> read_epochs(const std::string& path) {
  std::map<std::string, std::vector<double>> columns;
  if (!is_there(path)) return columns;
  CsvReader reader(path);
  for (std::vector<std::string> row; reader.next(row);) {
    for (size_t i = 0; i < row.size(); ++i) {
      double x = NAN;
      if (!parse_csv_number(row[i], x)) x = NAN;  // empty, or "nan": undefined in this epoch
      columns[reader.header()[i]].push_back(x);
    }
  }
  std::vector<double>& epochs = columns["epoch"];
  for (size_t i = 0; i < epochs.size(); ++i) {
    if (!std::isfinite(epochs[i])) epochs[i] = double(i + 1);
  }
  for (auto& [name, values] : columns) values.resize(epochs.size(), NAN);  // a column that is named twice
  return columns;
}

// The names of the classes and the positive one, as far as the result says.
void read_classes(Run& run) {
  for (const Json& name : at(run.result, "classes")) {
    if (name.is_string()) run.classes.push_back(name.get<std::string>());
  }
  std::string positive = string_at(run.result, {"positive"});
  if (run.count() > 2) return;
  if (run.count() < 2) {
    if (positive.empty()) positive = "positive";
    run.classes = {positive, positive == "other" ? "others" : "other"};
  }
  run.positive = run.classes[0] == positive ? 0 : 1;
}

}  // namespace

std::string Run::split() const {
  const std::string split = string_at(result, {"split"});
  return split == "test" || split == "all" ? split : "validation";
}

std::string Run::images() const { return split() == "all" ? "images" : split() + " images"; }

int Run::epoch() const {
  const double epoch = number(result, {"epoch"});
  return std::isfinite(epoch) && epoch > 0 && epoch < 1e9 ? static_cast<int>(epoch) : 0;
}

std::vector<bool> Predictions::are(int32_t label) const {
  std::vector<bool> y;
  for (const int32_t other : labels) y.push_back(other == label);
  return y;
}

Interval Run::interval(const std::string& metric) const {
  const Json& pair = at(at(result, "intervals"), metric);
  if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_number()) return {};
  return {pair[0].get<double>(), pair[1].get<double>()};
}

std::vector<double> Run::column(const std::string& name) const {
  const auto it = epochs.find(name);
  if (it == epochs.end()) return {};
  const bool any = std::any_of(it->second.begin(), it->second.end(), [](double x) { return std::isfinite(x); });
  return any ? it->second : std::vector<double>();
}

std::vector<std::vector<int64_t>> Run::confusion() const {
  constexpr size_t most = 2000;  // beyond, the matrix is larger than it is useful
  const size_t K = count();
  if (K > most) return {};
  std::vector<std::vector<int64_t>> counts(K, std::vector<int64_t>(K));
  const Json& rows = at(result, "confusion");
  bool complete = rows.is_array() && rows.size() == K;
  for (size_t i = 0; complete && i < K; ++i) {
    complete = rows[i].is_array() && rows[i].size() == K;
    for (size_t j = 0; complete && j < K; ++j) {
      complete = rows[i][j].is_number_integer();
      if (complete) counts[i][j] = std::max<int64_t>(0, rows[i][j].get<int64_t>());
    }
  }
  if (complete) return counts;
  if (two_classes()) {
    const auto n = [&](const char* key) { return number(result, {key}); };
    if (!std::isfinite(n("tp") + n("fp") + n("fn") + n("tn"))) return {};
    const size_t p = static_cast<size_t>(positive), o = 1 - p;
    counts[p][p] = static_cast<int64_t>(n("tp")), counts[o][p] = static_cast<int64_t>(n("fp"));
    counts[p][o] = static_cast<int64_t>(n("fn")), counts[o][o] = static_cast<int64_t>(n("tn"));
    return counts;
  }
  if (reported.size() == 0) return {};
  counts.assign(K, std::vector<int64_t>(K));
  for (size_t i = 0; i < reported.size(); ++i) ++counts[reported.labels[i]][reported.predicted[i]];
  return counts;
}

Run read_run(const std::string& folder) {
  Run run;
  run.result = read_result(folder);
  read_classes(run);
  run.reported = read_predictions(run, folder + "/predictions.csv");
  run.validation = read_predictions(run, folder + "/predictions-validation.csv");
  run.epochs = read_epochs(folder + "/epochs.csv");
  run.search = read_epochs(folder + "/autobalance.csv");
  fs::path path = fs::absolute(folder).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  // A run that is being completed writes into a sub-folder (trainer/run_folder.h).
  if (path.filename().string().rfind("unfinished-", 0) == 0) path = path.parent_path();
  run.folder = path.string();
  run.name = path.filename().string();
  return run;
}

}  // namespace counterpoise::html_report
