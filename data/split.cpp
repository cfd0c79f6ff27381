#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/random.h"
#include "kernels/error.h"

namespace counterpoise {

namespace {

// How many of n samples each part gets: the largest remainder's method, and at least one where n suffices. Of parts
// that are equally near to one more sample, it goes to the one that is furthest `behind`: that lacks most of its share
// of the classes before. Otherwise one part would get it of every class. Where n does not suffice, the first parts get
// one each, or with `in_turn` the same rule holds.
std::vector<size_t> apportion(size_t n, const std::vector<double>& shares, const std::vector<double>& behind,
                              bool in_turn) {
  const size_t parts = shares.size();
  std::vector<size_t> sizes(parts);
  if (n < parts && !in_turn) {
    std::fill_n(sizes.begin(), n, size_t{1});
    return sizes;
  }
  constexpr double rounding = 1e-9;  // a share such as 0.1 is not exact: 0.1 of 30 is 3 and not 2.9999...
  std::vector<double> remainders(parts);
  size_t left = n;
  for (size_t p = 0; p < parts; ++p) {
    const double exact = static_cast<double>(n) * shares[p];
    sizes[p] = static_cast<size_t>(std::floor(exact + rounding));
    remainders[p] = exact - static_cast<double>(sizes[p]);
    left -= sizes[p];
  }
  for (; left > 0; --left) {
    size_t best = 0;
    for (size_t p = 1; p < parts; ++p) {
      const double more = remainders[p] - remainders[best];
      if (more > rounding || (more > -rounding && behind[p] > behind[best] + rounding)) best = p;
    }
    ++sizes[best];
    --remainders[best];
  }
  for (size_t& size : sizes) {
    if (size > 0 || n < parts) continue;
    --*std::max_element(sizes.begin(), sizes.end());
    size = 1;
  }
  return sizes;
}

std::vector<int> by_class(const std::vector<int32_t>& labels, const std::vector<double>& shares, uint64_t seed,
                          bool in_turn) {
  std::map<int32_t, std::vector<size_t>> samples;
  for (size_t i = 0; i < labels.size(); ++i) samples[labels[i]].push_back(i);
  std::vector<int> part(labels.size());
  std::vector<double> behind(shares.size());
  for (auto& [label, members] : samples) {
    Random rng(seed, Stream::split, static_cast<uint64_t>(label));
    rng.shuffle(members);
    size_t next = 0;
    const std::vector<size_t> sizes = apportion(members.size(), shares, behind, in_turn);
    for (size_t p = 0; p < sizes.size(); ++p) {
      behind[p] += static_cast<double>(members.size()) * shares[p] - static_cast<double>(sizes[p]);
      for (size_t k = 0; k < sizes[p]; ++k) part[members[next++]] = static_cast<int>(p);
    }
  }
  return part;
}

// The samples of each class in a group, or in a part.
using Counts = std::vector<double>;
double size_of(const Counts& counts) { return std::accumulate(counts.begin(), counts.end(), 0.); }

// How uneven the parts are: the variance, over parts, of the share of a class that a part has by the share that it
// should have, summed over classes.
double unevenness(const std::vector<Counts>& parts, const Counts& totals, const std::vector<double>& shares) {
  double sum = 0;
  for (size_t c = 0; c < totals.size(); ++c) {
    double mean = 0, squares = 0;
    for (size_t p = 0; p < parts.size(); ++p) {
      const double filled = parts[p][c] / (totals[c] * shares[p]);
      mean += filled, squares += filled * filled;
    }
    mean /= static_cast<double>(parts.size());
    sum += squares / static_cast<double>(parts.size()) - mean * mean;
  }
  return sum;
}

using Groups = std::map<std::string, Counts>;

// The groups in random order, but those that unbalance the parts most come first, while there is room to make up for
// them.
std::vector<const Groups::value_type*> large_first(const Groups& groups, const Counts& totals, uint64_t seed) {
  std::vector<const Groups::value_type*> order;
  for (const auto& group : groups) order.push_back(&group);
  Random(seed, Stream::split).shuffle(order);
  const auto weight = [&](const Counts& of_group) {
    double sum = 0;
    for (size_t c = 0; c < totals.size(); ++c) sum += std::pow(of_group[c] / totals[c], 2);
    return sum;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const auto* a, const auto* b) { return weight(a->second) > weight(b->second); });
  return order;
}

void add(const Counts& of_group, Counts& part) {
  for (size_t c = 0; c < part.size(); ++c) part[c] += of_group[c];
}

// The part for a group: where the parts are least uneven then, or with `only_empty` one that is empty. Where several
// are as good, the one that is furthest behind gets the group, or else one part would get a group of every class. But
// classes come to the first part first, unless they take turns.
size_t best_part(std::vector<Counts> parts, const Counts& of_group, const Counts& totals,
                 const std::vector<double>& shares, bool only_empty, bool in_turn) {
  std::vector<double> sizes;
  for (const Counts& part : parts) sizes.push_back(size_of(part));
  const double all = size_of(sizes);
  const auto behind = [&](size_t p) { return all * shares[p] - sizes[p]; };
  bool first_lacks = false;
  for (size_t c = 0; c < totals.size(); ++c) first_lacks |= !in_turn && of_group[c] > 0 && parts[0][c] == 0;
  size_t best = parts.size();
  double least = 0;
  for (size_t p = 0; p < parts.size(); ++p) {
    if (only_empty && sizes[p] > 0) continue;
    const Counts before = parts[p];
    add(of_group, parts[p]);
    const double cost = unevenness(parts, totals, shares);
    parts[p] = before;
    // (What differs by less is equal but for rounding: a split may not depend on the machine.)
    constexpr double rounding = 1e-9;
    const bool none = best == parts.size();
    const bool as_good =
        !none && cost < least + rounding && !(first_lacks && best == 0) && behind(p) > behind(best) + rounding;
    if (none || cost < least - rounding || as_good) best = p, least = cost;
  }
  return best;
}

std::vector<int> by_group(const std::vector<int32_t>& labels, const std::vector<double>& shares, uint64_t seed,
                          const std::vector<std::string>& groups, bool in_turn) {
  std::map<int32_t, size_t> classes;
  for (const int32_t label : labels) classes.emplace(label, classes.size());
  Groups counts;
  Counts totals(classes.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    const size_t c = classes.at(labels[i]);
    Counts& of_group = counts.emplace(groups[i], Counts(classes.size())).first->second;
    ++of_group[c], ++totals[c];
  }
  CP_ENSURE_AS(bad_data, counts.size() >= shares.size(), "split: ", counts.size(), " groups cannot be split into ",
               shares.size(), " parts");
  std::map<std::string, int> place;
  std::vector<Counts> parts(shares.size(), Counts(totals.size()));
  for (const auto* group : large_first(counts, totals, seed)) {
    const auto empty = std::count_if(parts.begin(), parts.end(), [](const Counts& part) { return size_of(part) == 0; });
    const bool only_empty = counts.size() - place.size() <= static_cast<size_t>(empty);  // or one would stay so
    const size_t best = best_part(parts, group->second, totals, shares, only_empty, in_turn);
    add(group->second, parts[best]);
    place[group->first] = static_cast<int>(best);
  }
  std::vector<int> part;
  for (const std::string& group : groups) part.push_back(place.at(group));
  return part;
}

std::vector<int> parts_of(const std::vector<int32_t>& labels, std::vector<double> shares, uint64_t seed,
                          const std::vector<std::string>& groups, bool in_turn) {
  CP_ENSURE_AS(invalid_argument, shares.size() >= 2, "split: at least two shares are needed, as 0.8 and 0.2");
  double sum = 0;
  for (const double share : shares) {
    CP_ENSURE_AS(invalid_argument, share > 0 && share < 1, "split: the share ", share, " is not between 0 and 1");
    sum += share;
  }
  CP_ENSURE_AS(invalid_argument, std::fabs(sum - 1) < 1e-6, "split: the shares add up to ", sum, ", not to 1");
  CP_ENSURE_AS(invalid_argument, groups.empty() || groups.size() == labels.size(), "split: ", groups.size(),
               " groups for ", labels.size(), " samples");
  CP_ENSURE_AS(bad_data, labels.size() >= shares.size(), "split: ", labels.size(), " samples cannot be split into ",
               shares.size(), " parts");
  // (Of millions of samples, a millionth is one too many.)
  for (double& share : shares) share /= sum;
  return groups.empty() ? by_class(labels, shares, seed, in_turn) : by_group(labels, shares, seed, groups, in_turn);
}

}  // namespace

std::vector<int> stratified_parts(const std::vector<int32_t>& labels, const std::vector<double>& shares, uint64_t seed,
                                  const std::vector<std::string>& groups) {
  return parts_of(labels, shares, seed, groups, /*in_turn=*/false);
}

std::vector<int> k_folds(const std::vector<int32_t>& labels, int folds, uint64_t seed,
                         const std::vector<std::string>& groups) {
  CP_ENSURE_AS(invalid_argument, folds >= 2, "k_folds: ", folds, " folds were requested, but there are at least 2");
  const std::vector<double> shares(static_cast<size_t>(folds), 1. / folds);
  return parts_of(labels, shares, seed, groups, /*in_turn=*/true);
}

}  // namespace counterpoise
