// What the library has for exercise 8: losses/metrics/confusion.h.

Counts count(const std::vector<double>& scores, const std::vector<bool>& is_positive, double threshold) {
  const Confusion c = confusion(scores, is_positive, threshold);
  return {c.tn, c.fp, c.fn, c.tp};
}

Metrics metrics(const Counts& c) {
  const Confusion counts = {c.tp, c.fp, c.fn, c.tn};
  return {counts.accuracy(), counts.precision(), counts.recall(), counts.f1()};
}
