// The tables of metrics in two lectures of the AI VIETNAM All-in-One Course 2024, "Imbalanced Data" by Anh-Khoa Nguyen
// and Quang-Vinh Dinh and "Imbalanced Data" by Quang-Vinh Dinh: the printed numbers, and the same numbers recomputed,
// with the slides' errors named. All functions are safe to call from several threads.
#pragma once

#include <string>
#include <vector>

#include "losses/metrics/confusion.h"

namespace counterpoise {

// A number on a slide: the value of a metric (its name in metric()) and how many decimals are printed.
struct PrintedNumber {
  std::string metric;
  double value;
  int decimals;
  std::string error = "";  // what is wrong with it; "": nothing
};

struct LectureTable {
  std::string name;  // M1, ..., R15
  std::string title;
  Confusion counts;
  std::vector<PrintedNumber> printed;
  std::string remark = "";
};

// The confusion matrices that explain metrics (M1 to M6), and the results of the cat-dog experiments (R1 to R15), where
// cats are the positive class and there are 1500 validation images of each class.
const std::vector<LectureTable>& lecture_matrices();
const std::vector<LectureTable>& lecture_results();

// The rows of table M7: precision, recall, and the printed F1.
struct LectureF1 {
  double precision, recall, printed;
  int decimals;
  std::string error = "";
};
const std::vector<LectureF1>& lecture_f1();

// "accuracy", "precision", "recall", "f1", "specificity", "balanced accuracy" or "mcc" of the counts. Throws for other
// names.
double metric(const std::string& name, const Confusion& counts);

// The rows of RetinaNet's tables of the average precision (AP, at any IoU, at 0.5 and at 0.75, in percent) for object
// detection, as the slides copy them from Lin et al. 2017 (arXiv:1708.02002), tables 1a and 1b: one varies alpha for
// gamma = 0, the other gamma with the best alpha of each.
struct RetinaNetRow {
  double gamma, alpha, ap, ap50, ap75;
};
const std::vector<RetinaNetRow>& retinanet_alpha();
const std::vector<RetinaNetRow>& retinanet_gamma();

// What the four cells of a confusion matrix are called in the lectures, their quizzes with the answers, and RetinaNet's
// tables, as text.
std::string lecture_metrics();

// All of it as text, for a terminal of 110 columns.
std::string lecture_tables();

}  // namespace counterpoise
