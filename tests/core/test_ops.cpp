// The operations: every row of the table on every backend, and values by hand.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/gpu.h"
#include "tests/support.h"

using namespace counterpoise;

// -- the table --

// What is declared in core/ops.h, where declarations begin their line: "Var name(" or "inline Var
// name(". An operator with the types of its operands, as in the table: "operator-(Var, double)".
static std::set<std::string> declared_operations() {
  std::ifstream file(source_folder() + "/core/ops.h");
  std::set<std::string> names;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("inline ", 0) == 0) line.erase(0, 7);
    const size_t open = line.find('(');
    if (line.rfind("Var ", 0) != 0 || open == std::string::npos) continue;
    std::string name = line.substr(4, open - 4);
    if (name.rfind("operator", 0) == 0) {
      std::istringstream operands(line.substr(open + 1, line.find(')') - open - 1));
      std::string types;
      for (std::string operand; std::getline(operands, operand, ',');) {
        const bool is_var = operand.find("Var") != std::string::npos;
        types += (types.empty() ? "" : ", ") + std::string(is_var ? "Var" : "double");
      }
      name += "(" + types + ")";
    }
    names.insert(name);
  }
  return names;
}

TEST_CASE("ops: every operation of core/ops.h has a row in the table") {
  std::set<std::string> rows;
  for (const OpRow& row : op_table()) rows.insert(row.name);
  const std::set<std::string> declared = declared_operations();
  CHECK(declared.size() >= 44);
  for (const std::string& name : declared) CHECK_MESSAGE(rows.count(name), name, " has no row");
  for (const std::string& name : rows) CHECK_MESSAGE(declared.count(name), name, " is no operation");
}

TEST_CASE("ops: the gradient check finds a gradient that is wrong by a thousandth") {
  const Var x = leaves({{{3, 4}}}, guarded_cpu(), DType::f64)[0];
  const auto wrong = [&] {
    return Var::from_op("wrong", square(x).value(), {x}, [x](Tensor dy) {
      const NoGrad no_grad;
      x.add_grad((2.002 * x * Var(dy)).value());
    });
  };
  CHECK(gradcheck(wrong, {x}).error > 9e-4);
  CHECK(gradcheck([&] { return square(x); }, {x}).error < 1e-9);
}

TEST_CASE("ops: gradients are those of finite differences in f64, 1e-6") {
  for (const TestBackend& machine : test_backends()) {
    for (const OpRow& row : op_table()) {
      const std::string where = detail::text(row.name, " ", row.what, " on ", machine.backend.name());
      CAPTURE(where);
      const std::vector<Var> in = leaves(row.inputs, machine.backend, DType::f64);
      // (On a GPU some numbers of each input suffice: the formulas are the same, reading each result takes long, and
      // the kernels are compared with the reference below.)
      const Gradcheck check = gradcheck([&] { return row.f(in); }, in, machine.backend.is_remote() ? 4 : 60);
      CHECK_MESSAGE(check.error < 1e-6, check.where);
    }
    check_guard(machine);
  }
}

// In f64 to 1e-12. In f32 to 1e-5 of the largest number: 84 times the distance of two floats at 1, for results of up to
// some hundred roundings.
TEST_CASE("ops: every backend agrees with the reference in f64") {
  for (const TestBackend& machine : test_backends()) {
    for (const OpRow& row : op_table()) {
      const std::string where = detail::text(row.name, " ", row.what, " on ", machine.backend.name());
      CAPTURE(where);
      const Run exact = run(row, guarded_reference(), DType::f64);
      check_agree(run(row, machine.backend, DType::f32), exact, 1e-5);
      check_agree(run(row, machine.backend, DType::f64), exact, 1e-12);
      check_guard(machine);
    }
  }
}

namespace {

// The rows of convolutions, or the others, in bf16 on every backend that computes in it. Two roundings to bf16's 8 bits
// may differ in the last: 2^-8 of the largest number each.
void check_bf16(bool convolutions) {
  int rows = 0;
  for (const TestBackend& machine : test_backends()) {
    if (!computes_in(machine.backend, DType::bf16)) continue;
    for (const OpRow& row : op_table()) {
      if ((row.name.rfind("conv2d", 0) == 0) != convolutions) continue;
      const std::string where = detail::text(row.name, " ", row.what, " on ", machine.backend.name());
      CAPTURE(where);
      check_agree(run(row, machine.backend, DType::bf16), run(row, reference_backend(), DType::bf16), 0.0079);
      check_guard(machine);
      ++rows;
    }
  }
  CHECK(rows > 50);  // of the reference itself, at least
}

}  // namespace

TEST_CASE("ops: bf16 agrees with the reference's bf16, to two of its last places") { check_bf16(false); }

// (Apart from the others, since racecheck cannot examine a process that calls some of cuDNN's kernels.)
TEST_CASE("ops: bf16 convolutions agree with the reference's, to two of its last places") { check_bf16(true); }

// TF32 rounds the factors of products to 10 bits: 2^-11 of each. Sums of products that cancel magnify this.
TEST_CASE("ops: tf32 agrees with the reference's f32, to 4 in a thousand" * needs_gpu()) {
  Backend& backend = *cuda_backend();
  backend.set_mode({/*tf32=*/true, /*deterministic=*/true});
  for (const OpRow& row : op_table()) {
    const std::string where = detail::text(row.name, " ", row.what);
    CAPTURE(where);
    check_agree(run(row, backend, DType::f32), run(row, reference_backend(), DType::f32), 0.004);
  }
  backend.set_mode({});
}

// The reference's bf16 follows from its f64: an operation rounds its inputs and its outputs and nothing in between,
// unless it is composed of several.
TEST_CASE("ops: the reference in bf16 agrees with itself in f64, to 2 in a hundred") {
  for (const OpRow& row : op_table()) {
    const std::string where = detail::text(row.name, " ", row.what);
    if (row.name == "exp" || row.name == "expm1" || row.name == "pow" || row.name == "maximum" ||
        row.name == "minimum" || row.name == "max_pool2d" || row.what.find("times 20") != std::string::npos) {
      continue;  // these magnify what is rounded, or choose by it
    }
    CAPTURE(where);
    const Run rounded = run(row, reference_backend(), DType::bf16), exact = run(row, reference_backend(), DType::f64);
    CHECK(deviation(rounded.value, exact.value) < 0.02);
  }
}

// The same floating-point numbers as those of a product that is rounded and cast, but for the rounding.
TEST_CASE("ops: a product of bf16 in f32 is not rounded, and has the gradients of one that is") {
  for (const TestBackend& machine : test_backends()) {
    Backend& b = machine.backend;
    CAPTURE(b.name());
    const auto in_bf16 = [&](const Shape& shape, const std::vector<float>& values) {
      return Var(Tensor::from(b, shape, values).cast(DType::bf16), /*requires_grad=*/true);
    };
    using List = std::vector<double>;
    const Var x = in_bf16({2, 2}, {1, 1. / 128, 1, 1. / 64}), w = in_bf16({1, 2}, {4, 0.25});
    const Var y = matmul(x, w, false, true, DType::f32);
    CHECK(y.value().dtype() == DType::f32);
    CHECK(numbers(y.value()) == List{4 + 1. / 512, 4 + 1. / 256});
    // A bias in f32 is not rounded either, nor is its gradient.
    const Var bias(Tensor::from<float>(b, {1}, {1. / 4096}), true);
    const Var z = linear(x, w, bias, DType::f32);
    CHECK(numbers(z.value()) == List{4 + 1. / 512 + 1. / 4096, 4 + 1. / 256 + 1. / 4096});
    CHECK(fails(ErrorKind::failure, {"matmul", "bf16", "f64"}, [&] { matmul(x, w, false, true, DType::f64); }));
    CHECK(fails(ErrorKind::failure, {"matmul", "f32", "bf16"}, [&] {
      matmul(bias.value().reshape({1, 1}), bias.value().reshape({1, 1}), false, false, DType::bf16);
    }));

    if (!computes_in(b, DType::bf16)) continue;
    sum(z * Var(Tensor::from<float>(b, {2, 1}, {1, 1. / 1024}))).backward();
    CHECK(numbers(bias.grad()) == List{1 + 1. / 1024});
    CHECK(x.grad().dtype() == DType::bf16);
    CHECK(numbers(matmul(x, w, false, true).value()) == List{4, 4});  // two samples become alike
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        const auto gradients = [&](bool exact) {
          const Var p(random_tensor(b, ta ? Shape{7, 5} : Shape{5, 7}, DType::bf16, 1), true);
          const Var q(random_tensor(b, tb ? Shape{3, 7} : Shape{7, 3}, DType::bf16, 2), true);
          if (exact) weighted_sum(matmul(p, q, ta, tb, DType::f32)).backward();
          else weighted_sum(cast(matmul(p, q, ta, tb), DType::f32)).backward();
          return std::pair(numbers(p.grad()), numbers(q.grad()));
        };
        CHECK(gradients(true) == gradients(false));
      }
    }
  }
}

TEST_CASE("bf16: the nearest float, ties to even, infinities and NaN") {
  const std::pair<float, uint16_t> values[] = {
      {0.f, 0x0000},           {-0.f, 0x8000},        {1.f, 0x3f80},         {-2.f, 0xc000},
      {1.00390625f, 0x3f80},   {1.01171875f, 0x3f82}, {1.00390637f, 0x3f81}, {3.3895314e38f, 0x7f7f},
      {3.4028235e38f, 0x7f80}, {1e-40f, 0x0001},      {HUGE_VALF, 0x7f80},   {-HUGE_VALF, 0xff80},
  };
  for (const auto& [value, bits] : values) {
    CAPTURE(value);
    CHECK(bf16(value).bits == bits);
  }
  CHECK(std::isnan(float(bf16(NAN))));
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    bf16 x;
    x.bits = static_cast<uint16_t>(bits);
    if (!std::isnan(float(x))) CHECK_FALSE(bf16(float(x)).bits != bits);
  }
}

TEST_CASE("ops: a second backward adds, so the gradient is exactly doubled") {
  for (const TestBackend& machine : test_backends()) {
    for (const OpRow& row : op_table()) {
      const std::string where = detail::text(row.name, " ", row.what, " on ", machine.backend.name());
      CAPTURE(where);
      Run once = run(row, machine.backend, DType::f32);
      const Run twice = run(row, machine.backend, DType::f32, 2);
      CHECK(once.value == twice.value);
      for (auto& gradient : once.gradients) {
        for (double& g : gradient) g *= 2;
      }
      CHECK(once.gradients == twice.gradients);
    }
  }
}

TEST_CASE("ops: values, by hand") {
  for (const TestBackend& machine : test_backends()) {
    Backend& b = machine.backend;
    CAPTURE(b.name());
    const Tensor x = Tensor::from<float>(b, {1, 2, 3, 1}, {1, 2, 3, 4, 5, 6});
    const Tensor w = Tensor::from<float>(b, {1, 2, 2, 1}, {1, 10, 100, 1000});  // not rotated
    const auto values = [](const Var& y) { return numbers(y.value()); };
    using List = std::vector<double>;
    CHECK(values(conv2d(x, w, Var(), {1, 0})) == List{5421, 6532});
    CHECK(values(conv2d(x, w, Tensor::full(b, {1}, -6000), {1, 0}, true)) == List{0, 532});
    CHECK(values(conv2d(x, w, Var(), {2, 1})) == List{1000, 3200, 40, 65});
    CHECK(values(max_pool2d(x, {2, 1})) == List{5, 6});
    CHECK(values(max_pool2d(-Var(x), {2, 2, 1})) == List{-1, -2, -4, -5});  // padding never wins
    CHECK(values(avg_pool2d(x, {2, 2, 1})) == List{0.25, 1.25, 1, 2.75});   // padding counts
    CHECK(values(adaptive_avg_pool2d(x, 1, 2)) == List{3, 4});
    CHECK(values(flatten(x)) == List{1, 2, 3, 4, 5, 6});
    const Tensor a = reshape(x, {2, 3}).value();
    CHECK(values(matmul(a, a, false, true)) == List{14, 32, 32, 77});
    CHECK(values(sum_to(a, {3})) == List{5, 7, 9});
    CHECK(values(gather(a, Tensor::from<int32_t>(b, {2}, {2, 0}))) == List{3, 4});
    CHECK(values(clamp(a, 2, 4)) == List{2, 2, 3, 4, 4, 4});
    CHECK(values(pow(a, 2)) == List{1, 4, 9, 16, 25, 36});

    // The maximum gets the gradient, and the first of equal maxima all of it.
    const Var ties(Tensor::from<float>(b, {1, 2, 2, 1}, {7, 7, 7, 7}), true);
    max_pool2d(ties, {2, 2}).backward();
    CHECK(numbers(ties.grad()) == List{1, 0, 0, 0});
    const Var p(Tensor::full(b, {}, 2), true), q(Tensor::full(b, {}, 2), true);
    (3 * maximum(p, q)).backward();
    CHECK(p.grad().item() == 1.5);
    CHECK(q.grad().item() == 1.5);

    // Statistics: 1, 2, 3, 6 has mean 3 and variance 3.5, or 14/3 without bias.
    Tensor mean = Tensor::full(b, {1}, 1), var = Tensor::full(b, {1}, 1);
    const Tensor column = Tensor::from<float>(b, {4, 1}, {1, 2, 3, 6}), one = Tensor::full(b, {1}, 1);
    batch_norm(column, one, one, mean, var, false);
    CHECK(mean.item() == 1);
    const Var y = batch_norm(column, one, one, mean, var, true, 0.25, 0.5);
    CHECK(deviation(values(y), {0, 0.5, 1, 2.5}) < 1e-6);
    CHECK(mean.item() == doctest::Approx(1.5));
    CHECK(var.item() == doctest::Approx(0.75 + 0.25 * 14 / 3));
  }
}

TEST_CASE("ops: dropout drops the part p, the same on every backend") {
  const Tensor ones = Tensor::full(guarded_reference(), {100001}, 1);
  const std::vector<double> y = numbers(dropout(ones, 0.3, 1, 2).value());
  double dropped = 0;
  for (const double v : y) {
    dropped += v == 0;
    if (v != 0) CHECK_FALSE(std::fabs(v - 1 / 0.7) > 1e-6);
  }
  CHECK(dropped / 100001 == doctest::Approx(0.3).epsilon(0.02));
  for (const TestBackend& machine : test_backends()) {
    CHECK(numbers(dropout(ones.to(machine.backend), 0.3, 1, 2).value()) == y);
  }
  CHECK(numbers(dropout(ones, 0.3, 1, 3).value()) != y);
  CHECK(numbers(dropout(ones, 0.3, 2, 2).value()) != y);
}
