// The cuda backend's optimizer steps, and the size of a gradient: one kernel over all weights of a network, because
// most of them are so small that starting a kernel for each would take longer than the work.
#include <array>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launch.h"
#include "kernels/scratch.h"

namespace counterpoise {

namespace {

constexpr int table_size = 48;  // tensors in one kernel: its arguments have 4 KiB
constexpr Index piece = 16 * block_threads;

// Tensors of up to four parts (a weight, its gradient, ...), cut into pieces of which each block takes one.
template <class T, int parts>
struct Table {
  int count = 0;
  T* data[table_size][parts];
  Index size[table_size], first_block[table_size + 1];

  Table() { first_block[0] = 0; }
  void add(const std::array<View, parts>& views) {
    for (int k = 0; k < parts; ++k) data[count][k] = views[k].template as<T>();
    size[count] = views[0].size();
    first_block[count + 1] = first_block[count] + (size[count] + piece - 1) / piece;
    ++count;
  }
  Index blocks() const { return first_block[count]; }

  // body(tensor, i) for the numbers i of the piece that belongs to this block.
  template <class Body>
  __device__ void for_each_in_piece(const Body& body) const {
    int tensor = 0;
    while (blockIdx.x >= first_block[tensor + 1]) ++tensor;
    const Index begin = (blockIdx.x - first_block[tensor]) * piece;
    const Index end = begin + piece < size[tensor] ? begin + piece : size[tensor];
    for (Index i = begin + threadIdx.x; i < end; i += blockDim.x) body(data[tensor], i);
  }
};

template <class T, int parts, class Body>
__global__ void weights_kernel(Table<T, parts> table, Body body) {
  table.for_each_in_piece(body);
}

struct Sgd {
  SgdStep step;
  template <class T>
  __device__ void operator()(T* const* p, Index i) const {
    step(p[0][i], p[1][i], p[2][i]);
  }
};
struct Adam {
  AdamStep step;
  template <class T>
  __device__ void operator()(T* const* p, Index i) const {
    step(p[0][i], p[1][i], p[2][i], p[3][i]);
  }
};

// The share of each block in the sum of squares.
template <class T>
__global__ void squares_kernel(Table<T, 1> table, double* shares) {
  double sum = 0;
  table.for_each_in_piece([&](T* const* p, Index i) {
    const double value = Compute<T>(p[0][i]);
    sum += value * value;
  });
  sum = block_sum(sum);
  if (threadIdx.x == 0) shares[blockIdx.x] = sum;
}

__global__ void total_kernel(Index n, const double* shares, double* total) {
  double sum = 0;
  for (Index i = threadIdx.x; i < n; i += blockDim.x) sum += shares[i];
  sum = block_sum(sum);
  if (threadIdx.x == 0) *total = sum;
}

// fn(table) for tables that hold all tensors together.
template <class T, int parts, class Fn>
void in_tables(const std::vector<std::array<View, parts>>& tensors, const Fn& fn) {
  for (size_t i = 0; i < tensors.size();) {
    Table<T, parts> table;
    for (; i < tensors.size() && table.count < table_size; ++i) table.add(tensors[i]);
    if (table.blocks() > 0) fn(table);
  }
}

}  // namespace

void CudaBackend::sgd_step(const SgdStep& step, const std::vector<SgdTensors>& weights) {
  if (weights.empty()) return;
  std::vector<std::array<View, 3>> tensors;
  for (const SgdTensors& p : weights) tensors.push_back({p.w, p.dw, p.velocity});
  dispatch(weights[0].w.dtype, [&](auto zero) {
    using T = decltype(zero);
    in_tables<T, 3>(tensors, [&](const Table<T, 3>& table) {
      launch(weights_kernel<T, 3, Sgd>, dim3(static_cast<unsigned>(table.blocks())), stream_, table, Sgd{step});
    });
  });
}

void CudaBackend::adam_step(const AdamStep& step, const std::vector<AdamTensors>& weights) {
  if (weights.empty()) return;
  std::vector<std::array<View, 4>> tensors;
  for (const AdamTensors& p : weights) tensors.push_back({p.w, p.dw, p.m, p.v});
  dispatch(weights[0].w.dtype, [&](auto zero) {
    using T = decltype(zero);
    in_tables<T, 4>(tensors, [&](const Table<T, 4>& table) {
      launch(weights_kernel<T, 4, Adam>, dim3(static_cast<unsigned>(table.blocks())), stream_, table, Adam{step});
    });
  });
}

double CudaBackend::sum_squares(const std::vector<ConstView>& xs) {
  std::vector<std::array<View, 1>> tensors;
  for (const ConstView& x : xs) tensors.push_back({x});
  double sum = 0;
  if (xs.empty()) return sum;
  dispatch_floating(xs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    Index blocks = 1;  // one for the total
    for (const ConstView& x : xs) blocks += (x.size() + piece - 1) / piece;
    const Scratch<double> shares(*this, blocks);
    Index done = 1;
    in_tables<T, 1>(tensors, [&](const Table<T, 1>& table) {
      launch<Waits::yes>(squares_kernel<T>, dim3(static_cast<unsigned>(table.blocks())), stream_, table,
                         shares.get() + done);
      done += table.blocks();
    });
    launch<Waits::yes>(total_kernel, dim3(1), stream_, done - 1, static_cast<const double*>(shares.get() + 1),
                       shares.get());
    download({shares.get(), {}, DType::f64}, &sum);
  });
  return sum;
}

}  // namespace counterpoise
