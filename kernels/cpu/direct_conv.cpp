#include "kernels/cpu/direct_conv.h"

#include "kernels/cpu/panels.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/winograd.h"
#include "kernels/scratch.h"

namespace counterpoise::detail {

namespace {

// How many rows of y are computed from one padded part of x: more would not stay in the level-1 cache, fewer would copy
// more rows of x twice.
constexpr Index band = 4;

// The rows of x that a band of rows of y, or fewer at the lower edge, is computed from, with zeros around them.
template <class T>
class PaddedBand {
 public:
  PaddedBand(const ConvGeometry& g, T* memory) : g_(g), memory_(memory) {}
  static Index size(const ConvGeometry& g) { return ((band - 1) * g.stride + g.R) * row_size(g); }

  void read(const T* x, Index image, Index first, Index rows) {
    T* to = memory_;
    for (Index i = 0; i < (rows - 1) * g_.stride + g_.R; ++i, to += row_size(g_)) {
      const Index h = first * g_.stride + i - g_.pad;
      if (h < 0 || h >= g_.H) {
        std::fill_n(to, row_size(g_), T(0));
        continue;
      }
      std::fill_n(to, g_.pad * g_.C, T(0));
      std::copy_n(x + (image * g_.H + h) * g_.W * g_.C, g_.W * g_.C, to + g_.pad * g_.C);
      std::fill_n(to + (g_.pad + g_.W) * g_.C, g_.pad * g_.C, T(0));
    }
  }
  // [Q, R S C]: what row `p` of the band is computed from.
  Panels<const T> matrix(Index p) const {
    return {memory_ + p * g_.stride * row_size(g_), row_size(g_), g_.stride * g_.C, g_.S * g_.C};
  }

 private:
  static Index row_size(const ConvGeometry& g) { return (g.W + 2 * g.pad) * g.C; }
  const ConvGeometry& g_;
  T* memory_;
};

Index bands(const ConvGeometry& g) { return g.N * ((g.P + band - 1) / band); }

// Calls fn(image, first row, rows) for some bands.
template <class Fn>
void for_each_band(const ConvGeometry& g, Index begin, Index end, const Fn& fn) {
  const Index per_image = (g.P + band - 1) / band;
  for (Index i = begin; i < end; ++i) {
    const Index first = i % per_image * band;
    fn(i / per_image, first, std::min(band, g.P - first));
  }
}

}  // namespace

bool direct_is_best(const ConvGeometry& g) {
  if (winograd_tile(g)) return g.C <= 6;
  return g.R * g.S > 1 && 0 < g.length() && g.length() <= 512;
}

template <class T>
void direct_conv(Backend& backend, const ConvGeometry& g, const T* x, const T* w, const T* bias, bool relu, T* y,
                 const T* residual) {
  const Index L = g.length(), out = panel_count<T>(g.K);
  const Scratch<T> kernel(backend, out * (L + 1) * lanes<T>);  // [1 + L, K] in panels: the bias, then the weights
  const Panels<T> columns = {kernel.get(), (L + 1) * lanes<T>};
  for (Index k = 0; k < out * lanes<T>; ++k) {
    T* const column = columns.at(k / lanes<T>, 0) + k % lanes<T>;
    column[0] = bias && k < g.K ? bias[k] : T(0);
    for (Index l = 0; l < L; ++l) column[(l + 1) * lanes<T>] = k < g.K ? w[k * L + l] : T(0);
  }
  const bool whole = g.K % lanes<T> == 0;  // then rows of y are in panels as they are
  const Index x_size = PaddedBand<T>::size(g), y_size = whole ? 0 : out * g.Q * lanes<T>;
  const Scratch<T> memory(backend, cpu_threads() * (x_size + y_size));
  parallel_for(bands(g), 1, [&](Index begin, Index end) {
    T* const mine = memory.get() + thread_slot() * (x_size + y_size);
    PaddedBand<T> padded(g, mine);
    const Panels<T> filled = {mine + x_size, g.Q * lanes<T>};  // a row of y, its last panel padded
    for_each_band(g, begin, end, [&](Index image, Index first, Index rows) {
      padded.read(x, image, first, rows);
      for (Index p = 0; p < rows; ++p) {
        T* const to = y + (image * g.P + first + p) * g.Q * g.K;
        multiply_direct<T>(g.Q, L, out, padded.matrix(p), columns, relu && !residual,
                           whole ? Panels<T>{to, lanes<T>, g.K} : filled);
        for (Index q = 0; !whole && q < g.Q; ++q) {
          for (Index k = 0; k < g.K; k += lanes<T>) {
            store(to + q * g.K + k, load(filled.at(k / lanes<T>, q)), std::min<Index>(lanes<T>, g.K - k));
          }
        }
        if (!residual) continue;
        const T* const from = residual + (to - y);
        for (Index i = 0; i < g.Q * g.K; ++i) {
          const T sum = to[i] + from[i];
          to[i] = relu ? formula::Relu::f(sum) : sum;
        }
      }
    });
  });
}

// Each thread sums its own part, over bands whose bounds depend on the number of threads alone.
template <class T>
void direct_grad_weight(Backend& backend, const ConvGeometry& g, const T* x, const T* dy, T* dw) {
  const Index L = g.length(), out = panel_count<T>(g.K), parts = std::min<Index>(cpu_threads(), bands(g));
  const Index x_size = PaddedBand<T>::size(g), dy_size = out * g.Q * lanes<T>, dw_size = out * L * lanes<T>;
  const Scratch<T> sums(backend, parts * dw_size), memory(backend, parts * (x_size + dy_size));
  parallel_for(
      parts, 1,
      [&](Index begin, Index end) {
        for (Index part = begin; part < end; ++part) {
          T* const mine = memory.get() + part * (x_size + dy_size);
          PaddedBand<T> padded(g, mine);
          const Panels<T> sum = {sums.get() + part * dw_size, L * lanes<T>};  // [L, K]
          bool add = false;
          for_each_band(
              g, part * bands(g) / parts, (part + 1) * bands(g) / parts, [&](Index image, Index first, Index rows) {
                padded.read(x, image, first, rows);
                for (Index p = 0; p < rows; ++p, add = true) {
                  const T* from = dy + (image * g.P + first + p) * g.Q * g.K;
                  Panels<const T> row = {from, lanes<T>, g.K};  // [Q, K], as it is
                  if (g.K % lanes<T> != 0) {                    // unless its last panel must be filled up with zeros
                    const Panels<T> copy = {mine + x_size, g.Q * lanes<T>};
                    for (Index q = 0; q < g.Q; ++q) {
                      for (Index panel = 0; panel < out; ++panel) {
                        const Index k = panel * lanes<T>;
                        store(copy.at(panel, q), load(from + q * g.K + k, std::min<Index>(lanes<T>, g.K - k)));
                      }
                    }
                    row = copy;
                  }
                  multiply_transposed<T>(L, g.Q, out, padded.matrix(p), row, add, sum);
                }
              });
        }
      },
      1);
  for (Index k = 0; k < g.K; ++k) {
    for (Index l = 0; l < L; ++l) {
      T sum = 0;
      for (Index part = 0; part < parts; ++part) {
        sum += sums.get()[part * dw_size + (k / lanes<T> * L + l) * lanes<T> + k % lanes<T>];
      }
      dw[k * L + l] = sum;
    }
  }
}

#define INSTANTIATE(T)                                                                                           \
  template void direct_conv<T>(Backend&, const ConvGeometry&, const T*, const T*, const T*, bool, T*, const T*); \
  template void direct_grad_weight<T>(Backend&, const ConvGeometry&, const T*, const T*, T*)
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace counterpoise::detail
