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

// What the outputs of a convolution are computed with: weights [K, L], or [L, K] if `by_rows`, and a bias, in panels.
template <class T>
class Kernel {
 public:
  Kernel(Backend& backend, Index K, Index L, const T* w, bool by_rows, const T* bias)
      : K_(K), L_(L), panels_(panel_count<T>(K)), memory_(backend, panels_ * (L + 1) * lanes<T>) {
    const Panels<T> to = matrix();
    parallel_for(panels_, std::max<Index>(1, thread_grain / (L * lanes<T>)), [&](Index begin, Index end) {
      for (Index panel = begin; panel < end; ++panel) {
        const Index k = panel * lanes<T>, outputs = std::min<Index>(lanes<T>, K - k);
        store(to.at(panel, 0), bias ? load(bias + k, outputs) : Vec<T>{});
        for (Index l = 0; by_rows && l < L; ++l) store(to.at(panel, 1 + l), load(w + l * K + k, outputs));
        for (Index l = 0; !by_rows && l < L; l += lanes<T>) {
          const Index length = std::min<Index>(lanes<T>, L - l);
          Vec<T> rows[lanes<T>] = {};
          for (Index i = 0; i < outputs; ++i) rows[i] = load(w + (k + i) * L + l, length);
          transpose<T>(rows);
          for (Index i = 0; i < length; ++i) store(to.at(panel, 1 + l + i), rows[i]);
        }
      }
    });
  }

  // The scratch memory that outputs() needs for `count` pixels.
  Index scratch_size(Index count) const { return whole() ? 0 : panels_ * count * lanes<T>; }
  // y [count, K] = rows of x [count, L] times the weights, + bias + residual, clamped at 0 if `relu`.
  void outputs(Index count, const Panels<const T>& x, const T* residual, bool relu, T* y, T* scratch) const {
    const Panels<T> filled = {scratch, count * lanes<T>};  // y with its last panel padded
    multiply_direct<T>(count, L_, panels_, x, matrix(), relu && !residual,
                       whole() ? Panels<T>{y, lanes<T>, K_} : filled);
    for (Index q = 0; !whole() && q < count; ++q) {
      for (Index k = 0; k < K_; k += lanes<T>) {
        store(y + q * K_ + k, load(filled.at(k / lanes<T>, q)), std::min<Index>(lanes<T>, K_ - k));
      }
    }
    for (Index i = 0; residual && i < count * K_; ++i) {
      const T sum = y[i] + residual[i];
      y[i] = relu ? formula::Relu::f(sum) : sum;
    }
  }

 private:
  bool whole() const { return K_ % lanes<T> == 0; }                          // then rows of y are in panels as they are
  Panels<T> matrix() const { return {memory_.get(), (L_ + 1) * lanes<T>}; }  // [1 + L, K]: the bias, then the weights
  const Index K_, L_, panels_;
  const Scratch<T> memory_;
};

}  // namespace

bool direct_is_best(const ConvGeometry& g) {
  if (winograd_tile(g)) return g.C <= 6;
  return g.R * g.S > 1 && 0 < g.length() && g.length() <= 512;
}

template <class T>
void direct_conv(Backend& backend, const ConvGeometry& g, const T* x, const T* w, const T* bias, bool relu, T* y,
                 const T* residual) {
  const Kernel<T> kernel(backend, g.K, g.length(), w, false, bias);
  const Index x_size = PaddedBand<T>::size(g), size = x_size + kernel.scratch_size(g.Q);
  const Scratch<T> memory(backend, cpu_threads() * size);
  parallel_for(bands(g), 1, [&](Index begin, Index end) {
    T* const mine = memory.get() + thread_slot() * size;
    PaddedBand<T> padded(g, mine);
    for_each_band(g, begin, end, [&](Index image, Index first, Index rows) {
      padded.read(x, image, first, rows);
      for (Index p = 0; p < rows; ++p) {
        const Index at = (image * g.P + first + p) * g.Q * g.K;
        kernel.outputs(g.Q, padded.matrix(p), residual ? residual + at : nullptr, relu, y + at, mine + x_size);
      }
    });
  });
}

// Otherwise OpenBLAS is as fast or faster. It chooses its kernels when the program runs, and has wider vectors than a
// program for old processors; and with fewer registers, few pixels do not pay for writing the weights into panels.
bool pointwise_is_best(const ConvGeometry& g) {
  const bool fast = vector_bytes == 64 || (vector_bytes == 32 && g.pixels() >= 256);
  return g.is_pointwise() && fast && 0 < g.C && g.C <= 1024 && g.K >= 8;
}

template <class T>
void pointwise_conv(Backend& backend, const ConvGeometry& g, const T* x, const T* w, bool transposed, const T* bias,
                    bool relu, T* y, const T* residual) {
  const Kernel<T> kernel(backend, g.K, g.C, w, transposed, bias);
  // About 56 pixels in a block, which stay in the cache beside two panels of weights; as many blocks for each thread.
  const Index threads = cpu_threads(), most = 56 / rows_at_once * rows_at_once * threads;
  const Index blocks = (g.pixels() + most - 1) / most * threads;
  const Index rows = blocks ? (g.pixels() + blocks - 1) / blocks : 0, size = kernel.scratch_size(rows);
  const Scratch<T> memory(backend, threads * size);
  parallel_for(blocks, 1, [&](Index begin, Index end) {
    T* const mine = memory.get() + thread_slot() * size;
    for (Index first = begin * rows; first < std::min(g.pixels(), end * rows); first += rows) {
      const Index count = std::min(rows, g.pixels() - first), at = first * g.K;
      kernel.outputs(count, {x + first * g.C, 0, g.C, g.C}, residual ? residual + at : nullptr, relu, y + at, mine);
    }
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
  template void pointwise_conv<T>(Backend&, const ConvGeometry&, const T*, const T*, bool, const T*, bool, T*,   \
                                  const T*);                                                                     \
  template void direct_grad_weight<T>(Backend&, const ConvGeometry&, const T*, const T*, T*)
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace counterpoise::detail
