#include "data/loader.h"

#include <csignal>
#include <system_error>
#include <unordered_map>

#include "core/random.h"
#include "kernels/image_transform.h"

namespace counterpoise {

Loader::Loader(const ImageDataset& set, std::vector<size_t> order, const LoaderOptions& options)
    : set_(set), order_(std::move(order)), options_(options) {
  std::unordered_map<size_t, uint32_t> times;
  for (const size_t sample : order_) earlier_.push_back(times[sample]++);
  // Workers inherit the mask of signals: with all blocked, the main thread handles every one.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    for (int i = 0; i < options.workers; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // The system gives no more threads: those made, or the caller, do the work.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Loader::~Loader() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

size_t Loader::batches() const { return (order_.size() + options_.batch_size - 1) / options_.batch_size; }

Batch Loader::make(size_t index) const {
  const size_t first = index * options_.batch_size;
  const size_t last = std::min(order_.size(), first + options_.batch_size);
  const int size = set_.image_size();
  const size_t numbers = size_t(size) * size * 3;
  Batch batch;
  if (!options_.raw) batch.pixels.reserve((last - first) * numbers);
  for (size_t i = first; i < last; ++i) {
    const size_t sample = order_[i];
    const bool kept = options_.kept && options_.kept[sample];
    const ImageDataset::Bytes image = kept ? nullptr : set_.load(sample);
    if (!image && !kept) continue;
    Random rng(options_.seed, Stream::augment, options_.epoch, sample | static_cast<uint64_t>(earlier_[i]) << 40);
    if (options_.raw) {
      batch.images.push_back(image);
      batch.turns.push_back(draw_flip_rotation(options_.augment, rng));
    } else {
      batch.pixels.resize(batch.pixels.size() + numbers);
      float* pixels = batch.pixels.data() + batch.pixels.size() - numbers;
      augment(options_.augment, rng, image->data(), size, size, pixels);
      for (size_t k = 0; k < numbers; ++k) pixels[k] = scale_pixel(pixels[k]);
    }
    batch.labels.push_back(set_.samples()[sample].label);
    batch.samples.push_back(sample);
  }
  return batch;
}

void Loader::work() {
  const size_t ahead = 2 * static_cast<size_t>(options_.workers) + 2;
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stop_ || claimed_ >= batches() || claimed_ < taken_ + ahead; });
    if (stop_ || claimed_ >= batches()) return;
    const size_t index = claimed_++;
    lock.unlock();
    Batch batch;
    std::exception_ptr failure;
    try {
      batch = make(index);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure) failure_ = failure;
    ready_[index] = std::move(batch);
    changed_.notify_all();
  }
}

bool Loader::next(Batch& batch) {
  if (taken_ >= batches()) return false;
  if (threads_.empty()) {
    batch = make(taken_++);
    return true;
  }
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || ready_.count(taken_); });
  if (failure_) std::rethrow_exception(failure_);
  batch = std::move(ready_[taken_]);
  ready_.erase(taken_++);
  changed_.notify_all();
  return true;
}

}  // namespace counterpoise
