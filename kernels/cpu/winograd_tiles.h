// Images and kernels transformed for Winograd's algorithm, tile by tile, and the inverse transforms. Vectors run along
// channels.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/conv_geometry.h"
#include "kernels/cpu/panels.h"
#include "kernels/cpu/winograd_transforms.h"
#include "kernels/scratch.h"

namespace counterpoise::detail {

struct Range {
  Index first, last;
  Index size() const { return last - first; }
};

// A matrix in panels for each place of a transformed tile: the algorithm's products, place by place, are products of
// matrices [tiles, C] and [C, K].
template <class T>
struct Stack {
  T* data;
  Index step, rows;  // elements from one place to the next; rows in a panel

  Panels<T> operator[](Index place) const { return {data + place * step, rows * lanes<T>}; }
  T* at(Index place, Index panel, Index row) const { return (*this)[place].at(panel, row); }
  // The same without its first panels and rows.
  Stack from(Index panel, Index row) const { return {(*this)[0].at(panel, row), step, rows}; }
};

// Memory for `count` stacks of one size.
template <class T>
class Stacks {
 public:
  // The step is an odd number of vectors: at a multiple of a power of two, all places of a tile would compete for the
  // same few sets of a cache.
  Stacks(Backend& backend, Index count, Index places, Index rows, Index panels)
      : step_((rows * panels | 1) * lanes<T>), places_(places), rows_(rows), memory_(backend, count * places * step_) {}
  Stack<T> operator[](Index i) const { return {memory_.get() + i * apart(), step_, rows_}; }
  // Elements from one stack to the next.
  Index apart() const { return places_ * step_; }

 private:
  Index step_, places_, rows_;
  Scratch<T> memory_;
};

// The tiles of m x m outputs that cover y [N, P, Q, K], image by image, row by row. Those at the right and the
// lower edge may extend beyond it. Of a stack of tiles, row 0 is the first of the tiles that a function is given; of
// any stack, panel 0 is the first of the panels of channels.
template <class T, int m>
class Tiles {
 public:
  static constexpr int n = m + 2, places = n * n;

  explicit Tiles(const ConvGeometry& geometry)
      : g_(geometry),
        columns_((g_.Q + m - 1) / m),
        per_image_((g_.P + m - 1) / m * columns_),
        zeros_(std::max(g_.C, g_.K)) {}

  Index count() const { return g_.N * per_image_; }

  // B^T d B of x's pixels d [n, n].
  void input(const T* x, Range tiles, Range panels, const Stack<T>& to) const {
    transform_images<n>(Algebra::template input<V>, Images<const T>{x, g_.H, g_.W, g_.C}, g_.pad, tiles, panels, to);
  }
  // A dY A^T of dy's pixels dY [m, m].
  void output_grad(const T* dy, Range tiles, Range panels, const Stack<T>& to) const {
    transform_images<m>(Algebra::template output_grad<V>, Images<const T>{dy, g_.P, g_.Q, g_.K}, 0, tiles, panels, to);
  }
  // A^T M A + bias + residual of the products M [n, n], clamped at 0 if `relu`, to y. If y is `large`, its stores
  // bypass the caches. The bias and the residual may be null.
  void output(const Stack<T>& products, Range tiles, Range panels, const T* bias, const T* residual, bool relu,
              bool large, T* y) const {
    for (Index tile = tiles.first; tile < tiles.last; ++tile) {
      T* pixel[m][m];
      find(tile, Images<T>{y, g_.P, g_.Q, g_.K}, 0, static_cast<T*>(nullptr), pixel);
      for (Index panel = panels.first; panel < panels.last; ++panel) {
        const Index k = panel * lanes<T>, size = std::min<Index>(lanes<T>, g_.K - k);
        const V offset = bias ? load(bias + k, size) : V{};
        transform<n>(
            Algebra::template output<V>,
            [&](int i, int j) { return load(products.at(i * n + j, panel - panels.first, tile - tiles.first)); },
            [&](int i, int j, V value) {
              if (!pixel[i][j]) return;
              value += offset;
              if (residual) value += load(residual + (pixel[i][j] + k - y), size);
              if (relu) value = formula::Relu::f(value);
              if (large) stream(pixel[i][j] + k, value, size);
              else store(pixel[i][j] + k, value, size);
            });
      }
    }
    if (large) end_of_stream();
  }

  // G g G^T of the kernel w [K, 3, 3, C].
  void kernel(const T* w, Range panels, const Stack<T>& to) const {
    for (Index panel = panels.first; panel < panels.last; ++panel) {
      const Index k = panel * lanes<T>, outputs = std::min<Index>(lanes<T>, g_.K - k);
      for (Index c = 0; c < g_.C; c += lanes<T>) {
        const Index channels = std::min<Index>(lanes<T>, g_.C - c);
        V taps[9][lanes<T>] = {};  // vectors along c, which become vectors along k
        for (int tap = 0; tap < 9; ++tap) {
          for (Index i = 0; i < outputs; ++i) {
            const T* from = w + ((k + i) * 9 + tap) * g_.C + c;
            __builtin_prefetch(from + lanes<T>);  // too many rows for the hardware prefetcher
            taps[tap][i] = load(from, channels);
          }
          transpose<T>(taps[tap]);
        }
        for (Index i = 0; i < channels; ++i) {
          transform_taps([&](int r, int s) { return taps[r * 3 + s][i]; }, to.from(panel - panels.first, c + i));
        }
      }
    }
  }
  // The same of the rotated kernel, whose w [C, 3, 3, K] is read in reverse.
  void rotated_kernel(const T* w, Range panels, const Stack<T>& to) const {
    for (Index c = 0; c < g_.C; ++c) {
      for (Index panel = panels.first; panel < panels.last; ++panel) {
        const Index k = panel * lanes<T>, outputs = std::min<Index>(lanes<T>, g_.K - k);
        const auto tap = [&](int r, int s) {
          const T* from = w + ((c * 3 + 2 - r) * 3 + 2 - s) * g_.K + k;
          __builtin_prefetch(from + 4 * 9 * g_.K);  // the panels are narrow strips, whose next lines are far away
          return load(from, outputs);
        };
        transform_taps(tap, to.from(panel - panels.first, c));
      }
    }
  }
  // G^T dU G, where dU is the sum of `parts` stacks [K, C], each `apart` elements after the last, to dw [K, 3, 3, C].
  void kernel_grad(const Stack<T>& du, Index parts, Index apart, Range panels, T* dw) const {
    for (Index panel = panels.first; panel < panels.last; ++panel) {
      const Index c = panel * lanes<T>, channels = std::min<Index>(lanes<T>, g_.C - c);
      for (Index k = 0; k < g_.K; ++k) {
        transform<n>(
            Algebra::template kernel_grad<V>,
            [&](int i, int j) {
              V sum = {};
              for (Index part = 0; part < parts; ++part) {
                const T* from = du.at(i * n + j, panel - panels.first, k) + part * apart;
                __builtin_prefetch(from + 4 * lanes<T>);  // too many places for the hardware prefetcher
                sum += load(from);
              }
              return sum;
            },
            [&](int r, int s, V value) { stream(dw + ((k * 3 + r) * 3 + s) * g_.C + c, value, channels); });
      }
    }
    end_of_stream();
  }

 private:
  using V = Vec<T>;
  using Algebra = Winograd<m>;
  template <class U>
  struct Images {
    U* data;
    Index H, W, C;
  };

  // Pointers to the pixels of a tile, which begins `shift` rows above and columns left of its outputs; `outside` for
  // pixels beyond the edges.
  template <int size, class U>
  void find(Index tile, const Images<U>& x, Index shift, U* outside, U* (&pixel)[size][size]) const {
    const Index top = tile % per_image_ / columns_ * m - shift, left = tile % columns_ * m - shift;
    for (Index i = 0; i < size; ++i) {
      for (Index j = 0; j < size; ++j) {
        const Index h = top + i, w = left + j;
        const bool inside = 0 <= h && h < x.H && 0 <= w && w < x.W;
        pixel[i][j] = inside ? x.data + ((tile / per_image_ * x.H + h) * x.W + w) * x.C : outside;
      }
    }
  }

  template <int size, class F>
  void transform_images(F f, const Images<const T>& x, Index shift, Range tiles, Range panels,
                        const Stack<T>& to) const {
    for (Index tile = tiles.first; tile < tiles.last; ++tile) {
      const T* pixel[size][size];
      find(tile, x, shift, zeros_.data(), pixel);
      for (Index panel = panels.first; panel < panels.last; ++panel) {
        const Index c = panel * lanes<T>, channels = std::min<Index>(lanes<T>, x.C - c);
        const Stack<T> out = to.from(panel - panels.first, tile - tiles.first);
        const auto write = [&](int i, int j, V value) { store(out[i * n + j].data, value); };
        if (channels == lanes<T>) {
          transform<size>(
              f, [&](int i, int j) { return load(pixel[i][j] + c); }, write);
        } else {
          transform<size>(
              f, [&](int i, int j) { return load(pixel[i][j] + c, channels); }, write);
        }
      }
    }
  }
  template <class Load>
  void transform_taps(const Load& tap, const Stack<T>& to) const {
    transform<3>(Algebra::template kernel<V>, tap, [&](int i, int j, V value) { store(to[i * n + j].data, value); });
  }

  const ConvGeometry g_;
  const Index columns_, per_image_;
  const std::vector<T> zeros_;
};

}  // namespace counterpoise::detail
