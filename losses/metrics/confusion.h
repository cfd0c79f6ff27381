// What a classifier got right, counted. The positive class is the one that we look for: with cats among many dogs,
// recall is the part of the cats that was found, precision the part of the findings that are cats.
//
// A ratio whose denominator is 0 has no value. It is what the argument zero_division says: 0 unless given, 1, or NaN,
// which averages over classes leave out. That is scikit-learn's zero_division.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace counterpoise {

struct Confusion {
  int64_t tp = 0, fp = 0, fn = 0, tn = 0;  // true and false positives and negatives

  int64_t total() const { return tp + fp + fn + tn; }

  double accuracy() const;                             // (tp + tn) / total; 0 without samples
  double precision(double zero_division = 0) const;    // tp / (tp + fp)
  double recall(double zero_division = 0) const;       // tp / (tp + fn), also called sensitivity
  double specificity(double zero_division = 0) const;  // tn / (tn + fp), the other class's recall
  double f1(double zero_division = 0) const;           // 2 tp / (2 tp + fp + fn), harmonic mean of precision and recall

  // (1 + b^2) tp / ((1 + b^2) tp + b^2 fn + fp) with b = beta >= 0: recall counts beta times as much as precision (van
  // Rijsbergen 1979). 0 gives precision, infinity recall. Throws for a negative beta.
  double f_beta(double beta, double zero_division = 0) const;

  // The mean of recall and specificity: accuracy as if both classes had as many samples. Of one class alone it is that
  // class's; 0 without samples.
  double balanced_accuracy() const;

  // sqrt(recall * specificity) (Kubat and Matwin 1997); 0 if one class was never found.
  double g_mean(double zero_division = 0) const;

  // The correlation of what is with what is said, in [-1, 1] (Matthews 1975):
  // (tp tn - fp fn) / sqrt((tp + fp) (tp + fn) (tn + fp) (tn + fn)). 0 where the root is 0.
  double mcc() const;

  // Cohen's kappa (1960): the part of the agreement beyond chance, (accuracy - e) / (1 - e), with e the accuracy if
  // what is said were independent of what is. NaN if only one class occurs, in what is and in what is said: chance then
  // agrees always.
  double kappa() const;
};

// Counts decisions: a sample is predicted positive if its score reaches the threshold. scores and is_positive have one
// entry a sample. Throws if their lengths differ.
Confusion confusion(const std::vector<double>& scores, const std::vector<bool>& is_positive, double threshold = 0);

// The matrix with labeled axes (rows: actual, columns: predicted) and its margins, human-readable.
std::string table(const Confusion& c, const std::string& positive, const std::string& negative);

// How a metric of single classes becomes one number.
enum class Average {
  macro,     // the mean over the classes: each counts alike
  weighted,  // the mean with the classes' numbers of samples as weights
  micro,     // the metric of the classes' counts, added up
};

// What was called what, for any number of classes.
class ConfusionMatrix {
 public:
  // One entry a sample, each in [0, classes). Throws for any other, for lengths that differ, and for no classes.
  ConfusionMatrix(const std::vector<int32_t>& actual, const std::vector<int32_t>& predicted, int64_t classes);
  // counts[actual][predicted]. Throws unless there are as many columns as rows, and for negative counts.
  explicit ConfusionMatrix(const std::vector<std::vector<int64_t>>& counts);

  int64_t classes() const { return static_cast<int64_t>(actual_.size()); }
  int64_t total() const { return total_; }
  int64_t at(int64_t actual, int64_t predicted) const;
  int64_t support(int64_t c) const;  // samples of the class
  Confusion of(int64_t c) const;     // this class against all others

  double accuracy() const;           // 0 without samples
  double balanced_accuracy() const;  // the mean recall of the classes that have samples; 0 without samples

  // (product of the K classes' recalls)^(1/K). zero_division is the recall of a class without samples; NaN leaves it
  // out.
  double g_mean(double zero_division = 0) const;

  // As for two classes; mcc is the R_K of Gorodkin 2004: the sum over the classes of (tp tn - fp fn), divided by the
  // root of the sums of (tp + fp) (tn + fn) and of (tp + fn) (tn + fp).
  double mcc() const;
  double kappa() const;

  // E.g. average(Average::macro, [](const Confusion& c) { return c.f1(); }), which is the mean of the F1s, not the F1
  // of mean precision and mean recall. Classes for which the metric is NaN are left out; the result is NaN if all are.
  // Where no class that is left has samples, `weighted` is `macro`.
  double average(Average how, const std::function<double(const Confusion&)>& metric) const;

 private:
  void add_margins();

  std::vector<int64_t> counts_;              // [K, K], rows: actual
  std::vector<int64_t> actual_, predicted_;  // [K] sums of the rows and of the columns
  int64_t total_ = 0;
};

}  // namespace counterpoise
