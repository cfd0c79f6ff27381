// Sums over the rows of a matrix, column by column: gradients of biases, statistics of channels, and totals, which are
// the sums of one column.
//
// Each block computes a partial sum of each column over some of the rows, its share. The block that finishes last, or a
// second kernel where there are very many shares, adds them, always in the same order: there is no atomic addition of
// numbers, and equal inputs give equal bits.
#pragma once

#include "kernels/cuda/columns.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launch.h"
#include "kernels/scratch.h"

namespace counterpoise::detail {

// Whether this block is the last of `blocks` that called this. What the threads of the others have written before is
// visible to all of its threads then. `arrived` is 0 before the first call, and again after the last.
__device__ inline bool is_last(unsigned* arrived, unsigned blocks) {
  CP_SHARED(unsigned, before, 1);
  __syncthreads();
  if (threadIdx.x == 0) {  // (Its fences count for all threads that it waits for, or that wait for it.)
    __threadfence();
    before[0] = atomicAdd(arrived, 1U);
    __threadfence();
  }
  __syncthreads();
  if (before[0] != blocks - 1) return false;
  if (threadIdx.x == 0) *arrived = 0;
  return true;
}

// Over the columns of a ColumnGrid: add(what load(index of a pack's first number) returned, index, column,
// sums[quantities][lanes]) adds a pack's share of each quantity. If `arrived` is given, a counter for each group, the
// last of a group's blocks calls store(column, its sums[quantities]).
template <int lanes, int quantities, class A, class Load, class Add, class Store>
__global__ void CP_RESIDENT(resident_blocks)
    column_shares_kernel(Index rows, Index columns, Index groups, int width, Load load, Add add, double* shares,
                         unsigned* arrived, Store store) {
  CP_SHARED(A, all, block_threads * quantities * lanes);
  const int depth = block_threads / width, across = threadIdx.x % width, down = threadIdx.x / width;
  for (Index group = blockIdx.y; group < groups; group += gridDim.y) {
    const Index column = (group * width + across) * lanes;
    A sums[quantities][lanes] = {};
    if (column < columns) {
      walk_rows(static_cast<Index>(blockIdx.x) * depth + down, static_cast<Index>(gridDim.x) * depth, rows, columns,
                column, load, [&](const auto& loaded, Index at) { add(loaded, at, column, sums); });
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
      shares[(static_cast<Index>(blockIdx.x) * quantities + q) * columns + c] = sum;
    }
    __syncthreads();  // before the next group is written
    if (!arrived || !is_last(arrived + group, gridDim.x)) continue;
    // Each thread adds some of the shares of a column, and the first threads of the columns what these have.
    constexpr int partials = block_threads * quantities;
    CP_SHARED(double, partial, partials);
    const int across_all = width * lanes, parts = block_threads / across_all, part = threadIdx.x / across_all;
    const Index c = group * across_all + threadIdx.x % across_all;
    for (int q = 0; q < quantities; ++q) {
      double sum = 0;
      if (c < columns) {
        for (Index block = part; block < gridDim.x; block += parts)
          sum += shares[(block * quantities + q) * columns + c];
      }
      partial[threadIdx.x * quantities + q] = sum;
    }
    __syncthreads();
    if (part > 0 || c >= columns) continue;
    double total[quantities] = {};
    for (int q = 0; q < quantities; ++q) {
      for (int p = 0; p < parts; ++p) total[q] += partial[(p * across_all + threadIdx.x) * quantities + q];
    }
    store(c, total);
  }
}

// A block for each column.
template <int quantities, class Store>
__global__ void add_shares_kernel(Index columns, Index blocks, const double* shares, Store store) {
  for (Index c = blockIdx.x; c < columns; c += gridDim.x) {
    double total[quantities];
    for (int q = 0; q < quantities; ++q) {
      double sum = 0;
      for (Index block = threadIdx.x; block < blocks; block += blockDim.x) {
        sum += shares[(block * quantities + q) * columns + c];
      }
      total[q] = block_sum(sum);
    }
    if (threadIdx.x == 0) store(c, total);
  }
}

// add(load(index of a pack's first number), index, column, sums[quantities][lanes]) for all packs; then
// store(column, its sums[quantities]). A thread accumulates in A; shares are added in double.
template <int lanes, int quantities, class A, class Load, class Add, class Store>
void column_sums(CudaBackend& backend, Queue& queue, Index rows, Index columns, const Load& load, const Add& add,
                 const Store& store) {
  const ColumnGrid g(rows, columns, lanes);
  const Scratch<double> shares(backend, g.grid.x * quantities * columns);
  // One block adds few shares sooner than a second kernel starts.
  constexpr Index few = 32;
  const Index each = g.grid.x * quantities * g.width * lanes / block_threads;
  const bool at_once = each <= few && g.groups <= CudaBackend::max_arrivals;
  launch<Waits::yes>(column_shares_kernel<lanes, quantities, A, Load, Add, Store>, g.grid, queue, rows, columns,
                     g.groups, g.width, load, add, shares.get(), at_once ? backend.arrivals() : nullptr, store);
  if (at_once) return;
  if (g.grid.x == 1) {  // very many columns, each with one share, which is the sum
    const double* const sums = shares.get();
    return for_each(queue, columns, [=] __device__(Index c) {
      double total[quantities];
      for (int q = 0; q < quantities; ++q) total[q] = sums[q * columns + c];
      store(c, total);
    });
  }
  launch<Waits::yes>(add_shares_kernel<quantities, Store>, a_block_each(columns), queue, columns, Index(g.grid.x),
                     shares.get(), store);
}

}  // namespace counterpoise::detail
