// The table and the report of a study: ours beside the published numbers. The functions are pure, so they are safe to
// call from several threads.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "apps/reproduce/results.h"
#include "apps/reproduce/study.h"

namespace counterpoise {

// Mean ± standard deviation over the seeds of every row with results, beside what was published, as a Markdown table
// with a note on how to read it, the trainings that failed, and how many are missing.
std::string study_table(const Study& study, const StudyResults& results);

// All of it: the introduction, the table, where the order differs and why, the study's own sections, and remarks on
// the source.
std::string study_report(const Study& study, const StudyResults& results);

// A line per row. An undefined number is an empty field.
std::string study_csv(const Study& study, const StudyResults& results);
nlohmann::ordered_json study_json(const Study& study, const StudyResults& results);

// The rows with the time that `seeds` trainings of each take on one core, and why some cannot be trained.
std::string study_list(const Study& study, const std::vector<size_t>& rows, size_t seeds, int cores);

}  // namespace counterpoise
