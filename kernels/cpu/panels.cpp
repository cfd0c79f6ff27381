#include "kernels/cpu/panels.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/formulas.h"

namespace counterpoise::detail {

namespace {

// A block of C as large as the registers hold is summed in them, while one row of B after the other is multiplied by
// numbers of A: with 32 registers 14 x 2 vectors of sums, 2 for a row of B and 1 for a number of A. The numbers of rows
// and panels are known when the code is compiled, or the sums would not stay in registers. So is the step from row to
// row unless this is Direct, because 14 addresses do not fit into registers either.
template <class T, bool Direct, int Rows, int Count>
void block(Index length, const Panels<const T>& a, const Panels<const T>& b, bool relu, const Panels<T>& c) {
  const Index a_step = Direct ? a.step : lanes<T>, c_step = Direct ? c.step : lanes<T>;
  Vec<T> sum[Rows][Count] = {};
  const T* row_of_b = b.data;
  if (Direct) {  // begin with the bias
#pragma GCC unroll 14
    for (int i = 0; i < Rows; ++i) {
      for (int p = 0; p < Count; ++p) sum[i][p] = load(b.data + p * b.stride);
    }
    row_of_b += lanes<T>;
  }
  const T* panel_of_a = a.data;
  for (Index first = 0; first < length; first += a.width, panel_of_a += a.stride) {
    const Index width = std::min(a.width, length - first);
    for (Index l = 0; l < width; ++l, row_of_b += lanes<T>) {
      Vec<T> row[Count];
      for (int p = 0; p < Count; ++p) row[p] = load(row_of_b + p * b.stride);
#pragma GCC unroll 14
      for (int i = 0; i < Rows; ++i) {
        for (int p = 0; p < Count; ++p) sum[i][p] += panel_of_a[i * a_step + l] * row[p];
      }
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < Rows; ++i) {
    for (int p = 0; p < Count; ++p) {
      if (Direct && relu) sum[i][p] = formula::Relu::f(sum[i][p]);
      store(c.data + p * c.stride + i * c_step, sum[i][p]);
    }
  }
}

// Rows of C are columns of A, all of one panel.
template <class T, bool Known, int Rows, int Count>
void block_transposed(Index length, const Panels<const T>& a, const Panels<const T>& b, bool add, const Panels<T>& c) {
  const Index a_step = Known ? lanes<T> : a.step, b_step = Known ? lanes<T> : b.step;
  Vec<T> sum[Rows][Count] = {};
  for (Index l = 0; l < length; ++l) {
    Vec<T> row[Count];
    for (int p = 0; p < Count; ++p) row[p] = load(b.data + p * b.stride + l * b_step);
    const T* from = a.data + l * a_step;
    __builtin_prefetch(from + 32 * a_step);  // A can be large and far away
#pragma GCC unroll 14
    for (int i = 0; i < Rows; ++i) {
      for (int p = 0; p < Count; ++p) sum[i][p] += from[i] * row[p];
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < Rows; ++i) {
    for (int p = 0; p < Count; ++p) {
      T* to = c.data + p * c.stride + i * lanes<T>;
      store(to, add ? load(to) + sum[i][p] : sum[i][p]);
    }
  }
}

// Tables of the code for 1, 2, ... rows.
template <class T, bool Direct, int Count, int... Rows>
constexpr auto blocks(std::integer_sequence<int, Rows...>) {
  return std::array{&block<T, Direct, Rows + 1, Count>...};
}
template <class T, bool Known, int Count, int... Rows>
constexpr auto blocks_transposed(std::integer_sequence<int, Rows...>) {
  return std::array{&block_transposed<T, Known, Rows + 1, Count>...};
}
constexpr auto every_number_of_rows = std::make_integer_sequence<int, rows_at_once>();

template <class T, bool Direct, int Count>
void multiply_panels(Index rows, Index length, const Panels<const T>& a, const Panels<const T>& b, bool relu,
                     const Panels<T>& c) {
  static constexpr auto code = blocks<T, Direct, Count>(every_number_of_rows);
  for (Index i = 0; i < rows; i += rows_at_once) {
    code[std::min(rows_at_once, rows - i) - 1](length, a.from(0, i), b, relu, c.from(0, i));
  }
}
template <class T, bool Direct>
void multiply_all(Index rows, Index length, Index count, const Panels<const T>& a, const Panels<const T>& b, bool relu,
                  const Panels<T>& c) {
  Index p = 0;
  for (; p + 2 <= count; p += 2) multiply_panels<T, Direct, 2>(rows, length, a, b.from(p, 0), relu, c.from(p, 0));
  if (p < count) multiply_panels<T, Direct, 1>(rows, length, a, b.from(p, 0), relu, c.from(p, 0));
}

template <class T, bool Known, int Count>
void multiply_panels_transposed(Index rows, Index length, const Panels<const T>& a, const Panels<const T>& b, bool add,
                                const Panels<T>& c) {
  static constexpr auto code = blocks_transposed<T, Known, Count>(every_number_of_rows);
  const Index cuts = (a.width + rows_at_once - 1) / rows_at_once, at_once = (a.width + cuts - 1) / cuts;  // even cuts
  for (Index panel = 0; panel * a.width < rows; ++panel) {
    const Index first = panel * a.width, width = std::min(a.width, rows - first);
    for (Index i = 0; i < width; i += at_once) {
      const Panels<const T> columns = {a.at(panel, 0) + i, a.stride, a.step, a.width};
      code[std::min(at_once, width - i) - 1](length, columns, b, add, c.from(0, first + i));
    }
  }
}

template <class T>
bool default_layout(Panels<const T> a) {
  return a.step == lanes<T> && a.width == lanes<T>;
}

}  // namespace

template <class T>
void multiply(Index rows, Index length, Index count, Panels<const T> a, Panels<const T> b, Panels<T> c) {
  multiply_all<T, false>(rows, length, count, a, b, false, c);
}

template <class T>
void multiply_direct(Index rows, Index length, Index count, Panels<const T> a, Panels<const T> b, bool relu,
                     Panels<T> c) {
  multiply_all<T, true>(rows, length, count, a, b, relu, c);
}

template <class T>
void multiply_transposed(Index rows, Index length, Index count, Panels<const T> a, Panels<const T> b, bool add,
                         Panels<T> c) {
  const bool known = default_layout(a) && default_layout(b);
  const auto two = known ? multiply_panels_transposed<T, true, 2> : multiply_panels_transposed<T, false, 2>;
  const auto one = known ? multiply_panels_transposed<T, true, 1> : multiply_panels_transposed<T, false, 1>;
  Index p = 0;
  for (; p + 2 <= count; p += 2) two(rows, length, a, b.from(p, 0), add, c.from(p, 0));
  if (p < count) one(rows, length, a, b.from(p, 0), add, c.from(p, 0));
}

#define INSTANTIATE(T)                                                                                      \
  template void multiply<T>(Index, Index, Index, Panels<const T>, Panels<const T>, Panels<T>);              \
  template void multiply_direct<T>(Index, Index, Index, Panels<const T>, Panels<const T>, bool, Panels<T>); \
  template void multiply_transposed<T>(Index, Index, Index, Panels<const T>, Panels<const T>, bool, Panels<T>)
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace counterpoise::detail
