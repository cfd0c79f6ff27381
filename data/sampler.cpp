#include "data/sampler.h"

#include <algorithm>
#include <cmath>

#include "core/random.h"
#include "core/table.h"
#include "kernels/error.h"

namespace counterpoise {

namespace {

using Samples = std::vector<size_t>;
using Classes = std::vector<int32_t>;
using Shares = std::vector<double>;
using Counts = std::vector<int64_t>;
using Run = SamplerRun;

std::vector<Samples> by_class(const Samples& samples, const Classes& classes) {
  std::vector<Samples> groups;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (groups.size() <= static_cast<size_t>(classes[i])) groups.resize(classes[i] + 1);
    groups[classes[i]].push_back(samples[i]);
  }
  return groups;
}

Counts sizes(const std::vector<Samples>& groups) {
  Counts counts;
  for (const Samples& group : groups) counts.push_back(static_cast<int64_t>(group.size()));
  return counts;
}

// The smallest class that has samples, and the largest.
std::pair<size_t, size_t> extremes(const std::vector<Samples>& groups) {
  size_t smallest = 0, largest = 0;
  for (const Samples& group : groups) {
    if (group.empty()) continue;
    smallest = smallest ? std::min(smallest, group.size()) : group.size();
    largest = std::max(largest, group.size());
  }
  return {smallest, largest};
}

Random shuffling(const Run& run) { return Random(run.seed, Stream::shuffle, run.epoch); }
Random sampling(const Run& run, uint64_t what = 0) { return Random(run.seed, Stream::sample, run.epoch, what); }

// A class's samples in a shuffled order, and in another one after all have been drawn.
class Cycle {
 public:
  Cycle(Samples samples, Random rng) : samples_(std::move(samples)), rng_(rng) {}
  size_t next() {
    if (at_ == 0) rng_.shuffle(samples_);
    const size_t sample = samples_[at_];
    at_ = (at_ + 1) % samples_.size();
    return sample;
  }

 private:
  Samples samples_;
  Random rng_;
  size_t at_ = 0;
};

std::vector<Cycle> cycles(const std::vector<Samples>& groups, const Run& run) {
  std::vector<Cycle> all;
  for (size_t c = 0; c < groups.size(); ++c) all.emplace_back(groups[c], sampling(run, c + 1));
  return all;
}

// A random class, with the probabilities `shares`.
size_t draw_class(const Shares& shares, Random& rng) {
  double left = rng.uniform();
  size_t last = 0;
  for (size_t c = 0; c < shares.size(); ++c) {
    if (shares[c] <= 0) continue;
    last = c;
    if ((left -= shares[c]) < 0) break;
  }
  return last;  // rounding can leave `left` positive
}

// -- shares --

// In proportion to n_c^power; classes without samples get nothing.
Shares by_power(const Counts& counts, double power) {
  Shares shares;
  double total = 0;
  for (const int64_t n : counts) {
    shares.push_back(n > 0 ? std::pow(static_cast<double>(n), power) : 0);
    total += shares.back();
  }
  for (double& share : shares) share /= total;
  return shares;
}
Shares natural(const Counts& counts, const Run&) { return by_power(counts, 1); }
Shares equal(const Counts& counts, const Run&) { return by_power(counts, 0); }
Shares square_root(const Counts& counts, const Run&) { return by_power(counts, 0.5); }
Shares reverse(const Counts& counts, const Run&) { return by_power(counts, -1); }
Shares progressive(const Counts& counts, const Run& run) {
  const double t =
      run.epoch < run.epochs ? static_cast<double>(run.epoch - 1) / static_cast<double>(run.epochs - 1) : 1;
  Shares shares = by_power(counts, 1);
  const Shares balanced = by_power(counts, 0);
  for (size_t c = 0; c < shares.size(); ++c) shares[c] = (1 - t) * shares[c] + t * balanced[c];
  return shares;
}
// How often a sample of each class is repeated; 0 for classes without samples.
std::vector<double> repeat_factors(const Counts& counts) {
  const Shares parts = by_power(counts, 1), even = by_power(counts, 0);
  std::vector<double> factors;
  for (size_t c = 0; c < counts.size(); ++c) {
    factors.push_back(counts[c] ? std::max(1., std::sqrt(even[c] / parts[c])) : 0);
  }
  return factors;
}
Shares repeated(const Counts& counts, const Run&) {
  Shares shares = repeat_factors(counts);
  double total = 0;
  for (size_t c = 0; c < counts.size(); ++c) total += shares[c] *= static_cast<double>(counts[c]);
  for (double& share : shares) share /= total;
  return shares;
}

// -- orders --

Samples shuffle(const Samples& samples, const Classes&, const Run& run) {
  Samples order = samples;
  shuffling(run).shuffle(order);
  return order;
}

Samples undersample(const Samples& samples, const Classes& classes, const Run& run, Random rng) {
  Samples order;
  std::vector<Samples> groups = by_class(samples, classes);
  const size_t smallest = extremes(groups).first;
  for (Samples& group : groups) {
    if (group.empty()) continue;
    rng.shuffle(group);
    order.insert(order.end(), group.begin(), group.begin() + static_cast<std::ptrdiff_t>(smallest));
  }
  shuffling(run).shuffle(order);
  return order;
}

Samples oversample(const Samples& samples, const Classes& classes, const Run& run) {
  Samples order;
  const std::vector<Samples> groups = by_class(samples, classes);
  const size_t largest = extremes(groups).second;
  std::vector<Cycle> cycle = cycles(groups, run);
  for (size_t c = 0; c < groups.size(); ++c) {
    for (size_t i = 0; i < largest && !groups[c].empty(); ++i) order.push_back(cycle[c].next());
  }
  shuffling(run).shuffle(order);
  return order;
}

Samples weighted(const Samples& samples, const Classes& classes, const Run& run) {
  const std::vector<Samples> groups = by_class(samples, classes);
  const Shares shares = equal(sizes(groups), run);
  Random rng = sampling(run);
  Samples order;
  while (order.size() < samples.size()) {
    const Samples& group = groups[draw_class(shares, rng)];
    order.push_back(group[rng.below(group.size())]);
  }
  return order;
}

// N draws of a class and then of its next sample.
template <Sampler::Shares shares_of>
Samples class_by_class(const Samples& samples, const Classes& classes, const Run& run) {
  const std::vector<Samples> groups = by_class(samples, classes);
  const Shares shares = shares_of(sizes(groups), run);
  std::vector<Cycle> cycle = cycles(groups, run);
  Random rng = sampling(run);
  Samples order;
  while (order.size() < samples.size()) order.push_back(cycle[draw_class(shares, rng)].next());
  return order;
}

Samples balanced_batch(const Samples& samples, const Classes& classes, const Run& run) {
  const std::vector<Samples> groups = by_class(samples, classes);
  std::vector<Cycle> cycle = cycles(groups, run);
  std::vector<size_t> present;
  for (size_t c = 0; c < groups.size(); ++c) {
    if (!groups[c].empty()) present.push_back(c);
  }
  Random rng = sampling(run);
  Samples order;
  for (size_t turn = 0; order.size() < samples.size();) {
    // Classes take turns across batches, so that what a batch cannot divide evenly goes to each class in turn.
    Samples batch;
    for (int i = 0; i < run.batch_size && order.size() + batch.size() < samples.size(); ++i) {
      batch.push_back(cycle[present[turn++ % present.size()]].next());
    }
    rng.shuffle(batch);
    order.insert(order.end(), batch.begin(), batch.end());
  }
  return order;
}

Samples repeat_factor(const Samples& samples, const Classes& classes, const Run& run) {
  const std::vector<double> factors = repeat_factors(sizes(by_class(samples, classes)));
  Random rng = sampling(run);
  Samples order;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double r = factors[classes[i]], whole = std::floor(r);
    const size_t times = static_cast<size_t>(whole) + (rng.uniform() < r - whole);
    order.insert(order.end(), times, samples[i]);
  }
  shuffling(run).shuffle(order);
  return order;
}

Samples undersample_once(const Samples& samples, const Classes& classes, const Run& run) {
  return undersample(samples, classes, run, Random(run.seed, Stream::sample));
}
Samples undersample_each_epoch(const Samples& samples, const Classes& classes, const Run& run) {
  return undersample(samples, classes, run, sampling(run));
}

}  // namespace

std::vector<size_t> Sampler::order(const std::vector<size_t>& samples, const std::vector<int32_t>& classes,
                                   const SamplerRun& run) const {
  CP_ENSURE(samples.size() == classes.size(), "the sampler ", name, ": ", classes.size(), " classes for ",
            samples.size(), " samples");
  for (const int32_t c : classes) CP_ENSURE(c >= 0, "the sampler ", name, ": class ", c, "; classes count from 0");
  CP_ENSURE(run.batch_size >= 1, "the sampler ", name, ": a batch of ", run.batch_size, " samples");
  return draw(samples, classes, run);
}

const std::vector<Sampler>& samplers() {
  static const std::vector<Sampler> rows = {
      {"shuffle", "every sample once", "", shuffle, natural},
      {"undersample", "as many of each class as of the smallest, always the same ones", "", undersample_once, equal},
      {"undersample-each-epoch", "the same, drawn again for each epoch", "", undersample_each_epoch, equal},
      {"oversample", "as many of each class as of the largest, by repetition", "", oversample, equal},
      {"weighted", "draws with replacement, weights 1 / n_c", "PyTorch's WeightedRandomSampler", weighted, equal},
      {"class-balanced", "a random class, then its next sample", "Kang et al. 2020, arXiv:1910.09217",
       class_by_class<equal>, equal},
      {"square-root", "the same, classes as sqrt(n_c)", "Mahajan et al. 2018, arXiv:1805.00932",
       class_by_class<square_root>, square_root},
      {"reverse", "the same, classes as 1 / n_c", "Zhou et al. 2020, arXiv:1912.02413", class_by_class<reverse>,
       reverse},
      {"progressive", "from the classes' shares to equal ones", "Kang et al. 2020, arXiv:1910.09217",
       class_by_class<progressive>, progressive},
      {"balanced-batch", "batches that contain all classes equally", "", balanced_batch, equal},
      {"repeat-factor", "samples of rare classes are repeated, by a square root", "Gupta et al. 2019, arXiv:1908.03195",
       repeat_factor, repeated, /*fixed_length=*/false},
  };
  return rows;
}

std::vector<std::string> sampler_names() { return detail::names_of(samplers()); }

const Sampler& find_sampler(const std::string& name) { return detail::row_of(samplers(), "sampler", name); }

}  // namespace counterpoise
