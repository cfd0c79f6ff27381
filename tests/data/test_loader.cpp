// DataLoader: the same batches for any number of workers, on any backend; images that stay on a remote one.
#include "data/loader.h"

#include <limits>
#include <numeric>
#include <set>

#include "data/images/image_folder.h"
#include "data/sampler.h"
#include "data/tables/table.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/data/image_files.h"
#include "tests/gpu.h"

using namespace counterpoise;

namespace {

// A backend that says that it is far away.
class Remote : public ReferenceBackend {
 public:
  bool is_remote() const override { return true; }
  size_t memory_bytes() const override { return size_t(1) << 30; }
  void upload(const void* host, const View& y) override {
    if (y.dtype == DType::u8 && y.shape.rank() == 3) ++images_sent;
    ReferenceBackend::upload(host, y);
  }
  int images_sent = 0;
};

const std::vector<size_t> order = {7, 2, 2, 9, 0, 4, 2, 1, 3, 9};

DataLoaderOptions options(int workers, const char* augmentation = "flip,rotate=0.2") {
  DataLoaderOptions o;
  o.batch_size = 4;
  o.sampler = "";
  o.samples = order;
  o.seed = 3;
  o.augment = augment::parse_policy(augmentation);
  o.workers = workers;
  return o;
}

DataLoaderOptions on(Backend& backend, DataLoaderOptions o, int64_t resident_bytes = -1) {
  o.backend = &backend;
  o.resident_bytes = resident_bytes;
  return o;
}

struct Epoch {
  std::vector<std::vector<double>> x;
  std::vector<std::vector<size_t>> samples;
  std::vector<std::vector<int32_t>> labels;
  std::vector<std::vector<float>> own_weights;
};

Epoch epoch_of(DataLoader& loader, uint64_t number) {
  Epoch epoch;
  loader.start(number);
  for (Batch batch; loader.next(batch);) {
    epoch.x.push_back(numbers(batch.x));
    epoch.samples.push_back(batch.samples);
    epoch.labels.push_back(batch.labels);
    if (batch.mixed) epoch.own_weights.push_back(batch.mixed->own_weight);
  }
  return epoch;
}

void check_same(const Epoch& got, const Epoch& want, double tolerance) {
  CHECK(got.samples == want.samples);
  CHECK(got.labels == want.labels);
  REQUIRE(got.x.size() == want.x.size());
  for (size_t i = 0; i < got.x.size(); ++i) CHECK(deviation(got.x[i], want.x[i]) <= tolerance);
}

}  // namespace

TEST_CASE("loader: batches do not depend on the number of workers, to the bit") {
  const SyntheticImages set({20, 30}, 16, 3);
  for (const char* mix : {"none", "mixup=0.4", "cutmix=1", "remix=1"}) {
    CAPTURE(mix);
    Epoch want;
    for (const int workers : {0, 1, 3}) {
      DataLoaderOptions o = options(workers);
      o.batch_size = 8;
      o.samples = interleave(set, subset(set, {-1, -1}, false, 1));
      o.mix = parse_mix(mix);
      DataLoader loader(set, o);
      const Epoch got = epoch_of(loader, 2);
      CHECK(got.x.size() == 7);
      CHECK(got.own_weights.size() == (o.mix.kind == Mix::none ? 0 : 7));
      size_t seen = 0;
      for (size_t b = 0; b < got.x.size(); ++b) {
        CHECK(got.x[b].size() == got.labels[b].size() * 16 * 16 * 3);
        for (const size_t i : got.samples[b]) CHECK_FALSE(i != o.samples->at(seen++));
        for (const double p : got.x[b]) REQUIRE((p >= -1.0001 && p <= 1.0001));
      }
      CHECK(seen == 50);
      if (workers == 0) want = got;
      CHECK(got.x == want.x);
      CHECK(got.samples == want.samples);
      CHECK(got.own_weights == want.own_weights);
    }
  }
}

TEST_CASE("loader: augmentation differs between epochs and repetitions, and pixels are x / 127.5 - 1") {
  const SyntheticImages set({1, 1}, 16, 3);
  DataLoaderOptions o = options(0, "none");
  o.samples = {0, 0};
  DataLoader plain(set, o);
  const std::vector<double> pixels = epoch_of(plain, 1).x.at(0);
  for (size_t i = 0; i < pixels.size(); ++i) {
    REQUIRE(pixels[i] == doctest::Approx((*set.load(0))[i % (16 * 16 * 3)] / 127.5 - 1));
  }
  o.augment = augment::parse_policy("rotate=0.2");
  DataLoader rotated(set, o);
  const std::vector<double> one = epoch_of(rotated, 1).x.at(0), two = epoch_of(rotated, 2).x.at(0);
  CHECK(one != two);
  CHECK(one == epoch_of(rotated, 1).x.at(0));
  CHECK(std::vector<double>(one.begin(), one.begin() + 16 * 16 * 3) !=
        std::vector<double>(one.begin() + 16 * 16 * 3, one.end()));
}

TEST_CASE("loader: an image that cannot be read is left out, counted and explained") {
  const ImageFiles folder;
  folder.image("cat/1.bmp", 1);
  folder.text_file("cat/2.jpg");
  folder.text_file("cat/3.jpg");
  folder.image("dog/1.bmp", 2);
  const ImageFolder set(folder.path.string(), 4);
  for (const int workers : {0, 2}) {
    DataLoaderOptions o = options(workers);
    o.batch_size = 1;
    o.samples = {0, 1, 2, 3};
    DataLoader loader(set, o);
    const Epoch epoch = epoch_of(loader, 1);  // without the two batches of which nothing is left
    CHECK(epoch.samples == std::vector<std::vector<size_t>>{{0}, {3}});
    CHECK(epoch.labels == std::vector<std::vector<int32_t>>{{0}, {1}});
    o.batch_size = 3;
    DataLoader larger(set, o);
    CHECK(epoch_of(larger, 1).samples == std::vector<std::vector<size_t>>{{0}, {3}});
  }
  REQUIRE(set.unreadable().size() == 2);
  CHECK(contains(set.unreadable().begin()->second, "2.jpg"));
}

TEST_CASE("loader: an image that the machine cannot read now ends the epoch, and is not left out of it") {
  class Busy : public SyntheticImages {
   public:
    Busy() : SyntheticImages({1, 1}, 16, 1) {}
    std::vector<uint8_t> read(const Sample& sample, size_t i) const override {
      if (busy) throw Error(ErrorKind::failure, "too many open files");
      return SyntheticImages::read(sample, i);
    }
    bool busy = true;
  } set;
  CHECK_THROWS_WITH_AS(set.load(0), "too many open files", Error);
  CHECK(set.unreadable().empty());
  set.busy = false;
  CHECK(set.load(0) != nullptr);
}

TEST_CASE("loader: one that is left early stops its workers, and begins again") {
  const SyntheticImages set({200, 200}, 16, 3);
  DataLoaderOptions o = options(3);
  o.samples.reset();
  DataLoader loader(set, o);
  Batch batch;
  REQUIRE(loader.next(batch));
  const std::vector<double> first = numbers(batch.x);
  loader.start(1);
  REQUIRE(loader.next(batch));
  CHECK(numbers(batch.x) == first);
}

TEST_CASE("loader: a worker's exception reaches the caller") {
  class Broken : public SyntheticImages {
   public:
    Broken() : SyntheticImages({4, 4}, 16, 1) {}
    std::vector<uint8_t> read(const Sample&, size_t) const override { throw std::runtime_error("disk on fire"); }
  } set;
  for (const int workers : {0, 2}) {
    DataLoaderOptions o = options(workers);
    o.samples.reset();
    DataLoader loader(set, o);
    Batch batch;
    CHECK_THROWS_WITH_AS(loader.next(batch), "disk on fire", std::runtime_error);
  }
}

TEST_CASE("loader: a remote backend gets each image once, or each batch again, and makes the same of it") {
  for (const int workers : {0, 3}) {
    Remote keeps, forgets;
    const SyntheticImages set({5, 5}, 32, 1);
    DataLoader host(set, options(workers));
    DataLoader kept(set, on(keeps, options(workers))), forgotten(set, on(forgets, options(workers), 1000));
    for (const int epoch : {1, 2, 3}) {
      const Epoch want = epoch_of(host, epoch);
      check_same(epoch_of(kept, epoch), want, 0);
      check_same(epoch_of(forgotten, epoch), want, 0);
      CHECK(keeps.images_sent == 7);  // different ones in the order
      CHECK(forgets.images_sent == 10 * epoch);
    }
    // Another loader of the set finds them there, and sends only what is missing.
    DataLoaderOptions all = on(keeps, options(workers, "none"));
    all.samples.reset();
    DataLoader other(set, all);
    epoch_of(other, 1);
    CHECK(keeps.images_sent == 10);
  }
}

TEST_CASE("loader: what no backend can transform is made by the threads, and batches with it are sent") {
  const SyntheticImages set({5, 5}, 32, 1);
  const char* text = "flip,blur=2@0.3,jitter=0.4@0.5,erase@0.5";
  for (const int workers : {0, 3}) {
    Remote keeps;
    DataLoader host(set, options(workers, text)), kept(set, on(keeps, options(workers, text)));
    for (const int epoch : {1, 2, 3, 4}) check_same(epoch_of(kept, epoch), epoch_of(host, epoch), 1e-5);
    CHECK(keeps.images_sent > 7);   // those of the order once, and some again
    CHECK(keeps.images_sent < 40);  // but not every batch
  }
}

TEST_CASE("loader: every class has its own augmentation, of which the rare one follows from the counts") {
  const SyntheticImages set({2, 8}, 16, 1);
  const auto epoch = [&](const char* text, std::vector<int64_t> counts) {
    DataLoaderOptions o = options(0, text);
    o.class_counts = std::move(counts);
    DataLoader loader(set, o);
    return epoch_of(loader, 1);
  };
  const Epoch plain = epoch("none", {});
  const auto check_inverted = [&](const Epoch& got, int32_t label) {
    for (size_t b = 0; b < plain.x.size(); ++b) {
      const size_t pixels = plain.x[b].size() / plain.labels[b].size();
      for (size_t i = 0; i < plain.x[b].size(); ++i) {
        const double sign = plain.labels[b][i / pixels] == label ? -1 : 1;
        REQUIRE(std::abs(got.x[b][i] - sign * plain.x[b][i]) < 1e-6);
      }
    }
  };
  check_inverted(epoch("dog:invert,cat:none", {}), 1);
  check_inverted(epoch("rare:invert,others:none", {}), 0);      // counted: two of the order are cats
  check_inverted(epoch("rare:invert,others:none", {9, 3}), 1);  // as given
  CHECK_THROWS_AS(epoch("bird:flip", {}), Error);
}

TEST_CASE("loader: mixed batches are the same on a remote backend, whose bytes are sent once") {
  Remote keeps, forgets;
  const SyntheticImages set({5, 5}, 32, 1);
  for (const char* mix : {"mixup=1", "cutmix=1"}) {
    DataLoaderOptions o = options(1);
    o.mix = parse_mix(mix);
    DataLoader host(set, o), kept(set, on(keeps, o)), forgotten(set, on(forgets, o, 0));
    const int sent = forgets.images_sent;
    const Epoch want = epoch_of(host, 1);
    check_same(epoch_of(kept, 1), want, 1e-6);
    check_same(epoch_of(forgotten, 1), want, 1e-6);
    CHECK(forgets.images_sent == sent + 10);
  }
}

TEST_CASE("loader: mixing depends on the number of the batch since training began") {
  const SyntheticImages set({5, 5}, 16, 1);
  DataLoaderOptions o = options(0, "none");
  o.mix = parse_mix("mixup=1");
  DataLoader loader(set, o);
  const Epoch one = epoch_of(loader, 1), two = epoch_of(loader, 2);
  CHECK(one.own_weights != two.own_weights);
  o.first_step = 3;  // an epoch has three batches
  DataLoader later(set, o);
  CHECK(epoch_of(later, 2).own_weights == two.own_weights);
}

TEST_CASE("loader: the emulated or real GPU gets what the processor does" * needs_gpu()) {
  const SyntheticImages set({5, 5}, 32, 1);
  DataLoader host(set, options(2));
  DataLoader kept(set, on(*cuda_backend(), options(2))), forgotten(set, on(*cuda_backend(), options(2), 1000));
  for (const int epoch : {1, 2}) {
    const Epoch want = epoch_of(host, epoch);
    check_same(epoch_of(kept, epoch), want, 1e-5);
    check_same(epoch_of(forgotten, epoch), want, 1e-5);
  }
}

TEST_CASE("loader: a range-based for loop runs over an epoch, and the next one over the next") {
  const Table table({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 1, {0, 1, 0, 1, 0, 1, 0, 1, 0, 1});
  const auto rows_of = [](DataLoader& loader) {
    std::vector<size_t> rows;
    for (const Batch& batch : loader) rows.insert(rows.end(), batch.samples.begin(), batch.samples.end());
    return rows;
  };
  DataLoader loader(table, {.batch_size = 4, .seed = 1});
  const std::vector<size_t> first = rows_of(loader), second = rows_of(loader);
  CHECK(first.size() == 10);
  CHECK(std::set<size_t>(first.begin(), first.end()).size() == 10);
  CHECK(first != second);
  CHECK(first == loader.order(1));
  CHECK(second == loader.order(2));
  std::vector<size_t> batches;
  for (const Batch& batch : DataLoader(table, {.batch_size = 4, .seed = 1, .epoch = 2}))
    batches.push_back(batch.size());
  CHECK(batches == std::vector<size_t>{4, 4, 2});
  DataLoader again(table, {.batch_size = 4, .seed = 1, .epoch = 2});
  CHECK(rows_of(again) == second);
  loader.start(7, {3, 3});
  CHECK(rows_of(loader) == std::vector<size_t>{3, 3});
}

TEST_CASE("loader: batches of a table are its rows in f32") {
  const Table table({0.1, 1, 2, 3, 4, 5}, 2, {1, 0, 1}, {"a", "b"});
  for (const TestBackend& machine : test_backends()) {
    DataLoaderOptions o;
    o.sampler = "";
    o.samples = {2, 0};
    o.backend = &machine.backend;
    DataLoader loader(table, o);
    Batch batch;
    REQUIRE(loader.next(batch));
    CHECK(batch.x.shape() == Shape{2, 2});
    CHECK(batch.x.to_vector<float>() == std::vector<float>{4, 5, 0.1f, 1});
    CHECK(batch.labels == std::vector<int32_t>{1, 1});
    CHECK(!loader.next(batch));
  }
}

TEST_CASE("loader: what does not fit is an error") {
  const Table table({0, 1, 2}, 1, {1, 0, 1});
  const auto error = [&](DataLoaderOptions o) {
    return error_of(
        [&] {
          DataLoader loader(table, o);
          Batch batch;
          loader.next(batch);
        },
        ErrorKind::invalid_argument);
  };
  DataLoaderOptions o;
  o.augment = augment::parse_policy("flip");
  CHECK(contains(error(o), "\"flip\" is for images"));
  o = {};
  o.mix = parse_mix("cutmix=1");
  CHECK(contains(error(o), "cutmix"));
  o = {};
  o.batch_size = 0;
  CHECK(contains(error(o), "must be positive"));
  o = {};
  o.sampler = "sorted";
  CHECK(contains(error(o), "unknown sampler"));
  o = {};
  o.samples = {0, 3};
  CHECK(contains(error(o), "sample 3 of a dataset of 3"));
  o.samples = std::vector<size_t>();
  CHECK(contains(error(o), "no samples"));
}

TEST_CASE("loader: the number of batches of a run is the sum of its epochs'") {
  Table table({}, 0, std::vector<int32_t>(100, 0));
  std::fill_n(table.labels.begin(), 9, 1);
  for (const std::string& name : sampler_names()) {
    CAPTURE(name);
    DataLoader loader(table, {.batch_size = 7, .sampler = name, .seed = 2, .epochs = 5});
    int64_t all = 0;
    std::set<size_t> lengths;
    for (uint64_t epoch = 1; epoch <= 5; ++epoch) {
      all += static_cast<int64_t>(loader.batches_in(loader.order(epoch)));
      lengths.insert(loader.order(epoch).size());
    }
    CHECK((lengths.size() == 1) == find_sampler(name).fixed_length);
    CHECK(loader.count_batches(5, 1000) == all);
    CHECK(loader.count_batches(5, all - 1) == all - 1);
    CHECK(loader.count_batches(1000000000, 12345) == 12345);
    CHECK(loader.count_batches(5, std::numeric_limits<int64_t>::max()) == all);
  }
}
