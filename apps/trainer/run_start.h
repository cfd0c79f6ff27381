// Where a training run writes, and which interrupted run it continues. Not thread-safe.
#pragma once

#include <string>

#include "apps/trainer/options.h"
#include "apps/trainer/run_folder.h"

namespace counterpoise {

struct RunStart {
  std::string directory;     // the run's folder; "": a new one, or nothing is written
  std::string unfinished;    // the sub-folder of the interrupted run that is continued; "": a new run
  bool is_complete = false;  // --resume auto: a run with these options has ended in `directory`; nothing is to be done
};

// Follows --output and --resume. The options must be resolved. Throws Error(invalid_argument) if the run to be
// continued has other options, or as RunFolder::check_others() does.
RunStart start_run(const Options& options);
// Without --output, makes the folder runs/DATE-TIME-LOSS, where the environment variable COUNTERPOISE_RUNS may name
// another folder than runs. Throws Error(failure) if that cannot be made.
void make_run_folder(RunStart& start, const Options& options);
// Whether a new run in this folder replaces the result of an earlier one.
bool replaces_result(const RunStart& start);

}  // namespace counterpoise
