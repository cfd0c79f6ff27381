// The cuda backend's sums, and operations on rows: log-softmax and gather.
#include "kernels/broadcast.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/sums.h"

namespace counterpoise {

using namespace detail;

namespace {

template <class X, class Y, int lanes>
void sum_columns(CudaBackend& backend, Queue& queue, Index rows, Index columns, const X* x, Y* y) {
  using A = Compute<X>;
  column_sums<lanes, 1, A>(
      backend, queue, rows, columns, [=] __device__(Index at) { return load<lanes>(x + at); },
      [=] __device__(const Pack<X, lanes>& in, Index, Index, A(*sums)[lanes]) {
        for (int lane = 0; lane < lanes; ++lane) sums[0][lane] += A(in.v[lane]);
      },
      [=] __device__(Index c, const double* sums) { y[c] = Y(sums[0]); });
}

// relu's masked gradient and its column sums, in one pass over memory.
template <class T, int lanes>
struct Masked {
  Pack<T, lanes> y, dy;
};
template <class T, int lanes>
void mask_and_sum(CudaBackend& backend, Queue& queue, Index rows, Index columns, const T* y, const T* dy, T* dz,
                  Compute<T>* db) {
  using A = Compute<T>;
  column_sums<lanes, 1, A>(
      backend, queue, rows, columns,
      [=] __device__(Index at) {
        return Masked<T, lanes>{load<lanes>(y + at), load<lanes>(dy + at)};
      },
      [=] __device__(const Masked<T, lanes>& in, Index at, Index, A(*sums)[lanes]) {
        Pack<T, lanes> gradient;
        for (int lane = 0; lane < lanes; ++lane) {
          gradient.v[lane] = formula::Relu::masked(in.y.v[lane], in.dy.v[lane]);
          sums[0][lane] += A(gradient.v[lane]);
        }
        store(dz + at, gradient);
      },
      [=] __device__(Index c, const double* sums) { db[c] = Compute<T>(sums[0]); });
}

// The extents of some axes, and their strides in x.
struct Axes {
  Index count = 0;
  Index extent[Shape::max_rank] = {}, stride[Shape::max_rank] = {};
  void push_front(Index e, Index s) {
    for (Index i = count++; i > 0; --i) extent[i] = extent[i - 1], stride[i] = stride[i - 1];
    extent[0] = e, stride[0] = s;
  }
  Index size() const {
    Index n = 1;
    for (Index i = 0; i < count; ++i) n *= extent[i];
    return n;
  }
  __device__ Index offset(Index i) const {
    Index at = 0;
    for (Index axis = count - 1; axis >= 0; --axis) {
      at += i % extent[axis] * stride[axis];
      i /= extent[axis];
    }
    return at;
  }
};

// A block for each element of y.
template <class X, class Y>
__global__ void sum_axes_kernel(Index n, Axes kept, Axes summed, Index length, const X* x, Y* y) {
  for (Index i = blockIdx.x; i < n; i += gridDim.x) {
    const X* start = x + kept.offset(i);
    double sum = 0;
    for (Index j = threadIdx.x; j < length; j += blockDim.x) sum += double(Compute<X>(start[summed.offset(j)]));
    sum = block_sum(sum);
    if (threadIdx.x == 0) y[i] = Y(sum);
  }
}

template <class X, class Y>
void sum_axes(Queue& queue, const ConstView& x, const View& y) {
  Axes kept, summed;
  Index stride = 1;
  for (int i = 1; i <= x.shape.rank(); ++i) {
    const Index extent = x.shape[-i];
    if (extent_from_end(y.shape, i) == extent) kept.push_front(extent, stride);
    else summed.push_front(extent, stride);
    stride *= extent;
  }
  launch<Waits::yes>(sum_axes_kernel<X, Y>, a_block_each(y.size()), queue, y.size(), kept, summed, summed.size(),
                     x.as<X>(), y.as<Y>());
}

// A block for each row.
template <class T>
__global__ void log_softmax_kernel(Index rows, Index K, const T* x, T* y) {
  using C = Compute<T>;
  for (Index row = blockIdx.x; row < rows; row += gridDim.x) {
    const T* z = x + row * K;
    C largest = C(z[0]);
    for (Index k = threadIdx.x; k < K; k += blockDim.x) largest = C(z[k]) > largest ? C(z[k]) : largest;
    largest = block_max(largest);
    double sum = 0;
    for (Index k = threadIdx.x; k < K; k += blockDim.x) sum += exp(double(C(z[k])) - double(largest));
    const double log_sum = log(block_sum(sum));
    for (Index k = threadIdx.x; k < K; k += blockDim.x) {
      y[row * K + k] = T(double(C(z[k])) - double(largest) - log_sum);
    }
  }
}

template <class T>
__global__ void log_softmax_grad_kernel(Index rows, Index K, const T* y, const T* dy, T* dx) {
  using C = Compute<T>;
  for (Index row = blockIdx.x; row < rows; row += gridDim.x) {
    double sum = 0;
    for (Index k = threadIdx.x; k < K; k += blockDim.x) sum += double(C(dy[row * K + k]));
    sum = block_sum(sum);
    for (Index k = threadIdx.x; k < K; k += blockDim.x) {
      const Index i = row * K + k;
      dx[i] = T(double(C(dy[i])) - exp(double(C(y[i]))) * sum);
    }
  }
}

template <class T>
void gather_each(Queue& queue, const ConstView& x, const ConstView& index, const View& y) {
  const T* in = x.as<T>();
  const int32_t* at = index.as<int32_t>();
  T* out = y.as<T>();
  const Index K = x.shape[1];
  for_each(queue, y.size(), [=] __device__(Index n) {
    const bool valid = 0 <= at[n] && at[n] < K;
    out[n] = valid ? in[n * K + at[n]] : T(Compute<T>(NAN));
  });
}

template <class T>
void gather_each_grad(Queue& queue, const ConstView& dy, const ConstView& index, const View& dx) {
  const T* in = dy.as<T>();
  const int32_t* at = index.as<int32_t>();
  T* out = dx.as<T>();
  const Index K = dx.shape[1];
  for_each(queue, dx.size(), [=] __device__(Index i) { out[i] = i % K == at[i / K] ? in[i / K] : T(0); });
}

}  // namespace

// If y's axes are x's last ones, x is a matrix whose columns are summed. For a scalar it is a matrix of one column.
void CudaBackend::sum_to(const ConstView& x, const View& y) {
  if (y.size() == 0) return;
  if (x.size() == 0) return fill(0, y);
  dispatch_floating(x.dtype, [&](auto zero_x) {
    dispatch_floating(y.dtype, [&](auto zero_y) {
      using X = decltype(zero_x);
      using Y = decltype(zero_y);
      if (!is_row_of(y.shape, x.shape)) return sum_axes<X, Y>(queue_, x, y);
      const Index columns = y.size(), rows = x.size() / columns;
      with_lanes<X>(columns, [&](auto lanes) {
        sum_columns<X, Y, lanes.value>(*this, queue_, rows, columns, x.as<X>(), y.as<Y>());
      });
    });
  });
}

void CudaBackend::relu_bias_grad(const ConstView& y, const ConstView& dy, const View& dz, const View& db) {
  if (y.size() == 0) return fill(0, db);
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Index columns = db.size(), rows = y.size() / columns;
    with_lanes<T>(columns, [&](auto lanes) {
      mask_and_sum<T, lanes.value>(*this, queue_, rows, columns, y.as<T>(), dy.as<T>(), dz.as<T>(),
                                   db.as<Compute<T>>());
    });
  });
}

void CudaBackend::log_softmax(const ConstView& x, const View& y) {
  const Index K = x.shape[-1], rows = x.size() / K;
  if (rows == 0) return;
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch<Waits::yes>(log_softmax_kernel<T>, a_block_each(rows), queue_, rows, K, x.as<T>(), y.as<T>());
  });
}

void CudaBackend::log_softmax_grad(const ConstView& y, const ConstView& dy, const View& dx) {
  const Index K = y.shape[-1], rows = y.size() / K;
  if (rows == 0) return;
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    launch<Waits::yes>(log_softmax_grad_kernel<T>, a_block_each(rows), queue_, rows, K, y.as<T>(), dy.as<T>(),
                       dx.as<T>());
  });
}

void CudaBackend::gather(const ConstView& x, const ConstView& index, const View& y) {
  dispatch_floating(x.dtype, [&](auto zero) { gather_each<decltype(zero)>(queue_, x, index, y); });
}

void CudaBackend::gather_grad(const ConstView& dy, const ConstView& index, const View& dx) {
  dispatch_floating(dx.dtype, [&](auto zero) { gather_each_grad<decltype(zero)>(queue_, dy, index, dx); });
}

}  // namespace counterpoise
