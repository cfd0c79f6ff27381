// Loops over several cores.
//
// A loop is split into pieces, and each free thread takes the next one: the calling thread, and those of the pool. On a
// busy machine, where the pool's threads may not get a core for a while, the caller simply runs more of the pieces
// itself, and no thread spins while it waits for one that sleeps. (OpenMP's runtimes assign the pieces beforehand; with
// another program on the same two cores that made training five times slower than one thread alone.)
#pragma once

#include <algorithm>

#include "kernels/view.h"

namespace counterpoise {

// The number of threads that the cpu backend computes with, including the caller. n <= 0 means one for each core that
// this process may use: the smaller of its CPU affinity and its control group's CPU quota, which is how containers are
// limited. That is the default, too. Results for different numbers of threads may differ in the last digits.
//
// Both may be called from any thread, but the number must not change while an operation runs. The next loop throws
// Error(failure) if the system does not give so many threads.
void set_cpu_threads(int n);
int cpu_threads();

namespace detail {
// Calls run(context, piece) once for each piece in [0, pieces), on any thread, and returns when all are done. Within
// another loop, or while another thread runs one, the caller runs all pieces.
void run_pieces(Index pieces, void (*run)(void* context, Index piece), void* context);

// The cores that the CPU quotas of this process's control group (cgroup, version 1 or 2) and of the groups around it
// allow, rounded up; 0 where there is no quota. Files are read below `root`, which is "" but in tests.
int cgroup_cores(const std::string& root);
}  // namespace detail

// The smallest number of elements of a simple loop that is worth a thread.
constexpr Index thread_grain = 16384;

// Which of the threads this is, 0 <= slot < cpu_threads(), for scratch memory that pieces do not share.
int thread_slot();

// Calls fn(begin, end) on runs that cover [0, n) without overlap, each at least `grain` long (shorter runs are not
// worth waking a thread), up to `pieces_per_thread` per thread. fn must not throw. What is computed for an element must
// not depend on where its run begins: then the result is the same for every number of threads. Any thread may call it.
template <class Fn>
void parallel_for(Index n, Index grain, const Fn& fn, Index pieces_per_thread = 4) {
  const Index pieces = std::min<Index>(cpu_threads() * pieces_per_thread, n / std::max<Index>(grain, 1));
  if (pieces <= 1 || cpu_threads() == 1) {
    if (n > 0) fn(Index(0), n);
    return;
  }
  auto piece = [&](Index i) { fn(n * i / pieces, n * (i + 1) / pieces); };
  using Piece = decltype(piece);
  detail::run_pieces(
      pieces, [](void* context, Index i) { (*static_cast<Piece*>(context))(i); }, &piece);
}

}  // namespace counterpoise
