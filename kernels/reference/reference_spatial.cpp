// The reference backend's convolutions and poolings.
#include "kernels/reference/reference_backend.h"

namespace counterpoise {

// -- convolution: seven loops --
// All three passes walk over the same products x[n,h,w,c] w[k,r,s,c] -> y[n,p,q,k]; they differ in which of the
// three they sum into. walk_products calls fn(index in x, index in w, index in y) for every product that is not
// padding.

namespace {

template <class Fn>
void walk_products(const Shape& x, const Shape& w, const Shape& y, Conv2dParams params, const Fn& fn) {
  const Index N = x[0], H = x[1], W = x[2], C = x[3], K = w[0], R = w[1], S = w[2], P = y[1], Q = y[2];
  for (Index n = 0; n < N; ++n) {
    for (Index p = 0; p < P; ++p) {
      for (Index q = 0; q < Q; ++q) {
        for (Index k = 0; k < K; ++k) {
          for (Index r = 0; r < R; ++r) {
            for (Index s = 0; s < S; ++s) {
              const Index h = p * params.stride + r - params.pad, v = q * params.stride + s - params.pad;
              if (h < 0 || h >= H || v < 0 || v >= W) continue;
              for (Index c = 0; c < C; ++c) {
                fn(((n * H + h) * W + v) * C + c, ((k * R + r) * S + s) * C + c, ((n * P + p) * Q + q) * K + k);
              }
            }
          }
        }
      }
    }
  }
}

}  // namespace

void ReferenceBackend::conv2d(const ConstView& x, const ConstView& w, const ConstView& bias, const ConstView& residual,
                              Conv2dParams params, bool relu, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Index K = w.shape[0];
    std::vector<double> sums(y.size());
    for (Index i = 0; i < y.size(); ++i) sums[i] = bias.data ? double(bias.as<T>()[i % K]) : 0;
    walk_products(x.shape, w.shape, y.shape, params,
                  [&](Index ix, Index iw, Index iy) { sums[iy] += double(x.as<T>()[ix]) * w.as<T>()[iw]; });
    for (Index i = 0; residual.data && i < y.size(); ++i) sums[i] += double(residual.as<T>()[i]);
    if (relu) {
      for (double& sum : sums) sum = formula::Relu::f(sum);
    }
    store_sums<T>(sums, y);
  });
}

void ReferenceBackend::conv2d_grad_input(const ConstView& dy, const ConstView& w, Conv2dParams params, const View& dx) {
  dispatch_floating(dx.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(dx.size());
    walk_products(dx.shape, w.shape, dy.shape, params,
                  [&](Index ix, Index iw, Index iy) { sums[ix] += double(dy.as<T>()[iy]) * w.as<T>()[iw]; });
    store_sums<T>(sums, dx);
  });
}

void ReferenceBackend::conv2d_grad_weight(const ConstView& x, const ConstView& dy, Conv2dParams params,
                                          const View& dw) {
  dispatch_floating(dw.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(dw.size());
    walk_products(x.shape, dw.shape, dy.shape, params,
                  [&](Index ix, Index iw, Index iy) { sums[iw] += double(dy.as<T>()[iy]) * x.as<T>()[ix]; });
    store_sums<T>(sums, dw);
  });
}

// -- pooling --

namespace {

// Calls fn(index in x, index in y, position in the window) for every pair of an input and the window that holds it.
template <class Fn>
void walk_windows(const Shape& x, const Shape& y, Pool2dParams params, const Fn& fn) {
  const Index H = x[1], W = x[2], C = x[3], P = y[1], Q = y[2];
  for (Index n = 0; n < x[0]; ++n) {
    for (Index p = 0; p < P; ++p) {
      for (Index q = 0; q < Q; ++q) {
        for (Index c = 0; c < C; ++c) {
          for (Index r = 0; r < params.window; ++r) {
            for (Index s = 0; s < params.window; ++s) {
              const Index h = p * params.stride + r - params.pad, w = q * params.stride + s - params.pad;
              if (h < 0 || h >= H || w < 0 || w >= W) continue;
              fn(((n * H + h) * W + w) * C + c, ((n * P + p) * Q + q) * C + c, r * params.window + s);
            }
          }
        }
      }
    }
  }
}

// The same for adaptive windows; fn gets the number of inputs in the window, too.
template <class Fn>
void walk_adaptive(const Shape& x, const Shape& y, const Fn& fn) {
  const Index H = x[1], W = x[2], C = x[3], P = y[1], Q = y[2];
  for (Index n = 0; n < x[0]; ++n) {
    for (Index p = 0; p < P; ++p) {
      for (Index q = 0; q < Q; ++q) {
        const Index top = p * H / P, bottom = ((p + 1) * H + P - 1) / P;
        const Index left = q * W / Q, right = ((q + 1) * W + Q - 1) / Q;
        const Index count = (bottom - top) * (right - left);
        for (Index h = top; h < bottom; ++h) {
          for (Index w = left; w < right; ++w) {
            for (Index c = 0; c < C; ++c) {
              fn(((n * H + h) * W + w) * C + c, ((n * P + p) * Q + q) * C + c, count);
            }
          }
        }
      }
    }
  }
}

}  // namespace

void ReferenceBackend::max_pool2d(const ConstView& x, Pool2dParams params, const View& y, const View& position) {
  std::vector<Index> positions(y.size(), -1);
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    walk_windows(x.shape, y.shape, params, [&](Index ix, Index iy, Index at) {
      T& best = y.as<T>()[iy];
      const T value = x.as<T>()[ix];
      // NaN wins, so that a diverged run is noticed.
      if (positions[iy] < 0 || value > best || value != value) best = value, positions[iy] = at;
    });
  });
  if (!position.data) return;
  dispatch_positions(position.dtype, [&](auto zero) {
    using P = decltype(zero);
    for (Index i = 0; i < y.size(); ++i) position.as<P>()[i] = static_cast<P>(positions[i]);
  });
}

void ReferenceBackend::max_pool2d_grad(const ConstView& dy, const ConstView& position, Pool2dParams params,
                                       const View& dx) {
  dispatch_floating(dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    dispatch_positions(position.dtype, [&](auto none) {
      using P = decltype(none);
      std::vector<double> sums(dx.size());
      walk_windows(dx.shape, dy.shape, params, [&](Index ix, Index iy, Index at) {
        if (position.as<P>()[iy] == at) sums[ix] += dy.as<T>()[iy];
      });
      store_sums<T>(sums, dx);
    });
  });
}

void ReferenceBackend::avg_pool2d(const ConstView& x, Pool2dParams params, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(y.size());
    walk_windows(x.shape, y.shape, params, [&](Index ix, Index iy, Index) { sums[iy] += x.as<T>()[ix]; });
    for (double& sum : sums) sum /= double(params.window * params.window);
    store_sums<T>(sums, y);
  });
}

void ReferenceBackend::avg_pool2d_grad(const ConstView& dy, Pool2dParams params, const View& dx) {
  dispatch_floating(dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(dx.size());
    walk_windows(dx.shape, dy.shape, params, [&](Index ix, Index iy, Index) {
      sums[ix] += double(dy.as<T>()[iy]) / double(params.window * params.window);
    });
    store_sums<T>(sums, dx);
  });
}

void ReferenceBackend::adaptive_avg_pool2d(const ConstView& x, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(y.size());
    walk_adaptive(x.shape, y.shape,
                  [&](Index ix, Index iy, Index count) { sums[iy] += double(x.as<T>()[ix]) / double(count); });
    store_sums<T>(sums, y);
  });
}

void ReferenceBackend::adaptive_avg_pool2d_grad(const ConstView& dy, const View& dx) {
  dispatch_floating(dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(dx.size());
    walk_adaptive(dx.shape, dy.shape,
                  [&](Index ix, Index iy, Index count) { sums[ix] += double(dy.as<T>()[iy]) / double(count); });
    store_sums<T>(sums, dx);
  });
}

}  // namespace counterpoise
