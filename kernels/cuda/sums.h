// Sums over the rows of a matrix, column by column: gradients of biases, statistics of channels, and totals, which are
// the sums of one column.
//
// Each block computes a partial sum of each column over some of the rows, its share, and a second kernel adds the
// shares, always in the same order: there is no atomic addition, and equal inputs give equal bits. A matrix of few rows
// has one share of each column, which is the sum.
#pragma once

#include <type_traits>

#include "kernels/cuda/launch.h"
#include "kernels/scratch.h"

namespace counterpoise::detail {

// The type in which a thread accumulates; shares are added in double.
template <class T>
using Accumulator = Compute<T>;

constexpr int max_partial_rows = 1024;  // the shares of each column
constexpr Index max_grid_y = 65535;     // the most blocks along y that CUDA launches

// A matrix of `rows` rows of `columns` numbers is cut into packs of `lanes` columns, and these into groups of `width`
// neighboring packs. A block has a thread for each pack of a group, times as many rows as fit into it; rows are
// assigned to the blocks in turns, and so are groups if there are more than a grid can have blocks. visit(index of a
// pack's first number, sums[quantities][lanes]) adds that pack's share of each quantity.
template <int lanes, int quantities, class A, class Visit, class Store>
__global__ void column_shares_kernel(Index rows, Index columns, Index groups, int width, Visit visit, double* shares,
                                     Store store) {
  CP_SHARED(A, all, block_threads * quantities * lanes);
  const int depth = block_threads / width, across = threadIdx.x % width, down = threadIdx.x / width;
  for (Index group = blockIdx.y; group < groups; group += gridDim.y) {
    const Index column = (group * width + across) * lanes;
    A sums[quantities][lanes] = {};
    if (column < columns) {
      for (Index row = static_cast<Index>(blockIdx.x) * depth + down; row < rows;
           row += static_cast<Index>(gridDim.x) * depth) {
        visit(row * columns + column, sums);
      }
    }
    for (int q = 0; q < quantities; ++q) {
      for (int lane = 0; lane < lanes; ++lane) all[(threadIdx.x * quantities + q) * lanes + lane] = sums[q][lane];
    }
    __syncthreads();
    // The sums of the block's rows, column by column.
    for (int i = threadIdx.x; i < width * quantities * lanes; i += block_threads) {
      const int lane = i % lanes, q = i / lanes % quantities, pack = i / (lanes * quantities);
      const Index c = (group * width + pack) * lanes + lane;
      if (c >= columns) continue;
      double sum = 0;
      for (int d = 0; d < depth; ++d) sum += all[((d * width + pack) * quantities + q) * lanes + lane];
      if (gridDim.x == 1) store(q, c, sum);
      else shares[(static_cast<Index>(blockIdx.x) * quantities + q) * columns + c] = sum;
    }
    __syncthreads();  // before the next group is written
  }
}

// How a matrix is distributed over blocks: by its shape alone, so that the same shape gives the same bits.
struct ColumnGrid {
  int width;     // packs side by side in a block
  Index groups;  // of so many packs
  dim3 grid;
  ColumnGrid(Index rows, Index columns, int lanes) {
    const Index packs = (columns + lanes - 1) / lanes;
    width = 1;
    while (width < packs && width < 32) width *= 2;
    const Index depth = block_threads / width;
    const Index blocks = std::clamp<Index>(rows / (depth * 8), 1, max_partial_rows);
    groups = (packs + width - 1) / width;
    grid = dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(std::min(groups, max_grid_y)));
  }
};

// A block for each sum.
template <int quantities, class Store>
__global__ void add_shares_kernel(Index columns, Index blocks, const double* shares, Store store) {
  const Index n = quantities * columns;
  for (Index i = blockIdx.x; i < n; i += gridDim.x) {
    double sum = 0;
    for (Index block = threadIdx.x; block < blocks; block += blockDim.x) sum += shares[block * n + i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) store(i / columns, i % columns, sum);
  }
}

// visit(index of a pack's first number, sums[quantities][lanes]) for all packs; then store(quantity, column, sum).
template <int lanes, int quantities, class A, class Visit, class Store>
void column_sums(Backend& backend, cudaStream_t stream, Index rows, Index columns, const Visit& visit,
                 const Store& store) {
  const ColumnGrid g(rows, columns, lanes);
  const bool one_share = g.grid.x == 1;  // it is the sum
  const Scratch<double> shares(backend, one_share ? 0 : g.grid.x * quantities * columns);
  launch<Waits::yes>(column_shares_kernel<lanes, quantities, A, Visit, Store>, g.grid, stream, rows, columns, g.groups,
                     g.width, visit, shares.get(), store);
  if (one_share) return;
  launch<Waits::yes>(add_shares_kernel<quantities, Store>, a_block_each(quantities * columns), stream, columns,
                     Index(g.grid.x), static_cast<const double*>(shares.get()), store);
}

// Calls fn with the number of columns that a thread takes at once, as a type: 16 bytes' worth if that divides a row.
template <class T, class Fn>
void with_lanes(Index columns, const Fn& fn) {
  constexpr int full = 16 / static_cast<int>(sizeof(T));
  if (columns % full == 0) fn(std::integral_constant<int, full>());
  else fn(std::integral_constant<int, 1>());
}

}  // namespace counterpoise::detail
