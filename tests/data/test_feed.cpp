// The way of the images to a backend, and what happens to them there.
#include <doctest/doctest.h>

#include "data/feed.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/gpu.h"

using namespace counterpoise;

namespace {

// A backend that says that it is far away.
class Remote : public ReferenceBackend {
 public:
  bool is_remote() const override { return true; }
  size_t memory_bytes() const override { return size_t(1) << 30; }
  void upload(const void* host, const View& y) override {
    if (y.dtype == DType::u8) ++images_sent;
    ReferenceBackend::upload(host, y);
  }
  int images_sent = 0;
};

LoaderOptions options(int epoch, int workers, const char* augmentation = "flip,rotate=0.2") {
  LoaderOptions o;
  o.batch_size = 4;
  o.workers = workers;
  o.augment = parse_augment(augmentation);
  o.seed = 3;
  o.epoch = static_cast<uint64_t>(epoch);
  return o;
}

const std::vector<size_t> order = {7, 2, 2, 9, 0, 4, 2, 1, 3, 9};

std::vector<std::vector<double>> batches(Feed& feed, const LoaderOptions& o) {
  std::vector<std::vector<double>> all;
  Loader loader(feed.set(), order, feed.complete(o));
  for (Batch batch; loader.next(batch);) all.push_back(numbers(feed.pixels(batch)));
  return all;
}

void check_same(const std::vector<std::vector<double>>& got, const std::vector<std::vector<double>>& want,
                double tolerance) {
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < got.size(); ++i) CHECK(deviation(got[i], want[i]) < tolerance);
}

}  // namespace

TEST_CASE("feed: images that a backend makes of bytes are those that the loader makes") {
  const SyntheticImages set({5, 5}, 33, 1);
  Feed host(set, cpu_backend());
  for (const TestBackend& machine : test_backends()) {
    CAPTURE(machine.backend.name());
    for (const DType dtype : {DType::f32, DType::bf16}) {
      if (!computes_in(machine.backend, dtype)) continue;
      for (const char* augmentation : {"none", "flip", "rotate=1", "flip,rotate=0.2"}) {
        Loader floats(set, order, options(1, 0, augmentation));
        LoaderOptions raw = options(1, 0, augmentation);
        raw.raw = true;
        Loader bytes(set, order, raw);
        Batch a, b;
        while (floats.next(a)) {
          REQUIRE(bytes.next(b));
          const Index N = static_cast<Index>(a.samples.size());
          std::vector<uint8_t> all;
          std::vector<int32_t> index;
          std::vector<double> turns;
          for (Index n = N - 1; n >= 0; --n) all.insert(all.end(), b.images[n]->begin(), b.images[n]->end());
          for (Index n = 0; n < N; ++n) {
            index.push_back(static_cast<int32_t>(N - 1 - n));
            const FlipRotation& turn = b.turns[n];
            turns.insert(turns.end(),
                         {std::cos(double{turn.angle}), std::sin(double{turn.angle}), turn.flip ? 1. : 0.});
          }
          Tensor y = Tensor::empty(machine.backend, {N, 33, 33, 3}, dtype);
          machine.backend.images(Tensor::from(machine.backend, {N, 33, 33, 3}, all),
                                 Tensor::from(machine.backend, {N}, index),
                                 Tensor::from(machine.backend, {N, 3}, turns), y);
          const Tensor want = Tensor::from(cpu_backend(), {N, 33, 33, 3}, a.pixels);
          CHECK(deviation(numbers(y), numbers(want)) < (dtype == DType::f32 ? 1e-5 : 0.004));
        }
      }
    }
    check_guard(machine);
  }
}

TEST_CASE("feed: a remote backend gets each image once, or each batch again, and makes the same of it") {
  const SyntheticImages set({5, 5}, 32, 1);
  Feed host(set, cpu_backend());
  for (const int workers : {0, 3}) {
    Remote keeps, forgets;
    Feed kept(set, keeps), forgotten(set, forgets, DType::f32, 1000);
    for (const int epoch : {1, 2, 3}) {
      const auto want = batches(host, options(epoch, workers));
      check_same(batches(kept, options(epoch, workers)), want, 1e-6);
      check_same(batches(forgotten, options(epoch, workers)), want, 1e-6);
      CHECK(keeps.images_sent == 7);  // different ones in the order
      CHECK(forgets.images_sent == 10 * epoch);
    }
  }
}

TEST_CASE("feed: the emulated or real GPU is fed as the processor is" * needs_gpu()) {
  Backend* GPU = cuda_backend();
  const SyntheticImages set({5, 5}, 32, 1);
  Feed host(set, cpu_backend()), kept(set, *GPU), forgotten(set, *GPU, DType::f32, 1000);
  for (const int epoch : {1, 2}) {
    const auto want = batches(host, options(epoch, 2));
    check_same(batches(kept, options(epoch, 2)), want, 1e-5);
    check_same(batches(forgotten, options(epoch, 2)), want, 1e-5);
  }
}

TEST_CASE("feed: a batch in another order, from bytes and from floats") {
  const SyntheticImages set({5, 5}, 32, 1);
  Remote remote;
  Feed host(set, cpu_backend()), far(set, remote);
  Loader floats(set, order, host.complete(options(1, 0))), raw(set, order, far.complete(options(1, 0)));
  Batch a, b;
  REQUIRE(floats.next(a));
  REQUIRE(raw.next(b));
  const std::vector<double> want = numbers(host.pixels(a)), same = numbers(far.pixels(b));
  const std::vector<size_t> turned = {2, 0, 3, 1};
  const std::vector<double> got = numbers(host.pixels(a, turned));
  CHECK(deviation(numbers(far.pixels(b, turned)), got) < 1e-6);
  const size_t image = want.size() / 4;
  for (size_t i = 0; i < 4; ++i) {
    for (size_t k = 0; k < image; ++k) CHECK_FALSE(got[i * image + k] != want[turned[i] * image + k]);
  }
}
