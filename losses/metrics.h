// What a classifier got right, counted. The positive class is the one that we look for: with cats among many dogs,
// recall is the part of the cats that was found, precision the part of the findings that are cats.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace counterpoise {

struct Confusion {
  int64_t tp = 0, fp = 0, fn = 0, tn = 0;  // true and false positives and negatives

  int64_t total() const { return tp + fp + fn + tn; }
  double accuracy() const;   // (tp + tn) / total
  double precision() const;  // tp / (tp + fp)
  double recall() const;     // tp / (tp + fn)
  double f1() const;         // 2 tp / (2 tp + fp + fn), the harmonic mean of precision and recall
};
// All four are 0 where the denominator is 0, as scikit-learn's zero_division=0.

// Counts decisions: a sample is called positive if its score reaches the threshold. scores and is_positive have one
// entry a sample. Throws if their lengths differ.
Confusion confusion(const std::vector<double>& scores, const std::vector<bool>& is_positive, double threshold = 0);

// The matrix with labelled axes (rows: actual, columns: predicted) and its margins, for people.
std::string table(const Confusion& c, const std::string& positive, const std::string& negative);

}  // namespace counterpoise
