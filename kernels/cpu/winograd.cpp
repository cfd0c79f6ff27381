// The products of one block of tiles and two panels of channels are summed in the cache and transformed back at once.
// Either of the factors can be transformed beforehand and kept, the smaller one:
//
//   many tiles:  the whole kernel is kept. Threads take blocks of tiles that, transformed, stay in the level-2 cache.
//   few tiles:   all tiles are kept. Threads take panels of channels; a transformed panel of the kernel is used from
//                the cache and never written to memory, so that the weights are read once, untransformed. There must
//                be a pair of panels for each thread.
//
// No sum depends on which thread does a job. The gradient of the weights is itself a sum over tiles: with many tiles it
// is summed in as many parts as there are threads, if memory allows, whose bounds depend on sizes and threads alone.
#include "kernels/cpu/winograd.h"

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/winograd_tiles.h"

namespace counterpoise::detail {

namespace {

// The numbers here are what was fastest on a Zen 4 with 1 MiB of level-2 cache per core: half of it for a block of
// transformed tiles.
constexpr Index block_bytes = 1 << 19, most_tiles = 8 * rows_at_once;

// Tiles in a block, if each takes `bytes`; at least `fewest` where there are so many, because each block reads the
// whole kernel again and should do much with it.
Index tiles_in_block(Index bytes, Index tiles, Index fewest) {
  const Index fitting = block_bytes / bytes / rows_at_once * rows_at_once;
  return std::min(std::max(fewest, std::min(most_tiles, fitting)), (tiles + cpu_threads() - 1) / cpu_threads());
}

// Job `pair` has two panels of channels; the last job may have one.
Range pair_of_panels(Index pair, Index panels) { return {2 * pair, std::min(panels, 2 * pair + 2)}; }

// The most memory for the threads' partial sums of the weights' gradient, in all.
constexpr Index most_part_bytes = 1 << 28;

template <class T, int m>
void conv(Backend& backend, const ConvGeometry& g, const T* x, const T* w, bool rotated, const T* bias, bool relu, T* y,
          const T* residual) {
  const Tiles<T, m> tiles(g);
  constexpr int places = tiles.places;
  const Index in = panel_count<T>(g.C), out = panel_count<T>(g.K), pairs = (out + 1) / 2, threads = cpu_threads();
  const bool large = beyond_caches(g.pixels() * g.K * Index(sizeof(T)));

  const auto transform_kernel = [&](Range k, const Stack<T>& u) {
    if (rotated) tiles.rotated_kernel(w, k, u);
    else tiles.kernel(w, k, u);
  };
  // The outputs of a block of tiles and two panels of channels.
  const auto finish = [&](Range block, Range k, const Stack<T>& v, const Stack<T>& u, const Stack<T>& products) {
    for (int place = 0; place < places; ++place) {
      multiply<T>(block.size(), g.C, k.size(), v[place], u[place], products[place]);
    }
    tiles.output(products, block, k, bias, residual, relu, large, y);
  };

  if (2 * tiles.count() <= g.K && pairs >= threads) {
    const Index rows = std::min(tiles.count(), most_tiles);
    const Stacks<T> v(backend, 1, places, tiles.count(), in), u(backend, threads, places, g.C, 2);
    const Stacks<T> products(backend, threads, places, rows, 2);
    parallel_for(tiles.count(), 1, [&](Index begin, Index end) {
      tiles.input(x, {begin, end}, {0, in}, v[0].from(0, begin));
    });
    parallel_for(pairs, 1, [&](Index begin, Index end) {
      const int slot = thread_slot();
      for (Index pair = begin; pair < end; ++pair) {
        const Range k = pair_of_panels(pair, out);
        transform_kernel(k, u[slot]);
        for (Index first = 0; first < tiles.count(); first += rows) {
          finish({first, std::min(tiles.count(), first + rows)}, k, v[0].from(0, first), u[slot], products[slot]);
        }
      }
    });
    return;
  }

  const Index rows = tiles_in_block(places * (in + 2) * vector_bytes, tiles.count(), 2 * rows_at_once);
  const Stacks<T> u(backend, 1, places, g.C, out);
  const Stacks<T> v(backend, threads, places, rows, in), products(backend, threads, places, rows, 2);
  parallel_for(out, 1, [&](Index begin, Index end) { transform_kernel({begin, end}, u[0].from(begin, 0)); });
  parallel_for((tiles.count() + rows - 1) / rows, 1, [&](Index begin, Index end) {
    const int slot = thread_slot();
    for (Index first = begin * rows; first < std::min(tiles.count(), end * rows); first += rows) {
      const Range block = {first, std::min(tiles.count(), first + rows)};
      tiles.input(x, block, {0, in}, v[slot]);
      for (Index pair = 0; pair < pairs; ++pair) {
        finish(block, pair_of_panels(pair, out), v[slot], u[0].from(2 * pair, 0), products[slot]);
      }
    }
  });
}

template <class T, int m>
void grad_weight(Backend& backend, const ConvGeometry& g, const T* x, const T* dy, T* dw) {
  const Tiles<T, m> tiles(g);
  constexpr int places = tiles.places;
  const Index in = panel_count<T>(g.C), out = panel_count<T>(g.K), pairs = (in + 1) / 2, threads = cpu_threads();

  const Index affordable = std::max<Index>(1, most_part_bytes / (places * g.K * in * vector_bytes));
  const Index most_parts = std::min(threads, affordable);

  // dU [K, C] = or += dM^T [K, tiles] V [tiles, C]
  const auto sum = [&](Range block, Range c, const Stack<T>& dm, const Stack<T>& v, bool add, const Stack<T>& du) {
    tiles.input(x, block, c, v);
    for (int place = 0; place < places; ++place) {
      multiply_transposed<T>(g.K, block.size(), c.size(), dm[place], v[place], add, du[place]);
    }
  };

  if (tiles.count() <= g.C * most_parts && pairs >= most_parts) {
    const Index rows = std::min(tiles.count(), most_tiles);
    const Stacks<T> dm(backend, 1, places, tiles.count(), out), v(backend, threads, places, rows, 2);
    const Stacks<T> du(backend, threads, places, g.K, 2);
    parallel_for(tiles.count(), 1, [&](Index begin, Index end) {
      tiles.output_grad(dy, {begin, end}, {0, out}, dm[0].from(0, begin));
    });
    parallel_for(pairs, 1, [&](Index begin, Index end) {
      const int slot = thread_slot();
      for (Index pair = begin; pair < end; ++pair) {
        const Range c = pair_of_panels(pair, in);
        for (Index first = 0; first < tiles.count(); first += rows) {
          const Range block = {first, std::min(tiles.count(), first + rows)};
          sum(block, c, dm[0].from(0, first), v[slot], first > 0, du[slot]);
        }
        tiles.kernel_grad(du[slot], 1, 0, c, dw);
      }
    });
    return;
  }

  const Index rows = tiles_in_block(places * (out + 2) * vector_bytes, tiles.count(), 4 * rows_at_once);
  const Index blocks = (tiles.count() + rows - 1) / rows;
  const Index parts = std::min(most_parts, blocks);
  const Stacks<T> dm(backend, parts, places, rows, out), v(backend, parts, places, rows, 2);
  const Stacks<T> du(backend, parts, places, g.K, in);
  parallel_for(
      parts, 1,
      [&](Index begin, Index end) {
        for (Index part = begin; part < end; ++part) {
          const Range mine = {part * blocks / parts * rows,
                              std::min(tiles.count(), (part + 1) * blocks / parts * rows)};
          for (Index first = mine.first; first < mine.last; first += rows) {
            const Range block = {first, std::min(mine.last, first + rows)};
            tiles.output_grad(dy, block, {0, out}, dm[part]);
            for (Index pair = 0; pair < pairs; ++pair) {
              sum(block, pair_of_panels(pair, in), dm[part], v[part], first > mine.first, du[part].from(2 * pair, 0));
            }
          }
        }
      },
      1);
  parallel_for(in, 1, [&](Index begin, Index end) {
    tiles.kernel_grad(du[0].from(begin, 0), parts, du.apart(), {begin, end}, dw);
  });
}

}  // namespace

int winograd_tile(const ConvGeometry& g) {
  if (g.R != 3 || g.S != 3 || g.stride != 1 || g.pad > 2 || g.C == 0 || g.K == 0) return 0;
  // Products per pair of channels. Transforming a place of the kernel costs as much as its products with 20 tiles, and
  // packing a tap for a direct convolution about the same.
  const auto cost = [&](Index m) { return (m + 2) * (m + 2) * (g.N * ((g.P + m - 1) / m) * ((g.Q + m - 1) / m) + 20); };
  const Index direct = 9 * (g.N * g.P * g.Q + 20);
  if (direct <= std::min(cost(2), cost(4))) return 0;
  return cost(2) < cost(4) ? 2 : 4;
}

template <class T>
void winograd_conv(Backend& backend, int tile, const ConvGeometry& g, const T* x, const T* w, bool rotated,
                   const T* bias, bool relu, T* y, const T* residual) {
  if (tile == 2) conv<T, 2>(backend, g, x, w, rotated, bias, relu, y, residual);
  else conv<T, 4>(backend, g, x, w, rotated, bias, relu, y, residual);
}

template <class T>
void winograd_grad_weight(Backend& backend, int tile, const ConvGeometry& g, const T* x, const T* dy, T* dw) {
  if (tile == 2) grad_weight<T, 2>(backend, g, x, dy, dw);
  else grad_weight<T, 4>(backend, g, x, dy, dw);
}

template void winograd_conv(Backend&, int, const ConvGeometry&, const float*, const float*, bool, const float*, bool,
                            float*, const float*);
template void winograd_conv(Backend&, int, const ConvGeometry&, const double*, const double*, bool, const double*, bool,
                            double*, const double*);
template void winograd_grad_weight(Backend&, int, const ConvGeometry&, const float*, const float*, float*);
template void winograd_grad_weight(Backend&, int, const ConvGeometry&, const double*, const double*, double*);

}  // namespace counterpoise::detail
