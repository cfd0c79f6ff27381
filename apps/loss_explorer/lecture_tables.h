// The metric tables of the two lectures on imbalanced data that this project began from: what they print, and the same
// numbers computed again, with the slides' errors named.
#pragma once

#include <string>
#include <vector>

#include "losses/metrics/confusion.h"

namespace counterpoise {

// A number on a slide: of a metric by its name in metric(), with as many decimals as are printed.
struct PrintedNumber {
  std::string metric;
  double value;
  int decimals;
  std::string error = "";  // what is wrong with it, if anything is
};

struct LectureTable {
  std::string name;   // M1, ..., R15
  std::string title;  // what it shows
  Confusion counts;
  std::vector<PrintedNumber> printed;
  std::string remark = "";
};

// The matrices that explain metrics (M1 to M6), and the results of the cat-dog experiments (R1 to R15), where the cats
// are positive and 1500 of each were judged.
const std::vector<LectureTable>& lecture_matrices();
const std::vector<LectureTable>& lecture_results();

// The rows of M7: precision, recall and the F1 printed beside them.
struct LectureF1 {
  double precision, recall, printed;
  int decimals;
  std::string error = "";
};
const std::vector<LectureF1>& lecture_f1();

// "accuracy", "precision", "recall", "f1", "specificity", "balanced accuracy" or "mcc" of the counts. Throws for other
// names.
double metric(const std::string& name, const Confusion& counts);

// All of it, for a terminal of 110 columns.
std::string lecture_tables();

}  // namespace counterpoise
