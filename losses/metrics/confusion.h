// Confusion matrices and the metrics computed from them. The positive class is the one to be found: with few cats among
// many dogs, recall is the fraction of the cats that are predicted cats, precision the fraction of the predicted cats
// that are cats.
//
// Where the denominator of a ratio is 0, its value is the argument zero_division, as in scikit-learn: 0 unless given,
// 1, or NaN, which averages over classes leave out.
//
// Thread safety: all functions are const or use no state; objects may be read from several threads at once.
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
  double recall(double zero_division = 0) const;       // tp / (tp + fn), also called sensitivity or true positive rate
  double specificity(double zero_division = 0) const;  // tn / (tn + fp), the other class's recall
  double f1(double zero_division = 0) const;           // 2 tp / (2 tp + fp + fn), harmonic mean of precision and recall

  // (1 + b^2) tp / ((1 + b^2) tp + b^2 fn + fp) with b = beta >= 0: recall counts beta times as much as precision (van
  // Rijsbergen 1979). 0 gives precision, infinity recall. Throws for a negative beta and for NaN.
  double f_beta(double beta, double zero_division = 0) const;

  // The mean of recall and specificity: the accuracy if both classes had equally many samples. If one class has no
  // samples it is that of the other; 0 without samples.
  double balanced_accuracy() const;

  // sqrt(recall * specificity) (Kubat and Matwin 1997); 0 if one class is never predicted correctly.
  double g_mean(double zero_division = 0) const;

  // Matthews' correlation coefficient of actual and predicted classes, in [-1, 1] (Matthews 1975):
  // (tp tn - fp fn) / sqrt((tp + fp) (tp + fn) (tn + fp) (tn + fn)). 0 where the root is 0.
  double mcc() const;

  // Cohen's kappa (1960): the agreement beyond chance, (accuracy - e) / (1 - e), with e the expected accuracy if
  // predictions were independent of the actual classes. NaN if only one class occurs, both actual and predicted: then
  // e is 1.
  double kappa() const;
};

// The confusion matrix of two classes: a sample is predicted positive if its score >= threshold, so that NaN never is.
// scores and is_positive have one entry per sample. Throws if their lengths differ.
Confusion confusion(const std::vector<double>& scores, const std::vector<bool>& is_positive, double threshold = 0);

// The metrics that depend on how rare the positive class is, as they would be if it had another share of the samples,
// while recall and specificity stay what they are: a classifier that was measured on a balanced test set, used where
// one image in a hundred is a cat. precision = share recall / (share recall + (1 - share) (1 - specificity)), which is
// Bayes' theorem. All are NaN if there are no samples of one class; precision is zero_division where nothing is
// predicted positive. Throws for a share outside [0, 1].
struct AtPrevalence {
  double precision, f1, accuracy;
};
AtPrevalence at_prevalence(const Confusion& c, double share, double zero_division = 0);

// The matrix as text, with labeled axes (rows: actual, columns: predicted) and the sums of rows and columns.
std::string table(const Confusion& c, const std::string& positive, const std::string& negative);

// How a metric of single classes is averaged over the classes.
enum class Average {
  macro,     // the unweighted mean over the classes
  weighted,  // the mean weighted by the classes' numbers of samples
  micro,     // the metric of the summed counts of all classes
};

// The confusion matrix of any number of classes: how many samples of each actual class were predicted as each class.
class ConfusionMatrix {
 public:
  // One entry per sample, each in [0, classes). Throws for others, for lists of different lengths, and for no classes.
  ConfusionMatrix(const std::vector<int32_t>& actual, const std::vector<int32_t>& predicted, int64_t classes);
  // counts[actual][predicted]. Throws unless there are as many columns as rows, and for negative counts.
  explicit ConfusionMatrix(const std::vector<std::vector<int64_t>>& counts);

  int64_t classes() const { return static_cast<int64_t>(actual_.size()); }
  int64_t total() const { return total_; }
  // These three throw for a class outside [0, classes).
  int64_t at(int64_t actual, int64_t predicted) const;
  int64_t support(int64_t c) const;  // the number of samples of the class
  Confusion of(int64_t c) const;     // this class as the positive one, against all others

  double accuracy() const;           // 0 without samples
  double balanced_accuracy() const;  // the mean recall of the classes that have samples; 0 without samples

  // The geometric mean of the K classes' recalls. zero_division is the recall of a class without samples; NaN leaves it
  // out.
  double g_mean(double zero_division = 0) const;

  // As for two classes. mcc is the R_K of Gorodkin 2004: with sums over the classes,
  //   sum (tp tn - fp fn) / sqrt(sum (tp + fp) (tn + fn) * sum (tp + fn) (tn + fp))
  double mcc() const;
  double kappa() const;

  // For example average(Average::macro, [](const Confusion& c) { return c.f1(); }), which is the mean of the F1s, not
  // the F1 of mean precision and mean recall. Classes for which the metric is NaN are left out; the result is NaN if
  // all are. If none of the remaining classes has samples, `weighted` is `macro`.
  double average(Average how, const std::function<double(const Confusion&)>& metric) const;

 private:
  void add_margins();

  std::vector<int64_t> counts_;              // [K, K], rows: actual
  std::vector<int64_t> actual_, predicted_;  // [K] sums of the rows and of the columns
  int64_t total_ = 0;
};

}  // namespace counterpoise
