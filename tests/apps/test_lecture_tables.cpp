// The lectures' tables, recomputed from their counts.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "apps/loss_explorer/lecture_tables.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

// Whether a number, rounded to so many decimals, is the printed one.
bool rounds_to(double value, double printed, int decimals) {
  const double unit = std::pow(10., -decimals);
  return std::fabs(value - printed) <= unit / 2 + 1e-9;
}

const LectureTable& find(const std::vector<LectureTable>& tables, const std::string& name) {
  for (const LectureTable& t : tables) {
    if (t.name == name) return t;
  }
  throw Error(ErrorKind::failure, "no table " + name);
}

}  // namespace

TEST_CASE("lecture tables: the matrices M1 to M6 give what the slides print") {
  struct Row {
    const char* name;
    int64_t tn, fp, fn, tp;
    std::map<std::string, double> exact;
  };
  // clang-format off
  const Row rows[] = {
      {"M1", 50, 10, 5, 100, {{"recall", .95238}, {"precision", .90909}, {"accuracy", .90909}, {"f1", .93023},
                              {"balanced accuracy", .89286}, {"mcc", .80178}}},
      {"M2", 50, 10, 10, 95, {{"precision", .90476}, {"recall", .90476}, {"accuracy", .87879}, {"mcc", .73810}}},
      {"M3", 60, 0, 20, 85, {{"precision", 1}, {"recall", .80952}, {"f1", .89474}, {"mcc", .77919}}},
      {"M4", 40, 20, 0, 105, {{"precision", .84}, {"recall", 1}, {"f1", .91304}, {"mcc", .74833}}},
      {"M5", 99900, 100, 100, 100, {{"accuracy", .998004}, {"precision", .5}, {"recall", .5}, {"f1", .5},
                                    {"balanced accuracy", .7495}, {"mcc", .4990}}},
      {"M6", 50000, 100, 100, 50000, {{"accuracy", .998004}, {"precision", .998004}, {"f1", .998004}}},
  };
  // clang-format on
  CHECK(lecture_matrices().size() == std::size(rows));
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const LectureTable& t = find(lecture_matrices(), row.name);
    CHECK(t.counts.tn == row.tn);
    CHECK(t.counts.fp == row.fp);
    CHECK(t.counts.fn == row.fn);
    CHECK(t.counts.tp == row.tp);
    for (const auto& [name, value] : row.exact) {
      CAPTURE(name);
      CHECK(rounds_to(metric(name, t.counts), value, 5 - (name == "mcc" && value == .4990)));
    }
    for (const PrintedNumber& p : t.printed) CHECK(rounds_to(metric(p.metric, t.counts), p.value, p.decimals));
  }
  const Confusion& m4 = find(lecture_matrices(), "M4").counts;  // whose column totals are wrong on the slide
  CHECK(m4.tn + m4.fn == 40);
  CHECK(m4.tp + m4.fp == 125);
}

TEST_CASE("lecture tables: M7 is right except for its last row, and M8 has two candidates") {
  CHECK(lecture_f1().size() == 5);
  for (const LectureF1& row : lecture_f1()) {
    const double f1 = 2 / (1 / row.precision + 1 / row.recall);
    CHECK(rounds_to(f1, row.printed, row.decimals) == row.error.empty());
  }
  CHECK(lecture_f1().back().printed == 0.36);
  CHECK(contains(lecture_f1().back().error, "0.436"));
  CHECK(contains(lecture_tables(), "the harmonic mean, F1, is 0.436, and the arithmetic mean 0.550"));
  CHECK(contains(lecture_tables(), "0.182 and 0.550"));
}

TEST_CASE("lecture tables: RetinaNet's tables, the cells in words and the quizzes") {
  const auto best = [](const std::vector<RetinaNetRow>& rows) {
    return *std::max_element(rows.begin(), rows.end(),
                             [](const RetinaNetRow& a, const RetinaNetRow& b) { return a.ap < b.ap; });
  };
  CHECK(retinanet_alpha().size() == 7);
  CHECK(retinanet_gamma().size() == 7);
  CHECK(best(retinanet_alpha()).alpha == 0.75);
  CHECK(best(retinanet_gamma()).gamma == 2);
  // The row that both tables have.
  const RetinaNetRow &a = retinanet_alpha()[3], &g = retinanet_gamma()[0];
  CHECK((a.gamma == g.gamma && a.alpha == g.alpha && a.ap == g.ap && a.ap50 == g.ap50 && a.ap75 == g.ap75));
  for (size_t i = 1; i < 7; ++i) CHECK(retinanet_gamma()[i].alpha <= retinanet_gamma()[i - 1].alpha);

  const std::string out = lecture_tables();
  for (const char* part :
       {"Type I", "Type II", "wrongly discovered", "does not apply", "M3, with precision 1.00 and recall 0.81",
        "M4, with precision 0.84 and recall 1.00", "34.0   52.5   36.5   best"}) {
    CHECK_MESSAGE(contains(out, part), part);
  }
}

TEST_CASE("lecture tables: the results R1 to R15 give what the slides print, and more") {
  struct Row {
    int64_t cats, dogs;
    double f1, accuracy, precision, recall, specificity, mcc;
  };
  const Row rows[] = {
      {1445, 1436, .96045, .96033, .9576, .9633, .9573, .9207},
      {1076, 1499, .83508, .85833, .9991, .7173, .9993, .7470},
      {670, 1498, .61694, .72267, .9970, .4467, .9987, .5341},
      {1082, 1483, .83263, .85500, .9845, .7213, .9887, .7368},
      {1163, 1379, .83549, .84733, .9058, .7753, .9193, .7020},
      {1282, 1017, .78530, .76633, .7263, .8547, .6780, .5412},
      {1167, 1438, .85526, .86833, .9496, .7780, .9587, .7490},
      {1210, 1447, .87586, .88567, .9580, .8067, .9647, .7811},
      {821, 1489, .70412, .77000, .9868, .5473, .9927, .6031},
      {1123, 1309, .79815, .81067, .8546, .7487, .8727, .6262},
      {1335, 734, .74146, .68967, .6354, .8900, .4893, .4140},
      {1159, 1386, .83592, .84833, .9104, .7727, .9240, .7048},
      {1210, 1447, .87586, .88567, .9580, .8067, .9647, .7811},
      {1245, 1236, .82752, .82700, .8250, .8300, .8240, .6540},
      {1052, 1443, .80644, .83167, .9486, .7013, .9620, .6871},
  };
  REQUIRE(lecture_results().size() == std::size(rows));
  for (size_t i = 0; i < std::size(rows); ++i) {
    const LectureTable& t = lecture_results()[i];
    const Row& row = rows[i];
    CAPTURE(t.name);
    CHECK(t.name == "R" + std::to_string(i + 1));
    CHECK(t.counts.tp == row.cats);
    CHECK(t.counts.tn == row.dogs);
    CHECK(t.counts.tp + t.counts.fn == 1500);
    CHECK(t.counts.tn + t.counts.fp == 1500);
    CHECK(rounds_to(t.counts.f1(), row.f1, 5));
    CHECK(rounds_to(t.counts.accuracy(), row.accuracy, 5));
    CHECK(rounds_to(t.counts.precision(), row.precision, 4));
    CHECK(rounds_to(t.counts.recall(), row.recall, 4));
    CHECK(rounds_to(t.counts.specificity(), row.specificity, 4));
    CHECK(rounds_to(t.counts.mcc(), row.mcc, 4));
    for (const PrintedNumber& p : t.printed) CHECK(rounds_to(metric(p.metric, t.counts), p.value, p.decimals));
    CHECK(t.printed.empty() == (i >= 13));
    CHECK(contains(lecture_tables(), t.title));
  }
}
