#include "kernels/panels.h"

#include <algorithm>
#include <array>
#include <utility>

namespace counterpoise {

namespace {

// A block of C as large as the registers hold is summed in them, while one row of B after the other is multiplied by
// numbers of A: with 32 registers 14 x 2 vectors of sums, 2 for a row of B and 1 for a number of A.
constexpr int max_rows = rows_at_once;
// A^T's rows are lanes of A, and a block must not straddle two panels of A.
template <class T>
constexpr int max_rows_transposed = std::min(vector_registers == 32 ? 8 : 4, lanes<T>);

template <class T, int Rows, int Count>
void block(Index length, Panels<T> a, Panels<T> b, Panels<T> c) {
  Vec<T> sum[Rows][Count] = {};
  const T* row_of_b = b.data;
  for (Index first = 0; first < length; first += lanes<T>) {
    const T* from = a.data + first / lanes<T> * a.stride;
    const Index steps = std::min<Index>(lanes<T>, length - first);
    for (Index l = 0; l < steps; ++l, row_of_b += lanes<T>) {
      Vec<T> row[Count];
      for (int p = 0; p < Count; ++p) row[p] = load(row_of_b + p * b.stride);
#pragma GCC unroll 14
      for (int i = 0; i < Rows; ++i) {
        for (int p = 0; p < Count; ++p) sum[i][p] += from[i * lanes<T> + l] * row[p];
      }
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < Rows; ++i) {
    for (int p = 0; p < Count; ++p) store(c.at(p, i), sum[i][p]);
  }
}

template <class T, int Rows, int Count>
void block_transposed(Index length, Panels<T> a, Panels<T> b, bool add, Panels<T> c) {
  Vec<T> sum[Rows][Count] = {};
  for (Index l = 0; l < length; ++l) {
    Vec<T> row[Count];
    for (int p = 0; p < Count; ++p) row[p] = load(b.at(p, l));
    const T* from = a.at(0, l);
    __builtin_prefetch(from + 32 * lanes<T>);
#pragma GCC unroll 14
    for (int i = 0; i < Rows; ++i) {
      for (int p = 0; p < Count; ++p) sum[i][p] += from[i] * row[p];
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < Rows; ++i) {
    for (int p = 0; p < Count; ++p) store(c.at(p, i), add ? load(c.at(p, i)) + sum[i][p] : sum[i][p]);
  }
}

// The number of rows and panels is known when the code is compiled, so that the sums stay in registers: a table
// has the code for each number of rows, 1 ... Rows.
template <class T, int Count, int... Rows>
constexpr auto blocks(std::integer_sequence<int, Rows...>) {
  return std::array{&block<T, Rows + 1, Count>...};
}
template <class T, int Count, int... Rows>
constexpr auto blocks_transposed(std::integer_sequence<int, Rows...>) {
  return std::array{&block_transposed<T, Rows + 1, Count>...};
}

template <class T, int Count>
void multiply_panels(Index rows, Index length, Panels<T> a, Panels<T> b, Panels<T> c) {
  static constexpr auto table = blocks<T, Count>(std::make_integer_sequence<int, max_rows>());
  for (Index i = 0; i < rows; i += max_rows) {
    const auto code = table[std::min<Index>(max_rows, rows - i) - 1];
    code(length, {a.at(0, i), a.stride}, b, {c.at(0, i), c.stride});
  }
}

template <class T, int Count>
void multiply_panels_transposed(Index rows, Index length, Panels<T> a, Panels<T> b, bool add, Panels<T> c) {
  constexpr int at_once = max_rows_transposed<T>;
  static constexpr auto table = blocks_transposed<T, Count>(std::make_integer_sequence<int, at_once>());
  for (Index i = 0; i < rows; i += at_once) {
    const auto code = table[std::min<Index>(at_once, rows - i) - 1];
    code(length, {a.at(i / lanes<T>, 0) + i % lanes<T>, a.stride}, b, add, {c.at(0, i), c.stride});
  }
}

}  // namespace

template <class T>
void multiply(Index rows, Index length, Index count, Panels<T> a, Panels<T> b, Panels<T> c) {
  Index p = 0;
  for (; p + 2 <= count; p += 2) multiply_panels<T, 2>(rows, length, a, {b.at(p, 0), b.stride}, {c.at(p, 0), c.stride});
  if (p < count) multiply_panels<T, 1>(rows, length, a, {b.at(p, 0), b.stride}, {c.at(p, 0), c.stride});
}

template <class T>
void multiply_transposed(Index rows, Index length, Index count, Panels<T> a, Panels<T> b, bool add, Panels<T> c) {
  Index p = 0;
  for (; p + 2 <= count; p += 2) {
    multiply_panels_transposed<T, 2>(rows, length, a, {b.at(p, 0), b.stride}, add, {c.at(p, 0), c.stride});
  }
  if (p < count) multiply_panels_transposed<T, 1>(rows, length, a, {b.at(p, 0), b.stride}, add, {c.at(p, 0), c.stride});
}

template void multiply(Index, Index, Index, Panels<float>, Panels<float>, Panels<float>);
template void multiply(Index, Index, Index, Panels<double>, Panels<double>, Panels<double>);
template void multiply_transposed(Index, Index, Index, Panels<float>, Panels<float>, bool, Panels<float>);
template void multiply_transposed(Index, Index, Index, Panels<double>, Panels<double>, bool, Panels<double>);

}  // namespace counterpoise
