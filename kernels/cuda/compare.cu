#include "kernels/cuda/compare.h"

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cuda/launch.h"
#include "kernels/host_device.h"
#include "kernels/scratch.h"

namespace counterpoise::detail {

namespace {

// What was found of a share of the numbers.
struct Share {
  double squares_of_difference, squares, largest_difference, largest;
};

// What is found of two shares together. (A maximum by comparison would lose a NaN, but the sums of squares keep it.)
CP_HD Share both(const Share& a, const Share& b) {
  return {a.squares_of_difference + b.squares_of_difference, a.squares + b.squares,
          b.largest_difference > a.largest_difference ? b.largest_difference : a.largest_difference,
          b.largest > a.largest ? b.largest : a.largest};
}

template <class T>
__global__ void compare_kernel(Index n, const T* a, const T* b, Share* shares) {
  Share s = {};
  for (Index i = thread_index(); i < n; i += thread_count()) {
    const double x = Compute<T>(a[i]), y = Compute<T>(b[i]), difference = fabs(x - y);
    s = both(s, {difference * difference, y * y, difference, fabs(y)});
  }
  s = block_reduce(s, [](const Share& one, const Share& other) { return both(one, other); });
  if (threadIdx.x == 0) shares[blockIdx.x] = s;
}

// 0 / 0 is no deviation; a deviation of results that are all 0 is infinite.
double ratio(double difference, double size) {
  if (!std::isfinite(difference)) return std::numeric_limits<double>::infinity();
  return difference == 0 ? 0 : difference / size;
}

}  // namespace

Deviation deviation(Backend& backend, Queue& queue, DType dtype, Index n, const void* a, const void* b) {
  if (n == 0) return {};
  const dim3 grid = grid_for(n);
  const Scratch<Share> on_gpu(backend, grid.x);
  dispatch_floating(dtype, [&](auto zero) {
    using T = decltype(zero);
    launch<Waits::yes>(compare_kernel<T>, grid, queue, n, static_cast<const T*>(a), static_cast<const T*>(b),
                       on_gpu.get());
  });
  std::vector<Share> shares(grid.x);
  constexpr Index numbers = sizeof(Share) / sizeof(double);
  backend.download({on_gpu.get(), {Index(grid.x) * numbers}, DType::f64}, shares.data());
  Share all = {};
  for (const Share& s : shares) all = both(all, s);
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  if (!std::isfinite(all.squares)) return {unknown, unknown};
  if (!std::isfinite(all.squares_of_difference)) all.largest_difference = all.squares_of_difference;
  return {std::sqrt(ratio(all.squares_of_difference, all.squares)), ratio(all.largest_difference, all.largest)};
}

}  // namespace counterpoise::detail
