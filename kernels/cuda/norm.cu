// The cuda backend's batch normalization: statistics are sums over the columns of a matrix [pixels, C], parameters are
// in T's parameter_dtype. The variance is computed about the mean, in a second pass over x.
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
  const T* x;
  const P *scale, *shift;
  P *mean, *inv_std, *running_mean, *running_var;
};
template <class T>
struct NormalizationGrad {
  using P = Compute<T>;
  Index rows, C;
  const T* x;
  const P *scale, *mean, *inv_std;
};

template <class T, int lanes>
void normalize(Backend& backend, cudaStream_t stream, const Normalization<T>& b, double eps, double momentum, T* y) {
  using P = Compute<T>;
  const Normalization<T> n = b;
  column_sums<lanes, 1, P>(
      backend, stream, n.rows, n.C,
      [=] __device__(Index at, P(*sums)[lanes]) {
        const auto in = *reinterpret_cast<const Pack<T, lanes>*>(n.x + at);
        for (int lane = 0; lane < lanes; ++lane) sums[0][lane] += P(in.v[lane]);
      },
      [=] __device__(Index, Index c, double sum) {
        const double mean = sum / static_cast<double>(n.rows);
        n.mean[c] = P(mean);
        n.running_mean[c] = P((1 - momentum) * n.running_mean[c] + momentum * mean);
      });
  column_sums<lanes, 1, P>(
      backend, stream, n.rows, n.C,
      [=] __device__(Index at, P(*sums)[lanes]) {
        const auto in = *reinterpret_cast<const Pack<T, lanes>*>(n.x + at);
        const Index c = at % n.C;
        for (int lane = 0; lane < lanes; ++lane) {
          const P d = P(in.v[lane]) - n.mean[c + lane];
          sums[0][lane] += d * d;
        }
      },
      [=] __device__(Index, Index c, double squares) {
        n.inv_std[c] = P(1 / sqrt(squares / static_cast<double>(n.rows) + eps));
        const double unbiased = squares / static_cast<double>(n.rows - 1);
        n.running_var[c] = P((1 - momentum) * n.running_var[c] + momentum * unbiased);
      });
  for_each(stream, n.rows * n.C / lanes, [=] __device__(Index i) {
    const auto in = reinterpret_cast<const Pack<T, lanes>*>(n.x)[i];
    const Index c = i * lanes % n.C;
    Pack<T, lanes> out;
    for (int lane = 0; lane < lanes; ++lane) {
      const P slope = n.scale[c + lane] * n.inv_std[c + lane];
      out.v[lane] = T(slope * (P(in.v[lane]) - n.mean[c + lane]) + n.shift[c + lane]);
    }
    reinterpret_cast<Pack<T, lanes>*>(y)[i] = out;
  });
}

template <class T, int lanes>
void normalize_grad(Backend& backend, cudaStream_t stream, const NormalizationGrad<T>& b, const T* dy, T* dx,
                    Compute<T>* dscale, Compute<T>* dshift) {
  using P = Compute<T>;
  const NormalizationGrad<T> n = b;
  column_sums<lanes, 2, P>(
      backend, stream, n.rows, n.C,
      [=] __device__(Index at, P(*sums)[lanes]) {
        const auto in = *reinterpret_cast<const Pack<T, lanes>*>(n.x + at);
        const auto gradient = *reinterpret_cast<const Pack<T, lanes>*>(dy + at);
        const Index c = at % n.C;
        for (int lane = 0; lane < lanes; ++lane) {
          const P d = gradient.v[lane];
          sums[0][lane] += d;
          sums[1][lane] += d * ((P(in.v[lane]) - n.mean[c + lane]) * n.inv_std[c + lane]);
        }
      },
      [=] __device__(Index quantity, Index c, double sum) { (quantity == 0 ? dshift : dscale)[c] = P(sum); });
  const P share = P(1 / static_cast<double>(n.rows));
  for_each(stream, n.rows * n.C / lanes, [=] __device__(Index i) {
    const auto in = reinterpret_cast<const Pack<T, lanes>*>(n.x)[i];
    const auto gradient = reinterpret_cast<const Pack<T, lanes>*>(dy)[i];
    const Index first = i * lanes % n.C;
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

}  // namespace

void CudaBackend::batch_norm(const ConstView& x, const ConstView& scale, const ConstView& shift, double eps,
                             double momentum, const View& y, const View& mean, const View& inv_std,
                             const View& running_mean, const View& running_var) {
  const Index C = scale.size();
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    using P = Compute<T>;
    const Normalization<T> n = {x.size() / C,       C,
                                x.as<T>(),          scale.as<P>(),
                                shift.as<P>(),      mean.as<P>(),
                                inv_std.as<P>(),    running_mean.as<P>(),
                                running_var.as<P>()};
    with_lanes<T>(C, [&](auto lanes) { normalize<T, lanes.value>(*this, stream_, n, eps, momentum, y.as<T>()); });
  });
}

void CudaBackend::batch_norm_grad(const ConstView& x, const ConstView& scale, const ConstView& mean,
                                  const ConstView& inv_std, const ConstView& dy, const View& dx, const View& dscale,
                                  const View& dshift) {
  const Index C = scale.size();
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    using P = Compute<T>;
    const NormalizationGrad<T> n = {x.size() / C, C, x.as<T>(), scale.as<P>(), mean.as<P>(), inv_std.as<P>()};
    with_lanes<T>(C, [&](auto lanes) {
      normalize_grad<T, lanes.value>(*this, stream_, n, dy.as<T>(), dx.as<T>(), dscale.as<P>(), dshift.as<P>());
    });
  });
}

}  // namespace counterpoise
