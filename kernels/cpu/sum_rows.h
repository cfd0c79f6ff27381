// Sums over the rows of a matrix [rows, C], column by column: statistics of channels, gradients of biases, totals.
// Thread-safe.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/cpu/parallel.h"

namespace counterpoise::detail {

// The sums over `rows` of Q quantities per channel, in double: out[q * C + c]. fn(row, out) adds one row.
// Rows are summed in up to 64 chunks whose bounds depend on the number of rows alone, and the chunks in order: so
// the result does not depend on the number of threads.
template <int Q, class Fn>
std::vector<double> sum_rows(Index rows, Index C, const Fn& fn) {
  const Index rows_per_chunk = std::max<Index>(std::max<Index>(1, 4096 / C), (rows + 63) / 64);
  const Index chunks = (rows + rows_per_chunk - 1) / rows_per_chunk;
  std::vector<double> partial(std::max<Index>(1, chunks) * Q * C);
  parallel_for(chunks, std::max<Index>(1, thread_grain / (rows_per_chunk * C)), [&](Index begin, Index end) {
    for (Index chunk = begin; chunk < end; ++chunk) {
      double* out = partial.data() + chunk * Q * C;
      const Index last = std::min(rows, (chunk + 1) * rows_per_chunk);
      for (Index row = chunk * rows_per_chunk; row < last; ++row) fn(row, out);
    }
  });
  for (Index chunk = 1; chunk < chunks; ++chunk) {
    for (Index i = 0; i < Q * C; ++i) partial[i] += partial[chunk * Q * C + i];
  }
  partial.resize(Q * C);
  return partial;
}

}  // namespace counterpoise::detail
