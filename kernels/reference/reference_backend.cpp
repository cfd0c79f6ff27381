#include "kernels/reference/reference_backend.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/broadcast.h"
#include "kernels/image_transform.h"
#include "kernels/philox.h"

namespace counterpoise {

namespace {

template <class T>
void store(const std::vector<double>& sums, const View& y) {
  for (Index i = 0; i < y.size(); ++i) y.as<T>()[i] = static_cast<T>(sums[i]);
}

}  // namespace

Backend& reference_backend() {
  static ReferenceBackend backend;
  return backend;
}

void ReferenceBackend::set_mode(const ComputeMode& mode) {
  CP_ENSURE_AS(invalid_argument, !mode.tf32, "tf32 is a mode of NVIDIA GPUs; ", name(), " computes in f32 only");
}

void* ReferenceBackend::allocate(size_t bytes) {
  void* memory = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
  CP_ENSURE_AS(out_of_memory, memory || bytes == 0, "out of memory: ", bytes, " bytes could not be allocated");
  return memory;
}
void ReferenceBackend::release(void* memory, size_t) noexcept { std::free(memory); }

static void move_bytes(const void* from, void* to, const ConstView& like) {
  const size_t bytes = like.size() * size_of(like.dtype);
  if (bytes) std::memcpy(to, from, bytes);
}
void ReferenceBackend::upload(const void* host, const View& y) { move_bytes(host, y.data, y); }
void ReferenceBackend::download(const ConstView& x, void* host) { move_bytes(x.data, host, x); }
void ReferenceBackend::copy(const ConstView& x, const View& y) { move_bytes(x.data, y.data, y); }

// -- elementwise --

void ReferenceBackend::fill(double value, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index i = 0; i < y.size(); ++i) y.as<T>()[i] = static_cast<T>(value);
  });
}

void ReferenceBackend::cast(const ConstView& x, const View& y) {
  dispatch_floating(x.dtype, [&](auto zero_x) {
    dispatch_floating(y.dtype, [&](auto zero_y) {
      using X = decltype(zero_x);
      using Y = decltype(zero_y);
      for (Index i = 0; i < y.size(); ++i) y.as<Y>()[i] = static_cast<Y>(static_cast<Compute<X>>(x.as<X>()[i]));
    });
  });
}

void ReferenceBackend::unary(Unary op, double a, double b, const ConstView& x, const View& y) {
  with_formula(op, y.dtype, [&](auto formula, auto zero) {
    using T = decltype(zero);
    using C = Compute<T>;
    for (Index i = 0; i < y.size(); ++i) y.as<T>()[i] = T(formula.f(C(x.as<T>()[i]), C(a), C(b)));
  });
}

void ReferenceBackend::unary_grad(Unary op, double a, double b, const ConstView& x, const ConstView& y,
                                  const ConstView& dy, const View& dx) {
  with_formula(op, y.dtype, [&](auto formula, auto zero) {
    using T = decltype(zero);
    using C = Compute<T>;
    for (Index i = 0; i < y.size(); ++i) {
      dx.as<T>()[i] = T(C(dy.as<T>()[i]) * formula.df(C(x.as<T>()[i]), C(y.as<T>()[i]), C(a), C(b)));
    }
  });
}

void ReferenceBackend::binary(Binary op, const ConstView& a, const ConstView& b, const View& y) {
  const BroadcastIndex in_a(a.shape, y.shape), in_b(b.shape, y.shape);
  with_formula(op, y.dtype, [&](auto formula, auto zero) {
    using T = decltype(zero);
    using C = Compute<T>;
    for (Index i = 0; i < y.size(); ++i) y.as<T>()[i] = T(formula.f(C(a.as<T>()[in_a(i)]), C(b.as<T>()[in_b(i)])));
  });
}

void ReferenceBackend::binary_grad(Binary op, bool wrt_a, const ConstView& a, const ConstView& b, const ConstView& dy,
                                   const View& d) {
  const BroadcastIndex in_a(a.shape, dy.shape), in_b(b.shape, dy.shape);
  with_formula(op, dy.dtype, [&](auto formula, auto zero) {
    using T = decltype(zero);
    for (Index i = 0; i < dy.size(); ++i) {
      const Compute<T> va = a.as<T>()[in_a(i)], vb = b.as<T>()[in_b(i)], dyi = dy.as<T>()[i];
      d.as<T>()[i] = T(dyi * (wrt_a ? formula.da(va, vb) : formula.db(va, vb)));
    }
  });
}

void ReferenceBackend::add_scaled(double alpha, const ConstView& x, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index i = 0; i < y.size(); ++i) y.as<T>()[i] = T(y.as<T>()[i] + Compute<T>(alpha) * x.as<T>()[i]);
  });
}

void ReferenceBackend::relu_mask(const ConstView& y, const ConstView& dy, const View& dz) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index i = 0; i < y.size(); ++i) dz.as<T>()[i] = formula::Relu::masked(y.as<T>()[i], dy.as<T>()[i]);
  });
}

void ReferenceBackend::relu_bias_grad(const ConstView& y, const ConstView& dy, const View& dz, const View& db) {
  relu_mask(y, dy, dz);
  sum_to(dz, db);
}

// -- reductions --

void ReferenceBackend::sum_to(const ConstView& x, const View& y) {
  const BroadcastIndex in_y(y.shape, x.shape);
  std::vector<double> sums(y.size());
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index i = 0; i < x.size(); ++i) sums[in_y(i)] += x.as<T>()[i];
  });
  dispatch_floating(y.dtype, [&](auto zero) { store<decltype(zero)>(sums, y); });
}

double ReferenceBackend::sum_squares(const std::vector<ConstView>& xs) {
  double sum = 0;
  for (const ConstView& x : xs) {
    dispatch_floating(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      for (Index i = 0; i < x.size(); ++i) sum += double(x.as<T>()[i]) * x.as<T>()[i];
    });
  }
  return sum;
}

void ReferenceBackend::matmul(const ConstView& a, bool transpose_a, const ConstView& b, bool transpose_b,
                              const View& y) {
  const Index rows = y.shape[0], columns = y.shape[1], length = a.shape[transpose_a ? 0 : 1];
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index m = 0; m < rows; ++m) {
      for (Index n = 0; n < columns; ++n) {
        double sum = 0;
        for (Index l = 0; l < length; ++l) {
          sum += double(a.as<T>()[transpose_a ? l * rows + m : m * length + l]) *
                 b.as<T>()[transpose_b ? n * length + l : l * columns + n];
        }
        y.as<T>()[m * columns + n] = static_cast<T>(sum);
      }
    }
  });
}

// -- convolution: seven loops --
// All three passes walk over the same products x[n,h,w,c] w[k,r,s,c] -> y[n,p,q,k]; they differ in which of the
// three they sum into. `walk` calls fn(index in x, index in w, index in y) for every product that is not padding.

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

void ReferenceBackend::conv2d(const ConstView& x, const ConstView& w, const ConstView& bias, Conv2dParams params,
                              bool relu, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Index K = w.shape[0];
    std::vector<double> sums(y.size());
    for (Index i = 0; i < y.size(); ++i) sums[i] = bias.data ? double(bias.as<T>()[i % K]) : 0;
    walk_products(x.shape, w.shape, y.shape, params,
                  [&](Index ix, Index iw, Index iy) { sums[iy] += double(x.as<T>()[ix]) * w.as<T>()[iw]; });
    if (relu) {
      for (double& sum : sums) sum = formula::Relu::f(sum);
    }
    store<T>(sums, y);
  });
}

void ReferenceBackend::conv2d_grad_input(const ConstView& dy, const ConstView& w, Conv2dParams params, const View& dx) {
  dispatch_floating(dx.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(dx.size());
    walk_products(dx.shape, w.shape, dy.shape, params,
                  [&](Index ix, Index iw, Index iy) { sums[ix] += double(dy.as<T>()[iy]) * w.as<T>()[iw]; });
    store<T>(sums, dx);
  });
}

void ReferenceBackend::conv2d_grad_weight(const ConstView& x, const ConstView& dy, Conv2dParams params,
                                          const View& dw) {
  dispatch_floating(dw.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(dw.size());
    walk_products(x.shape, dw.shape, dy.shape, params,
                  [&](Index ix, Index iw, Index iy) { sums[iw] += double(dy.as<T>()[iy]) * x.as<T>()[ix]; });
    store<T>(sums, dw);
  });
}

// -- pooling --

namespace {

// Calls fn(index in x, index in y) for every pair of an input and the window that holds it.
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
              fn(((n * H + h) * W + w) * C + c, ((n * P + p) * Q + q) * C + c);
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

void ReferenceBackend::max_pool2d(const ConstView& x, Pool2dParams params, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index i = 0; i < y.size(); ++i) y.as<T>()[i] = T(-std::numeric_limits<Compute<T>>::infinity());
    walk_windows(x.shape, y.shape, params, [&](Index ix, Index iy) {
      T& best = y.as<T>()[iy];
      const T value = x.as<T>()[ix];
      if (value > best || value != value) best = value;  // NaN wins, so that a broken run is seen
    });
  });
}

void ReferenceBackend::max_pool2d_grad(const ConstView& x, const ConstView& y, const ConstView& dy, Pool2dParams params,
                                       const View& dx) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(dx.size());
    std::vector<bool> given(y.size());
    walk_windows(x.shape, y.shape, params, [&](Index ix, Index iy) {
      if (given[iy] || x.as<T>()[ix] != y.as<T>()[iy]) return;
      sums[ix] += dy.as<T>()[iy];
      given[iy] = true;
    });
    store<T>(sums, dx);
  });
}

void ReferenceBackend::avg_pool2d(const ConstView& x, Pool2dParams params, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(y.size());
    walk_windows(x.shape, y.shape, params, [&](Index ix, Index iy) { sums[iy] += x.as<T>()[ix]; });
    for (double& sum : sums) sum /= double(params.window * params.window);
    store<T>(sums, y);
  });
}

void ReferenceBackend::avg_pool2d_grad(const ConstView& dy, Pool2dParams params, const View& dx) {
  dispatch_floating(dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(dx.size());
    walk_windows(dx.shape, dy.shape, params, [&](Index ix, Index iy) {
      sums[ix] += double(dy.as<T>()[iy]) / double(params.window * params.window);
    });
    store<T>(sums, dx);
  });
}

void ReferenceBackend::adaptive_avg_pool2d(const ConstView& x, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(y.size());
    walk_adaptive(x.shape, y.shape,
                  [&](Index ix, Index iy, Index count) { sums[iy] += double(x.as<T>()[ix]) / double(count); });
    store<T>(sums, y);
  });
}

void ReferenceBackend::adaptive_avg_pool2d_grad(const ConstView& dy, const View& dx) {
  dispatch_floating(dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(dx.size());
    walk_adaptive(dx.shape, dy.shape,
                  [&](Index ix, Index iy, Index count) { sums[ix] += double(dy.as<T>()[iy]) / double(count); });
    store<T>(sums, dx);
  });
}

// -- batch normalization --

void ReferenceBackend::batch_norm(const ConstView& x, const ConstView& scale, const ConstView& shift, double eps,
                                  double momentum, const View& y, const View& mean, const View& inv_std,
                                  const View& running_mean, const View& running_var) {
  const Index C = scale.size(), rows = x.size() / C;
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    using P = Compute<T>;  // parameters and statistics
    for (Index c = 0; c < C; ++c) {
      double sum = 0, squares = 0;
      for (Index i = 0; i < rows; ++i) sum += x.as<T>()[i * C + c];
      const double mu = sum / rows;
      for (Index i = 0; i < rows; ++i) squares += std::pow(x.as<T>()[i * C + c] - mu, 2);
      const double var = squares / rows, inverse = 1 / std::sqrt(var + eps);
      mean.as<P>()[c] = P(mu);
      inv_std.as<P>()[c] = P(inverse);
      P& rm = running_mean.as<P>()[c];
      P& rv = running_var.as<P>()[c];
      rm = P((1 - momentum) * rm + momentum * mu);
      rv = P((1 - momentum) * rv + momentum * squares / (rows - 1));
      for (Index i = 0; i < rows; ++i) {
        y.as<T>()[i * C + c] = T(scale.as<P>()[c] * (x.as<T>()[i * C + c] - mu) * inverse + shift.as<P>()[c]);
      }
    }
  });
}

// With xh = (x - mean) inv_std:  dshift = sum dy,  dscale = sum dy xh  and
// dx = scale inv_std (dy - mean of dy - xh mean of (dy xh)).
void ReferenceBackend::batch_norm_grad(const ConstView& x, const ConstView& scale, const ConstView& mean,
                                       const ConstView& inv_std, const ConstView& dy, const View& dx,
                                       const View& dscale, const View& dshift) {
  const Index C = scale.size(), rows = x.size() / C;
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    using P = Compute<T>;  // parameters and statistics
    for (Index c = 0; c < C; ++c) {
      const double mu = mean.as<P>()[c], inverse = inv_std.as<P>()[c];
      double sum = 0, dot = 0;
      for (Index i = 0; i < rows; ++i) {
        sum += dy.as<T>()[i * C + c];
        dot += dy.as<T>()[i * C + c] * (x.as<T>()[i * C + c] - mu) * inverse;
      }
      dshift.as<P>()[c] = P(sum);
      dscale.as<P>()[c] = P(dot);
      for (Index i = 0; i < rows; ++i) {
        const double xh = (x.as<T>()[i * C + c] - mu) * inverse;
        dx.as<T>()[i * C + c] = T(scale.as<P>()[c] * inverse * (dy.as<T>()[i * C + c] - sum / rows - xh * dot / rows));
      }
    }
  });
}

// -- classification --

void ReferenceBackend::log_softmax(const ConstView& x, const View& y) {
  const Index K = x.shape[-1], rows = x.size() / K;
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index n = 0; n < rows; ++n) {
      const T* z = x.as<T>() + n * K;
      double largest = z[0], sum = 0;
      for (Index k = 1; k < K; ++k) largest = z[k] > largest ? z[k] : largest;
      for (Index k = 0; k < K; ++k) sum += std::exp(z[k] - largest);
      for (Index k = 0; k < K; ++k) y.as<T>()[n * K + k] = T(z[k] - largest - std::log(sum));
    }
  });
}

// dx = dy - softmax(x) sum of dy
void ReferenceBackend::log_softmax_grad(const ConstView& y, const ConstView& dy, const View& dx) {
  const Index K = y.shape[-1], rows = y.size() / K;
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index n = 0; n < rows; ++n) {
      double sum = 0;
      for (Index k = 0; k < K; ++k) sum += dy.as<T>()[n * K + k];
      for (Index i = n * K; i < (n + 1) * K; ++i) {
        dx.as<T>()[i] = T(dy.as<T>()[i] - std::exp(double(y.as<T>()[i])) * sum);
      }
    }
  });
}

void ReferenceBackend::gather(const ConstView& x, const ConstView& index, const View& y) {
  const Index K = x.shape[1];
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index n = 0; n < y.size(); ++n) y.as<T>()[n] = x.as<T>()[n * K + index.as<int32_t>()[n]];
  });
}

void ReferenceBackend::gather_grad(const ConstView& dy, const ConstView& index, const View& dx) {
  const Index K = dx.shape[1];
  fill(0, dx);
  dispatch_floating(dx.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index n = 0; n < dy.size(); ++n) dx.as<T>()[n * K + index.as<int32_t>()[n]] = dy.as<T>()[n];
  });
}

// -- dropout, images and optimizer steps --

void ReferenceBackend::dropout(const ConstView& x, double p, uint64_t key, uint64_t stream, const View& y) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto scale = Compute<T>(1 / (1 - p));
    for (Index i = 0; i < x.size(); i += 4) {
      const Philox::Words words = Philox::words(key, i / 4, stream);
      for (Index j = i; j < i + 4 && j < x.size(); ++j) {
        y.as<T>()[j] = Philox::uniform(words.v[j - i]) < p ? T(0) : T(x.as<T>()[j] * scale);
      }
    }
  });
}

void ReferenceBackend::images(const ConstView& bytes, const ConstView& index, const ConstView& turns, const View& y) {
  const int H = static_cast<int>(y.shape[1]), W = static_cast<int>(y.shape[2]);
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* out = y.as<T>();
    for (Index n = 0; n < y.shape[0]; ++n) {
      const uint8_t* image = bytes.as<uint8_t>() + index.as<int32_t>()[n] * Index(H) * W * 3;
      const double* turn = turns.as<double>() + 3 * n;
      for (int row = 0; row < H; ++row) {
        const RotatedRow turned(turn[0], turn[1], turn[2] != 0, H, W, row);
        for (int column = 0; column < W; ++column, out += 3) {
          float pixel[3];
          turned.sample(image, column, pixel);
          for (int c = 0; c < 3; ++c) out[c] = T(scale_pixel(pixel[c]));
        }
      }
    }
  });
}

void ReferenceBackend::optimizer_step(const Update& update, const std::vector<WeightTensors>& weights) {
  for (const WeightTensors& p : weights) {
    dispatch(p.w.dtype, [&](auto zero) {
      using T = decltype(zero);
      with_formula(update, [&](const auto& formula) {
        std::vector<T*> states;
        for (const View& state : p.states) states.push_back(state.as<T>());
        for (Index i = 0; i < p.w.size(); ++i) update_weight(formula, p.w.as<T>(), p.dw.as<T>(), states.data(), i);
      });
    });
  }
}

}  // namespace counterpoise
