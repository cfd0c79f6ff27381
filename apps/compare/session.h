// A comparison in its folder: what `compare` and `reproduce` do there. The folder's compare.json remembers what is
// compared, and several processes may work in it at once. Not thread-safe: for the main thread, which is the parent of
// the trainings.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/compare/comparison.h"
#include "apps/compare/table.h"

namespace counterpoise {

// The part of the work that a process takes: cells whose shard_number modulo `count` is `index`.
struct Shard {
  int index = 0, count = 1;
  bool has(const Cell& cell) const { return cell.shard_number % count == index; }
};

// "2/4" is the second of four, "" all of the work. Throws Error(invalid_argument), which names the flag --shard.
Shard parse_shard(const std::string& text);

// Whether a cell is to be trained now.
using Wanted = std::function<bool(const Comparison&, const Cell&)>;

// Makes the folder, or adds the rows, seeds and metrics to those that are there, and returns all of them. New rows are
// checked first, and so are the others that have a cell that is wanted and has no result. A comparison that is refused
// leaves no new folder. Trainings on the CPU get one thread each unless the common options say otherwise. Throws
// Error(invalid_argument) for rows or options that the training refuses, or that contradict what is there, or for a
// folder of another program, and Error(bad_data) if compare.json cannot be read.
Comparison begin_comparison(const std::string& output, const Comparison& added, const Wanted& wanted);

// The number of cores that this process may use.
int available_cores();

// Trains the cells that are wanted and have no result, `jobs` at the same time; 0: as many as the cores have threads
// for, and on a GPU one. After a stop signal, which it reports, it returns false.
bool train_cells(const Comparison& comparison, const std::string& output, const Wanted& wanted, int jobs,
                 bool discard_weights);

// The table of everything that is in the folder, whichever process trained it. It is written there as compare.md,
// compare.csv and compare.json.
ComparisonTable write_table(const std::string& output);

}  // namespace counterpoise
