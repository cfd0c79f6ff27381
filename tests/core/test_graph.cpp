// The graph: which variables get a gradient, when memory is freed, and what is an error.
#include <doctest/doctest.h>

#include "tests/backends.h"
#include "tests/core/gradcheck.h"

using namespace counterpoise;

// Nothing const is written: only what is not const gives a View, which a kernel may write to.
static_assert(std::is_convertible_v<Tensor&, View> && std::is_convertible_v<const Tensor&, ConstView>, "");
static_assert(!std::is_convertible_v<const Tensor&, View> && !std::is_convertible_v<ConstView, View>, "");
static_assert(std::is_same_v<decltype(std::declval<const Var>().value()), const Tensor&>, "");

TEST_CASE("graph: a variable used twice collects both gradients") {
  for (const TestBackend& machine : test_backends()) {
    Var x(Tensor::full(machine.backend, {}, 3), true);
    const Var y = x * x;  // and y is used twice
    (y * y + x).backward();
    CHECK(x.grad().item() == 4 * 27 + 1);
    x.zero_grad();
    CHECK_FALSE(x.grad().defined());
    (x - x).backward();
    CHECK(x.grad().item() == 0);
  }
}

TEST_CASE("graph: only what requires a gradient gets one") {
  Backend& b = guarded_cpu();
  const Var w(Tensor::full(b, {2}, 3), true), c(Tensor::full(b, {2}, 5));
  const Var y = sum(w * c + square(c));
  y.backward();
  CHECK(numbers(w.grad()) == std::vector<double>{5, 5});
  CHECK_FALSE(c.grad().defined());
  CHECK_FALSE(square(c).requires_grad());
  CHECK(fails(ErrorKind::failure, {"backward", "requires a gradient"}, [&] { sum(c).backward(); }));
  {
    const NoGrad outer;
    { const NoGrad inner; }
    const Var z = sum(square(w));
    CHECK_FALSE(z.requires_grad());
    CHECK(z.value().item() == 18);
    CHECK(fails(ErrorKind::failure, {"backward"}, [&] { z.backward(); }));
  }
  CHECK(square(w).requires_grad());
}

TEST_CASE("graph: backward needs one number, and a graph that is still there") {
  Backend& b = guarded_cpu();
  Var x(Tensor::full(b, {3}, 2), true);
  CHECK(fails(ErrorKind::failure, {"backward", "[3]"}, [&] { square(x).backward(); }));
  const Var loss = sum(square(x));
  loss.backward();
  CHECK(fails(ErrorKind::failure, {"backward", "already"}, [&] { loss.backward(); }));
  CHECK(numbers(x.grad()) == std::vector<double>{4, 4, 4});

  // A part that two losses share is freed by the first backward(); the second must not ignore it silently.
  const Var shared = square(x);
  const Var first = sum(shared), second = sum(exp(shared));
  x.zero_grad();
  first.backward();
  CHECK(fails(ErrorKind::failure, {"backward", "already"}, [&] { second.backward(); }));
  CHECK(numbers(x.grad()) == std::vector<double>{4, 4, 4});
}

TEST_CASE("graph: gradients are never two names for the same numbers") {
  Backend& b = guarded_cpu();
  const auto check = [&](const std::function<Var(const Var&, const Var&)>& f, double dx, double dy) {
    const Var x(Tensor::full(b, {2}, 3), true), y(Tensor::full(b, {2}, 3), true);
    for (int times = 1; times <= 3; ++times) {  // add_grad adds in place from the second time on
      sum(f(x, y)).backward();
      CHECK(numbers(x.grad()) == std::vector<double>(2, times * dx));
      CHECK(numbers(y.grad()) == std::vector<double>(2, times * dy));
      const Tensor seen = x.grad();  // a handle of the caller's: must not change under him
      sum(f(x, y)).backward();
      CHECK(numbers(seen) == std::vector<double>(2, times * dx));
      for (Var v : {x, y}) v.zero_grad();
      for (int i = 0; i < times; ++i) sum(f(x, y)).backward();
    }
  };
  check([](const Var& x, const Var& y) { return x + y; }, 1, 1);
  check([](const Var& x, const Var& y) { return x + x + y; }, 2, 1);
  check([](const Var& x, const Var& y) { return reshape(x, {2, 1}) * reshape(y, {1, 2}); }, 6, 6);
  check([](const Var& x, const Var& y) { return relu(reshape(x, {1, 2})) + reshape(y, {1, 2}); }, 1, 1);
  check([](const Var& x, const Var& y) { return sum_to(x, {2}) + exp(0 * y) * x; }, 2, 0);
  check(
      [](const Var& x, const Var& y) {
        const Var z = reshape(x, {1, 2});  // its gradient goes three ways, two of them in place
        return relu(z) + abs(z) + reshape(z, {2, 1}) + y;
      },
      6, 2);

  // An operation may give one gradient to several inputs, and the operations before those work in place.
  const auto leaf = [&](float first, float second) { return Var(Tensor::from<float>(b, {2}, {first, second}), true); };
  const Var p = leaf(3, -4), q = leaf(-5, 6), r = leaf(7, -8), w(Tensor::full(b, {1, 1, 1, 1}, 1));
  const Var rp = relu(p), rr = abs(r), rq = conv2d(reshape(q, {1, 1, 2, 1}), w, Var(), {}, true);
  sum(Var::from_op("fork", rp.value(), {rp, rq, rr}, [rp, rq, rr](Tensor dy) {
    rp.add_grad(dy);
    rq.add_grad(dy.reshape({1, 1, 2, 1}));
    rr.add_grad(dy);
  })).backward();
  CHECK(numbers(p.grad()) == std::vector<double>{1, 0});
  CHECK(numbers(q.grad()) == std::vector<double>{0, 1});
  CHECK(numbers(r.grad()) == std::vector<double>{1, -1});

  // reshape shares the value with x: in-place steps on the backward pass must not write to it.
  const Var x(Tensor::from<float>(b, {2}, {3, -4}), true);
  sum(relu(abs(square(reshape(x, {2, 1}))))).backward();
  CHECK(numbers(x.value()) == std::vector<double>{3, -4});
  CHECK(numbers(x.grad()) == std::vector<double>{6, -8});
}

TEST_CASE("graph: detach is a constant of the same value") {
  const Var x(Tensor::full(guarded_reference(), {2}, 3), true);
  const Var y = detach(square(x));
  CHECK_FALSE(y.requires_grad());
  sum(x * y).backward();
  CHECK(numbers(x.grad()) == std::vector<double>{9, 9});  // 27 if y were not constant
}

TEST_CASE("graph: a chain of 100,000 operations does not overflow the stack") {
  Backend& b = guarded_reference();
  const auto chain = [](Var y) {
    for (int i = 0; i < 100000; ++i) y = y + 1;
    return y;
  };
  Var x(Tensor::full(b, {}, 1, DType::f64), true);
  {
    const Var y = chain(x);
    CHECK(y.value().item() == 100001);
    y.backward();
    CHECK(x.grad().item() == 1);
    x.zero_grad();
  }
  { const Var never_gone_through = chain(x); }
  CHECK(guarded_reference().live_blocks == 1);
}

TEST_CASE("graph: memory falls while the gradients come down") {
  Guarded<CpuBackend>& b = guarded_cpu();
  const int64_t n = 10000, bytes = 4 * n, depth = 20;
  Var x(Tensor::full(b, {n}, 0.01), true);
  std::vector<int64_t> live;  // at each probe on the backward pass
  const auto probe = [&live, &b](const Var& y) {
    return Var::from_op("probe", y.value(), {y}, [y, &live, &b](Tensor dy) {
      live.push_back(b.live_bytes);
      y.add_grad(dy);
    });
  };
  {
    Var y = x;
    for (int i = 0; i < depth; ++i) y = probe(exp(y) - 1);
    const Var loss = mean(y);
    y = Var();
    CHECK(b.live_bytes >= 2 * depth * bytes);
    loss.backward();
    REQUIRE(live.size() == depth);
    for (int i = 1; i < depth; ++i) CHECK(live[i] <= live[i - 1] - 2 * bytes);
    CHECK(live.back() <= 6 * bytes);
    CHECK(b.live_bytes <= 2 * bytes + 64);  // x and its gradient
  }
  x.zero_grad();
  CHECK(b.live_bytes == bytes);
}

TEST_CASE("graph: what the gradient of a convolution's input was computed from is not kept while it flows on") {
  Guarded<CpuBackend>& b = guarded_cpu();
  const Index activation = 4 * 16 * 16 * 32 * static_cast<Index>(sizeof(float));
  for (const bool twice : {false, true}) {
    CAPTURE(twice);
    const Var x(Tensor::full(b, {4, 16, 16, 32}, 1), true), w(Tensor::full(b, {32, 1, 1, 32}, 1), false);
    const int64_t before = b.live_bytes;
    int64_t live = 0;
    const Var h = Var::from_op("probe", x.value(), {x}, [&](Tensor dy) {
      live = b.live_bytes - before;
      CHECK(dy.defined());
    });
    Var y = conv2d(h, w, Var(), {});
    if (twice) y = y + conv2d(h, w, Var(), {});
    const Var loss = sum(y);
    y = Var();
    loss.backward();
    CHECK(live >= activation);  // dx alone
    CHECK(live < activation + activation / 8);
  }
}

TEST_CASE("graph: a gradient that waits for another one is computed, and keeps nothing larger than itself") {
  Guarded<CpuBackend>& b = guarded_cpu();
  const int64_t activation = 4 * 16 * 16 * 32 * static_cast<int64_t>(sizeof(float));
  const Var x(Tensor::full(b, {4, 16, 16, 32}, 1), true), w(Tensor::full(b, {256, 1, 1, 32}, 1), false);
  const int64_t before = b.live_bytes;
  int64_t live = 0;
  const auto pass = [](const Var& in, const std::function<void()>& look) {
    return Var::from_op("probe", in.value(), {in}, [in, look](Tensor dy) { look(), in.add_grad(dy); });
  };
  const Var h = pass(x, [] {});
  // The second operand's gradients are computed first, and reach h before those of the first.
  const Var loss = sum(pass(h, [&] { live = b.live_bytes - before; })) + sum(conv2d(h, w, Var(), {}));
  loss.backward();
  CHECK(live >= 2 * activation);  // the one that waits, and the one that passes
  CHECK(live < 4 * activation);   // that of the convolution's result alone takes eight
}

TEST_CASE("graph: a gradient that is pending is computed once, when it is taken") {
  struct Ones final : PendingGradient {
    explicit Ones(int& times) : times(times) {}
    const Shape& shape() const override { return of; }
    DType dtype() const override { return DType::f32; }
    Backend& backend() const override { return guarded_cpu(); }
    Tensor compute() const override { return ++times, Tensor::full(guarded_cpu(), of, 1); }
    Tensor compute_through_relu(const Tensor&, Tensor&) const override { return compute(); }
    int& times;
    Shape of{3};
  };
  int times = 0;
  Gradient g(std::make_shared<Ones>(times));
  CHECK(g.defined());
  CHECK(g.shape() == Shape{3});
  CHECK(times == 0);
  CHECK(numbers(Tensor(std::move(g))) == std::vector<double>{1, 1, 1});
  CHECK_FALSE(g.defined());  // NOLINT: what is left of it
  CHECK(times == 1);
  Var leaf(Tensor::full(guarded_cpu(), {3}, 2), true);
  leaf.add_grad(Gradient(std::make_shared<Ones>(times)));
  leaf.add_grad(Gradient(std::make_shared<Ones>(times)));
  CHECK(numbers(leaf.grad()) == std::vector<double>{2, 2, 2});
  CHECK(times == 3);
}

TEST_CASE("graph: a value that no gradient is computed from is not kept") {
  Guarded<CpuBackend>& b = guarded_cpu();
  const auto zeros = [&](const Shape& shape) { return Tensor::zeros(b, shape); };
  const Var image(Tensor::full(b, {2, 4, 4, 3}, 1)), kernel(Tensor::full(b, {3, 1, 1, 3}, 1), true),
      ones(zeros({3}), true);
  struct Case {
    std::string name;
    Shape shape;
    std::function<Var(const Var&)> operation;
  };
  const Case cases[] = {
      {"cast", {2, 3}, [](const Var& h) { return cast(h, DType::f64); }},
      {"sum_to",
       {2, 3},
       [](const Var& h) {
         return sum_to(h, {2, 1});
       }},
      {"dropout", {2, 3}, [](const Var& h) { return dropout(h, 0.5, 1, 1); }},
      {"log_softmax", {2, 3}, [](const Var& h) { return log_softmax(h); }},
      {"gather",
       {2, 3},
       [&](const Var& h) {
         return gather(h, Tensor::from<int32_t>(b, {2}, {0, 2}));
       }},
      {"max_pool2d", {2, 4, 4, 3}, [](const Var& h) { return max_pool2d(h, 2); }},
      {"avg_pool2d", {2, 4, 4, 3}, [](const Var& h) { return avg_pool2d(h, 2); }},
      {"adaptive_avg_pool2d", {2, 4, 4, 3}, [](const Var& h) { return adaptive_avg_pool2d(h, 1, 1); }},
      {"frozen conv2d", {2, 4, 4, 3}, [&](const Var& h) { return conv2d(h, detach(kernel), {}, {}); }},
      {"residual of conv2d", {2, 4, 4, 3}, [&](const Var& h) { return conv2d(image, kernel, {}, {}, true, h); }},
      {"residual of batch_norm", {2, 4, 4, 3}, [&](const Var& h) {
         Tensor mean = zeros({3}), variance = zeros({3});
         return batch_norm(image, ones, ones, mean, variance, true, 0.1, 1e-5, true, h);
       }}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Var x(zeros(c.shape), true);
    Var h = Var::from_op("probe", x.value().clone(), {x}, [to = GradientEdge(x)](Tensor dy) { to.add_grad(dy); });
    const int64_t bytes = h.value().size() * static_cast<int64_t>(sizeof(float));
    const Var y = c.operation(h);
    const int64_t before = b.live_bytes;
    h = Var();
    CHECK(b.live_bytes == before - bytes);
    sum(y).backward();
    CHECK(x.grad().defined());
  }
}

TEST_CASE("graph: a convolution that is pooled keeps the maxima and their positions, not what is before them") {
  Guarded<CpuBackend>& b = guarded_cpu();
  const Var w(Tensor::full(b, {8, 3, 3, 4}, 1), true), x(Tensor::full(b, {2, 16, 16, 4}, 1), true);
  const size_t before = b.live_bytes, maxima = 2 * 8 * 8 * 8;
  const auto kept = [&](const auto& compute) {
    const Var y = compute();
    return b.live_bytes - before;
  };
  CHECK(kept([&] { return max_pool2d(conv2d(x, w, Var(), {1, 1}, true), {2, 2}); }) == (4 * 4 + 5) * maxima);
  CHECK(kept([&] { return conv2d_relu_max_pool2d(x, w, Var(), {1, 1}, {2, 2}); }) == 5 * maxima);
  const NoGrad no_grad;
  CHECK(kept([&] { return conv2d_relu_max_pool2d(x, w, Var(), {1, 1}, {2, 2}); }) == 4 * maxima);
}

namespace {
// A backend whose convolutions want multiples of four channels.
class InFours : public Guarded<CpuBackend> {
 public:
  size_t piece = 0;
  size_t piece_bytes(bool) const override { return piece; }
  Index conv2d_channels(DType, Index C) const override { return (C + 3) / 4 * 4; }
  void pad_channels(const ConstView& x, const View& y) override {
    ++padded;
    const Index C = x.shape[3], wide = y.shape[3];
    for (Index i = 0; i < y.size(); ++i) {
      y.as<float>()[i] = i % wide < C ? x.as<float>()[i / wide * C + i % wide] : 0;
    }
  }
  void conv2d(const ConstView& x, const ConstView& w, const ConstView& bias, const ConstView& residual, Conv2dParams p,
              bool relu, const View& y) override {
    CpuBackend::conv2d(narrow(x, w.shape[3]), w, bias, residual, p, relu, y);
  }
  void conv2d_grad_weight(const ConstView& x, const ConstView& dy, Conv2dParams p, const View& dw) override {
    CpuBackend::conv2d_grad_weight(narrow(x, dw.shape[3]), dy, p, dw);
  }
  int padded = 0;

 private:
  Tensor narrow(const ConstView& x, Index C) {
    const Index wide = x.shape[3];
    REQUIRE(wide == conv2d_channels(x.dtype, C));
    std::vector<float> numbers;
    for (Index i = 0; i < x.size(); ++i) {
      if (i % wide < C) numbers.push_back(x.as<float>()[i]);
      else CHECK(x.as<float>()[i] == 0);
    }
    return Tensor::from(*this, {x.shape[0], x.shape[1], x.shape[2], C}, numbers);
  }
};
}  // namespace

TEST_CASE("graph: a convolution's input is padded once for both passes, and kept so only for a gradient of weights") {
  const auto plain = [](Inputs in) { return conv2d(in[0], in[1], in[2], {1, 1}, true); };
  const auto pooled = [](Inputs in) { return conv2d_relu_max_pool2d(in[0], in[1], in[2], {1, 1}, {2, 2}); };
  using Function = std::function<Var(Inputs)>;
  for (const Function& function : {Function(plain), Function(pooled)}) {
    InFours b;
    const OpRow narrow{"conv2d", "3 channels", {{{2, 8, 8, 3}}, {{4, 3, 3, 3}}, {{4}}}, function};
    check_agree(run(narrow, b, DType::f32), run(narrow, guarded_cpu(), DType::f32), 1e-6);
    CHECK(b.padded == 1);
    b.piece = 1;  // each image by itself, where that is possible
    check_agree(run(narrow, b, DType::f32), run(narrow, guarded_cpu(), DType::f32), 1e-6);
    CHECK(b.padded == 2);
    b.piece = 0;
    const OpRow wide{"conv2d", "4 channels", {{{2, 8, 8, 4}}, {{4, 3, 3, 4}}, {{4}}}, function};
    run(wide, b, DType::f32);
    CHECK(b.padded == 2);

    const int64_t padded = 2 * 8 * 8 * 4 * sizeof(float);
    const auto kept = [&](Backend& backend, const Guard& guard, bool trained) {
      const Var x(Tensor::full(backend, {2, 8, 8, 3}, 1), true), bias(Tensor::full(backend, {4}, 1), true);
      const Var w(Tensor::full(backend, {4, 3, 3, 3}, 1), trained);
      const int64_t before = guard.live_bytes;
      const Var y = function({x, w, bias});
      return guard.live_bytes - before;
    };
    CHECK(kept(b, b, true) == kept(guarded_cpu(), guarded_cpu(), true) + padded);
    CHECK(kept(b, b, false) == kept(guarded_cpu(), guarded_cpu(), false));
  }
}

namespace {
// A backend with pieces of a given size, and the most memory that it had at once.
class InPieces : public Guarded<CpuBackend> {
 public:
  explicit InPieces(size_t bytes) : bytes_(bytes) {}
  size_t piece_bytes(bool) const override { return bytes_; }
  void* allocate(size_t bytes) override {
    void* const memory = Guarded<CpuBackend>::allocate(bytes);
    peak = std::max(peak, live_bytes);
    return memory;
  }
  int64_t peak = 0;

 private:
  size_t bytes_;
};
}  // namespace

TEST_CASE("graph: a convolution that is pooled is computed in groups of images, with the same result in less memory") {
  const OpRow row{"conv2d_relu_max_pool2d", "seven images", {{{7, 12, 12, 3}}, {{8, 3, 3, 3}}, {{8}}}, [](Inputs in) {
                    return conv2d_relu_max_pool2d(in[0], in[1], in[2], {1, 1}, {2, 2, 0});
                  }};
  // Images whose size is no multiple of a vector's, and inputs and weights without a gradient.
  for (const bool x_is_constant : {false, true}) {
    for (const bool weight_is_constant : {false, true}) {
      const OpRow odd{
          "conv2d_relu_max_pool2d", "five odd images", {{{5, 5, 7, 3}}, {{3, 3, 3, 3}}, {{3}}}, [=](Inputs in) {
            return conv2d_relu_max_pool2d(x_is_constant ? detach(in[0]) : in[0],
                                          weight_is_constant ? detach(in[1]) : in[1], in[2], {1, 1}, {2, 2, 0}) +
                   0 * (sum(in[0]) + sum(in[1]));
          }};
      InPieces backend(2 * sizeof(float) * 5 * 7 * 3);
      check_agree(run(odd, backend, DType::f32), run(odd, reference_backend(), DType::f32), 1e-5);
    }
  }
  const size_t image = sizeof(double) * 12 * 12 * 8;
  const Run expected = run(row, reference_backend(), DType::f64);
  int64_t peak_at_once = 0;
  for (const size_t bytes : {size_t(0), size_t(1), 3 * image, 100 * image}) {
    CAPTURE(bytes);
    InPieces backend(bytes);
    check_agree(run(row, backend, DType::f64), expected, 1e-12);
    check_guard({backend, &backend});
    if (bytes == 0) peak_at_once = backend.peak;
    if (bytes == 100 * image) CHECK(backend.peak == peak_at_once);
    if (bytes == 3 * image) CHECK(backend.peak < peak_at_once - static_cast<int64_t>(3 * image));
    if (bytes == 1) CHECK(backend.peak < peak_at_once - static_cast<int64_t>(5 * image));
  }
}

TEST_CASE("graph: a graph without a backward pass leaks nothing, nor does one that throws") {
  Guarded<CpuBackend>& b = guarded_cpu();
  {
    const Var w(Tensor::full(b, {4, 3, 3, 2}, 1), true), x(Tensor::full(b, {1, 6, 6, 2}, 1), true);
    const Var y = max_pool2d(conv2d(x, w, Var(), {1, 1}, true), {2, 2});
    const Var bad = Var::from_op("bad", y.value(), {y}, [](Tensor) { throw Error(ErrorKind::failure, "on purpose"); });
    CHECK(fails(ErrorKind::failure, {"on purpose"}, [&] { sum(bad).backward(); }));
  }
  CHECK(b.live_blocks == 0);
  CHECK(b.damaged == 0);
}
