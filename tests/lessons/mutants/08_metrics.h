// Wrong solutions of exercise 8: 1 a score that equals the threshold is predicted negative, 2 precision and recall are
// exchanged, 3 F1 is the arithmetic mean.

Counts count(const std::vector<double>& scores, const std::vector<bool>& is_positive, double threshold) {
  Counts c;
  for (size_t i = 0; i < scores.size(); ++i) {
    const bool predicted = MUTANT == 1 ? scores[i] > threshold : scores[i] >= threshold;
    ++(is_positive[i] ? (predicted ? c.tp : c.fn) : (predicted ? c.fp : c.tn));
  }
  return c;
}

Metrics metrics(const Counts& c) {
  const auto part = [](int64_t some, int64_t all) {
    return all == 0 ? 0. : static_cast<double>(some) / static_cast<double>(all);
  };
  Metrics m;
  m.accuracy = part(c.tp + c.tn, c.tp + c.tn + c.fp + c.fn);
  m.precision = part(c.tp, c.tp + (MUTANT == 2 ? c.fn : c.fp));
  m.recall = part(c.tp, c.tp + (MUTANT == 2 ? c.fp : c.fn));
  m.f1 = MUTANT == 3 ? (m.precision + m.recall) / 2 : part(2 * c.tp, 2 * c.tp + c.fp + c.fn);
  return m;
}
