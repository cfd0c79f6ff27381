#include "kernels/cpu/cpu_backend.h"

#include <cblas.h>

#include <array>
#include <numeric>
#include <vector>

#include "kernels/broadcast.h"
#include "kernels/cpu/blas.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/sum_rows.h"
#include "kernels/philox.h"
#include "kernels/updates.h"

namespace counterpoise {

using namespace detail;

Backend& cpu_backend() {
  static CpuBackend backend;
  return backend;
}

CpuBackend::CpuBackend() { initialize_blas(); }

std::string cpu_description() {
  cpu_backend();  // which may change OpenBLAS's kernels
  // The configuration begins with name and version: "OpenBLAS 0.3.21 NO_AFFINITY ...".
  const std::string config = openblas_get_config();
  const size_t end = config.find(' ', config.find(' ') + 1);
  return detail::text(config.substr(0, end), " (kernels for ", openblas_get_corename(), ")");
}

void CpuBackend::require(DType dtype) const {
  CP_ENSURE_AS(device, dtype != DType::bf16, "cpu: computes in f32 and f64; bf16 needs a GPU");
}

// -- memory --

void* CpuBackend::allocate(size_t bytes) {
  void* memory = memory_.allocate(bytes);
  CP_ENSURE_AS(out_of_memory, memory, "out of memory: ", bytes >> 20, " MiB more could not be allocated");
  return memory;
}
void CpuBackend::release(void* memory, size_t) noexcept { memory_.release(memory); }

// -- elementwise --
// The ivdep pragmas say that where output and input are the same memory, element i meets only element i. Without them
// an operation in place takes the loop that is not vectorized.

namespace {

// Calls loop(T(), begin, end) on runs that together cover [0, n), on all cores. T is the C++ type of the dtype.
template <class Loop>
void elementwise(DType dtype, Index n, const Loop& loop) {
  dispatch(dtype,
           [&](auto zero) { parallel_for(n, thread_grain, [&](Index begin, Index end) { loop(zero, begin, end); }); });
}
// The same with the struct of formulas.h that `op` names: loop(Formula(), T(), begin, end).
template <class Op, class Loop>
void elementwise(const Op& op, DType dtype, Index n, const Loop& loop) {
  with_formula(op, [&](const auto& formula) {
    elementwise(dtype, n, [&](auto zero, Index begin, Index end) { loop(formula, zero, begin, end); });
  });
}

}  // namespace

void CpuBackend::fill(double value, const View& y) {
  elementwise(y.dtype, y.size(), [&](auto zero, Index begin, Index end) {
    using T = decltype(zero);
    std::fill(y.as<T>() + begin, y.as<T>() + end, static_cast<T>(value));
  });
}

void CpuBackend::unary(Unary op, double a, double b, const ConstView& x, const View& y) {
  elementwise(op, y.dtype, y.size(), [&](auto formula, auto zero, Index begin, Index end) {
    using T = decltype(zero);
    const T* px = x.as<T>();
    T* py = y.as<T>();
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) py[i] = formula.f(px[i], T(a), T(b));
  });
}

void CpuBackend::unary_grad(Unary op, double a, double b, const ConstView& x, const ConstView& y, const ConstView& dy,
                            const View& dx) {
  elementwise(op, y.dtype, y.size(), [&](auto formula, auto zero, Index begin, Index end) {
    using T = decltype(zero);
    const T *px = x.as<T>(), *py = y.as<T>(), *pdy = dy.as<T>();
    T* pdx = dx.as<T>();
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) pdx[i] = pdy[i] * formula.df(px[i], py[i], T(a), T(b));
  });
}

namespace {

// Calls fn(i, a, b, step_a, step_b, n) for runs of a broadcast pair: elements i ... i+n-1 of y are computed from a[0],
// a[step_a], ... and b[0], b[step_b], ..., where a step is 0 or 1. The runs are as long as the two shapes allow.
template <class T, class Fn>
void for_each_run(const ConstView& a, const ConstView& b, const Shape& y, const Fn& fn) {
  const auto step = [&](const Shape& x, int from_end) {  // 1: x moves along this axis of y, 0: it is repeated
    return from_end <= x.rank() && x[-from_end] == y[-from_end] ? 1 : 0;
  };
  if (y.size() == 0) return;
  Index run = 1, step_a = 0, step_b = 0;
  for (int i = 1; i <= y.rank(); ++i) {
    if (y[-i] == 1) continue;
    if (run > 1 && (step(a.shape, i) != step_a || step(b.shape, i) != step_b)) break;
    step_a = step(a.shape, i), step_b = step(b.shape, i);
    run *= y[-i];
  }
  const Index runs = y.size() / run;
  if (runs == 1) {  // one long run: split it
    parallel_for(run, thread_grain, [&](Index begin, Index end) {
      fn(begin, a.as<T>() + begin * step_a, b.as<T>() + begin * step_b, step_a, step_b, end - begin);
    });
    return;
  }
  const BroadcastIndex in_a(a.shape, y), in_b(b.shape, y);
  parallel_for(runs, std::max<Index>(1, thread_grain / run), [&](Index begin, Index end) {
    for (Index i = begin * run; i < end * run; i += run) {
      fn(i, a.as<T>() + in_a(i), b.as<T>() + in_b(i), step_a, step_b, run);
    }
  });
}

}  // namespace

void CpuBackend::binary(Binary op, const ConstView& a, const ConstView& b, const View& y) {
  dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    with_formula(op, [&](auto formula) {
      for_each_run<T>(a, b, y.shape, [&](Index at, const T* pa, const T* pb, Index sa, Index sb, Index n) {
        T* py = y.as<T>() + at;
        if (sa == 1 && sb == 1) {  // the compiler vectorizes this one
#pragma GCC ivdep
          for (Index i = 0; i < n; ++i) py[i] = formula.f(pa[i], pb[i]);
        } else {
          for (Index i = 0; i < n; ++i) py[i] = formula.f(pa[i * sa], pb[i * sb]);
        }
      });
    });
  });
}

void CpuBackend::binary_grad(Binary op, bool wrt_a, const ConstView& a, const ConstView& b, const ConstView& dy,
                             const View& d) {
  dispatch(dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    with_formula(op, [&](auto formula) {
      for_each_run<T>(a, b, dy.shape, [&](Index at, const T* pa, const T* pb, Index sa, Index sb, Index n) {
        const T* pdy = dy.as<T>() + at;
        T* pd = d.as<T>() + at;
        for (Index i = 0; i < n; ++i) {
          pd[i] = pdy[i] * (wrt_a ? formula.da(pa[i * sa], pb[i * sb]) : formula.db(pa[i * sa], pb[i * sb]));
        }
      });
    });
  });
}

void CpuBackend::add_scaled(double alpha, const ConstView& x, const View& y) {
  elementwise(y.dtype, y.size(), [&](auto zero, Index begin, Index end) {
    using T = decltype(zero);
    for (Index i = begin; i < end; ++i) y.as<T>()[i] += T(alpha) * x.as<T>()[i];
  });
}

void CpuBackend::relu_mask(const ConstView& y, const ConstView& dy, const View& dz) {
  elementwise(y.dtype, y.size(), [&](auto zero, Index begin, Index end) {
    using T = decltype(zero);
    const T *py = y.as<T>(), *pdy = dy.as<T>();
    T* pdz = dz.as<T>();
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) pdz[i] = formula::Relu::masked(py[i], pdy[i]);
  });
}

// -- reductions --

namespace {

// The sum of f(i) for 0 <= i < n: in 8 columns if 8 divides n, so that successive additions do not wait for each other.
template <class F>
double total(Index n, const F& f) {
  const Index columns = n % 8 == 0 ? 8 : 1;
  const std::vector<double> sums = sum_rows<1>(n / columns, columns, [&](Index row, double* out) {
    for (Index c = 0; c < columns; ++c) out[c] += f(row * columns + c);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace

// Two layouts matter: all axes but the last ones are summed (gradients of biases), or everything is (losses). For
// both, x is a matrix whose rows are summed.
void CpuBackend::sum_to(const ConstView& x, const View& y) {
  const Index C = y.size();
  if (C == 0 || x.size() == 0 || !is_row_of(y.shape, x.shape)) return ReferenceBackend::sum_to(x, y);
  dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* px = x.as<T>();
    if (C == 1) return void(*y.as<T>() = static_cast<T>(total(x.size(), [&](Index i) { return px[i]; })));
    const std::vector<double> sums = sum_rows<1>(x.size() / C, C, [&](Index row, double* out) {
      for (Index c = 0; c < C; ++c) out[c] += px[row * C + c];
    });
    for (Index c = 0; c < C; ++c) y.as<T>()[c] = static_cast<T>(sums[c]);
  });
}

void CpuBackend::sum_squares(const std::vector<ConstView>& xs, const View& y) {
  double sum = 0;
  for (const ConstView& x : xs) {
    dispatch(x.dtype, [&](auto zero) {
      const auto* px = x.as<decltype(zero)>();
      sum += total(x.size(), [&](Index i) { return double(px[i]) * px[i]; });
    });
  }
  *y.as<double>() = sum;
}

void CpuBackend::matmul(const ConstView& a, bool transpose_a, const ConstView& b, bool transpose_b, const View& y) {
  if (a.dtype != y.dtype) return ReferenceBackend::matmul(a, transpose_a, b, transpose_b, y);  // bf16 to f32
  const Index M = y.shape[0], N = y.shape[1], L = a.shape[transpose_a ? 0 : 1];
  if (M == 0 || N == 0) return;
  if (L == 0) return fill(0, y);
  dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallel_gemm<T>(transpose_a, transpose_b, M, N, L, a.as<T>(), a.shape[1], b.as<T>(), b.shape[1], T(0), y.as<T>(),
                     N);
  });
}

// -- dropout and optimizer steps --

void CpuBackend::dropout(const ConstView& x, double p, uint64_t key, uint64_t stream, const View& y) {
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T scale = T(1 / (1 - p));
    const Index n = x.size();
    parallel_for((n + 3) / 4, thread_grain / 16, [&](Index begin, Index end) {
      for (Index block = begin; block < end; ++block) {
        const Philox::Words words = Philox::words(key, block, stream);
        for (Index i = 4 * block; i < std::min(n, 4 * block + 4); ++i) {
          y.as<T>()[i] = Philox::uniform(words.v[i % 4]) < p ? T(0) : x.as<T>()[i] * scale;
        }
      }
    });
  });
}

void CpuBackend::optimizer_step(const Update& update, const std::vector<WeightTensors>& weights,
                                const StepControl& control) {
  if (control.guard.data && !all_finite(control.guard.as<double>(), control.guard.size())) return;
  const double factor = control.max_norm > 0 ? clip_factor(*control.squares.as<double>(), control.max_norm) : 1;
  for (const WeightTensors& p : weights) {
    elementwise(update, p.w.dtype, p.w.size(), [&](auto formula, auto zero, Index begin, Index end) {
      using T = decltype(zero);
      std::array<T*, formula.states> states;  // like the formula a copy, which the compiler can keep in registers
      for (size_t k = 0; k < states.size(); ++k) states[k] = p.states[k].template as<T>();
      T* w = p.w.as<T>();
      const T* dw = p.dw.as<T>();
      if (factor != 1) {
        for (Index i = begin; i < end; ++i) update_weight(formula, w, dw[i] * T(factor), states.data(), i);
      } else {
        for (Index i = begin; i < end; ++i) update_weight(formula, w, dw[i], states.data(), i);
      }
    });
  }
}

}  // namespace counterpoise
