#include "data/loader.h"

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>
#include <unordered_map>

#include "core/random.h"
#include "data/sampler.h"

namespace counterpoise {

// One pass over an order of samples, in batches.
class DataLoader::Pass {
 public:
  struct Piece {
    size_t index = 0;  // of the batch
    std::vector<size_t> samples;
    std::unique_ptr<BatchReader::Content> content;
  };

  Pass(const BatchReader& reader, const DataLoaderOptions& options, uint64_t epoch, std::vector<size_t> order,
       size_t skip)
      : reader_(reader),
        batch_size_(static_cast<size_t>(options.batch_size)),
        alike_(options.augment_alike),
        seed_(options.seed),
        epoch_(epoch),
        order_(std::move(order)),
        claimed_(skip),
        taken_(skip) {
    std::unordered_map<size_t, uint32_t> times;
    for (const size_t sample : order_) earlier_.push_back(times[sample]++);
    const int workers = reader.wants_workers() ? options.workers : 0;
    // Workers inherit the signal mask: with all signals blocked in them, the main thread handles every one.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ahead_ = 2 * static_cast<size_t>(workers) + 2;
    try {
      for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
    } catch (const std::exception&) {
      // No more threads, or no memory for them, are available: those already started, or the caller, do the work.
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  ~Pass() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // The next batch; false at the end. A batch of which nothing could be read is empty.
  bool next(Piece& piece) {
    if (taken_ >= batches()) return false;
    if (threads_.empty()) {
      piece = read(taken_++);
      return true;
    }
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return failure_ || ready_.count(taken_); });
    if (failure_) std::rethrow_exception(failure_);
    piece = std::move(ready_[taken_]);
    ready_.erase(taken_++);
    changed_.notify_all();
    return true;
  }

 private:
  size_t batches() const { return (order_.size() + batch_size_ - 1) / batch_size_; }

  Piece read(size_t index) const {
    std::vector<BatchReader::Request> requests;
    for (size_t i = index * batch_size_; i < std::min(order_.size(), (index + 1) * batch_size_); ++i) {
      const uint64_t which = alike_ ? 0 : order_[i] | static_cast<uint64_t>(earlier_[i]) << 40;
      requests.push_back({order_[i], Random(seed_, Stream::augment, epoch_, which)});
    }
    Piece piece;
    piece.index = index;
    piece.content = reader_.read(requests);
    for (const BatchReader::Request& request : requests) piece.samples.push_back(request.sample);
    return piece;
  }

  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return stop_ || claimed_ >= batches() || claimed_ < taken_ + ahead_; });
      if (stop_ || claimed_ >= batches()) return;
      const size_t index = claimed_++;
      lock.unlock();
      std::map<size_t, Piece> piece;  // whose node is moved to ready_, so that nothing throws outside of the try block
      std::exception_ptr failure;
      try {
        piece.emplace(index, read(index));
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      if (failure) failure_ = failure;
      ready_.merge(piece);
      changed_.notify_all();
    }
  }

  const BatchReader& reader_;
  const size_t batch_size_;
  const bool alike_;
  const uint64_t seed_, epoch_;
  const std::vector<size_t> order_;
  std::vector<uint32_t> earlier_;  // how often each of them came before in the order
  size_t ahead_ = 0;               // so many batches are read before they are taken

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<size_t, Piece> ready_;  // batches read and not yet taken
  size_t claimed_ = 0, taken_ = 0;
  bool stop_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

namespace {

std::vector<size_t> samples_of(const Dataset& dataset, const DataLoaderOptions& options) {
  return options.samples ? *options.samples : dataset.all_samples();
}

DataLoaderOptions checked(DataLoaderOptions options, const Dataset& dataset) {
  CP_ENSURE_AS(invalid_argument, options.batch_size > 0, "a DataLoader's batch size is ", options.batch_size,
               " but must be positive");
  if (!options.sampler.empty()) find_sampler(options.sampler);
  if (!options.samples) return options;
  CP_ENSURE_AS(invalid_argument, !options.samples->empty(),
               "a DataLoader: its subset has no samples; leave `samples` out for the whole dataset");
  for (const size_t i : *options.samples) {
    CP_ENSURE_AS(invalid_argument, i < dataset.size(), "a DataLoader: sample ", i, " of a dataset of ", dataset.size());
  }
  return options;
}

}  // namespace

DataLoader::DataLoader(const Dataset& dataset, DataLoaderOptions options)
    : dataset_(dataset),
      options_(checked(std::move(options), dataset)),
      counts_(dataset.counts(samples_of(dataset, options_))),
      reader_(dataset.reader(options_)),
      step_(options_.first_step) {}

DataLoader::~DataLoader() = default;

std::vector<size_t> DataLoader::order(uint64_t epoch) const {
  const std::vector<size_t> samples = samples_of(dataset_, options_);
  if (options_.sampler.empty()) return samples;
  return find_sampler(options_.sampler)
      .order(samples, dataset_.labels_of(samples), {options_.seed, epoch, options_.epochs, options_.batch_size});
}

size_t DataLoader::batches_in(const std::vector<size_t>& order) const {
  const size_t size = static_cast<size_t>(options_.batch_size);
  return (order.size() + size - 1) / size;
}

int64_t DataLoader::count_batches(uint64_t epochs, int64_t at_most) const {
  const auto batches_of = [&](uint64_t epoch) { return static_cast<int64_t>(batches_in(order(epoch))); };
  if (epochs == 0) return 0;
  if (options_.sampler.empty() || find_sampler(options_.sampler).fixed_length) {
    const int64_t each = batches_of(1);
    if (each == 0) return 0;
    // Divided, because the product of the largest numbers would overflow.
    return epochs > static_cast<uint64_t>(at_most / each) ? at_most : static_cast<int64_t>(epochs) * each;
  }
  int64_t all = 0;
  for (uint64_t epoch = 1; epoch <= epochs && all < at_most; ++epoch) all += batches_of(epoch);
  return std::min(all, at_most);
}

void DataLoader::start(uint64_t epoch, const std::vector<size_t>& order) { start(epoch, order, 0, step_); }

void DataLoader::start(uint64_t epoch, const std::vector<size_t>& order, size_t skip, int64_t step) {
  pass_.reset();  // its threads end before others begin
  pass_ = std::make_unique<Pass>(*reader_, options_, epoch, order, skip);
  step_ = step;
  epoch_ = epoch;
  taken_ = false;
}

bool DataLoader::next(Batch& batch) {
  const auto start_time = std::chrono::steady_clock::now();
  if (!pass_) start(options_.epoch);
  taken_ = true;
  batch = Batch();
  Pass::Piece piece;
  do {
    if (!pass_->next(piece)) return false;
  } while (piece.samples.empty());
  batch.index = piece.index;
  batch.samples = std::move(piece.samples);
  batch.labels = dataset_.labels_of(batch.samples);
  std::vector<size_t> in_order(batch.size());
  std::iota(in_order.begin(), in_order.end(), size_t(0));
  batch.x = reader_->collate(*piece.content, in_order);
  if (options_.mix.kind != Mix::none) mix(*piece.content, batch);
  ++step_;
  batch.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_time).count();
  return true;
}

void DataLoader::mix(BatchReader::Content& content, Batch& batch) {
  const bool images = batch.x.shape().rank() == 4;
  CP_ENSURE_AS(invalid_argument, images || options_.mix.kind != Mix::cutmix,
               "cutmix pastes parts of images, but the samples are rows of a table");
  Random rng(options_.seed, Stream::mix, static_cast<uint64_t>(step_));
  const MixPlan plan = plan_mix(options_.mix, rng, batch.size(), images ? static_cast<int>(batch.x.shape()[1]) : 0);
  batch.mixed = mix_labels(options_.mix, plan, batch.labels, counts_);
  batch.x = mix_tensors(plan, batch.x, reader_->collate(content, plan.partner));
}

}  // namespace counterpoise
