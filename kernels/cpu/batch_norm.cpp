// The cpu backend's batch normalization, with the addition of a residual and relu in the same pass. The statistics are
// sums over rows in double precision, in an order that does not depend on the number of threads.
#include <cmath>
#include <type_traits>
#include <vector>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/sum_rows.h"

namespace counterpoise {

using namespace detail;

namespace {

// Calls fn with a flag as a constant, so that the loops in it are compiled without the branch.
template <class Fn>
void with_flag(bool flag, const Fn& fn) {
  if (flag) fn(std::true_type());
  else fn(std::false_type());
}

// Numbers of the channels, repeated to at most 128 numbers where there are fewer channels, so that loops over narrow
// rows are long enough to be vectorized well: channel c is at c, c + C, c + 2 C, ...
template <class T>
std::vector<T> repeated(const T* channels, Index C, Index times) {
  std::vector<T> all(C * times);
  for (Index i = 0; i < C * times; ++i) all[i] = channels[i % C];
  return all;
}
Index repetitions(Index C) { return std::max<Index>(1, 128 / C); }

// Calls fn(first, n) for runs of a matrix [rows, C] that begin with channel 0 and have n <= C times numbers.
template <class Fn>
void for_each_run(Index rows, Index C, Index times, const Fn& fn) {
  const Index runs = (rows + times - 1) / times;
  parallel_for(runs, std::max<Index>(1, thread_grain / (C * times)), [&](Index begin, Index end) {
    for (Index run = begin; run < end; ++run) fn(run * times * C, std::min(times, rows - run * times) * C);
  });
}

}  // namespace

void CpuBackend::batch_norm(const ConstView& x, const ConstView& scale, const ConstView& shift,
                            const ConstView& residual, double eps, double momentum, bool relu, const View& y,
                            const View& mean, const View& inv_std, const View& running_mean, const View& running_var) {
  const Index C = scale.size(), rows = x.size() / C;
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> mu = sum_rows<1>(rows, C, [&](Index row, double* out) {
      for (Index c = 0; c < C; ++c) out[c] += x.as<T>()[row * C + c];
    });
    for (double& m : mu) m /= rows;
    const std::vector<double> squares = sum_rows<1>(rows, C, [&](Index row, double* out) {
      for (Index c = 0; c < C; ++c) {
        const double d = x.as<T>()[row * C + c] - mu[c];
        out[c] += d * d;
      }
    });
    std::vector<T> slope(C);  // y = slope (x - mean) + shift
    for (Index c = 0; c < C; ++c) {
      const double inverse = 1 / std::sqrt(squares[c] / rows + eps);
      mean.as<T>()[c] = T(mu[c]);
      inv_std.as<T>()[c] = T(inverse);
      slope[c] = T(scale.as<T>()[c] * inverse);
      T& rm = running_mean.as<T>()[c];
      T& rv = running_var.as<T>()[c];
      rm = T((1 - momentum) * rm + momentum * mu[c]);
      rv = T((1 - momentum) * rv + momentum * squares[c] / (rows - 1));
    }
    const Index times = repetitions(C);
    const std::vector<T> a = repeated(slope.data(), C, times), m = repeated(mean.as<T>(), C, times);
    const std::vector<T> b = repeated(shift.as<T>(), C, times);
    with_flag(relu, [&](auto clamped) {
      with_flag(residual.data != nullptr, [&](auto added) {
        for_each_run(rows, C, times, [&](Index first, Index n) {
          const T *in = x.as<T>() + first, *other = added ? residual.as<T>() + first : nullptr;
          const T *pa = a.data(), *pm = m.data(), *pb = b.data();
          T* out = y.as<T>() + first;
#pragma GCC ivdep
          for (Index i = 0; i < n; ++i) {
            T z = pa[i] * (in[i] - pm[i]) + pb[i];
            if constexpr (added) z += other[i];
            out[i] = clamped ? formula::Relu::f(z) : z;
          }
        });
      });
    });
  });
}

void CpuBackend::batch_norm_grad(const ConstView& x, const ConstView& scale, const ConstView& mean,
                                 const ConstView& inv_std, const ConstView& y, const ConstView& dy, const View& dx,
                                 const View& dscale, const View& dshift, const View& dz) {
  const Index C = scale.size(), rows = x.size() / C;
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *m = mean.as<T>(), *inverse = inv_std.as<T>();
    std::vector<double> sums;
    with_flag(y.data != nullptr, [&](auto clamped) {
      with_flag(dz.data != nullptr, [&](auto kept) {
        sums = sum_rows<2>(rows, C, [&](Index row, double* out) {
          const T *in = x.as<T>() + row * C, *d = dy.as<T>() + row * C;
          const T* result = clamped ? y.as<T>() + row * C : nullptr;
          T* masked = kept ? dz.as<T>() + row * C : nullptr;
#pragma GCC ivdep
          for (Index c = 0; c < C; ++c) {
            T g = d[c];
            if constexpr (clamped) g = formula::Relu::masked(result[c], g);
            if constexpr (kept) masked[c] = g;
            out[c] += g;
            out[C + c] += double(g) * ((in[c] - m[c]) * inverse[c]);
          }
        });
      });
    });
    std::vector<T> slope(C), mean_dz(C), mean_dot(C);
    for (Index c = 0; c < C; ++c) {
      dshift.as<T>()[c] = T(sums[c]);
      dscale.as<T>()[c] = T(sums[C + c]);
      slope[c] = scale.as<T>()[c] * inverse[c];
      mean_dz[c] = T(sums[c] / rows);
      mean_dot[c] = T(sums[C + c] / rows);
    }
    const Index times = repetitions(C);
    const std::vector<T> a = repeated(slope.data(), C, times), pm = repeated(m, C, times);
    const std::vector<T> pi = repeated(inverse, C, times), pz = repeated(mean_dz.data(), C, times);
    const std::vector<T> pd = repeated(mean_dot.data(), C, times);
    const bool masks = y.data && !dz.data;  // else dz is known
    with_flag(masks, [&](auto clamped) {
      for_each_run(rows, C, times, [&](Index first, Index n) {
        const T *in = x.as<T>() + first, *d = (dz.data ? dz.as<T>() : dy.as<T>()) + first;
        const T* result = clamped ? y.as<T>() + first : nullptr;
        const T *slopes = a.data(), *means = pm.data(), *inverses = pi.data(), *mean_of_dz = pz.data();
        const T* mean_of_dot = pd.data();
        T* out = dx.as<T>() + first;
#pragma GCC ivdep
        for (Index i = 0; i < n; ++i) {
          T g = d[i];
          if constexpr (clamped) g = formula::Relu::masked(result[i], g);
          out[i] = slopes[i] * (g - mean_of_dz[i] - (in[i] - means[i]) * inverses[i] * mean_of_dot[i]);
        }
      });
    });
  });
}

}  // namespace counterpoise
