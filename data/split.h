// Splitting a data set into parts, as for training, validation and test: stratified, so that every part has the same
// share of every class, and safe for groups, so that all samples of one patient, one camera or one video are in the
// same part. Otherwise a model is judged on what it has seen.
//
//   const std::vector<int> part = stratified_parts(labels, {0.8, 0.1, 0.1}, /*seed=*/1);   // part[i] is 0, 1 or 2
//
// The functions are safe to call from several threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace counterpoise {

// The part of each sample, an index into `shares`, drawn at random; the same seed gives the same parts. Part p gets
// shares[p] of the samples of each class, rounded such that the numbers add up, and where two parts have the same claim
// to a sample, by turns; but at least one of every class that has as many samples as there are parts, and of a class
// that has fewer the first parts get one each.
//
// With `groups`, the name of each sample's group, groups stay whole. The large ones are placed first, each in the part
// where the shares of the classes then come closest to what they should be, and of several such parts in the one that
// has fewest samples for its share (the greedy rule of scikit-learn's StratifiedGroupKFold); a class of which the first
// part has none, there. A class whose samples are all in one group is in one part only.
//
// Throws Error(invalid_argument) unless there are at least two shares, all positive, that add up to 1, and groups for
// all samples or none; and Error(bad_data) where there are fewer samples, or groups, than parts.
std::vector<int> stratified_parts(const std::vector<int32_t>& labels, const std::vector<double>& shares, uint64_t seed,
                                  const std::vector<std::string>& groups = {});

// The fold of each sample, 0 to folds - 1, for cross-validation: parts of equal shares, whose sizes differ by one
// sample at most (without groups), because what a class's samples leave over goes to the folds by turns. Throws as
// stratified_parts() does, and Error(invalid_argument) for less than two folds.
std::vector<int> k_folds(const std::vector<int32_t>& labels, int folds, uint64_t seed,
                         const std::vector<std::string>& groups = {});

}  // namespace counterpoise
