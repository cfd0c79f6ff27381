// What an epoch is made of, and mixed images.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "data/mix.h"
#include "data/sampler.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

// Samples 100, 101, ... of the given numbers for each class, the classes one after the other.
struct Chosen {
  std::vector<size_t> samples;
  std::vector<int32_t> classes;
  std::vector<int64_t> counts;

  explicit Chosen(const std::vector<int64_t>& counts) : counts(counts) {
    for (size_t c = 0; c < counts.size(); ++c) classes.insert(classes.end(), counts[c], static_cast<int32_t>(c));
    samples.resize(classes.size());
    std::iota(samples.begin(), samples.end(), size_t(100));
  }
  std::vector<size_t> order(const std::string& sampler, const SamplerRun& run) const {
    return find_sampler(sampler).order(samples, classes, run);
  }
  // How many of each class there are in an order.
  std::vector<int64_t> census(const std::vector<size_t>& order) const {
    std::vector<int64_t> n(counts.size());
    for (size_t sample : order) ++n.at(classes.at(sample - 100));
    return n;
  }
};

std::map<size_t, int> times(const std::vector<size_t>& order) {
  std::map<size_t, int> n;
  for (size_t sample : order) ++n[sample];
  return n;
}

SamplerRun run_of(uint64_t epoch, uint64_t epochs = 5, int batch_size = 32) { return {7, epoch, epochs, batch_size}; }

}  // namespace

TEST_CASE("samplers: classes come as often as their shares say, within three standard errors") {
  for (const std::vector<int64_t>& counts : {std::vector<int64_t>{100, 1100}, {50, 1100}, {600, 0, 90, 310}}) {
    const Chosen chosen(counts);
    for (const Sampler& sampler : samplers()) {
      for (uint64_t epoch = 1; epoch <= 5; ++epoch) {
        CAPTURE(sampler.name);
        CAPTURE(epoch);
        const std::vector<int64_t> n = chosen.census(chosen.order(sampler.name, run_of(epoch)));
        const std::vector<double> shares = sampler.shares(counts, run_of(epoch));
        const double total = static_cast<double>(std::accumulate(n.begin(), n.end(), int64_t(0)));
        CHECK(std::accumulate(shares.begin(), shares.end(), 0.) == doctest::Approx(1).epsilon(1e-12));
        for (size_t c = 0; c < counts.size(); ++c) {
          const double error = std::sqrt(total * shares[c] * (1 - shares[c]));
          CHECK(std::fabs(static_cast<double>(n[c]) - total * shares[c]) <= 3 * error);
          CHECK((counts[c] > 0) == (n[c] > 0));
        }
      }
    }
  }
}

TEST_CASE("samplers: their theory") {
  const auto share = [](const char* name, uint64_t epoch = 1) {
    return find_sampler(name).shares({1000, 9000}, run_of(epoch))[0];
  };
  CHECK(share("shuffle") == doctest::Approx(0.1));
  CHECK(share("square-root") == doctest::Approx(0.25));
  CHECK(share("reverse") == doctest::Approx(0.9));
  for (const char* name :
       {"undersample", "undersample-each-epoch", "oversample", "weighted", "class-balanced", "balanced-batch"}) {
    CHECK(share(name) == doctest::Approx(0.5));
  }
  CHECK(share("progressive", 1) == doctest::Approx(0.1));
  CHECK(share("progressive", 3) == doctest::Approx(0.3));
  CHECK(share("progressive", 5) == doctest::Approx(0.5));
  CHECK(share("progressive", 9) == doctest::Approx(0.5));  // after the last epoch that it was told of
  // f = 0.1 and K = 2: r = sqrt(1 / 0.2) for the rare class, 1 for the other.
  CHECK(share("repeat-factor") == doctest::Approx(std::sqrt(5.) / (std::sqrt(5.) + 9)));
}

TEST_CASE("samplers: the lecture's counts") {
  const Chosen chosen({1000, 11000});
  const auto under = chosen.order("undersample", run_of(1));
  CHECK(chosen.census(under) == std::vector<int64_t>{1000, 1000});
  CHECK(times(under).size() == 2000);
  const auto over = chosen.order("oversample", run_of(1));
  CHECK(chosen.census(over) == std::vector<int64_t>{11000, 11000});
  for (const auto& [sample, n] : times(over)) CHECK(n == (chosen.classes[sample - 100] == 0 ? 11 : 1));
}

TEST_CASE("samplers: only chosen samples, the same for the same run, and others in other epochs and for other seeds") {
  const Chosen chosen({30, 330});
  for (const Sampler& sampler : samplers()) {
    CAPTURE(sampler.name);
    const auto order = chosen.order(sampler.name, run_of(1));
    for (size_t sample : order) CHECK((sample >= 100 && sample < 100 + chosen.samples.size()));
    CHECK(order == chosen.order(sampler.name, run_of(1)));
    CHECK(order != chosen.order(sampler.name, run_of(2)));
    CHECK(order != chosen.order(sampler.name, {8, 1, 5, 32}));
  }
}

TEST_CASE("samplers: which samples come") {
  const Chosen chosen({30, 330});
  CHECK(times(chosen.order("shuffle", run_of(1))).size() == 360);
  const auto same = [&](const char* name) {
    return times(chosen.order(name, run_of(1))) == times(chosen.order(name, run_of(2)));
  };
  CHECK(same("undersample"));
  CHECK_FALSE(same("undersample-each-epoch"));
  // No sample of a class comes again before all have come.
  for (const char* name : {"oversample", "class-balanced", "square-root", "reverse", "progressive", "balanced-batch"}) {
    CAPTURE(name);
    for (uint64_t epoch = 1; epoch <= 2; ++epoch) {
      std::vector<int> least = {1 << 30, 1 << 30}, most = {0, 0};
      const auto seen = times(chosen.order(name, run_of(epoch)));
      for (size_t sample : chosen.samples) {
        const int c = chosen.classes[sample - 100], n = seen.count(sample) ? seen.at(sample) : 0;
        least[c] = std::min(least[c], n), most[c] = std::max(most[c], n);
      }
      CHECK(most[0] - least[0] <= 1);
      CHECK(most[1] - least[1] <= 1);
    }
  }
  const auto drawn = times(chosen.order("weighted", run_of(1)));
  CHECK(drawn.size() < 300);  // with replacement, so that many of the 360 do not come
}

TEST_CASE("samplers: every balanced batch holds the classes equally, to within one") {
  const Chosen chosen({30, 330, 60});
  const auto order = chosen.order("balanced-batch", run_of(1, 5, 16));
  CHECK(order.size() == 420);
  for (size_t first = 0; first < order.size(); first += 16) {
    const std::vector<size_t> batch(order.begin() + first, order.begin() + std::min(first + 16, order.size()));
    const auto n = chosen.census(batch);
    CHECK(*std::max_element(n.begin(), n.end()) - *std::min_element(n.begin(), n.end()) <= 1);
  }
}

TEST_CASE("samplers: one class only, none, and unknown names") {
  const Chosen one({0, 20});
  for (const Sampler& sampler : samplers()) {
    CAPTURE(sampler.name);
    CHECK(one.census(one.order(sampler.name, run_of(1))) == std::vector<int64_t>{0, 20});
    CHECK(Chosen({}).order(sampler.name, run_of(1)).empty());
    CHECK(Chosen({0, 1}).order(sampler.name, {1, 1, 1, 1}) == std::vector<size_t>{100});
  }
  for (const Sampler& sampler : samplers()) {
    const auto refused = [&](const std::vector<int32_t>& classes, int batch_size, const std::string& words) {
      return contains(error_of([&] { sampler.order({0, 1}, classes, {1, 1, 1, batch_size}); }), words);
    };
    CHECK(refused({0}, 2, "1 classes for 2 samples"));
    CHECK(refused({0, -1}, 2, "class -1"));
    CHECK(refused({0, 1}, 0, "a batch of 0"));
  }
  CHECK(error_of([] { find_sampler("smote"); }, ErrorKind::invalid_argument) ==
        "unknown sampler \"smote\"; valid are " + detail::join(sampler_names()));
}

TEST_CASE("mix: numbers of the beta distribution have its mean and variance") {
  Random rng(1, Stream::test);
  for (const double alpha : {0.05, 0.2, 1., 2., 20.}) {
    const int n = 20000;
    double sum = 0, squares = 0;
    for (int i = 0; i < n; ++i) {
      const double x = beta_variate(alpha, rng);
      CHECK((0 <= x && x <= 1));
      sum += x - 0.5, squares += (x - 0.5) * (x - 0.5);
    }
    const double variance = 1 / (4 * (2 * alpha + 1));
    CAPTURE(alpha);
    CHECK(std::fabs(sum / n) < 3 * std::sqrt(variance / n));
    CHECK(squares / n == doctest::Approx(variance).epsilon(0.03));
  }
}

namespace {

// A batch of single-colored images: the number of the image, times 8.
struct MixedBatch {
  int size = 10;
  std::vector<int32_t> labels = {0, 1, 1, 1, 0, 1, 1, 1};
  std::vector<float> pixels;
  MixedLabels mixed;

  MixedBatch(const char* spec, uint64_t step) {
    for (size_t i = 0; i < labels.size(); ++i) pixels.insert(pixels.end(), size * size * 3, 8.f * float(i));
    Random rng(1, Stream::mix, step);
    const Mix mix = parse_mix(spec);
    const MixPlan plan = plan_mix(mix, rng, labels.size(), size);
    mixed = mix_labels(mix, plan, labels, {10, 110});
    const Index N = static_cast<Index>(labels.size());
    std::vector<float> partners;
    for (const size_t i : plan.partner) {
      const auto first = pixels.begin() + static_cast<std::ptrdiff_t>(i * size * size * 3);
      partners.insert(partners.end(), first, first + size * size * 3);
    }
    const auto tensor = [&](const std::vector<float>& x) { return Tensor::from(cpu_backend(), {N, size, size, 3}, x); };
    pixels = mix_tensors(plan, tensor(pixels), tensor(partners)).to_vector<float>();
  }
  // What part of image i is its own, measured in its pixels; 1 where the partner is the image itself.
  double own_part(size_t i) const {
    const size_t numbers = pixels.size() / labels.size();
    const auto first = pixels.begin() + static_cast<std::ptrdiff_t>(i * numbers);
    double part = 0;
    for (size_t k = 0; k < numbers; ++k) part += first[k] == 8.f * float(i) ? 1. : 0.;
    return part / static_cast<double>(numbers);
  }
};

}  // namespace

TEST_CASE("mix: mixup blends images and labels alike") {
  bool blended = false;
  for (uint64_t step = 0; step < 20; ++step) {
    const MixedBatch batch("mixup=1", step);
    const size_t numbers = batch.pixels.size() / batch.labels.size();
    double sum = 0;
    for (size_t i = 0; i < batch.labels.size(); ++i) {
      const float lambda = batch.mixed.own_weight[i], value = batch.pixels[i * numbers];
      CHECK(lambda == batch.mixed.own_weight[0]);
      for (size_t k = 0; k < numbers; ++k) CHECK(batch.pixels[i * numbers + k] == value);
      // The partner is whatever is left: a whole image's color, of the label that is told.
      const double partner = (value / 8. - lambda * static_cast<double>(i)) / (1 - lambda);
      if (lambda < 0.95) {
        CHECK(partner == doctest::Approx(std::round(partner)).epsilon(1e-3));
        CHECK(batch.mixed.other[i] == batch.labels.at(static_cast<size_t>(std::lround(partner))));
        blended = true;
      }
      sum += value;
    }
    CHECK(sum == doctest::Approx(8. * 28));  // every image is one partner
  }
  CHECK(blended);
}

TEST_CASE("mix: cutmix's labels are the areas") {
  int pasted = 0;
  for (uint64_t step = 0; step < 40; ++step) {
    const MixedBatch batch("cutmix=1", step);
    for (size_t i = 0; i < batch.labels.size(); ++i) {
      const double own = batch.own_part(i);
      if (own == 1) continue;  // the box is empty, or the partner is the image itself
      CHECK(own == doctest::Approx(batch.mixed.own_weight[i]).epsilon(1e-5));
      ++pasted;
    }
  }
  CHECK(pasted > 150);
}

TEST_CASE("mix: remix gives the label to the rarer class where the other is much larger") {
  const Mix remix = parse_mix("remix=1");
  CHECK(remix_weight(remix, 0.3, 110, 10) == 0);     // the large class is first, and little of it
  CHECK(remix_weight(remix, 0.7, 110, 10) == 0.7);   // too much of it
  CHECK(remix_weight(remix, 0.7, 10, 110) == 1);     // the large class is second, and little of it
  CHECK(remix_weight(remix, 0.3, 10, 110) == 0.3);   // too much of it
  CHECK(remix_weight(remix, 0.3, 110, 110) == 0.3);  // alike
  CHECK(remix_weight(remix, 0.3, 30, 10) == 0);      // kappa itself
  CHECK(remix_weight(remix, 0.3, 29, 10) == 0.3);
  CHECK(remix_weight(parse_mix("remix=1,kappa=20"), 0.3, 110, 10) == 0.3);
  CHECK(remix_weight(parse_mix("remix=1,tau=0.8"), 0.7, 110, 10) == 0);
  int moved = 0;
  for (uint64_t step = 0; step < 20; ++step) {
    const MixedBatch batch("remix=1", step), plain("mixup=1", step);
    CHECK(batch.pixels == plain.pixels);
    for (size_t i = 0; i < batch.labels.size(); ++i) {
      const int64_t counts[] = {10, 110}, first = counts[batch.labels[i]], second = counts[batch.mixed.other[i]];
      const float lambda = plain.mixed.own_weight[i];
      CHECK(batch.mixed.own_weight[i] == doctest::Approx(remix_weight(remix, lambda, first, second)));
      moved += batch.mixed.own_weight[i] != lambda;
    }
  }
  CHECK(moved > 10);
}

TEST_CASE("mix: specifications are read and written, and wrong ones name what is valid") {
  for (const char* spec :
       {"none", "mixup=0.2", "cutmix=1", "remix=1", "remix=0.5,kappa=2,tau=0.25", "mixup=0.123456789"}) {
    CHECK(to_string(parse_mix(spec)) == spec);
  }
  CHECK(to_string(parse_mix("remix=1,kappa=3")) == "remix=1");
  const std::string valid = "; valid are none, mixup=ALPHA, cutmix=ALPHA and remix=ALPHA,kappa=3,tau=0.5";
  const auto error = [](const char* spec) { return error_of([&] { parse_mix(spec); }, ErrorKind::invalid_argument); };
  CHECK(error("blur=1") == "mix \"blur=1\": \"blur\" is not a kind of mixing" + valid);
  CHECK(error("mixup") == "mix \"mixup\": \"\" for mixup is not a number from 1e-06 to 1000" + valid);
  CHECK(error("mixup=0") == "mix \"mixup=0\": \"0\" for mixup is not a number from 1e-06 to 1000" + valid);
  CHECK(error("mixup=nan") == "mix \"mixup=nan\": \"nan\" for mixup is not a number from 1e-06 to 1000" + valid);
  CHECK(error("mixup=1,tau=1") == "mix \"mixup=1,tau=1\": \"tau=1\" has no meaning here" + valid);
  CHECK(error("remix=1,tau=2") == "mix \"remix=1,tau=2\": \"2\" for tau is not a number from 0 to 1" + valid);
  CHECK(error("none=1") == "mix \"none=1\": none takes no number" + valid);
  CHECK(error("") == "mix \"\": nothing was given" + valid);
}
