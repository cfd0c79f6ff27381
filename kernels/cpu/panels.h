// Small matrix products on panels.
//
// OpenBLAS first copies its operands into an order that its inner loop reads in sequence. That costs little for large
// matrices and much for small ones. Here operands are written in that order: a matrix is stored in panels as wide as a
// vector,
//
//   element (row, column)  lies at  panel[column / lanes][row][column % lanes],
//
// so that a row of a panel is one vector. The last panel is padded with zeros.
#pragma once

#include "kernels/cpu/simd.h"

namespace counterpoise::detail {

// A matrix, or some neighboring rows or panels of one. Element (row, column) is in panel column / width, row `row`, at
// position column % width. The width may differ from lanes<T> if a matrix is only read number by number; then, with
// another step and stride, parts of an image in memory are matrices as they are.
template <class T>
struct Panels {
  T* data;
  Index stride;                                 // elements from one panel to the next
  Index step = lanes<std::remove_const_t<T>>;   // elements from one row to the next
  Index width = lanes<std::remove_const_t<T>>;  // columns in a panel

  operator Panels<const T>() const { return {data, stride, step, width}; }
  T* at(Index panel, Index row) const { return data + panel * stride + row * step; }
  Panels from(Index panel, Index row) const { return {at(panel, row), stride, step, width}; }
};

template <class T>
constexpr Index panel_count(Index columns) {
  return (columns + lanes<T> - 1) / lanes<T>;
}

// The products below compute up to this many rows and two panels of C at a time, so multiples of them are the fastest.
constexpr Index rows_at_once = vector_registers == 32 ? 14 : 6;

// C = A B: A is [rows, length], B and C have `count` panels. All have the default layout: lanes<T> columns in rows that
// follow each other.
template <class T>
void multiply(Index rows, Index length, Index count, Panels<const T> a, Panels<const T> b, Panels<T> c);

// C = A B + bias, clamped at 0 if `relu`: A may have any panels, C rows of any step. Each panel of B begins with a row
// that is the bias.
template <class T>
void multiply_direct(Index rows, Index length, Index count, Panels<const T> a, Panels<const T> b, bool relu,
                     Panels<T> c);

// C = A^T B, or C += A^T B if `add`: A is [length, rows], B and C have `count` panels. A may have any panels, B rows of
// any step.
template <class T>
void multiply_transposed(Index rows, Index length, Index count, Panels<const T> a, Panels<const T> b, bool add,
                         Panels<T> c);

}  // namespace counterpoise::detail
