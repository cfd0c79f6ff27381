// The sections of a report. Each function returns HTML, or "" where the run's files do not say what the section shows.
// All are pure but those that read images.
#pragma once

#include <string>
#include <vector>

#include "apps/report/run_data.h"
#include "apps/report/scores.h"

namespace counterpoise::html_report {

// A run of two classes, with the counts at all thresholds. Where there are predictions for a validation split beside
// those for the test split, thresholds are chosen on them.
struct TwoClasses {
  explicit TwoClasses(const Run& run);

  const Run& run;
  Kept kept;
  Sweep reported, validation;
  const Sweep& choice() const { return validation.both_classes() ? validation : reported; }
  Confusion at_kept;  // of the reported split; zeros where nothing says
};

// -- result.cpp --
std::string headline(const Run& run, const TwoClasses* two);
std::string metrics_section(const Run& run, const TwoClasses* two);
// A confusion matrix of two classes; `live`: with ids for the page's script.
std::string matrix_of_two(const Run& run, const Confusion& counts, bool live);

// -- two_classes.cpp --
std::string decision_section(const TwoClasses& two);
std::string curves_section(const TwoClasses& two);
std::string scores_section(const TwoClasses& two);
std::string calibration_section(const Run& run, const Kept& kept);
// What the page's script needs for the threshold's slider.
Json script_data(const TwoClasses& two);
// ROC and precision-recall curves of several runs.
std::string overlaid_curves(const std::vector<const TwoClasses*>& runs);

// -- many_classes.cpp --
std::string matrix_section(const Run& run);
std::string classes_section(const Run& run);
std::string class_curves_section(const Run& run);
// The confusion matrix as a table, or for more than 20 classes as an image; "" for more than 100.
std::string matrix_of_many(const Run& run);
struct ClassMetrics {
  double precision, recall, f1, support, average_precision, roc_auc, training_images;
};
// As the result says, else from the predictions.
std::vector<ClassMetrics> class_metrics(const Run& run);

// -- training.cpp --
std::string epochs_section(const Run& run);
std::string shares_section(const Run& run);
std::string counts_section(const Run& run);
std::string options_section(const Run& run);
std::string unreadable_section(const Run& run);
// A column of epochs.csv of several runs.
std::string overlaid_epochs(const std::vector<Run>& runs);

// -- autobalance.cpp --
// What AutoBalance's search has learned.
std::string autobalance_section(const Run& run);

// -- images.cpp --
// Reads the image files that predictions.csv names.
std::string images_section(const Run& run, const TwoClasses* two);

// -- compare.cpp --
std::string comparison(const std::vector<Run>& runs);

// -- style.cpp, script.cpp --
extern const char* const style;
extern const char* const script;

}  // namespace counterpoise::html_report
