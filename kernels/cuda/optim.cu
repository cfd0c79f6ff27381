// The cuda backend's optimizer steps and sums of squares: one kernel for all weights of a network, because most of them
// are so small that launching a kernel for each would take longer than the update.
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launch.h"
#include "kernels/scratch.h"
#include "kernels/updates.h"

namespace counterpoise {

using namespace detail;

namespace {

constexpr int table_size = 48;  // tensors in one kernel, whose arguments are limited to 4 KiB
constexpr Index piece = 16 * block_threads;

// A weight, its gradient and its state.
template <class T, int states>
struct WeightRow {
  T* w;
  const T* dw;
  bf16* rounded;  // or null
  T* state[states > 0 ? states : 1] = {};
  Index size;

  WeightRow() = default;
  explicit WeightRow(const WeightTensors& p)
      : w(p.w.as<T>()), dw(p.dw.as<T>()), rounded(p.rounded.as<bf16>()), size(p.w.size()) {
    for (int k = 0; k < states; ++k) state[k] = p.states[k].template as<T>();
  }
};

// A tensor whose squares are summed.
template <class T>
struct NumbersRow {
  const T* x;
  Index size;

  NumbersRow() = default;
  explicit NumbersRow(const ConstView& v) : x(v.as<T>()), size(v.size()) {}
};

// A row for each tensor. Tensors are cut into pieces, of which each block takes one.
template <class Row>
struct Table {
  int count = 0;
  // (Without numbers left over, which would make equal tables unequal, so that nodes of a graph are set in vain.)
  Row row[table_size] = {};
  Index first_block[table_size + 1] = {};

  void add(const Row& tensor) {
    row[count] = tensor;
    first_block[count + 1] = first_block[count] + (tensor.size + piece - 1) / piece;
    ++count;
  }
  Index blocks() const { return first_block[count]; }

  // body(row, i) for the numbers i of the piece that belongs to this block.
  template <class Body>
  __device__ void for_each_in_piece(const Body& body) const {
    int tensor = 0;
    while (blockIdx.x >= first_block[tensor + 1]) ++tensor;
    const Row& r = row[tensor];
    const Index begin = (blockIdx.x - first_block[tensor]) * piece;
    const Index end = begin + piece < r.size ? begin + piece : r.size;
    for (Index i = begin + threadIdx.x; i < end; i += blockDim.x) body(r, i);
  }
};

// Calls fn(table) for tables that together hold all tensors.
template <class Row, class Tensors, class Fn>
void in_tables(const Tensors& tensors, const Fn& fn) {
  for (size_t i = 0; i < tensors.size();) {
    Table<Row> table;
    for (; i < tensors.size() && table.count < table_size; ++i) table.add(Row(tensors[i]));
    if (table.blocks() > 0) fn(table);
  }
}

// Unless all n numbers of `guard` are finite, nothing is changed. Gradients are clipped if there are `squares`.
template <class T, class Row, class Formula>
__global__ void update_kernel(Table<Row> table, Formula formula, const double* guard, Index n, const double* squares,
                              double max_norm) {
  if (!all_finite(guard, n)) return;
  const T factor = squares ? T(clip_factor(*squares, max_norm)) : T(1);
  table.for_each_in_piece([&](const Row& p, Index i) {
    const T w = update_weight(formula, p.w, squares ? p.dw[i] * factor : p.dw[i], p.state, i);
    if (p.rounded) p.rounded[i] = bf16(static_cast<float>(w));
  });
}

template <class T, class Formula>
void update_all(Queue& queue, const Formula& formula, const std::vector<WeightTensors>& weights,
                const StepControl& control) {
  using Row = WeightRow<T, Formula::states>;
  const Index guards = control.guard.data ? control.guard.size() : 0;
  const double* const squares = control.max_norm > 0 ? control.squares.as<double>() : nullptr;
  in_tables<Row>(weights, [&](const Table<Row>& table) {
    launch(update_kernel<T, Row, Formula>, dim3(static_cast<unsigned>(table.blocks())), queue, table, formula,
           control.guard.as<double>(), guards, squares, control.max_norm);
  });
}

// The partial sum of squares of each block.
template <class T>
__global__ void squares_kernel(Table<NumbersRow<T>> table, double* shares) {
  double sum = 0;
  table.for_each_in_piece([&](const NumbersRow<T>& p, Index i) {
    const double value = Compute<T>(p.x[i]);
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

}  // namespace

void CudaBackend::optimizer_step(const Update& update, const std::vector<WeightTensors>& weights,
                                 const StepControl& control) {
  if (weights.empty()) return;
  dispatch(weights[0].w.dtype, [&](auto zero) {
    with_formula(update, [&](const auto& formula) { update_all<decltype(zero)>(queue_, formula, weights, control); });
  });
}

void CudaBackend::sum_squares(const std::vector<ConstView>& xs, const View& y) {
  dispatch_floating(xs.empty() ? DType::f32 : xs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    Index blocks = 0;
    for (const ConstView& x : xs) blocks += (x.size() + piece - 1) / piece;
    const Scratch<double> shares(*this, blocks);
    Index done = 0;
    in_tables<NumbersRow<T>>(xs, [&](const Table<NumbersRow<T>>& table) {
      launch<Waits::yes>(squares_kernel<T>, dim3(static_cast<unsigned>(table.blocks())), queue_, table,
                         shares.get() + done);
      done += table.blocks();
    });
    launch<Waits::yes>(total_kernel, dim3(1), queue_, done, shares.get(), y.as<double>());
  });
}

}  // namespace counterpoise
