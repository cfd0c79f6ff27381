// The check of exercise 8: what the definitions say of random matrices, each multiplied out, so that no division is
// left.

std::string text_of(const Counts& c) {
  return "TN " + std::to_string(c.tn) + ", FP " + std::to_string(c.fp) + ", FN " + std::to_string(c.fn) + ", TP " +
         std::to_string(c.tp);
}

void check_metrics(Checker& c, const Counts& counts) {
  const double tn = static_cast<double>(counts.tn), fp = static_cast<double>(counts.fp),
               fn = static_cast<double>(counts.fn), tp = static_cast<double>(counts.tp);
  const Metrics m = metrics(counts);
  const auto product = [&](double value, double all, double some, const std::string& name, const std::string& what) {
    const std::string of = name + " of " + text_of(counts);
    if (all == 0) c.near(value, 0, 1e-12, of + " is undefined and");
    c.near(value * all, some, 1e-9, of + " times " + what);
  };
  product(m.accuracy, tn + fp + fn + tp, tn + tp, "the accuracy", "all samples");
  product(m.precision, tp + fp, tp, "the precision", "what is predicted positive");
  product(m.recall, tp + fn, tp, "the recall", "the positive samples");
  product(m.f1, tp + fp + tp + fn, 2 * tp, "F1", "the predicted and the actual positives together");
}

void check_count(Checker& c, size_t samples) {
  // Scores of few values, so that some equal the threshold.
  std::vector<double> scores;
  std::vector<bool> is_positive;
  while (scores.size() < samples) scores.push_back(c.whole(-3, 3) / 2.), is_positive.push_back(c.whole(0, 2) == 0);
  const double threshold = c.whole(-3, 3) / 2.;
  // The cells by their numbers: actual, predicted.
  int64_t cells[2][2] = {};
  for (size_t i = 0; i < samples; ++i) ++cells[is_positive[i] ? 1 : 0][scores[i] < threshold ? 0 : 1];
  const Counts found = count(scores, is_positive, threshold);
  const std::string of = " at threshold " + std::to_string(threshold) + ", where some scores equal it,";
  const auto same = [&](int64_t value, int64_t expected, const std::string& name) {
    c.near(static_cast<double>(value), static_cast<double>(expected), 0, "the number of " + name + of);
  };
  same(found.tn, cells[0][0], "true negatives"), same(found.fp, cells[0][1], "false positives");
  same(found.fn, cells[1][0], "false negatives"), same(found.tp, cells[1][1], "true positives");
}

void check(Checker& c) {
  for (int trial = 0; trial < 20; ++trial) check_count(c, static_cast<size_t>(c.whole(20, 60)));
  for (int trial = 0; trial < 50; ++trial) {
    check_metrics(c, {c.whole(1, 100000), c.whole(1, 200), c.whole(1, 200), c.whole(1, 200)});
  }
  // Every combination of cells that are empty.
  for (int empty = 0; empty < 16; ++empty) {
    const auto cell = [&](int bit) -> int64_t { return (empty >> bit) % 2 ? 0 : c.whole(1, 50); };
    check_metrics(c, {cell(0), cell(1), cell(2), cell(3)});
  }
}
