#include "apps/loss_explorer/lecture_tables.h"

#include <cmath>

#include "apps/trainer/format.h"
#include "kernels/error.h"

namespace counterpoise {

namespace {

// The slides give the numbers of cats and dogs that were predicted correctly, of 1500 each.
Confusion recognized(int64_t cats, int64_t dogs) { return {cats, 1500 - dogs, 1500 - cats, dogs}; }

LectureTable result(const char* name, const char* title, int64_t cats, int64_t dogs, double f1, int decimals,
                    const char* remark = "") {
  LectureTable table = {name, title, recognized(cats, dogs), {}, remark};
  if (decimals > 0) table.printed = {{"f1", f1, decimals}};
  return table;
}

std::string with_decimals(double value, int decimals) { return formatted("%.*f", decimals, value); }

double f1_of(double precision, double recall) { return 2 * precision * recall / (precision + recall); }

std::string matrix(const LectureTable& t) {
  std::string out = t.name + "  " + t.title + "\n\n" + table(t.counts, "positive", "negative") + "\n";
  for (const char* name : {"accuracy", "precision", "recall", "f1", "balanced accuracy", "mcc"}) {
    out += formatted("  %-18s %.5f", name, metric(name, t.counts));
    for (const PrintedNumber& p : t.printed) {
      if (p.metric == name) out += "   printed " + with_decimals(p.value, p.decimals);
      if (p.metric == name && !p.error.empty()) out += "  ERROR: " + p.error;
    }
    out += "\n";
  }
  if (!t.remark.empty()) out += "  " + t.remark + "\n";
  return out + "\n";
}

}  // namespace

const std::vector<LectureTable>& lecture_matrices() {
  // clang-format off
  static const std::vector<LectureTable> tables = {
      // tp, fp, fn, tn
      {"M1", "165 samples", {100, 10, 5, 50}, {{"recall", 0.95, 2}, {"precision", 0.91, 2}}},
      {"M2", "165 samples", {95, 10, 10, 50}, {{"precision", 0.9, 1}, {"recall", 0.90, 2}},
       "The accuracy is printed as 145/165."},
      {"M3", "no false positives", {85, 0, 20, 60}, {{"precision", 1.0, 1}, {"recall", 0.81, 2}},
       "The accuracy is printed as 145/165."},
      {"M4", "no false negatives", {105, 20, 0, 40}, {{"precision", 0.84, 2}, {"recall", 1.0, 1}},
       "The accuracy is printed as 145/165.\n"
       "  ERROR: the column totals are printed as 60 and 105; they are 40 negative and 125 positive."},
      {"M5", "rare positives: the accuracy hides that half of them are missed", {100, 100, 100, 99900}, {}},
      {"M6", "as many positives as negatives: the same accuracy, but high precision and recall", {50000, 100, 100, 50000}, {}},
  };
  // clang-format on
  return tables;
}

const std::vector<LectureF1>& lecture_f1() {
  static const std::vector<LectureF1> rows = {
      {1, 1, 1, 0},
      {0.1, 0.1, 0.1, 1},
      {0.5, 0.5, 0.5, 1},
      {1, 0.1, 0.182, 3},
      {0.3, 0.8, 0.36, 2, "2 * 0.24 / 1.1 is 0.436"},
  };
  return rows;
}

const std::vector<LectureTable>& lecture_results() {
  static const std::vector<LectureTable> tables = {
      result("R1", "11000 : 11000, plain", 1445, 1436, 0.96, 2),
      result("R2", "11000 : 11000, 100 L_dog", 1076, 1499, 0.835, 3),
      result("R3", "11000 : 11000, 1000 L_dog", 670, 1498, 0.617, 3),
      result("R4", "1000 : 11000, plain", 1082, 1483, 0.833, 3),
      result("R5", "1000 : 11000, 6 L_cat + 0.55 L_dog", 1163, 1379, 0.835, 3),
      result("R6", "1000 : 11000, undersampling", 1282, 1017, 0.785, 3),
      result("R7", "1000 : 11000, oversampling", 1167, 1438, 0.855, 3),
      result("R8", "1000 : 11000, focal, gamma 2, alpha 0.5", 1210, 1447, 0.876, 3),
      result("R9", "500 : 11000, plain", 821, 1489, 0.704, 3,
             "The slides divide by 0.547 * 0.987 here; the denominator of F1 is 0.547 + 0.987."),
      result("R10", "500 : 11000, 11.5 L_cat + 0.52 L_dog", 1123, 1309, 0.798, 3),
      result("R11", "500 : 11000, undersampling", 1335, 734, 0.741, 3),
      result("R12", "500 : 11000, oversampling", 1159, 1386, 0.836, 3),
      result("R13", "500 : 11000, focal, gamma 2, alpha 0.5", 1210, 1447, 0.876, 3,
             "The same counts as R8, for half as many cats: probably copied."),
      result("R14", "6000 : 6000, plain, \"approximately\"", 1245, 1236, 0, 0,
             "Both counts are those of R1 minus 200: one of the two may have been edited."),
      result("R15", "1000 : 11000, plain, another run", 1052, 1443, 0, 0,
             "Higher accuracy than R14 with fewer cats recognized: accuracy and F1 disagree."),
  };
  return tables;
}

double metric(const std::string& name, const Confusion& c) {
  if (name == "accuracy") return c.accuracy();
  if (name == "precision") return c.precision();
  if (name == "recall") return c.recall();
  if (name == "f1") return c.f1();
  if (name == "specificity") return c.specificity();
  if (name == "balanced accuracy") return c.balanced_accuracy();
  if (name == "mcc") return c.mcc();
  throw Error(ErrorKind::failure, "no metric is called \"" + name + "\"");
}

std::string lecture_tables() {
  std::string out =
      "The tables of metrics in two lectures of the AI VIETNAM All-in-One Course 2024, recomputed:\n"
      "\"Imbalanced Data\" by Anh-Khoa Nguyen and Quang-Vinh Dinh, and \"Imbalanced Data\" by Quang-Vinh Dinh.\n\n"
      "Confusion matrices. Rows are actual classes, columns predicted classes.\n\n";
  for (const LectureTable& t : lecture_matrices()) out += matrix(t);

  out += "M7  F1 of precision and recall\n\n  precision  recall       F1   printed\n";
  for (const LectureF1& row : lecture_f1()) {
    out += formatted("  %9.1f  %6.1f  %7.3f   %s", row.precision, row.recall, f1_of(row.precision, row.recall),
                     with_decimals(row.printed, row.decimals).c_str());
    out += (row.error.empty() ? "" : "  ERROR: " + row.error) + "\n";
  }
  out += formatted(
      "\nM8  \"Combine precision and recall\"\n\n  The slide has two candidates, the arithmetic mean (P + R) / 2 and "
      "the "
      "harmonic mean 2 / F1 = 1 / P + 1 / R.\n  For 0.3 and 0.8 the harmonic mean, F1, is %.3f, "
      "and the arithmetic mean %.3f;\n  for 1 and 0.1, a classifier that misses nine of ten, %.3f and %.3f: F1 is "
      "chosen "
      "because it is low when one is.\n\n",
      f1_of(0.3, 0.8), (0.3 + 0.8) / 2, f1_of(1, 0.1), (1 + 0.1) / 2);
  out += lecture_metrics();

  out +=
      "Results of the cat-dog experiments. Titles give training images, cats : dogs; 1500 of each were used for\n"
      "validation; cats are the positive class. #cat and #dog are the numbers predicted correctly.\n\n";
  out += formatted("%-44s %5s %5s  %7s %7s  %8s %9s %7s %7s\n", "", "#cat", "#dog", "F1", "printed", "accuracy",
                   "precision", "recall", "MCC");
  std::string remarks;
  for (const LectureTable& t : lecture_results()) {
    const std::string printed = t.printed.empty() ? "-" : with_decimals(t.printed[0].value, t.printed[0].decimals);
    out += formatted("%-4s %-39s %5lld %5lld  %.5f %7s  %8.5f %9.5f %.5f %7.4f\n", t.name.c_str(), t.title.c_str(),
                     static_cast<long long>(t.counts.tp), static_cast<long long>(t.counts.tn), t.counts.f1(),
                     printed.c_str(), t.counts.accuracy(), t.counts.precision(), t.counts.recall(), t.counts.mcc());
    if (!t.remark.empty()) remarks += "  " + t.name + ": " + t.remark + "\n";
  }
  out += "\n" + remarks;
  out +=
      "  R16 to R19, a ResNet trained with another framework, give F1 only (pretrained 0.96, cross-entropy 0.67,\n"
      "  class weights 0.75, focal \"? ? ?\"), so they cannot be recomputed.\n"
      "  No slide gives epochs, learning rates or seeds: only the order of the methods can be compared.\n\n";
  out +=
      "More errors on the slides\n\n"
      "  - F1 is called the harmonic mean of accuracy and precision; it is that of precision and recall.\n"
      "  - The definition of the confusion matrix has predictions in rows, all tables with numbers in columns.\n"
      "  - A class weight is called the frequency of the class; it is proportional to the inverse frequency.\n"
      "  - alpha = 0.5 in the focal loss does not balance the classes: it halves the loss of both.\n"
      "  - The gradient of a batch lacks the factor 1 / N of its loss.\n"
      "  - 0.007 in the walk-through is truncated, while the other sums are rounded (see `losses walk`).\n"
      "  - Some slides write P(y^) = -log y^ for a loss; elsewhere P is a probability.\n"
      "  - \"A higher loss, a higher optimization\": the gradient changes the weights, not the loss.\n"
      "  - The code assigns VGG16 to `model` and uses `base_model`, and imgaug has no `FlipLR`: it is `Fliplr`.\n"
      "  - The code finds 2000 and 1000 files; the results are for up to 22000 and 3000.\n"
      "  - \"Postive\", \"Recal\", \"funcion\" and \"precion\" are misspelled.\n";
  return out;
}

}  // namespace counterpoise
