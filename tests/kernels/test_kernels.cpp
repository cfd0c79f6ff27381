// The kernels beyond the table of operations: large sizes, threads, work in place, NaN.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels/cpu/parallel.h"
#include "kernels/updates.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/support.h"

using namespace counterpoise;

// -- large sizes, threads --

namespace {

// Sizes that are split over several threads and that are not multiples of the blocks of the fast kernels.
const std::vector<OpRow>& large_rows() {
  using In = Inputs;
  const auto normalize = [](In in) {
    Tensor mean = Tensor::full(in[0].backend(), in[1].shape(), 1, parameter_dtype(in[0].value().dtype()));
    Tensor var = mean.clone();
    return batch_norm(in[0], in[1], in[2], mean, var, true);
  };
  const Input rows{{1001, 67}}, row{{67}}, column{{1001, 1}}, image{{2, 65, 63, 16}, Input::normal};
  static const std::vector<OpRow> table = {
      {"relu", "", {{{66003}, Input::apart}}, [](In in) { return relu(in[0]); }},
      {"softplus", "", {{{66003}}}, [](In in) { return softplus(in[0]); }},
      {"tanh", "", {rows}, [](In in) { return tanh(in[0]); }},
      {"mul", "", {rows, rows}, [](In in) { return in[0] * in[1]; }},
      {"mul", "row", {rows, row}, [](In in) { return in[0] * in[1]; }},
      {"sub", "column", {column, rows}, [](In in) { return in[0] - in[1]; }},
      {"add", "outer", {column, row}, [](In in) { return in[0] + in[1]; }},
      {"maximum",
       "",
       {{{66003}, Input::apart}, {{66003}, Input::apart_beside}},
       [](In in) { return maximum(in[0], in[1]); }},
      {"sum", "", {{{66003}}}, [](In in) { return sum(in[0]); }},
      {"sum", "by eights", {{{66008}, Input::positive}}, [](In in) { return sum(in[0]); }},
      {"sum_to", "rows", {rows}, [](In in) { return sum_to(in[0], {67}); }},
      {"sum_to", "wide", {{{40, 5001}}}, [](In in) { return sum_to(in[0], {5001}); }},
      {"sum_to",
       "columns",
       {rows},
       [](In in) {
         return sum_to(in[0], {1001, 1});
       }},
      {"log_softmax", "", {rows}, [](In in) { return log_softmax(in[0]); }},
      {"dropout", "", {{{66003}}}, [](In in) { return dropout(in[0], 0.5, 3, 4); }},
      {"max_pool2d",
       "",
       {{image.shape, Input::apart}},
       [](In in) {
         return max_pool2d(in[0], {2, 2});
       }},
      {"max_pool2d",
       "overlapping",
       {{image.shape, Input::apart}},
       [](In in) {
         return max_pool2d(in[0], {3, 2, 1});
       }},
      {"avg_pool2d",
       "",
       {image},
       [](In in) {
         return avg_pool2d(in[0], {3, 2, 1});
       }},
      {"batch_norm", "", {{{3, 40, 30, 19}}, {{19}}, {{19}}}, normalize},
      // Multiples of eight channels, which kernels for a GPU read together.
      {"sum_to", "eights", {{{3001, 72}}}, [](In in) { return sum_to(in[0], {72}); }},
      {"batch_norm", "eights", {{{3, 40, 30, 24}}, {{24}}, {{24}}}, normalize},
      {"max_pool2d",
       "hanging over",
       {{{2, 33, 35, 24}, Input::apart}},
       [](In in) {
         return max_pool2d(in[0], {2, 2});
       }},
  };
  return table;
}

const std::vector<OpRow>& large_products() {
  using In = Inputs;
  const auto conv = [](Conv2dParams p) { return [p](In in) { return conv2d(in[0], in[1], Var(), p); }; };
  static const std::vector<OpRow> table = {
      {"matmul", "", {{{301, 203}}, {{203, 157}}}, [](In in) { return matmul(in[0], in[1]); }},
      {"matmul", "transposed", {{{203, 157}}, {{301, 203}}}, [](In in) { return matmul(in[0], in[1], true, true); }},
      {"linear", "", {{{16, 3001}}, {{33, 3001}}, {{33}}}, [](In in) { return linear(in[0], in[1], in[2]); }},
      {"relu and bias",
       "eights",
       {{{2, 40, 41, 24}}, {{40, 1, 1, 24}}, {{40}}},
       [](In in) {
         return conv2d(in[0], in[1], in[2], {1, 0}, true);
       }},
      {"relu and bias",
       "",
       {{{2, 40, 41, 24}}, {{5, 1, 1, 24}}, {{5}}},
       [](In in) {
         return conv2d(in[0], in[1], in[2], {1, 0}, true);
       }},
      {"conv2d", "3x3", {{{2, 40, 40, 64}}, {{16, 3, 3, 64}}}, conv({1, 1})},
      {"conv2d", "many pixels", {{{3, 61, 67, 3}}, {{5, 3, 3, 3}}}, conv({1, 1})},
      {"conv2d", "stride 2", {{{3, 41, 40, 32}}, {{17, 3, 3, 32}}}, conv({2, 1})},
      {"conv2d", "1x1", {{{3, 40, 40, 48}}, {{24, 1, 1, 48}}}, conv({1, 0})},
      {"conv2d", "1x1 stride 2", {{{3, 40, 40, 48}}, {{24, 1, 1, 48}}}, conv({2, 0})},
      {"conv2d", "7x7 stride 2", {{{2, 57, 60, 3}}, {{16, 7, 7, 3}}}, conv({2, 3})},
      {"conv2d", "5x5 unpadded", {{{1, 30, 41, 12}}, {{16, 5, 5, 12}}}, conv({1, 0})},
      {"conv2d", "5x5, many channels", {{{2, 17, 19, 24}}, {{16, 5, 5, 24}}}, conv({1, 2})},
      {"conv2d", "3x3 stride 2, many channels", {{{2, 20, 21, 64}}, {{24, 3, 3, 64}}}, conv({2, 1})},
  };
  return table;
}

}  // namespace

// The tolerance in f32 is 1e-5, as for the table of operations, also for sums of some thousand products: the error of a
// sum and the largest of the sums both grow with the square root of the number of products.
TEST_CASE("kernels: large sizes agree with the reference in f64" * slow()) {
  for (const auto* table : {&large_rows(), &large_products()}) {
    for (const OpRow& row : *table) {
      const Run exact = run(row, guarded_reference(), DType::f64);
      for (const TestBackend& machine : test_backends()) {
        if (machine.guard == &guarded_reference()) continue;
        for (const int threads : {1, 3}) {
          const Threads scope(threads);
          const std::string where = detail::text(row.name, " ", row.what, " on ", machine.backend.name());
          CAPTURE(where);
          CAPTURE(threads);
          check_agree(run(row, machine.backend, DType::f32), exact, 1e-5);
          check_agree(run(row, machine.backend, DType::f64), exact, 1e-12);
          check_guard(machine);
        }
      }
    }
  }
}

TEST_CASE("kernels: large sizes in bf16 agree with the reference's bf16") {
  for (const TestBackend& machine : test_backends()) {
    if (&machine.backend == &guarded_reference() || !computes_in(machine.backend, DType::bf16)) continue;
    for (const auto* table : {&large_rows(), &large_products()}) {
      for (const OpRow& row : *table) {
        const std::string where = detail::text(row.name, " ", row.what, " on ", machine.backend.name());
        CAPTURE(where);
        check_agree(run(row, machine.backend, DType::bf16), run(row, reference_backend(), DType::bf16), 0.0079);
      }
    }
  }
}

TEST_CASE("kernels: VGG's shape of convolution on the cpu, f32 with f64") {
  const OpRow row = {"conv2d", "", {{{2, 40, 40, 64}}, {{64, 3, 3, 64}}, {{64}}}, [](Inputs in) {
                       return conv2d(in[0], in[1], in[2], {1, 1});
                     }};
  check_agree(run(row, guarded_cpu(), DType::f32), run(row, guarded_cpu(), DType::f64), 1e-5);
}

TEST_CASE("kernels: loops over threads cover everything once, also inside each other") {
  for (const int threads : {1, 2, 5}) {
    const Threads scope(threads);
    for (const Index n : {0, 1, 7, 1000}) {
      for (const Index grain : {1, 3, 10000}) {
        std::vector<int> times(n * 3);
        parallel_for(n, grain, [&](Index begin, Index end) {
          for (Index i = begin; i < end; ++i) {
            parallel_for(3, 1, [&](Index from, Index to) {
              for (Index j = from; j < to; ++j) times[3 * i + j] += thread_slot() < threads;
            });
          }
        });
        CHECK(times == std::vector<int>(n * 3, 1));
      }
    }
  }
}

// In f64 sums are accumulated in the precision in which they are stored, so another order shows in the last bits.
TEST_CASE("kernels: on the cpu the bits depend neither on the run nor on the number of threads" * slow()) {
  for (const auto* table : {&large_rows(), &large_products()}) {
    for (const OpRow& row : *table) {
      for (const DType dtype : {DType::f32, DType::f64}) {
        CAPTURE(row.name);
        CAPTURE(row.what);
        const auto with = [&](int threads) {
          const Threads scope(threads);
          return run(row, guarded_cpu(), dtype);
        };
        const Run two = with(2), again = with(2);
        CHECK(two.value == again.value);
        CHECK(two.gradients == again.gradients);
        if (table == &large_products()) continue;  // OpenBLAS rounds by the size of its share
        for (const int threads : {1, 3}) {
          const Run other = with(threads);
          CHECK(two.value == other.value);
          CHECK(two.gradients == other.gradients);
        }
      }
    }
  }
}

// -- kernels that no operation calls --

namespace {

struct Kernel {
  const char* name;
  // Computes from x, y and z and returns what it wrote; it may write in place.
  std::function<Tensor(Backend&, Tensor x, Tensor y, Tensor z)> f;
};

const Kernel kernels_in_place[] = {
    {"copy", [](Backend& b, Tensor x, Tensor y, Tensor) { return b.copy(x, y), y; }},
    {"fill", [](Backend& b, Tensor x, Tensor, Tensor) { return b.fill(-2.5, x), x; }},
    {"cast", [](Backend&, Tensor x, Tensor, Tensor) { return x.cast(DType::f64).cast(DType::f32).cast(x.dtype()); }},
    {"unary", [](Backend& b, Tensor x, Tensor, Tensor) { return b.unary(Unary::tanh, 0, 0, x, x), x; }},
    {"unary_grad",
     [](Backend& b, Tensor x, Tensor, Tensor z) {
       Tensor y = x.clone();
       b.unary(Unary::sigmoid, 0, 0, x, y);
       return b.unary_grad(Unary::sigmoid, 0, 0, x, y, z, z), z;
     }},
    {"binary a", [](Backend& b, Tensor x, Tensor y, Tensor) { return b.binary(Binary::sub, x, y, x), x; }},
    {"binary b", [](Backend& b, Tensor x, Tensor y, Tensor) { return b.binary(Binary::sub, x, y, y), y; }},
    {"add_scaled", [](Backend& b, Tensor x, Tensor y, Tensor) { return b.add_scaled(-0.3, x, y), y; }},
    {"relu_mask", [](Backend& b, Tensor x, Tensor y, Tensor) { return b.relu_mask(x, y, y), y; }},
    {"dropout", [](Backend& b, Tensor x, Tensor, Tensor) { return b.dropout(x, 0.3, 11, 12, x), x; }},
    {"sum_squares",
     [](Backend& b, Tensor x, Tensor, Tensor) {
       Tensor y = Tensor::empty(b, {}, DType::f64);
       return b.sum_squares({x}, y), y;
     }},
    {"optimizer_step sgd",
     [](Backend& b, Tensor x, Tensor y, Tensor z) {
       b.optimizer_step(formula::Sgd{0.1, 0.9, 0.01, true}, {{x, y, {z}}});
       return b.optimizer_step(formula::Sgd{0.2, 0.8, 0.02, false}, {{x, y, {z}}}), x;
     }},
    {"optimizer_step adam",
     [](Backend& b, Tensor x, Tensor y, Tensor z) {
       Tensor v = Tensor::zeros(b, x.shape(), x.dtype());
       formula::Adam adam{0.1, 0.9, 0.99, 1e-8, 0.01, false};
       for (const int step : {1, 2}) {
         adam.before_step(step);
         adam.decoupled = step == 2;
         b.optimizer_step(adam, {{x, y, {z, v}}});
       }
       return x;
     }},
};

}  // namespace

TEST_CASE("kernels: kernels in place, and those of the optimizers, agree with the reference in f64" * slow()) {
  for (const TestBackend& machine : test_backends()) {
    for (const Kernel& kernel : kernels_in_place) {
      for (const Shape& shape : {Shape{50003}, Shape{6}, Shape{0}}) {
        CAPTURE(kernel.name);
        CAPTURE(machine.backend.name());
        const auto result = [&](Backend& b, DType dtype) {
          return numbers(kernel.f(b, random_tensor(b, shape, dtype, 1), random_tensor(b, shape, dtype, 2),
                                  random_tensor(b, shape, dtype, 3)));
        };
        const std::vector<double> exact = result(guarded_reference(), DType::f64);
        CHECK(deviation(result(machine.backend, DType::f32), exact) < 1e-5);
        CHECK(deviation(result(machine.backend, DType::f64), exact) < 1e-7);  // cast goes through f32
        check_guard(machine);
      }
    }
  }
}

TEST_CASE("kernels: one step moves any number of weights, of any sizes") {
  const Shape shapes[] = {{3}, {5000}, {1}, {0}, {4097}};
  for (const TestBackend& machine : test_backends()) {
    CAPTURE(machine.backend.name());
    const auto result = [&](Backend& b) {
      std::vector<Tensor> w, dw, v, m;
      for (uint64_t i = 0; i < 101; ++i) {
        const Shape& shape = shapes[i % 5];
        w.push_back(random_tensor(b, shape, DType::f64, 4 * i));
        dw.push_back(random_tensor(b, shape, DType::f64, 4 * i + 1));
        v.push_back(Tensor::zeros(b, shape, DType::f64));
        m.push_back(Tensor::zeros(b, shape, DType::f64));
      }
      std::vector<WeightTensors> sgd, adam;
      for (size_t i = 0; i < w.size(); ++i)
        sgd.push_back({w[i], dw[i], {v[i]}}), adam.push_back({w[i], dw[i], {m[i], v[i]}});
      b.optimizer_step(formula::Sgd{0.1, 0.9, 0.01, true}, sgd);
      for (Tensor& x : v) b.fill(0, x);
      b.optimizer_step(formula::Adam{0.1, 0.9, 0.99, 1e-8, 0.01, false, 0.1, 0.01}, adam);
      std::vector<double> all = {sum_squares(w), sum_squares({})};
      for (const Tensor& x : w) {
        for (const double value : numbers(x)) all.push_back(value);
      }
      return all;
    };
    CHECK(deviation(result(machine.backend), result(reference_backend())) < 1e-12);
    check_guard(machine);
  }
}

TEST_CASE("kernels: a step whose guard is not finite changes nothing") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  for (const TestBackend& machine : test_backends()) {
    Backend& b = machine.backend;
    CAPTURE(b.name());
    // More tensors than one kernel takes. Returns the weights and the states after a step of each optimizer.
    const auto result = [&](const std::vector<double>& guard) {
      std::vector<Tensor> w, dw, v, rounded;
      for (uint64_t i = 0; i < 50; ++i) {
        const Shape shape{i == 49 ? 5000 : 3};
        w.push_back(random_tensor(b, shape, DType::f32, i));
        dw.push_back(random_tensor(b, shape, DType::f32, 100 + i));
        v.push_back(Tensor::full(b, shape, 0.5));
        v.push_back(Tensor::full(b, shape, 0.25));
      }
      // Every second weight is rounded, too, into a tensor that has other numbers at first.
      const bool rounds = computes_in(b, DType::bf16);
      for (size_t i = 0; i < w.size(); ++i) {
        rounded.push_back(rounds ? Tensor::full(b, w[i].shape(), 7, DType::bf16) : Tensor());
      }
      std::vector<WeightTensors> sgd, adam;
      for (size_t i = 0; i < w.size(); ++i) {
        const View rounding = i % 2 ? View(rounded[i]) : View();
        sgd.push_back({w[i], dw[i], {v[2 * i]}, rounding});
        adam.push_back({w[i], dw[i], {v[2 * i], v[2 * i + 1]}, rounding});
      }
      const Tensor numbers_of_guard = Tensor::from(b, {Index(guard.size())}, guard);
      const ConstView view = guard.empty() ? ConstView() : ConstView(numbers_of_guard);
      b.optimizer_step(formula::Sgd{0.1, 0.9, 0.01, true}, sgd, {view});
      b.optimizer_step(formula::Adam{0.1, 0.9, 0.99, 1e-8, 0.01, false, 0.1, 0.01}, adam, {view});
      const bool moves = std::all_of(guard.begin(), guard.end(), [](double x) { return std::isfinite(x); });
      for (size_t i = 0; rounds && i < w.size(); ++i) {
        CHECK(numbers(rounded[i]) ==
              (i % 2 && moves ? numbers(w[i].cast(DType::bf16)) : std::vector<double>(w[i].size(), 7)));
      }
      std::vector<double> all;
      for (const auto* tensors : {&w, &v}) {
        for (const Tensor& x : *tensors) {
          for (const double value : numbers(x)) all.push_back(value);
        }
      }
      return all;
    };
    const std::vector<double> moved = result({}), kept = result({nan});
    CHECK(moved != kept);
    CHECK(numbers(random_tensor(b, {3}, DType::f32, 0)) == std::vector<double>(kept.begin(), kept.begin() + 3));
    CHECK(result({0, -1, 1e308, 5e-324}) == moved);
    for (const double bad : {nan, inf, -inf}) {
      for (size_t at = 0; at < 8; ++at) {
        std::vector<double> guard(8, 1);
        guard[at] = bad;
        CHECK(result(guard) == kept);
      }
    }
    check_guard(machine);
  }
}

TEST_CASE("kernels: a readback has the numbers of its start, whatever is enqueued afterwards") {
  for (const TestBackend& machine : test_backends()) {
    Backend& b = machine.backend;
    CAPTURE(b.name());
    const auto values = [](Readback& readback, size_t n) {
      const auto* numbers = static_cast<const double*>(readback.wait());
      return std::vector<double>(numbers, numbers + n);
    };
    using List = std::vector<double>;
    Tensor x = Tensor::from<double>(b, {3}, {1, 2, 3});
    const auto first = b.make_readback(3 * sizeof(double)), second = b.make_readback(sizeof(double));
    first->start(x);
    b.fill(7, x);
    second->start(ConstView{View(x).as<double>() + 1, {}, DType::f64});
    b.fill(8, x);
    CHECK(values(*second, 1) == List{7});
    CHECK(values(*first, 3) == List{1, 2, 3});
    CHECK(values(*first, 3) == List{1, 2, 3});
    first->start(x);
    b.fill(9, x);
    first->start(x);
    CHECK(values(*first, 3) == List{9, 9, 9});
    b.make_readback(8)->start(ConstView{View(x).as<double>(), {}, DType::f64});  // nobody waits
  }
}

TEST_CASE("kernels: a mode that a device does not have is an error of the device") {
  for (Backend* b : {&reference_backend(), &cpu_backend()}) {
    CHECK(fails(ErrorKind::device, {b->name(), "tf32"}, [&] { b->set_mode({/*tf32=*/true, false}); }));
  }
}

TEST_CASE("kernels: the guard notices writing beyond either end, and leaks") {
  Guarded<ReferenceBackend> b;
  for (const int at : {-1, 3}) {
    Tensor x = Tensor::empty(b, {3});
    for (const double v : numbers(x)) CHECK(std::isnan(v));
    const View view = x;
    view.as<float>()[at] = 1;
    CHECK(b.live_blocks == 1);
    CHECK(b.live_bytes == 12);
  }
  CHECK(b.damaged == 2);
  CHECK(b.live_blocks == 0);
}

TEST_CASE("kernels: NaN is never hidden") {
  volatile double zero = 0;
  REQUIRE(std::isnan(zero / zero));  // -ffast-math is not in force
  for (const TestBackend& machine : test_backends()) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      Backend& b = machine.backend;
      CAPTURE(b.name());
      for (int at = 0; at < 32; ++at) {  // NaN at each place
        std::vector<double> values(32);
        for (int i = 0; i < 32; ++i) values[i] = i == at ? std::nan("") : i - 16.5;
        const Tensor x = Tensor::from(b, {1, 4, 4, 2}, values).cast(dtype);
        const Tensor flat = x.reshape({4, 8}), one = Tensor::full(b, {2}, 1, dtype);
        const Tensor w = Tensor::full(b, {3, 3, 3, 2}, 1, dtype), zeros = Tensor::zeros(b, {4, 8}, dtype);
        const auto nans = [](const Var& y) {
          int count = 0;
          for (const double v : numbers(y.value())) count += std::isnan(v);
          return count;
        };
        CAPTURE(at);
        for (const auto op : {relu, sigmoid, tanh, softplus, exp, square, abs}) CHECK(nans(op(x)) == 1);
        CHECK(nans(clamp(x, -1, 1)) == 1);
        CHECK(nans(maximum(flat, zeros)) == 1);
        CHECK(nans(maximum(zeros, flat)) == 1);
        CHECK(nans(minimum(flat, zeros)) == 1);
        CHECK(nans(minimum(zeros, flat)) == 1);
        CHECK(nans(max_pool2d(x, {2, 2})) == 1);
        CHECK(nans(max_pool2d(x, {3, 1, 1})) >= 4);
        CHECK(nans(avg_pool2d(x, {2, 2})) == 1);
        CHECK(nans(adaptive_avg_pool2d(x, 1, 1)) == 1);
        CHECK(nans(sum(x)) == 1);
        CHECK(nans(sum_to(flat, {8})) == 1);
        CHECK(nans(sum_to(flat, {4, 1})) == 1);
        CHECK(nans(log_softmax(flat)) == 8);
        CHECK(nans(matmul(flat, flat, false, true)) == 7);
        CHECK(nans(conv2d(x, w, Var(), {1, 1}, true)) >= 3 * 4);
        Tensor mean = one.clone(), var = one.clone();
        CHECK(nans(batch_norm(x, one, one, mean, var, true)) == 16);
        CHECK(std::isnan(sum_squares({x})));
      }
    }
  }
}
