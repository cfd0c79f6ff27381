// A study in its folder: its rows are trained as a comparison's, whose folder remembers what is done. Not thread-safe:
// for the main thread, which is the parent of the trainings.
#pragma once

#include <string>
#include <vector>

#include "apps/compare/session.h"
#include "apps/reproduce/lectures.h"
#include "apps/reproduce/study.h"
#include "apps/trainer/program.h"

namespace counterpoise {

// A training whose weights others begin with. It is done before them, in a folder of its own.
struct Pretraining {
  std::string output;     // the folder
  Comparison comparison;  // of one row and one seed
  // The file of its weights.
  std::string weights() const { return cells_of(comparison, output).at(0).folder + "/last.safetensors"; }
};

struct StudyRun {
  std::vector<std::string> rows;  // names of rows and groups; none means all
  std::string output;             // "": runs/ and the study's run_name
  std::vector<int64_t> seeds;
  Shard shard;
  int jobs = 0;  // 0: as many as there are cores for
  bool discard_weights = false;
  bool only_list = false, only_table = false;
  std::vector<std::string> common;        // more options of every training
  Pretraining pretraining;                // done if a selected row begins with its weights
  std::vector<Computation> computations;  // run before the trainings where all rows are
};

// Trains what is missing, writes reproduce.md, reproduce.csv and reproduce.json, and prints the table. Rows that cannot
// be trained are left out, with a message; it is an Error if they were named.
Exit run_study(Study study, const StudyRun& run);

}  // namespace counterpoise
