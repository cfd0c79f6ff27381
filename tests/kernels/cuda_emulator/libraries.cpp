// cuBLAS and cuDNN for the emulated GPU.
#include "kernels/cuda/libraries.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "kernels/cuda/cudnn_conv.h"
#include "tests/kernels/cuda_emulator/emulator.h"
#include "tests/kernels/cuda_emulator/races.h"

namespace counterpoise::detail {

namespace {

// -- cuBLAS: column-major matrices, c [m, n] = op(a) op(b) --

template <class T, class R>
void product(bool transpose_a, bool transpose_b, int m, int n, int k, const T* a, int lda, const T* b, int ldb, R* c,
             int ldc) {
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int l = 0; l < k; ++l) {
        sum += double(Compute<T>(a[transpose_a ? l + i * lda : i + l * lda])) *
               double(Compute<T>(b[transpose_b ? j + l * ldb : l + j * ldb]));
      }
      c[i + j * ldc] = R(sum);
    }
  }
}

// Tells that a matrix [rows, columns] is read or written.
template <class T>
void access_matrix(bool writes, const T* first, int rows, int columns, int ld) {
  for (int j = 0; j < columns; ++j) access_memory(writes, first + static_cast<size_t>(j) * ld, rows * sizeof(T));
}

cublasMath_t math_mode = CUBLAS_DEFAULT_MATH;

// Refuses what cuBLAS would.
cublasStatus_t gemm_ex(cublasHandle_t, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
                       const void* alpha, const void* a, cudaDataType type, int lda, const void* b, cudaDataType type_b,
                       int ldb, const void* beta, void* c, cudaDataType type_c, int ldc, cublasComputeType_t compute,
                       cublasGemmAlgo_t) {
  const bool ta = op_a == CUBLAS_OP_T, tb = op_b == CUBLAS_OP_T, f64 = compute == CUBLAS_COMPUTE_64F;
  const double factor = f64 ? *static_cast<const double*>(alpha) : *static_cast<const float*>(alpha);
  const double before = f64 ? *static_cast<const double*>(beta) : *static_cast<const float*>(beta);
  const bool widened = type == CUDA_R_16BF && type_c == CUDA_R_32F;
  // The real one computes it, but may round the parts of a sum to bf16.
  if (type_c == CUDA_R_16BF && !(math_mode & CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION)) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  if (type_b != type || (type_c != type && !widened)) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (factor != 1 || before != 0 || f64 != (type == CUDA_R_64F)) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (lda < (ta ? k : m) || ldb < (tb ? n : k) || ldc < m) return CUBLAS_STATUS_INVALID_VALUE;
  const auto run = [=](auto factor, auto result) {
    using T = decltype(factor);
    using R = decltype(result);
    enqueue([=, a = static_cast<const T*>(a), b = static_cast<const T*>(b), c = static_cast<R*>(c)] {
      access_matrix(/*writes=*/false, a, ta ? k : m, ta ? m : k, lda);
      access_matrix(/*writes=*/false, b, tb ? n : k, tb ? k : n, ldb);
      access_matrix(/*writes=*/true, c, m, n, ldc);
      product(ta, tb, m, n, k, a, lda, b, ldb, c, ldc);
    });
  };
  if (type == CUDA_R_64F) run(double(), double());
  else if (widened) run(bf16(), float());
  else if (type == CUDA_R_16BF) run(bf16(), bf16());
  else run(float(), float());
  return CUBLAS_STATUS_SUCCESS;
}

// -- cuDNN: the cpu backend's convolutions, in several "plans" --

// A tensor that is read, in f32: itself, or a copy of one in bf16.
class InputInF32 {
 public:
  InputInF32(const void* data, const Shape& shape, DType dtype) : there_{data, shape, DType::f32} {
    if (data) access_memory(/*writes=*/false, data, shape.size() * size_of(dtype));
    if (dtype == DType::f32 || !data) return;
    copy_.resize(shape.size());
    there_.data = copy_.data();
    reference_backend().cast({data, shape, dtype}, View{copy_.data(), shape, DType::f32});
  }
  operator ConstView() const { return there_; }

 private:
  ConstView there_;
  std::vector<float> copy_;
};

// A tensor that is written, in f32: itself, or one that is rounded to bf16 at the end.
class OutputInF32 {
 public:
  OutputInF32(void* data, const Shape& shape, DType dtype) : there_{data, shape, dtype} {
    access_memory(/*writes=*/true, data, shape.size() * size_of(dtype));
    if (dtype != DType::f32) copy_.resize(shape.size());
  }
  ~OutputInF32() {
    if (!copy_.empty()) reference_backend().cast(View(*this), there_);
  }
  OutputInF32(const OutputInF32&) = delete;
  OutputInF32& operator=(const OutputInF32&) = delete;
  operator View() { return {copy_.empty() ? there_.data : copy_.data(), there_.shape, DType::f32}; }

 private:
  const View there_;
  std::vector<float> copy_;
};

class EmulatedPlan final : public LibraryPlan {
 public:
  EmulatedPlan(const ConvTarget& target, const ConvProblem& problem, int index)
      : LibraryPlan(target.queue), p_(problem), index_(index), wrong_(emulator_setting("wrong-plan", -1) == index) {
    // Gradients of weights may run beside all others, so that they must have a handle of their own.
    static std::map<cudnnHandle_t, bool> handles;
    const bool of_weights = problem.pass == ConvProblem::grad_weight;
    CP_ENSURE(handles.emplace(target.handle, of_weights).first->second == of_weights,
              "cuda emulator: one handle of cuDNN's for gradients of weights and for others");
  }
  std::string name() const override { return text("engine ", index_, ", knobs 0=", index_); }
  size_t workspace_bytes() const override { return index_ == 0 ? 0 : 256; }

 private:
  void execute(const ConvData& data, void* workspace, cudaStream_t) const override {
    CP_ENSURE(workspace, "cuda emulator: no workspace");
    for (int i = 0; i < index_; ++i) enqueue([] {});  // as plans of several kernels
    enqueue([problem = p_, data, wrong = wrong_, workspace, bytes = workspace_bytes()] {
      access_memory(/*writes=*/true, workspace, bytes);
      compute(problem, data, wrong);
    });
  }
  static void compute(const ConvProblem& problem, const ConvData& data, bool wrong) {
    const ConvGeometry& g = problem.geometry;
    const DType dtype = problem.dtype;
    const Shape x_shape{g.N, g.H, g.W, g.C}, w_shape{g.K, g.R, g.S, g.C}, y_shape{g.N, g.P, g.Q, g.K};
    const InputInF32 x(data.x, x_shape, dtype), w(data.w, w_shape, dtype), y(data.y, y_shape, dtype);
    const InputInF32 bias(problem.bias ? data.bias : nullptr, {g.K}, dtype);
    const bool to_y = problem.pass == ConvProblem::forward, to_x = problem.pass == ConvProblem::grad_input;
    OutputInF32 out(data.out, to_y ? y_shape : to_x ? x_shape : w_shape, dtype);
    const Conv2dParams params{g.stride, g.pad};
    Backend& host = cpu_backend();
    const InputInF32 residual(problem.residual ? data.residual : nullptr, y_shape, dtype);
    if (problem.relu_grad) access_memory(/*writes=*/true, data.db, g.C * sizeof(float));
    if (to_y) host.conv2d(x, w, bias, residual, params, problem.relu, out);
    else if (problem.relu_grad) host.conv2d_grad_input_relu(y, w, params, x, out, View{data.db, {g.C}, DType::f32});
    else if (to_x) host.conv2d_grad_input(y, w, params, out);
    else host.conv2d_grad_weight(x, y, params, out);
    if (wrong) spoil(problem.relu_grad ? View{data.db, {g.C}, DType::f32} : out);
  }
  // As if a kernel forgot the last of its blocks.
  static void spoil(View y) {
    const Index n = y.size();
    std::fill(y.as<float>() + n - (n + 7) / 8, y.as<float>() + n, 0.5f);
  }

  const ConvProblem p_;
  const int index_;
  const bool wrong_;
};

}  // namespace

const CublasApi& cublas() {
  static const CublasApi api = {
      [](cublasHandle_t*) { return CUBLAS_STATUS_SUCCESS; },
      [](cublasHandle_t, cudaStream_t) { return CUBLAS_STATUS_SUCCESS; },
      [](cublasHandle_t, void*, size_t) { return CUBLAS_STATUS_SUCCESS; },
      [](cublasHandle_t, cublasMath_t mode) { return math_mode = mode, CUBLAS_STATUS_SUCCESS; },
      gemm_ex,
      [](cublasStatus_t) { return "refused"; },
      [](cublasHandle_t, int* version) { return *version = CUBLAS_VERSION, CUBLAS_STATUS_SUCCESS; },
  };
  return api;
}

const CudnnApi& cudnn() {
  static const CudnnApi api = [] {
    CudnnApi a = {};
    a.create = [](cudnnHandle_t* handle) {
      static uintptr_t handles = 0;
      return *handle = reinterpret_cast<cudnnHandle_t>(++handles), CUDNN_STATUS_SUCCESS;
    };
    a.set_stream = [](cudnnHandle_t, cudaStream_t) { return CUDNN_STATUS_SUCCESS; };
    a.get_version = [] { return size_t(CUDNN_VERSION); };
    return a;
  }();
  return api;
}

static void need_plan_memory(bool by_name) {
  const long none_for = emulator_setting("no-plan-memory", 0);
  if (none_for == 1 || (none_for == 2 && by_name)) {
    throw Error(ErrorKind::out_of_memory,
                "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED, the emulator has none");
  }
}

// None where there is more padding than kernel, so that the loops without cuDNN are tested, too, and none at all with
// "no-plans" in the settings.
ConvPlans cudnn_plans(const ConvTarget& target, const ConvProblem& problem, size_t, size_t limit) {
  need_plan_memory(/*by_name=*/false);
  ConvPlans y;
  if (emulator_setting("no-plans", 0) || problem.geometry.pad >= problem.geometry.R) {
    y.refusal = "CUDNN_STATUS_NOT_SUPPORTED, the emulator has no engine for it";
    return y;
  }
  for (size_t i = 0; i < std::min<size_t>(limit, 3); ++i) {
    y.plans.push_back(std::make_shared<EmulatedPlan>(target, problem, static_cast<int>(i)));
  }
  return y;
}

ConvPlans cudnn_plan(const ConvTarget& target, const ConvProblem& problem, size_t workspace_limit,
                     const std::string& name) {
  need_plan_memory(/*by_name=*/true);
  ConvPlans all = cudnn_plans(target, problem, workspace_limit, size_t(-1)), y;
  y.refusal = all.refusal;
  for (auto& plan : all.plans) {
    if (plan->name() == name) y.plans.push_back(std::move(plan));
  }
  return y;
}

}  // namespace counterpoise::detail
