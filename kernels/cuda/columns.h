// Walking over a matrix so that each thread stays in its columns: what sums over rows have in common (sums.h) with
// maps whose parameters belong to columns, as those of batch normalization do.
#pragma once

#include "kernels/cuda/launch.h"

namespace counterpoise::detail {

constexpr Index max_grid_y = 65535;  // the most blocks along y that CUDA launches

// The blocks of a kernel that is launched by CP_RESIDENT(resident_blocks): so many on each of a large GPU's 132
// multiprocessors, so that all run at the same time. With more, some would begin when others end, and the GPU be half
// empty meanwhile. Three leave 80 registers for each thread: room for eight channels' parameters and several loads.
constexpr Index resident_blocks = 3, max_blocks = 132 * resident_blocks;

// How a matrix of `rows` rows of `columns` numbers is distributed over blocks: by its shape alone, so that the same
// shape gives the same bits. It is cut into packs of `lanes` columns, and these into groups of `width` neighboring
// packs. A block has a thread for each pack of a group, times as many rows as fit into it; rows are assigned to the
// blocks in turns, and so are groups if there are more than a grid can have blocks.
struct ColumnGrid {
  int width;
  Index groups;
  dim3 grid;
  ColumnGrid(Index rows, Index columns, int lanes) {
    const Index packs = (columns + lanes - 1) / lanes;
    width = 1;
    while (width < packs && width < 32) width *= 2;
    groups = (packs + width - 1) / width;
    const Index depth = block_threads / width, most = std::max<Index>(1, max_blocks / groups);
    const Index blocks = std::clamp<Index>(rows / (depth * 8), 1, most);
    grid = dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(std::min(groups, max_grid_y)));
  }
};

// use(load(i), i) for a thread's packs of the rows `row`, row + step, ...: i is the index of a pack's first number. Two
// or four rows are loaded before the first is used, because memory answers late, and the compiler may not move a
// load before a store of the row above, which could be to the same address.
template <class Load, class Use>
__device__ void walk_rows(Index row, Index step, Index rows, Index columns, Index column, const Load& load,
                          const Use& use) {
  using Loaded = decltype(load(row));
  constexpr int at_once = sizeof(Loaded) <= 16 ? 4 : 2;
  for (; row + (at_once - 1) * step < rows; row += at_once * step) {
    Loaded loaded[at_once];
    for (int i = 0; i < at_once; ++i) loaded[i] = load((row + i * step) * columns + column);
    for (int i = 0; i < at_once; ++i) use(loaded[i], (row + i * step) * columns + column);
  }
  for (; row < rows; row += step) use(load(row * columns + column), row * columns + column);
}

template <int lanes, class Prepare, class Load, class Store>
__global__ void CP_RESIDENT(resident_blocks)
    map_columns_kernel(Index rows, Index columns, Index groups, int width, Prepare prepare, Load load, Store store) {
  const int depth = block_threads / width, across = threadIdx.x % width, down = threadIdx.x / width;
  for (Index group = blockIdx.y; group < groups; group += gridDim.y) {
    const Index column = (group * width + across) * lanes;
    if (column >= columns) continue;
    const auto prepared = prepare(column);
    walk_rows(static_cast<Index>(blockIdx.x) * depth + down, static_cast<Index>(gridDim.x) * depth, rows, columns,
              column, load, [&](const auto& loaded, Index at) { store(prepared, loaded, at); });
  }
}

// store(prepare(column), load(i), i) for each pack, at index i of its first number and in `column` and those after it.
// A thread prepares once and then goes through many rows.
template <int lanes, class Prepare, class Load, class Store>
void map_columns(Queue& queue, Index rows, Index columns, const Prepare& prepare, const Load& load,
                 const Store& store) {
  const ColumnGrid g(rows, columns, lanes);
  launch(map_columns_kernel<lanes, Prepare, Load, Store>, g.grid, queue, rows, columns, g.groups, g.width, prepare,
         load, store);
}

}  // namespace counterpoise::detail
