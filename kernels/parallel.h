// Loops over several cores, with OpenMP.
#pragma once

#include <omp.h>

#include <algorithm>

#include "kernels/view.h"

namespace counterpoise {

int cpu_threads();

// Calls fn(begin, end) so that [0, n) is covered by one run per thread, of about equal length and at least `grain`
// long: shorter work is not worth waking a thread for. fn must not throw. What a run computes must not depend
// on where it begins: then the result is the same for every number of threads.
template <class Fn>
void parallel_for(Index n, Index grain, const Fn& fn) {
  const Index threads = std::min<Index>(cpu_threads(), n / std::max<Index>(grain, 1));
  if (threads <= 1) {
    if (n > 0) fn(Index(0), n);
    return;
  }
#pragma omp parallel num_threads(static_cast<int>(threads))
  {
    const Index t = omp_get_thread_num(), all = omp_get_num_threads();
    if (n * t / all < n * (t + 1) / all) fn(n * t / all, n * (t + 1) / all);
  }
}

}  // namespace counterpoise
