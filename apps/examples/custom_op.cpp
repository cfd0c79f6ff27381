// custom_op: an operation with its own kernels.
//
// Swish, x sigmoid(x) (Ramachandran et al. 2017, arXiv:1710.05941), could be composed of sigmoid and *, which reads and
// writes memory twice. Here it is one loop forward and one backward. A kernel sees Views: memory, shape and dtype; an
// operation is a forward pass and a closure that computes the gradient of its input from that of its result.
//
//   c++ custom_op.cpp $(pkg-config --cflags --libs counterpoise) && ./a.out
#include <counterpoise/counterpoise.h>

#include <cmath>
#include <iostream>

using namespace counterpoise;

// y = x sigmoid(x), elementwise, on the CPU; x and y are f32 or f64.
static void swish_kernel(const ConstView& x, const View& y) {
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.as<T>();
    T* out = y.as<T>();
    parallel_for(x.size(), thread_grain, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) out[i] = in[i] / (1 + std::exp(-in[i]));
    });
  });
}

// dx = dy (s + x s (1 - s)) with s = sigmoid(x).
static void swish_grad_kernel(const ConstView& x, const ConstView& dy, const View& dx) {
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *in = x.as<T>(), *gradient = dy.as<T>();
    T* out = dx.as<T>();
    parallel_for(x.size(), thread_grain, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const T s = 1 / (1 + std::exp(-in[i]));
        out[i] = gradient[i] * (s + in[i] * s * (1 - s));
      }
    });
  });
}

static Var swish(const Var& x) {
  CP_ENSURE(!x.backend().is_remote(), "swish: its kernels read the CPU's memory, and this tensor is in a GPU's");
  Tensor y = Tensor::empty(x.backend(), x.shape(), x.value().dtype());
  swish_kernel(x.value(), y);
  return Var::from_op("swish", y, {x}, [x](Tensor dy) {
    Tensor dx = Tensor::empty(dy.backend(), dy.shape(), dy.dtype());
    swish_grad_kernel(x.value(), dy, dx);
    x.add_grad(dx);
  });
}

int main() {
  const std::vector<double> numbers = {-3, -1, -0.1, 0, 0.5, 2};
  Var x(Tensor::from(cpu_backend(), {6}, numbers), /*requires_grad=*/true);
  const Var ours = swish(x), composed = x * sigmoid(x);
  std::cout << "largest difference from x * sigmoid(x): " << sum(abs(ours - composed)).value().item() << '\n';

  // The gradient, beside central differences in double precision.
  sum(swish(x)).backward();
  const std::vector<double> gradient = x.grad().to_vector<double>();
  double worst = 0;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const auto value = [](double z) { return z / (1 + std::exp(-z)); };
    const double h = 1e-6, difference = (value(numbers[i] + h) - value(numbers[i] - h)) / (2 * h);
    worst = std::max(worst, std::fabs(gradient[i] - difference));
  }
  std::cout << "largest error of the gradient: " << worst << '\n';
  return worst < 1e-8 ? 0 : 1;
}
