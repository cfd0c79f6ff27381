// The cuda backend's batch normalization: statistics are sums over the columns of a matrix [pixels, C], parameters are
// in T's parameter_dtype. Mean and variance come from one pass over x: from the sums, in double precision, of the
// differences to the first pixel and of their squares. That pixel is about as far from the mean as any, so that the
// variance is not the small difference of large numbers, which it is of the squares of x itself.
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
  bool relu;
};
template <class T>
struct NormalizationGrad {
  using P = Compute<T>;
  Index rows, C;
  const T* x;
  const P *scale, *mean, *inv_std;
  const T *y, *dy;
  T* dz;
};

// dz of a pack: dy where y > 0, and dy itself without relu.
template <int lanes, class T>
__device__ Pack<T, lanes> masked(const T* y, const T* dy, Index at) {
  auto gradient = *reinterpret_cast<const Pack<T, lanes>*>(dy + at);
  if (!y) return gradient;
  const auto out = *reinterpret_cast<const Pack<T, lanes>*>(y + at);
  for (int lane = 0; lane < lanes; ++lane) {
    gradient.v[lane] = T(formula::Relu::masked(Compute<T>(out.v[lane]), Compute<T>(gradient.v[lane])));
  }
  return gradient;
}

template <class T, int lanes>
void normalize(CudaBackend& backend, cudaStream_t stream, const Normalization<T>& b, double eps, double momentum,
               T* y) {
  using P = Compute<T>;
  const Normalization<T> n = b;
  column_sums<lanes, 2, double>(
      backend, stream, n.rows, n.C,
      [=] __device__(Index at, Index c, double(*sums)[lanes]) {
        const auto in = *reinterpret_cast<const Pack<T, lanes>*>(n.x + at);
        const auto first = *reinterpret_cast<const Pack<T, lanes>*>(n.x + c);
        for (int lane = 0; lane < lanes; ++lane) {
          const double d = double(P(in.v[lane])) - double(P(first.v[lane]));
          sums[0][lane] += d;
          sums[1][lane] += d * d;
        }
      },
      [=] __device__(Index c, const double* sums) {
        const double offset = sums[0] / static_cast<double>(n.rows), mean = double(P(n.x[c])) + offset;
        double squares = sums[1] - offset * sums[0];  // of the differences to the mean
        if (squares < 0) squares = 0;                 // by rounding
        n.mean[c] = P(mean);
        n.inv_std[c] = P(1 / sqrt(squares / static_cast<double>(n.rows) + eps));
        const double unbiased = squares / static_cast<double>(n.rows - 1);
        n.running_mean[c] = P((1 - momentum) * n.running_mean[c] + momentum * mean);
        n.running_var[c] = P((1 - momentum) * n.running_var[c] + momentum * unbiased);
      });
  for_each(stream, n.rows * n.C / lanes, [=] __device__(Index i) {
    const auto in = reinterpret_cast<const Pack<T, lanes>*>(n.x)[i];
    const Index c = column_of(i * lanes, n.C);
    Pack<T, lanes> out, other = {};
    if (n.residual) other = reinterpret_cast<const Pack<T, lanes>*>(n.residual)[i];
    for (int lane = 0; lane < lanes; ++lane) {
      const P slope = n.scale[c + lane] * n.inv_std[c + lane];
      P z = slope * (P(in.v[lane]) - n.mean[c + lane]) + n.shift[c + lane];
      if (n.residual) z += P(other.v[lane]);
      out.v[lane] = T(n.relu ? formula::Relu::f(z) : z);
    }
    reinterpret_cast<Pack<T, lanes>*>(y)[i] = out;
  });
}

template <class T, int lanes>
void normalize_grad(CudaBackend& backend, cudaStream_t stream, const NormalizationGrad<T>& b, T* dx, Compute<T>* dscale,
                    Compute<T>* dshift) {
  using P = Compute<T>;
  const NormalizationGrad<T> n = b;
  column_sums<lanes, 2, P>(
      backend, stream, n.rows, n.C,
      [=] __device__(Index at, Index c, P(*sums)[lanes]) {
        const auto in = *reinterpret_cast<const Pack<T, lanes>*>(n.x + at);
        const auto gradient = masked<lanes>(n.y, n.dy, at);
        if (n.dz) *reinterpret_cast<Pack<T, lanes>*>(n.dz + at) = gradient;
        for (int lane = 0; lane < lanes; ++lane) {
          const P d = gradient.v[lane];
          sums[0][lane] += d;
          sums[1][lane] += d * ((P(in.v[lane]) - n.mean[c + lane]) * n.inv_std[c + lane]);
        }
      },
      [=] __device__(Index c, const double* sums) { dshift[c] = P(sums[0]), dscale[c] = P(sums[1]); });
  const P share = P(1 / static_cast<double>(n.rows));
  for_each(stream, n.rows * n.C / lanes, [=] __device__(Index i) {
    const auto in = reinterpret_cast<const Pack<T, lanes>*>(n.x)[i];
    const auto gradient = masked<lanes>(n.y, n.dy, i * lanes);
    const Index first = column_of(i * lanes, n.C);
    Pack<T, lanes> out;
    for (int lane = 0; lane < lanes; ++lane) {
      const Index c = first + lane;
      const P xh = (P(in.v[lane]) - n.mean[c]) * n.inv_std[c];
      const P centered = P(gradient.v[lane]) - dshift[c] * share - xh * (dscale[c] * share);
      out.v[lane] = T(n.scale[c] * n.inv_std[c] * centered);
    }
    reinterpret_cast<Pack<T, lanes>*>(dx)[i] = out;
  });
}

template <class T>
void add(cudaStream_t stream, Index n, const T* residual, bool relu, T* y) {
  for_each(stream, n, [=] __device__(Index i) {
    const Compute<T> sum = Compute<T>(y[i]) + Compute<T>(residual[i]);
    y[i] = T(relu ? formula::Relu::f(sum) : sum);
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
    with_lanes<T>(C, [&](auto lanes) { normalize<T, lanes.value>(*this, stream_, n, eps, momentum, y.as<T>()); });
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
      normalize_grad<T, lanes.value>(*this, stream_, n, dx.as<T>(), dscale.as<P>(), dshift.as<P>());
    });
  });
}

void CudaBackend::add_residual(const ConstView& residual, bool relu, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    add(stream_, y.size(), residual.as<T>(), relu, y.as<T>());
  });
}

}  // namespace counterpoise
