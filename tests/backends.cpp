#include "tests/backends.h"

#include <doctest/doctest.h>

#include "tests/core/gradcheck.h"

namespace counterpoise {

Guarded<ReferenceBackend>& guarded_reference() {
  static Guarded<ReferenceBackend> backend;
  return backend;
}
Guarded<CpuBackend>& guarded_cpu() {
  static Guarded<CpuBackend> backend;
  return backend;
}

std::vector<TestBackend> test_backends() {
  std::vector<TestBackend> all = {{guarded_reference(), &guarded_reference()}, {guarded_cpu(), &guarded_cpu()}};
  if (Backend* cuda = cuda_backend()) {
    cuda->set_mode({false, true});  // the same bits in every run
    all.push_back({*cuda, nullptr});
  }
  return all;
}

bool computes_in(const Backend& backend, DType dtype) {
  try {
    return backend.require(dtype), true;
  } catch (const Error&) {
    return false;
  }
}

void check_guard(const TestBackend& machine) {
  if (!machine.guard) return;
  CHECK(machine.guard->damaged == 0);
  CHECK(machine.guard->live_blocks == 0);
  CHECK(machine.guard->live_bytes == 0);
}

std::vector<Var> leaves(const std::vector<Input>& inputs, Backend& backend, DType dtype) {
  std::vector<Var> vars;
  for (const Input& input : inputs) {
    const Tensor x = Tensor::from(backend, input.shape, draw(input, vars.size()));
    vars.emplace_back(x.cast(dtype), /*requires_grad=*/true);
  }
  return vars;
}

Run run(const OpRow& row, Backend& backend, DType dtype, int times) {
  const std::vector<Var> in = leaves(row.inputs, backend, dtype);
  Run result;
  for (int i = 0; i < times; ++i) {
    const Var y = row.f(in);
    result.value = numbers(y.value());
    weighted_sum(y).backward();
  }
  for (const Var& x : in) result.gradients.push_back(numbers(x.grad()));
  return result;
}

void check_agree(const Run& a, const Run& b, double tolerance) {
  CHECK(deviation(a.value, b.value) < tolerance);
  REQUIRE(a.gradients.size() == b.gradients.size());
  for (size_t i = 0; i < a.gradients.size(); ++i) {
    CAPTURE(i);
    CHECK(deviation(a.gradients[i], b.gradients[i]) < tolerance);
  }
}

Tensor random_tensor(Backend& backend, const Shape& shape, DType dtype, uint64_t index) {
  return Tensor::from(backend, shape, draw({shape}, index)).cast(dtype);
}

Var parameter(const Module& module, const std::string& name) {
  for (const Parameter& p : module.parameters()) {
    if (p.name == name) return p.var;
  }
  FAIL("no parameter " << name);
  return Var();
}

}  // namespace counterpoise
