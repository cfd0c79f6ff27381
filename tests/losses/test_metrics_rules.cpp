// Rules for the decision threshold: a brute-force search over scikit-learn's precision-recall curve, and cases made by
// hand.
#include <cmath>

#include "losses/metrics/threshold_rule.h"
#include "tests/losses/metrics_golden.h"

using namespace counterpoise;

TEST_CASE(
    "metrics golden: thresholds by a required recall or precision and by costs are those of a brute-force search") {
  int unreachable = 0, none_positive = 0;
  for (const Json& y : golden_scores()["rules"]) {
    CAPTURE(y.dump());
    const List scores = list(y["scores"]);
    const Flags positive = flags(y["actual"]);
    const double highest = *std::max_element(scores.begin(), scores.end());
    for (const auto& [text, expected] : y["rules"].items()) {
      CAPTURE(text);
      const ThresholdRule rule = parse_threshold_rule(text);
      if (expected.is_null()) {
        const std::string message = error_of([&] { best_threshold(scores, positive, rule); }, ErrorKind::bad_data);
        CHECK(contains(message, "no threshold reaches a precision"));
        ++unreachable;
        continue;
      }
      const BestThreshold best = best_threshold(scores, positive, rule);
      CHECK(same(best.threshold, number(expected[0])));
      CHECK(same(best.value, number(expected[1])));
      if (best.threshold > highest) ++none_positive;
    }
  }
  CHECK(unreachable > 5);
  CHECK(none_positive > 2);
}

TEST_CASE("metrics: thresholds by rules keep what they promise on the samples") {
  const List scores = {3, 2, 1, 0, -1};
  const Flags positive = {false, true, true, false, true};
  const auto at = [&](const char* text) { return best_threshold(scores, positive, parse_threshold_rule(text)); };
  CHECK(at("recall=0.6").threshold == 0.5);  // both thresholds below 2 have that recall; this one has more precision
  CHECK(at("recall=0.6").value == 2. / 3);
  CHECK(at("recall=0.7").threshold == -1);
  CHECK(at("precision=0.6").value == 1);
  CHECK(at("precision=0.65").threshold == 0.5);
  CHECK(same(at("precision=0.65").value, 2. / 3));
  const std::string message = error_of([&] { at("precision=0.7"); }, ErrorKind::bad_data);
  for (const char* words : {"0.7", "the best is 0.666667", "recall of 0.666667"}) CHECK(contains(message, words));
  // All positive costs 2 fp, nothing positive 3 fn.
  CHECK(at("fn=10").threshold == -1);
  CHECK(same(at("fn=10").value, 0.4));
  const BestThreshold nothing = at("fn=1,fp=10");
  CHECK(nothing.threshold == std::nextafter(3, 4));
  CHECK(confusion(scores, positive, nothing.threshold).tp == 0);
  CHECK(same(nothing.value, 0.6));
  CHECK(same(at("fn=1e300,fp=1e299").value, 4e298 * 1));
  const BestThreshold f1 = best_threshold(scores, positive, "f1");
  CHECK(at("f1").threshold == f1.threshold);
  CHECK(at("f1").value == f1.value);
}

TEST_CASE("metrics: where the samples of a class are missing, no rule but costs chooses a threshold") {
  for (const bool positive : {false, true}) {
    CAPTURE(positive);
    const auto at = [&](const std::string& rule) {
      return error_of(
          [&] {
            best_threshold({2, 1}, Flags{positive, positive}, parse_threshold_rule(rule));
          },
          ErrorKind::bad_data);
    };
    for (const std::string& metric : tunable_metrics()) {
      CHECK(at(metric) == "no threshold can be chosen by \"" + metric + "\": there are no " +
                              (positive ? "negative" : "positive") + " samples");
    }
    if (!positive) CHECK(contains(at("recall=0.9"), "there are no positive samples"));
    CHECK(best_threshold({2, 1}, Flags{positive, positive}, parse_threshold_rule("fn=1,fp=1")).value == 0);
  }
}

TEST_CASE("metrics: rules without positive samples") {
  for (const char* text : {"recall=0.5", "precision=0.5"}) {
    const ThresholdRule rule = parse_threshold_rule(text);
    const std::string message = error_of([&] { best_threshold({1, 2}, {false, false}, rule); }, ErrorKind::bad_data);
    for (const char* words : {text, "no positive samples"}) CHECK(contains(message, words));
  }
  const BestThreshold cost = best_threshold({1, 2}, {false, false}, parse_threshold_rule("fn=10"));
  CHECK(cost.threshold > 2);
  CHECK(cost.value == 0);
}

TEST_CASE("metrics: the cost of a threshold is that of its decisions, also where a score is infinite") {
  const List scores = {kInf, 0.5, -1, -kInf};
  const Flags positive = {false, true, false, false};
  for (const char* text :
       {"fn=1,fp=3", "fn=1,fp=1", "fn=0,fp=1", "fn=1,fp=0"}) {  // 3: to predict nothing would be best
    CAPTURE(text);
    const ThresholdRule rule = parse_threshold_rule(text);
    const BestThreshold best = best_threshold(scores, positive, rule);
    const Confusion c = confusion(scores, positive, best.threshold);
    CHECK(same(best.value, (rule.cost_fn * double(c.fn) + rule.cost_fp * double(c.fp)) / 4));
  }
  CHECK(best_threshold({-kInf, -kInf}, {false, false}, parse_threshold_rule("fp=1")).value == 0);
}

TEST_CASE("metrics: of costs of very different sizes the small one counts, too") {
  const List scores = {1, 2, 3, 4, 5, 6};
  const Flags positive = {false, false, false, true, true, true};  // separated: a cost of 0 is possible
  for (const char* text : {"fn=1e6", "fn=1e12", "fn=1e100", "fp=1e12", "fn=1e-300,fp=1", "fn=1e-200,fp=1e-210"}) {
    CAPTURE(text);
    const BestThreshold best = best_threshold(scores, positive, parse_threshold_rule(text));
    CHECK(best.threshold == 3.5);
    CHECK(best.value == 0);
  }
}

TEST_CASE("metrics: rules are read and written") {
  // clang-format off
  const std::pair<const char*, const char*> texts[] = {
      {"f1", "f1"}, {"balanced-accuracy", "balanced-accuracy"}, {"g-mean", "g-mean"}, {"mcc", "mcc"},
      {"recall=0.95", "recall=0.95"}, {"recall=1", "recall=1"}, {"precision=9e-1", "precision=0.9"},
      {"fn=10,fp=1", "cost fn=10,fp=1"}, {"cost fp=0.1,fn=3", "cost fn=3,fp=0.1"}, {"fn=10", "cost fn=10,fp=1"},
      {"fp=10", "cost fn=1,fp=10"}, {"fn=0,fp=2", "cost fn=0,fp=2"}, {"recall=0.30000000000000004", "recall=0.30000000000000004"},
  };
  // clang-format on
  for (const auto& [text, written] : texts) {
    CHECK(to_string(parse_threshold_rule(text)) == written);
    CHECK(to_string(parse_threshold_rule(written)) == written);
  }
  for (const char* text :
       {"",           "accuracy",    "recall",      "recall=",       "recall=0",  "recall=1.01", "recall=-1",
        "recall=nan", "recall=0.5x", "recall= 0.5", "precision=inf", "fn",        "fn=",         "fn=-1",
        "fn=0,fp=0",  "fn=1,fn=2",   "fn=1,",       "fn=1,fp",       "fn=1;fp=2", "cost ",       "cost f1",
        "fn=inf",     "F1",          "0.5"}) {
    CAPTURE(text);
    const std::string message = error_of([&] { parse_threshold_rule(text); }, ErrorKind::invalid_argument);
    CHECK(contains(message, "f1, balanced-accuracy, g-mean, mcc, recall=R, precision=P and fn=COST,fp=COST"));
  }
  ThresholdRule wrong;
  wrong.kind = ThresholdRule::recall, wrong.target = 2;
  CHECK(contains(error_of([&] { best_threshold({1}, {true}, wrong); }, ErrorKind::invalid_argument), "recall of 2"));
}
