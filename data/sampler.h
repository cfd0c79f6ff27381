// Samplers: which samples an epoch contains, and in which order. Where one class is rare, a sampler draws it more
// often, or the others less. All functions here are safe to call from several threads.
//
// A sampler gets the samples that were chosen for training and nothing else, so no validation sample can slip in.
//
//   const std::vector<size_t> order =
//       find_sampler("class-balanced").order(chosen, classes, {seed, epoch, epochs, 32});
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace counterpoise {

// Which epoch of which run. The same run gives the same order.
struct SamplerRun {
  uint64_t seed = 0;
  uint64_t epoch = 1, epochs = 1;  // 1 is the first
  int batch_size = 32;
};

struct Sampler {
  using Order = std::vector<size_t> (*)(const std::vector<size_t>& samples, const std::vector<int32_t>& classes,
                                        const SamplerRun& run);
  // The expected share of each class in an epoch, for classes of `counts` samples. Adds up to 1.
  using Shares = std::vector<double> (*)(const std::vector<int64_t>& counts, const SamplerRun& run);

  // The samples of an epoch, in order; classes[i] is the class of samples[i]. Throws Error(failure) for lists of
  // different lengths, for a negative class and for a batch size below 1.
  std::vector<size_t> order(const std::vector<size_t>& samples, const std::vector<int32_t>& classes,
                            const SamplerRun& run) const;

  std::string name;
  std::string help;
  std::string source;
  Order draw;  // what order() calls, which has checked its arguments
  Shares shares;
  bool fixed_length = true;  // every epoch has equally many samples
};

// clang-format off
// The table of samplers. n_c of N samples are of class c, and K classes have samples.
//
//   shuffle                every sample once
//   undersample            as many of every class as of the smallest, the same ones in every epoch
//   undersample-each-epoch as many of every class as of the smallest, drawn again for each epoch
//   oversample             as many of every class as of the largest: all samples equally often, except for a
//                          remainder that is drawn again for each epoch
//   weighted               N draws with replacement, each sample with weight 1 / n_c (PyTorch's WeightedRandomSampler)
//   class-balanced         N draws, each of a random class and then of its next sample in a shuffled order, so that
//                          none is repeated before all have been drawn
//   square-root            the same, with classes in proportion to sqrt(n_c)
//   reverse                the same, in proportion to 1 / n_c
//   progressive            the same, from n_c / N in the first epoch to 1 / K in the last
//   balanced-batch         N samples in batches that hold all classes equally, to within one
//   repeat-factor          every sample r_c = max(1, sqrt(1 / (K f_c))) times with f_c = n_c / N, where the fraction of
//                          r_c is the probability of one more
// clang-format on
const std::vector<Sampler>& samplers();
std::vector<std::string> sampler_names();
// Throws Error(invalid_argument), which lists the valid names, for others.
const Sampler& find_sampler(const std::string& name);

}  // namespace counterpoise
