// Calibration: values of scikit-learn and NumPy, and cases made by hand.
#include <cmath>

#include "losses/metrics/calibration.h"
#include "losses/metrics/posthoc.h"
#include "tests/losses/metrics_golden.h"

using namespace counterpoise;

TEST_CASE("metrics golden: log loss, Brier score and reliability are scikit-learn's; the calibration error NumPy's") {
  int probabilities = 0, clipped = 0;
  for (const Json& y : golden()["binary"]) {
    if (!y.contains("log_loss")) continue;
    CAPTURE(y.dump());
    const List p = list(y["scores"]);
    CHECK(same(log_loss(p, flags(y["actual"])), number(y["log_loss"])));
    CHECK(same(brier(p, flags(y["actual"])), number(y["brier"])));
    ++probabilities;
    for (size_t i = 0; i < p.size(); ++i) clipped += p[i] == (flags(y["actual"])[i] ? 0 : 1);
  }
  CHECK(probabilities > 80);
  CHECK(clipped > 1);
  for (const Json& y : golden()["logits"]) {
    CAPTURE(y.dump());
    const double loss = number(y["log_loss"]);
    CHECK(std::fabs(log_loss_from_logits(list(y["logits"]), flags(y["actual"])) - loss) <= 1e-12 * loss);
  }
  for (const Json& y : golden()["calibration"]) {
    for (const auto& [bins, row] : y["bins"].items()) {
      CAPTURE(bins);
      CAPTURE(row.dump());
      const List p = list(y["p"]);
      const Flags positive = flags(y["actual"]);
      List frequencies, means;
      double samples = 0;
      for (const ReliabilityBin& bin : reliability_curve(p, positive, std::stoi(bins))) {
        frequencies.push_back(bin.frequency);
        means.push_back(bin.probability);
        samples += double(bin.samples);
      }
      CHECK(same(frequencies, list(row["curve"][0])));
      CHECK(same(means, list(row["curve"][1])));
      CHECK(samples == double(p.size()));
      const CalibrationError error = calibration_error(top_label(p, positive), std::stoi(bins));
      CHECK(same(error.expected, number(row["ece"])));
      CHECK(same(error.maximum, number(row["mce"])));
    }
  }
}

TEST_CASE("metrics: the log loss of logits keeps digits that probabilities lose") {
  const Flags positive = {true, false, true};
  const List logits = {-2, -1, 3};
  List p;
  for (const double z : logits) p.push_back(probability(z));
  CHECK(same(log_loss_from_logits(logits, positive), log_loss(p, positive)));
  CHECK(log_loss_from_logits({-1000}, {true}) == 1000);
  CHECK(same(log_loss({0}, {true}), 52 * std::log(2.)));  // clamped
  CHECK(log_loss_from_logits({40}, {true}) == std::exp(-40));
  CHECK(log_loss_from_logits({-kInf, kInf}, {false, true}) == 0);
  CHECK(log_loss_from_logits({-kInf, kInf}, {false, false}) == kInf);
}

TEST_CASE("metrics: bins of confidence are open below and closed above") {
  // 0 is in the first bin, which 0.25 ends; 0.75 ends the third.
  const auto curve = reliability_curve({0, 0.25, 0.26, 0.75, 0.76, 1}, {false, true, true, false, true, true}, 4);
  REQUIRE(curve.size() == 4);
  const List samples = {2, 1, 1, 2}, means = {0.125, 0.26, 0.75, 0.88}, frequencies = {0.5, 1, 0, 1};
  for (size_t i = 0; i < 4; ++i) {
    CHECK(double(curve[i].samples) == samples[i]);
    CHECK(same(curve[i].probability, means[i]));
    CHECK(same(curve[i].frequency, frequencies[i]));
  }
  // 12/15 is an edge, however it is rounded.
  CHECK(reliability_curve({0.8, 0.79}, {true, true}, 15).size() == 1);
  CHECK(reliability_curve({0.8, 0.81}, {true, true}, 15).size() == 2);
}

TEST_CASE("metrics: the calibration error of confidences by hand") {
  // Of two classes: 0.9 and 0.1 both have confidence 0.9; 1/2 predicts the positive class.
  const TopLabel two = top_label({0.9, 0.1, 0.1, 0.5}, {true, false, true, true});
  CHECK(same(two.confidence, {0.9, 0.9, 0.9, 0.5}));
  CHECK(two.correct == Flags{true, true, false, true});
  CalibrationError error = calibration_error(two);
  CHECK(same(error.expected, 0.75 * (0.9 - 2. / 3) + 0.25 * 0.5));
  CHECK(same(error.maximum, 0.5));
  error = calibration_error(two, 1);  // mean confidence 0.8, and 3 of 4 correct
  CHECK(same(error.expected, 0.05));
  CHECK(same(error.maximum, 0.05));

  const TopLabel three = top_label({{0.2, 0.7, 0.1}, {0.4, 0.2, 0.4}, {0.1, 0.2, 0.7}}, {1, 2, 0});
  CHECK(three.confidence == List{0.7, 0.4, 0.7});
  CHECK(three.correct == Flags{true, false, false});  // the first of two equals
  error = calibration_error(three, 15);
  CHECK(same(error.expected, (2 * 0.2 + 0.4) / 3));
  CHECK(same(error.maximum, 0.4));
  CHECK(calibration_error(top_label({1, 0, 1}, {true, false, true})).expected == 0);
}

TEST_CASE("metrics: temperatures by hand; logits that are not finite have none") {
  // Of samples with the logit 2 or -2, three in four are correct: sigmoid(2 / T) is 3/4.
  const List z = {2, 2, -2, 2};
  const Flags positive = {true, true, false, false};
  const double T = 2 / std::log(3.);
  CHECK(std::fabs(fit_temperature(z, positive) - T) < 1e-12);
  CHECK(std::fabs(fit_temperature({0, 2, 5, 7, 2, 0, -1, 1}, {1, 1, 0, 0}, 2) - T) < 1e-12);
  // Three classes: e^(2 / T) / (e^(2 / T) + 2) is 3/4.
  const List three = {2, 0, 0, 2, 0, 0, 0, 0, 2, 0, 2, 0};
  CHECK(std::fabs(fit_temperature(three, {0, 0, 2, 0}, 3) - 2 / std::log(6.)) < 1e-12);
  // Logits that separate the classes, and those that do so the wrong way round.
  CHECK(std::fabs(fit_temperature({1, -1}, {true, false}) - 0.01) < 1e-12);
  CHECK(std::fabs(fit_temperature({1, -1}, {false, true}) - 100) < 1e-9);
  for (const double strange : {kNaN, kInf, -kInf}) {
    CHECK(contains(error_of([&] { fit_temperature({2, 2, -2, strange}, positive); }), "finite"));
    CHECK(contains(error_of([&] { fit_temperature({2, 0, strange, 0}, {0, 0}, 2); }), "finite"));
  }
}

TEST_CASE("metrics: numbers that are not probabilities are errors") {
  const auto each = [](const List& p, const Flags& positive) {
    std::vector<std::string> messages;
    messages.push_back(error_of([&] { log_loss(p, positive); }));
    messages.push_back(error_of([&] { brier(p, positive); }));
    messages.push_back(error_of([&] { reliability_curve(p, positive); }));
    messages.push_back(error_of([&] { top_label(p, positive); }));
    return messages;
  };
  for (const std::string& message : each({}, {})) CHECK(contains(message, "no samples"));
  for (const std::string& message : each({0.5}, {true, false}))
    CHECK(contains(message, "1 probabilities for 2 labels"));
  for (const std::string& message : each({1, 1.5}, {true, true})) CHECK(contains(message, "sample 1 is 1.5"));
  for (const std::string& message : each({-0.5}, {true})) CHECK(contains(message, "-0.5"));
  for (const std::string& message : each({kNaN}, {true})) CHECK(contains(message, "nan"));
  CHECK(contains(error_of([] { reliability_curve({0.5}, {true}, 0); }), "bins is 0"));
  CHECK(contains(error_of([] { log_loss_from_logits({}, {}); }), "0 logits"));
  CHECK(contains(error_of([] { log_loss_from_logits({1, 2}, {true}); }), "2 logits for 1 labels"));
  CHECK(contains(error_of([] { log_loss_from_logits({kNaN}, {true}); }), "NaN"));
  CHECK(contains(error_of([] { top_label(std::vector<List>{{0.5, 0.5}}, {2}); }), "class 2"));
  CHECK(contains(error_of([] { top_label(std::vector<List>{{0.5, 0.5}}, {0, 1}); }), "1 rows"));
  CHECK(contains(error_of([] { top_label(std::vector<List>{{0.5, 1.5}}, {0}); }), "1.5"));
}
