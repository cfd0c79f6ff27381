// Where a training run writes, and which interrupted run it continues. Not thread-safe.
#pragma once

#include <string>

#include "apps/trainer/options.h"

namespace counterpoise {

// The name of the file that a run is continued from, in its folder.
constexpr const char* checkpoint_name = "checkpoint.safetensors";

struct RunStart {
  std::string directory;     // the run's folder; "": nothing is written
  std::string unfinished;    // the sub-folder of the interrupted run that is continued; "": a new run
  bool is_complete = false;  // --resume auto: a run with these options has ended in `directory`; nothing is to be done
};

// Follows --output and --resume. Without --output the folder is runs/DATE-TIME-LOSS, made here, where the environment
// variable COUNTERPOISE_RUNS may name another folder than runs. The options must be resolved. Throws
// Error(invalid_argument) if the run to be continued has other options, and Error(failure) if no folder can be made.
RunStart start_run(const Options& options);

}  // namespace counterpoise
