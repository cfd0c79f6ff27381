#include "kernels/cpu/parallel.h"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace counterpoise {

namespace {

thread_local int slot = 0;
thread_local bool inside = false;  // in a piece of a loop

void pause_a_little() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");  // `yield` does not pause most of these processors
#endif
}

// Loops in a training step follow each other closely: a thread spins for some tens of microseconds until the next one
// before it goes to sleep, which costs more than that.
constexpr int patience = 1000;

class Pool {
 public:
  explicit Pool(int threads) {
    try {
      for (int i = 1; i < threads; ++i) threads_.emplace_back([this, i] { work(i); });
    } catch (const std::system_error& error) {
      stop();
      throw Error(ErrorKind::failure, "the system allows only ", threads_.size() + 1, " of ", threads, " threads (",
                  error.what(), "); use fewer, or raise `ulimit -u` and `ulimit -v`");
    } catch (...) {
      stop();
      throw;
    }
  }
  ~Pool() { stop(); }

  void stop() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void run(Index pieces, void (*run)(void*, Index), void* context) {
    // Three steps, so that a thread that still reads the last loop's fields cannot take a piece with some of these: its
    // compare-and-swap fails, because the ticket's generation has changed.
    const uint64_t generation = (ticket_.load() >> 32) + 1;
    ticket_.store(generation << 32 | none);
    pieces_.store(static_cast<uint32_t>(pieces));
    run_.store(run);
    context_.store(context);
    unfinished_.store(static_cast<uint32_t>(pieces));
    ticket_.store((generation + 1) << 32);
    {
      std::lock_guard<std::mutex> lock(mutex_);  // a thread is either asleep by now or will see the new ticket
    }
    if (sleeping_.load() > 0) wake_.notify_all();

    take_pieces();
    for (int i = 0; unfinished_.load() > 0; ++i) {
      if (i < patience) {
        pause_a_little();
        continue;
      }
      std::unique_lock<std::mutex> lock(mutex_);
      finished_.wait(lock, [this] { return unfinished_.load() == 0; });
    }
  }

 private:
  static constexpr uint64_t none = 0xffffffff;

  // Takes pieces of the current loop until there is none left.
  void take_pieces() {
    inside = true;
    while (true) {
      uint64_t ticket = ticket_.load();
      const uint64_t piece = ticket & none;
      if (piece >= pieces_.load()) break;
      const auto run = run_.load();
      void* const context = context_.load();
      if (!ticket_.compare_exchange_strong(ticket, ticket + 1)) continue;
      run(context, static_cast<Index>(piece));
      if (unfinished_.fetch_sub(1) == 1) {
        std::lock_guard<std::mutex> lock(mutex_);
        finished_.notify_one();
      }
    }
    inside = false;
  }

  void work(int my_slot) {
    slot = my_slot;
    uint64_t seen = 0;  // the generation that this thread has worked on
    while (true) {
      for (int i = 0; i < patience && ticket_.load() >> 32 == seen; ++i) pause_a_little();
      if (ticket_.load() >> 32 == seen) {
        std::unique_lock<std::mutex> lock(mutex_);
        ++sleeping_;
        wake_.wait(lock, [&] { return stop_ || ticket_.load() >> 32 != seen; });
        --sleeping_;
        if (stop_) return;
      }
      seen = ticket_.load() >> 32;
      take_pieces();
    }
  }

  std::atomic<uint64_t> ticket_{none};  // generation in the upper half, the next piece in the lower
  std::atomic<uint32_t> pieces_{0}, unfinished_{0};
  std::atomic<void (*)(void*, Index)> run_{nullptr};
  std::atomic<void*> context_{nullptr};

  std::mutex mutex_;
  std::condition_variable wake_, finished_;
  std::atomic<int> sleeping_{0};
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

std::atomic<int> threads{0};  // 0 until it is set or first read
std::mutex caller;            // held by the one thread whose loop the pool works on
std::unique_ptr<Pool> pool;   // guarded by `caller`

// A child of fork() has the memory of the pool but none of its threads: it forgets the pool, and makes another when it
// needs one. The mutex is held meanwhile, so that no loop of another thread is interrupted; a piece that forks has it.
void before_fork() {
  if (!inside) caller.lock();
}
void after_fork() {
  if (!inside) caller.unlock();
}
void after_fork_in_child() {
  static_cast<void>(pool.release());  // not destroyed: that would wait for the threads
  after_fork();
}

// The cores that this process may use, which in a container are fewer than the machine has.
int default_threads() {
  cpu_set_t cores;
  int n = static_cast<int>(std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) n = CPU_COUNT(&cores);
  if (const int quota = detail::cgroup_cores("")) n = std::min(n, quota);
  return std::max(1, n);
}

}  // namespace

void set_cpu_threads(int n) {
  const std::lock_guard<std::mutex> lock(caller);
  threads = n > 0 ? n : default_threads();
  pool.reset();
}

int cpu_threads() {
  const int n = threads;
  if (n > 0) return n;
  int unset = 0;
  threads.compare_exchange_strong(unset, default_threads());  // unless another thread was faster
  return threads;
}

int thread_slot() { return slot; }

void detail::run_pieces(Index pieces, void (*run)(void*, Index), void* context) {
  std::unique_lock<std::mutex> lock(caller, std::defer_lock);
  if (inside || !lock.try_lock()) {
    for (Index i = 0; i < pieces; ++i) run(context, i);
    return;
  }
  if (!pool) {
    static const int registered = pthread_atfork(before_fork, after_fork, after_fork_in_child);
    static_cast<void>(registered);
    pool = std::make_unique<Pool>(cpu_threads());
  }
  pool->run(pieces, run, context);
}

}  // namespace counterpoise
