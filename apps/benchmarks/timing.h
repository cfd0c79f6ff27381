// How bench measures durations. To be used by one thread, that of the backend.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

#include "apps/benchmarks/benchmarks.h"

namespace counterpoise {

// Seconds since some moment in the past.
inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Throws Error(device) if an operation took a slow path, unless the options allow it: its time would say nothing about
// the device, and it may be thousands of times longer.
void ensure_no_fallbacks(const BenchOptions& options, const Backend& backend);

// Runs it without measuring. Once is enough for memory to be allocated and code to be loaded, but on a GPU an algorithm
// for a convolution is chosen when its shape has come several times: at most 16, for another number of images.
template <class Run>
void warm_up(const BenchOptions& options, Backend& backend, const Run& run) {
  for (int i = 0; i < (backend.is_remote() ? 20 : 1); ++i) {
    run();
    ensure_no_fallbacks(options, backend);
  }
  backend.synchronize();
}

// The median duration of run() in seconds, until the backend has finished it; repeated for about `budget` seconds. With
// `at_once` > 1, of so many that are enqueued before the first is waited for, as the steps of a training are.
template <class Run>
double seconds_of(const BenchOptions& options, Backend& backend, const Run& run, double budget, int at_once = 1) {
  std::vector<double> durations;
  warm_up(options, backend, run);
  const double start = now();
  while (durations.empty() || now() - start < budget) {
    const double before = now();
    for (int i = 0; i < at_once; ++i) run();
    backend.synchronize();
    durations.push_back((now() - before) / at_once);
  }
  std::sort(durations.begin(), durations.end());
  const size_t n = durations.size();
  return (durations[(n - 1) / 2] + durations[n / 2]) / 2;
}

// The mean duration of a short run() in seconds. All repetitions are enqueued before the first is waited for, as a
// network enqueues its operations.
template <class Run>
double seconds_each(const BenchOptions& options, Backend& backend, const Run& run, double budget) {
  warm_up(options, backend, run);
  for (Index repetitions = 1;; repetitions *= 2) {
    const double before = now();
    for (Index i = 0; i < repetitions; ++i) run();
    backend.synchronize();
    const double duration = now() - before;
    if (duration >= budget) return duration / static_cast<double>(repetitions);
  }
}

}  // namespace counterpoise
