// Confidence intervals of metrics by the bootstrap: how much would a metric differ on another test set of this size?
// With few samples of the rare class it is a lot, and a difference within the interval is no evidence.
//
// The N samples are resampled N at a time with replacement, and the interval is that between percentiles of the metric
// over the resamples (Efron 1979, "Bootstrap methods: another look at the jackknife"; the percentile interval is in
// Efron and Tibshirani 1993, chapter 13). The numbers of samples of the classes vary, too. The interval is about the
// test set only: another seed of training or another training set adds to it.
//
// A resample in which a metric is undefined (recall without positive samples, for example) is left out for that
// metric; the interval is NaN if it is undefined in all. Where all resamples agree, because every sample or none is
// right, the interval has no width and says nothing; of a share of the samples wilson_interval() then says more.
//
// Thread safety: these functions use no state of their own.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace counterpoise {

struct BootstrapOptions {
  int64_t resamples = 1000;  // at least 1
  double level = 0.95;       // the fraction of test sets whose interval contains the true value; between 0 and 1
  uint64_t seed = 0;         // the same seed gives the same intervals
};

struct MetricInterval {
  std::string metric;
  double low, high;  // low <= high, or both NaN
};

// Two classes, predicted positive where score >= threshold: accuracy, precision, recall, f1, balanced_accuracy,
// average_precision, roc_auc, in this order. The last two do not depend on the threshold. The order of the samples
// never matters. Scores are sorted once; 1000 resamples of 3000 samples take a tenth of a second. Throws for no
// samples, for different numbers of scores and labels, for NaN and for options out of range.
std::vector<MetricInterval> bootstrap_intervals(const std::vector<double>& scores, const std::vector<bool>& is_positive,
                                                double threshold, const BootstrapOptions& options = {});

// K classes, from the true and the predicted class of each sample: accuracy, balanced_accuracy, macro_f1. A class that
// is neither actual nor predicted in a resample is left out of its macro F1. Throws as ConfusionMatrix does, for no
// samples and for options out of range.
std::vector<MetricInterval> multiclass_bootstrap_intervals(const std::vector<int32_t>& actual,
                                                           const std::vector<int32_t>& predicted, int64_t classes,
                                                           const BootstrapOptions& options = {});

// The 95 % score interval of a share of n independent samples, such as a recall (Wilson 1927): it has a width for
// shares of 0 and 1, too. NaN if the share is, or for n = 0.
std::pair<double, double> wilson_interval(double share, double n);

}  // namespace counterpoise
