// What the lectures say about metrics in words, and the tables of another paper that they show.
#include <algorithm>

#include "apps/loss_explorer/lecture_tables.h"
#include "apps/trainer/format.h"

namespace counterpoise {

namespace {

std::string table(const char* title, const std::vector<RetinaNetRow>& rows) {
  const auto best = std::max_element(rows.begin(), rows.end(),
                                     [](const RetinaNetRow& a, const RetinaNetRow& b) { return a.ap < b.ap; });
  std::string out = std::string("  ") + title + "\n\n    gamma  alpha     AP   AP50   AP75\n";
  for (const RetinaNetRow& r : rows) {
    out += formatted("    %5.1f  %5.4g  %5.1f  %5.1f  %5.1f%s\n", r.gamma, r.alpha, r.ap, r.ap50, r.ap75,
                     &r == &*best ? "   best" : "");
  }
  return out + "\n";
}

// A quiz whose answer is a property of one of the matrices.
std::string answer(const char* question, const char* answer, const char* name) {
  for (const LectureTable& t : lecture_matrices()) {
    if (t.name != name) continue;
    return formatted("  %-16s %s: %s, with precision %.2f and recall %.2f.\n", question, answer, name,
                     t.counts.precision(), t.counts.recall());
  }
  throw Error(ErrorKind::failure, "no matrix ", name);
}

}  // namespace

const std::vector<RetinaNetRow>& retinanet_alpha() {
  static const std::vector<RetinaNetRow> rows = {
      {0, .10, 0.0, 0.0, 0.0},    {0, .25, 10.8, 16.0, 11.7}, {0, .50, 30.2, 46.7, 32.8},  {0, .75, 31.1, 49.4, 33.0},
      {0, .90, 30.8, 49.7, 32.3}, {0, .99, 28.7, 47.4, 29.9}, {0, .999, 25.1, 41.7, 26.1},
  };
  return rows;
}

const std::vector<RetinaNetRow>& retinanet_gamma() {
  static const std::vector<RetinaNetRow> rows = {
      {0, .75, 31.1, 49.4, 33.0},   {0.1, .75, 31.4, 49.9, 33.1}, {0.2, .75, 31.9, 50.7, 33.4},
      {0.5, .50, 32.9, 51.7, 35.2}, {1.0, .25, 33.7, 52.0, 36.2}, {2.0, .25, 34.0, 52.5, 36.5},
      {5.0, .25, 32.2, 49.6, 34.8},
  };
  return rows;
}

std::string lecture_metrics() {
  std::string out =
      "The four cells, in the lectures' words\n\n"
      "  cell                  found and unfound data       detection                    error\n"
      "  true positive, TP     found                        a correct detection          none\n"
      "  false positive, FP    wrongly discovered           a wrong detection            Type I, a false alarm\n"
      "  false negative, FN    unfound                      an object not detected       Type II, a miss\n"
      "  true negative, TN     correctly undiscovered       does not apply               none\n\n"
      "  Precision TP / (TP + FP) is the part of what was predicted positive that is right, recall TP / (TP + FN) the\n"
      "  part of the positives that was found. Neither uses TN. In detection every place without an object would be\n"
      "  one, which nobody counts, so that accuracy and specificity do not exist there, but precision, recall and AP "
      "do.\n\n"
      "Quizzes\n\n";
  out += answer("Precision = 1?", "nothing negative was predicted positive, FP = 0", "M3");
  out += answer("Recall = 1?", "no positive was missed, FN = 0", "M4");
  out +=
      "  Each is easy alone: a single sure detection has precision 1, and predicting everything positive recall 1.\n"
      "  Fill the cells   rows actual, columns predicted, negative first: TN FP / FN TP. With positive first: TP FN / "
      "FP TN.\n\n"
      "RetinaNet's tables (Lin et al. 2017, arXiv:1708.02002, tables 1a and 1b), in percent, as the slides copy "
      "them\n\n";
  out += table("(a) alpha of cross-entropy, gamma = 0", retinanet_alpha());
  out += table("(b) gamma of the focal loss, with its best alpha", retinanet_gamma());
  return out +
         "  The best value is inside of both ranges, and the best alpha falls as gamma grows: where easy negatives "
         "are\n"
         "  weighted down by gamma, alpha need not do it. The tables have gamma = 0, alpha = 0.75 in common.\n\n";
}

}  // namespace counterpoise
