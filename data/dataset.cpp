#include "data/dataset.h"

#include <numeric>

#include "kernels/error.h"

namespace counterpoise {

namespace {

// The samples of each class, in order.
std::vector<std::vector<size_t>> by_class(const Dataset& dataset, const std::vector<size_t>& samples) {
  std::vector<std::vector<size_t>> groups(dataset.counts().size());
  for (const size_t i : samples) groups[dataset.label(i)].push_back(i);
  return groups;
}

}  // namespace

std::vector<size_t> Dataset::all_samples() const {
  std::vector<size_t> all(size());
  std::iota(all.begin(), all.end(), size_t(0));
  return all;
}

std::vector<int64_t> Dataset::counts(const std::vector<size_t>& samples) const {
  std::vector<int64_t> n(classes().size());
  for (const size_t i : samples) {
    const int32_t c = label(i);
    CP_ENSURE_AS(bad_data, c >= 0, "the label of sample ", i, " is ", c, ", but classes count from 0");
    if (static_cast<size_t>(c) >= n.size()) n.resize(static_cast<size_t>(c) + 1);
    ++n[c];
  }
  return n;
}

std::vector<int64_t> Dataset::counts() const { return counts(all_samples()); }

std::vector<int32_t> Dataset::labels_of(const std::vector<size_t>& samples) const {
  std::vector<int32_t> labels;
  labels.reserve(samples.size());
  for (const size_t i : samples) labels.push_back(label(i));
  return labels;
}

std::vector<size_t> subset(const Dataset& dataset, const std::vector<int64_t>& wanted, bool natural, uint64_t seed) {
  std::vector<size_t> chosen;
  std::vector<std::vector<size_t>> groups = by_class(dataset, dataset.all_samples());
  CP_ENSURE(wanted.size() == groups.size(), "subset: ", wanted.size(), " numbers for ", groups.size(), " classes");
  for (size_t c = 0; c < groups.size(); ++c) {
    std::vector<size_t>& members = groups[c];
    if (!natural) Random(seed, Stream::subset, c).shuffle(members);
    if (wanted[c] >= 0) {
      CP_ENSURE_AS(bad_data, wanted[c] <= static_cast<int64_t>(members.size()), wanted[c], " samples of class ",
                   c < dataset.classes().size() ? dataset.classes()[c] : detail::text(c),
                   " were requested, but there are only ", members.size());
      members.resize(wanted[c]);
    }
    chosen.insert(chosen.end(), members.begin(), members.end());
  }
  return chosen;
}

std::vector<size_t> interleave(const Dataset& dataset, const std::vector<size_t>& samples) {
  const std::vector<std::vector<size_t>> groups = by_class(dataset, samples);
  std::vector<size_t> order;
  for (size_t turn = 0; order.size() < samples.size(); ++turn) {
    for (const auto& members : groups) {
      if (turn < members.size()) order.push_back(members[turn]);
    }
  }
  return order;
}

}  // namespace counterpoise
