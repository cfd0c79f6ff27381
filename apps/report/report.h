// report.html: an account of what a training run reached. One file without external requests, which opens offline.
//
//   write_file("runs/a/report.html", report_html({"runs/a"}));
//
// It reads the files that a run leaves in its folder: result.json and, where they exist, epochs.csv, predictions.csv
// and predictions-validation.csv. A section for which a file or a key is missing is left out, so results of older
// versions can be read, too. The functions use no state of their own; they may be called from several threads.
#pragma once

#include <string>
#include <vector>

#include "apps/trainer/program.h"

namespace counterpoise {

// The page of one run: result, confusion matrix, decision threshold, curves, calibration, classes, training, and the
// most wrong images; or of several runs side by side, with differences to the first. The files are not trusted: names
// of classes and paths are escaped. Throws Error(bad_data) for no run, for a folder without result.json, and for a file
// that cannot be understood; images that cannot be read are named without a thumbnail.
std::string report_html(const std::vector<std::string>& run_folders);

// `counterpoise report DIR [DIR ...] [--output FILE]`. Throws Error if it fails.
Exit report_command(int argc, char** argv);

}  // namespace counterpoise
