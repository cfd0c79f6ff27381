// What a comparison is of: rows of training options, seeds, folds, and the options that all rows share. Its folder
// remembers it in compare.json. The functions use no state, so they are safe to call from several threads.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace counterpoise {

// One technique: a row of the table.
struct Technique {
  std::string name;  // "" if it has none, and its options stand for it
  std::vector<std::string> arguments;

  // What the table and messages call it.
  std::string title() const;
};

struct Comparison {
  std::vector<Technique> rows;
  std::vector<std::string> common;   // options of every training
  std::vector<int64_t> seeds;        // empty: not given
  int folds = 0;                     // 0: no cross-validation
  std::vector<std::string> metrics;  // empty: not given
};

// One training: a row with a seed, on a fold.
struct Cell {
  size_t row = 0;
  size_t index = 0;  // among the row's cells: it pairs the cells of different rows
  int64_t seed = 0;
  int fold = 0;          // 1 to folds; 0 without cross-validation
  std::string folder;    // where its result is
  int shard_number = 0;  // the cell is of shard i of n if this modulo n is i - 1
};

// "focal: --loss focal --gamma 2", or the options alone; "plain:" is a row without options. Throws
// Error(invalid_argument) for a text of another form and for options that the comparison itself sets.
Technique parse_row(const std::string& text, bool comments = false);

// Adds a row unless it is there already; returns whether it did. Throws Error(invalid_argument) if it has the name or
// the options of another.
bool add_row(Comparison& comparison, const Technique& row, const std::string& place = "");

// The options that all rows share, checked in the same way.
std::vector<std::string> check_common(std::vector<std::string> arguments);

// "5" is the seeds 1 to 5, "1,2,7" and "7," are lists. Throws Error(invalid_argument).
std::vector<int64_t> parse_seeds(const std::string& text);

// Names of keys of result.json, separated by commas; "macro.f1" is a key in an object. Throws Error(invalid_argument)
// for one that no result has.
std::vector<std::string> parse_metrics(const std::string& text);

// A file of rows, one per line, with comments after #. The lines "common: OPTIONS", "seeds: SEEDS", "folds: K" and
// "metrics: NAMES" stand for the command's options. Throws Error, which names the line.
Comparison read_list(const std::string& path);

// Adds the rows, seeds and metrics of `more` to a comparison that has begun. Throws Error(invalid_argument) if the two
// contradict each other in a common option, in the folds, or in what a name stands for; `place` is the comparison's
// name in messages.
void extend(Comparison& begun, const Comparison& more, const std::string& place);

// Every cell, in the order in which they run: all rows with the first seed, then with the next.
std::vector<Cell> cells_of(const Comparison& comparison, const std::string& directory);

// The command line of the cell's training, without the program. What the comparison sets comes last.
std::vector<std::string> training_arguments(const Comparison& comparison, const Cell& cell);

// The comparison as JSON, and back. from_json() throws Error(bad_data), which names `path`.
nlohmann::ordered_json to_json(const Comparison& comparison);
Comparison from_json(const nlohmann::ordered_json& json, const std::string& path);

}  // namespace counterpoise
