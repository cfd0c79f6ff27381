#include "apps/compare/comparison.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "apps/compare/arguments.h"
#include "apps/trainer/flags.h"
#include "apps/trainer/format.h"
#include "apps/trainer/metrics_json.h"
#include "apps/trainer/program.h"
#include "core/io/file.h"
#include "core/text.h"
#include "kernels/version.h"

namespace counterpoise {

namespace {

// Throws for options of a training that the comparison sets, or that would keep it from training.
void check_training_options(const std::vector<std::string>& arguments) {
  static const std::map<std::string, std::string> set_here = {
      {"--seed", "the comparison sets it: give --seeds"},
      {"--output", "each training has a folder of its own in that of the comparison"},
      {"--resume", "the comparison goes on by itself"},
      {"--fold", "the comparison sets it: give --folds"},
      {"--folds", "it goes before the rows, where it is that of all of them"},
      {"--summary", "it trains nothing"},
      {"--check", "it trains nothing"},
      {"--help", "it trains nothing"},
      {"--help-all", "it trains nothing"},
      {"--version", "it trains nothing"},
  };
  for (const auto& [flag, value] : flags_in(arguments)) {
    const auto reason = set_here.find(flag);
    CP_ENSURE_AS(invalid_argument, reason == set_here.end(), flag, " is no option of a row: ", reason->second);
  }
}

std::string trimmed(const std::string& text) { return std::string(detail::trimmed(text, " \t\r")); }

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(trimmed(part));
  return parts;
}

// The part of a line before a colon, if it begins with a name instead of an option.
std::string name_of(const std::string& text) {
  const size_t colon = text.find(':');
  const std::string line = trimmed(text);
  return colon == std::string::npos || line.empty() || is_flag(line) ? "" : trimmed(text.substr(0, colon));
}

int whole_number(const std::string& text, int low, int high) {
  size_t end = 0;
  int value = low - 1;
  try {
    value = std::stoi(text, &end);
  } catch (const std::exception&) {
  }
  CP_ENSURE_AS(invalid_argument, end == text.size() && !text.empty() && low <= value && value <= high, "\"", text,
               "\" is not a whole number from ", low, " to ", high);
  return value;
}

// The seeds of both, each once, in the order in which they were first given.
template <class T>
void add_missing(std::vector<T>& to, const std::vector<T>& from) {
  for (const T& value : from) {
    if (std::find(to.begin(), to.end(), value) == to.end()) to.push_back(value);
  }
}

// Letters that are safe in the name of a folder, for a person who looks for a row's results. The hash of the options
// makes the name unique, and keeps results apart that had other common options.
std::string folder_name(const Technique& row, const std::vector<std::string>& common) {
  std::string name;
  for (const char c : row.name.empty() ? quoted(row.arguments) : row.name) {
    const bool keep = std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_';
    if (keep) name += c;
    else if (!name.empty() && name.back() != '-') name += '-';
  }
  name = name.substr(0, 40);
  const uint64_t hash = fingerprint(quoted(common) + "\n" + quoted(row.arguments));
  return formatted("%s-%08x", name.c_str(), static_cast<unsigned>(hash ^ (hash >> 32)));
}

}  // namespace

std::string Technique::title() const {
  if (!name.empty()) return name;
  return arguments.empty() ? "defaults" : quoted(arguments);
}

Technique parse_row(const std::string& text, bool comments) {
  Technique row;
  row.name = name_of(text);
  row.arguments = split_arguments(row.name.empty() ? text : text.substr(text.find(':') + 1), comments);
  CP_ENSURE_AS(invalid_argument, row.arguments.empty() || is_flag(row.arguments[0]), "the row \"", text,
               "\" does not begin with an option; a row is one argument in quotes, as \"--loss focal --gamma 2\" or "
               "\"focal: --loss focal\"");
  try {
    check_training_options(row.arguments);
  } catch (const Error& error) {
    throw Error(error.kind(), "row \"", text, "\": ", error.what());
  }
  return row;
}

bool add_row(Comparison& comparison, const Technique& row, const std::string& place) {
  for (const Technique& known : comparison.rows) {
    if (known.title() == row.title() && known.arguments == row.arguments) return false;
    CP_ENSURE_AS(invalid_argument, known.title() != row.title(), place, "two rows are named \"", row.title(),
                 "\": ", quoted(known.arguments), " and ", quoted(row.arguments), "; give one another name");
    CP_ENSURE_AS(invalid_argument, known.arguments != row.arguments, place, "the rows \"", known.title(), "\" and \"",
                 row.title(), "\" are the same training: ", quoted(row.arguments));
  }
  comparison.rows.push_back(row);
  return true;
}

std::vector<std::string> check_common(std::vector<std::string> arguments) {
  for (const std::string& argument : arguments) {
    const bool row = is_flag(argument) && argument.find(' ') < argument.find('=');
    CP_ENSURE_AS(invalid_argument, !row, "\"", argument, "\" looks like a row; rows come after --, each in quotes");
  }
  check_training_options(arguments);
  return arguments;
}

std::vector<int64_t> parse_seeds(const std::string& text) {
  constexpr int most = 2147483647;
  std::vector<int64_t> seeds;
  if (text.find(',') == std::string::npos) {
    const int count = whole_number(text, 1, 100000);
    for (int seed = 1; seed <= count; ++seed) seeds.push_back(seed);
    return seeds;
  }
  for (const std::string& part : split_at_commas(text)) {
    const int64_t seed = whole_number(part, 0, most);
    CP_ENSURE_AS(invalid_argument, std::find(seeds.begin(), seeds.end(), seed) == seeds.end(), "the seed ", seed,
                 " is given twice");
    seeds.push_back(seed);
  }
  return seeds;
}

std::vector<std::string> parse_metrics(const std::string& text) {
  // The keys of a result of two classes; in an object of a result of more classes there are others.
  std::vector<std::string> known;
  const nlohmann::ordered_json example = to_json(Scores{Scores::logit, {1, -1}, {true, false}}, 0);
  for (const auto& [key, value] : example.items()) {
    if (value.is_number() || value.is_null()) known.push_back(key);
  }
  std::vector<std::string> metrics;
  for (const std::string& metric : split_at_commas(text)) {
    static const std::set<std::string> objects = {
        "macro", "weighted", "micro", "top_k", "shots", "per_class", "at_training_prevalence"};
    const bool nested = metric.find('.') != std::string::npos && objects.count(metric.substr(0, metric.find('.')));
    if (!nested && std::find(known.begin(), known.end(), metric) == known.end()) {
      const std::string guess = nearest_name(metric, known);
      throw Error(ErrorKind::invalid_argument, "no result has the metric \"", metric, "\"; ",
                  guess.empty() ? "" : "did you mean " + guess + "? ", "valid are ", join(known),
                  ", and keys in objects of result.json, as macro.f1");
    }
    add_missing(metrics, {metric});
  }
  CP_ENSURE_AS(invalid_argument, !metrics.empty(), "no metric is named");
  return metrics;
}

Comparison read_list(const std::string& path) {
  Comparison list;
  const std::string content = read_file(path, size_t(1) << 24);
  std::istringstream in(content.substr(detail::byte_order_mark(content)));
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    try {
      const std::string start = trimmed(line), name = name_of(line);
      if (start.empty() || start[0] == '#') continue;
      const std::string value = trimmed(name.empty() ? "" : line.substr(line.find(':') + 1));
      if (name == "common") {
        for (const std::string& argument : check_common(split_arguments(value, true))) list.common.push_back(argument);
      } else if (name == "seeds") {
        list.seeds = parse_seeds(trimmed(value.substr(0, value.find('#'))));
      } else if (name == "folds") {
        list.folds = whole_number(trimmed(value.substr(0, value.find('#'))), 2, 1000);
      } else if (name == "metrics") {
        list.metrics = parse_metrics(trimmed(value.substr(0, value.find('#'))));
      } else {
        CP_ENSURE_AS(invalid_argument, add_row(list, parse_row(line, true)), "the row \"", start, "\" is given twice");
      }
    } catch (const Error& error) {
      throw Error(error.kind(), path, ", line ", number, ": ", error.what());
    }
  }
  CP_ENSURE_AS(invalid_argument, !list.rows.empty(), path, ": has no rows; a line is NAME: OPTIONS");
  return list;
}

void extend(Comparison& begun, const Comparison& more, const std::string& place) {
  const auto before = flags_in(begun.common), now = flags_in(more.common);
  for (const auto& [flag, value] : now) {
    const auto it = before.find(flag);
    if (it != before.end() && it->second == value) continue;
    const std::string given = value.empty() ? flag : flag + " " + value;
    throw Error(ErrorKind::invalid_argument, given, " contradicts ", place, ", which was begun ",
                it == before.end() ? "without " + flag : text("with ", flag, " ", it->second),
                "; leave it out, or choose another --output");
  }
  CP_ENSURE_AS(invalid_argument, more.folds == 0 || more.folds == begun.folds, "--folds ", more.folds, " contradicts ",
               place, ", which was begun ", begun.folds ? text("with --folds ", begun.folds) : "without folds",
               "; leave it out, or choose another --output");
  for (const Technique& row : more.rows) add_row(begun, row, place + ": ");
  add_missing(begun.seeds, more.seeds);
  if (!more.metrics.empty()) begun.metrics = more.metrics;
}

std::vector<Cell> cells_of(const Comparison& c, const std::string& directory) {
  std::vector<Cell> cells;
  const int folds = std::max(c.folds, 1);
  for (size_t s = 0; s < c.seeds.size(); ++s) {
    for (int f = 0; f < folds; ++f) {
      const std::string place = text("seed-", c.seeds[s], c.folds ? text("-fold-", f + 1, "-of-", folds) : "");
      for (size_t r = 0; r < c.rows.size(); ++r) {
        Cell cell;
        cell.row = r, cell.index = s * folds + f;
        cell.seed = c.seeds[s], cell.fold = c.folds ? f + 1 : 0;
        cell.folder = text(directory, "/cells/", folder_name(c.rows[r], c.common), "/", place);
        // Along a diagonal, so that the cells of a slow row are spread over the shards.
        cell.shard_number = static_cast<int>(r + cell.index);
        cells.push_back(cell);
      }
    }
  }
  return cells;
}

std::vector<std::string> training_arguments(const Comparison& c, const Cell& cell) {
  std::vector<std::string> all = {"train"};
  all.insert(all.end(), c.common.begin(), c.common.end());
  all.insert(all.end(), c.rows[cell.row].arguments.begin(), c.rows[cell.row].arguments.end());
  if (cell.fold) all.insert(all.end(), {"--folds", text(c.folds), "--fold", text(cell.fold)});
  all.insert(all.end(), {"--seed", text(cell.seed), "--output", cell.folder, "--resume", "auto"});
  return all;
}

nlohmann::ordered_json to_json(const Comparison& c) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Technique& row : c.rows) rows.push_back({{"name", row.name}, {"options", quoted(row.arguments)}});
  return {{"program", "Counterpoise " COUNTERPOISE_VERSION},
          {"common", quoted(c.common)},
          {"seeds", c.seeds},
          {"folds", c.folds},
          {"metrics", c.metrics},
          {"rows", rows}};
}

Comparison from_json(const nlohmann::ordered_json& json, const std::string& path) {
  try {
    Comparison c;
    c.common = check_common(split_arguments(json.at("common").get<std::string>()));
    c.seeds = json.at("seeds").get<std::vector<int64_t>>();
    c.folds = json.at("folds").get<int>();
    c.metrics = json.at("metrics").get<std::vector<std::string>>();
    for (const auto& row : json.at("rows")) {
      const std::string name = row.at("name").get<std::string>(), options = row.at("options").get<std::string>();
      add_row(c, {name, split_arguments(options)});
    }
    return c;
  } catch (const std::exception& error) {
    throw Error(ErrorKind::bad_data, path, " is not the file of a comparison: ", error.what(),
                "; move it away to begin again, finished trainings are kept");
  }
}

}  // namespace counterpoise
