// Exercise 8; 08_metrics.md describes it. Write the functions' bodies in place of the throw, then: make exercise N=08
// (struct Counts and struct Metrics are in checks/08_metrics_types.h.)

// The confusion matrix of samples that are predicted positive if their score is at least the threshold.
Counts count(const std::vector<double>& scores, const std::vector<bool>& is_positive, double threshold) {
  throw Unsolved{"each sample is in one of four cases: is it positive, and is it predicted positive?"};
}

// Accuracy, precision, recall and F1. Where one is undefined, it is 0.
Metrics metrics(const Counts& c) {
  throw Unsolved{"the counts are whole numbers, whose quotient is rounded down: make them doubles first"};
}
