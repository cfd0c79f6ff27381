// The cuda backend's batch normalization: statistics are sums over the columns of a matrix [pixels, C], parameters are
// in T's parameter_dtype. Mean and variance come from one pass over x: from the sums of the differences to some number
// of the channel and of their squares. Such a number is about as far from the mean as any, so that the variance is not
// the small difference of large numbers, which it is of the squares of x itself. It is the median of three pixels,
// because a single one may be an outlier. The sums are in double; of bf16, whose numbers have 8 bits, a thread's are in
// float.
//
// Each direction is two kernels, since a sum must be complete before its first use: one that sums, and one that writes
// the result, with residual and relu. Both are bound by memory. A thread stays in the columns of one pack of channels,
// whose parameters it keeps in registers.
#include "kernels/cuda/columns.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/sums.h"

namespace counterpoise {

using namespace detail;

namespace {

template <class T>
struct Normalization {
  using P = Compute<T>;
  Index rows, C;
  const T *x, *residual;
  const P *scale, *shift;
  P *mean, *inv_std, *running_mean, *running_var;
  Index relu;  // (A bool would leave bytes without a value, in which the arguments of equal steps could differ.)
};
// What a thread reads of a pack of pixels.
template <class T, int lanes>
struct Pixels {
  Pack<T, lanes> x, residual;
};
template <class T, int lanes>
struct PixelsGrad {
  Pack<T, lanes> x, dz;
};
template <class T>
struct NormalizationGrad {
  using P = Compute<T>;
  Index rows, C;
  const T* x;
  const P *scale, *mean, *inv_std;
  const T *y, *dy;
  T* dz;
  // dz is dy where y > 0, and dy itself without relu.
  template <int lanes>
  __device__ PixelsGrad<T, lanes> pixels(Index at) const {
    PixelsGrad<T, lanes> in = {load<lanes>(x + at), load<lanes>(dy + at)};
    if (y) {
      const auto out = load<lanes>(y + at);
      for (int lane = 0; lane < lanes; ++lane) in.dz.v[lane] = formula::Relu::masked(out.v[lane], in.dz.v[lane]);
    }
    return in;
  }
};

// What a thread keeps of its channels: z = slope (x - mean) + shift.
template <class P, int lanes>
struct Channels {
  Pack<P, lanes> slope, mean, shift;
};
// dx = slope dz + along (x - mean) + offset.
template <class P, int lanes>
struct ChannelsGrad {
  Pack<P, lanes> slope, mean, along, offset;
};

template <class T>
using StatisticsSum = std::conditional_t<std::is_same_v<T, bf16>, float, double>;

// The medians of three pixels of x [rows, C], in the channels from c on.
template <int lanes, class T>
__device__ Pack<Compute<T>, lanes> medians(const T* x, Index rows, Index C, Index c) {
  const auto p = load<lanes>(x + c), q = load<lanes>(x + rows / 3 * C + c), r = load<lanes>(x + rows / 3 * 2 * C + c);
  Pack<Compute<T>, lanes> y;
  for (int lane = 0; lane < lanes; ++lane) {
    const Compute<T> a = p.v[lane], b = q.v[lane], d = r.v[lane];
    y.v[lane] = a < b ? (b < d ? b : a < d ? d : a) : (a < d ? a : b < d ? d : b);
  }
  return y;
}

template <class T, int lanes>
void normalize(CudaBackend& backend, Queue& queue, const Normalization<T>& n, double eps, double momentum, T* y) {
  using P = Compute<T>;
  using A = StatisticsSum<T>;
  column_sums<lanes, 2, A>(
      backend, queue, n.rows, n.C, [=] __device__(Index at) { return load<lanes>(n.x + at); },
      [=] __device__(const Pack<T, lanes>& in, Index, Index c, A(*sums)[lanes]) {
        const auto median = medians<lanes>(n.x, n.rows, n.C, c);
        for (int lane = 0; lane < lanes; ++lane) {
          const A d = A(P(in.v[lane])) - A(median.v[lane]);
          sums[0][lane] += d;
          sums[1][lane] += d * d;
        }
      },
      [=] __device__(Index c, const double* sums) {
        const double median = medians<1>(n.x, n.rows, n.C, c).v[0];
        const double offset = sums[0] / static_cast<double>(n.rows), mean = median + offset;
        double squares = sums[1] - offset * sums[0];  // of the differences to the mean
        if (squares < 0) squares = 0;                 // by rounding
        n.mean[c] = P(mean);
        n.inv_std[c] = P(1 / sqrt(squares / static_cast<double>(n.rows) + eps));
        const double unbiased = squares / static_cast<double>(n.rows - 1);
        n.running_mean[c] = P((1 - momentum) * n.running_mean[c] + momentum * mean);
        n.running_var[c] = P((1 - momentum) * n.running_var[c] + momentum * unbiased);
      });
  map_columns<lanes>(
      queue, n.rows, n.C,
      [=] __device__(Index c) {
        Channels<P, lanes> k = {load<lanes>(n.scale + c), load<lanes>(n.mean + c), load<lanes>(n.shift + c)};
        const auto inv_std = load<lanes>(n.inv_std + c);
        for (int lane = 0; lane < lanes; ++lane) k.slope.v[lane] *= inv_std.v[lane];
        return k;
      },
      [=] __device__(Index at) {
        return Pixels<T, lanes>{load<lanes>(n.x + at), n.residual ? load<lanes>(n.residual + at) : Pack<T, lanes>{}};
      },
      [=] __device__(const Channels<P, lanes>& k, const Pixels<T, lanes>& in, Index at) {
        Pack<T, lanes> out;
        for (int lane = 0; lane < lanes; ++lane) {
          P z = k.slope.v[lane] * (P(in.x.v[lane]) - k.mean.v[lane]) + k.shift.v[lane];
          if (n.residual) z += P(in.residual.v[lane]);
          out.v[lane] = T(n.relu ? formula::Relu::f(z) : z);
        }
        store(y + at, out);
      });
}

template <class T, int lanes>
void normalize_grad(CudaBackend& backend, Queue& queue, const NormalizationGrad<T>& n, T* dx, Compute<T>* dscale,
                    Compute<T>* dshift) {
  using P = Compute<T>;
  column_sums<lanes, 2, P>(
      backend, queue, n.rows, n.C, [=] __device__(Index at) { return n.template pixels<lanes>(at); },
      [=] __device__(const PixelsGrad<T, lanes>& in, Index at, Index c, P(*sums)[lanes]) {
        if (n.dz) store(n.dz + at, in.dz);
        const auto mean = load<lanes>(n.mean + c);
        for (int lane = 0; lane < lanes; ++lane) {
          const P d = in.dz.v[lane];
          sums[0][lane] += d;
          sums[1][lane] += d * (P(in.x.v[lane]) - mean.v[lane]);
        }
      },
      [=] __device__(Index c, const double* sums) {
        dshift[c] = P(sums[0]), dscale[c] = P(sums[1] * double(n.inv_std[c]));
      });
  // dx = scale inv_std (dz - dshift / rows - (x - mean) inv_std dscale / rows).
  const P share = P(1 / static_cast<double>(n.rows));
  NormalizationGrad<T> after = n;
  if (n.dz) after.y = nullptr, after.dy = n.dz;  // the mask has been applied
  map_columns<lanes>(
      queue, n.rows, n.C,
      [=] __device__(Index c) {
        const auto scale = load<lanes>(n.scale + c), inv_std = load<lanes>(n.inv_std + c);
        ChannelsGrad<P, lanes> k;
        k.mean = load<lanes>(n.mean + c);
        for (int lane = 0; lane < lanes; ++lane) {
          const P slope = scale.v[lane] * inv_std.v[lane];
          k.slope.v[lane] = slope;
          k.along.v[lane] = -slope * inv_std.v[lane] * (dscale[c + lane] * share);
          k.offset.v[lane] = -slope * (dshift[c + lane] * share);
        }
        return k;
      },
      [=] __device__(Index at) { return after.template pixels<lanes>(at); },
      [=] __device__(const ChannelsGrad<P, lanes>& k, const PixelsGrad<T, lanes>& in, Index at) {
        Pack<T, lanes> out;
        for (int lane = 0; lane < lanes; ++lane) {
          const P along = k.along.v[lane] * (P(in.x.v[lane]) - k.mean.v[lane]);
          out.v[lane] = T(k.slope.v[lane] * P(in.dz.v[lane]) + along + k.offset.v[lane]);
        }
        store(dx + at, out);
      });
}

}  // namespace

void CudaBackend::batch_norm(const ConstView& x, const ConstView& scale, const ConstView& shift,
                             const ConstView& residual, double eps, double momentum, bool relu, const View& y,
                             const View& mean, const View& inv_std, const View& running_mean, const View& running_var) {
  const Index C = scale.size();
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    using P = Compute<T>;
    const Normalization<T> n = {x.size() / C,
                                C,
                                x.as<T>(),
                                residual.as<T>(),
                                scale.as<P>(),
                                shift.as<P>(),
                                mean.as<P>(),
                                inv_std.as<P>(),
                                running_mean.as<P>(),
                                running_var.as<P>(),
                                relu};
    with_lanes<T>(C, [&](auto lanes) { normalize<T, lanes.value>(*this, queue_, n, eps, momentum, y.as<T>()); });
  });
}

void CudaBackend::batch_norm_grad(const ConstView& x, const ConstView& scale, const ConstView& mean,
                                  const ConstView& inv_std, const ConstView& y, const ConstView& dy, const View& dx,
                                  const View& dscale, const View& dshift, const View& dz) {
  const Index C = scale.size();
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    using P = Compute<T>;
    const NormalizationGrad<T> n = {x.size() / C,    C,         x.as<T>(),  scale.as<P>(), mean.as<P>(),
                                    inv_std.as<P>(), y.as<T>(), dy.as<T>(), dz.as<T>()};
    with_lanes<T>(C, [&](auto lanes) {
      normalize_grad<T, lanes.value>(*this, queue_, n, dx.as<T>(), dscale.as<P>(), dshift.as<P>());
    });
  });
}

}  // namespace counterpoise
