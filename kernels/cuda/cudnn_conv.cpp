// How cuDNN is called. Its backend interface has one kind of object, the descriptor: it is created with a type, gets
// attributes, and is finalized, which checks it and makes it constant. From bottom to top there are
//
//   tensors       shape, strides and type of x, w, the bias and y, and of what flows from one operation to the next;
//   operations    convolution, addition of the bias, relu: each names the tensors that it reads and the one it writes;
//   the graph     all operations of one problem;
//   a heuristic   which answers a graph with engine configurations, the likely fastest first;
//   an engine     a family of kernels that can compute the graph, with notes on how it calculates;
//   a config      an engine with its knobs set: the sizes of tiles, how sums are split;
//   a plan        a config made ready to run on this GPU, which for some engines means that kernels are compiled now;
//   variant pack  the addresses of the tensors in one execution of a plan.
//
// NVIDIA, "cuDNN Backend API", docs.nvidia.com/deeplearning/cudnn.
#include "kernels/cuda/cudnn_conv.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <set>
#include <utility>

#include "kernels/cuda/libraries.h"

namespace counterpoise::detail {

namespace {

void check(cudnnStatus_t status, const char* expression, const char* file, int line) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  char reason[1024] = "";
  cudnn().get_last_error_string(reason, sizeof reason);
  throw Error(ErrorKind::device, file, ":", line, ": ", expression, ": ", cudnn().get_error_string(status), ", ",
              reason);
}

#define CHECK_CUDNN(call) check(call, #call, __FILE__, __LINE__)

// -- descriptors --

using Attribute = cudnnBackendAttributeName_t;
using Type = cudnnBackendAttributeType_t;

// What cuDNN calls the types of values.
constexpr Type type_of(const bool*) { return CUDNN_TYPE_BOOLEAN; }
constexpr Type type_of(const int64_t*) { return CUDNN_TYPE_INT64; }
constexpr Type type_of(const float*) { return CUDNN_TYPE_FLOAT; }
constexpr Type type_of(void* const*) { return CUDNN_TYPE_VOID_PTR; }
constexpr Type type_of(const cudnnHandle_t*) { return CUDNN_TYPE_HANDLE; }
constexpr Type type_of(const cudnnDataType_t*) { return CUDNN_TYPE_DATA_TYPE; }
constexpr Type type_of(const cudnnConvolutionMode_t*) { return CUDNN_TYPE_CONVOLUTION_MODE; }
constexpr Type type_of(const cudnnPointwiseMode_t*) { return CUDNN_TYPE_POINTWISE_MODE; }
constexpr Type type_of(const cudnnNanPropagation_t*) { return CUDNN_TYPE_NAN_PROPOGATION; }
constexpr Type type_of(const cudnnBackendHeurMode_t*) { return CUDNN_TYPE_HEUR_MODE; }
constexpr Type type_of(const cudnnBackendKnobType_t*) { return CUDNN_TYPE_KNOB_TYPE; }
constexpr Type type_of(const cudnnBackendNumericalNote_t*) { return CUDNN_TYPE_NUMERICAL_NOTE; }

class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type) {
    CHECK_CUDNN(cudnn().backend_create_descriptor(type, &raw_));
  }
  Descriptor(Descriptor&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  ~Descriptor() {
    if (raw_) cudnn().backend_destroy_descriptor(raw_);
  }
  cudnnBackendDescriptor_t raw() const { return raw_; }

  template <class T>
  Descriptor& set(Attribute name, const T& value) {
    return set(name, type_of(&value), 1, &value);
  }
  template <class T>
  Descriptor& set(Attribute name, const std::vector<T>& values) {
    return set(name, type_of(values.data()), values.size(), values.data());
  }
  Descriptor& set(Attribute name, const Descriptor& part) {
    return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part.raw_);
  }
  Descriptor& set(Attribute name, const std::vector<Descriptor>& parts) {
    const std::vector<cudnnBackendDescriptor_t> raw = raws(parts);
    return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, raw.size(), raw.data());
  }

  Descriptor& finalize() {
    CHECK_CUDNN(cudnn().backend_finalize(raw_));
    return *this;
  }
  // For what cuDNN may refuse although our call is correct.
  bool try_finalize() { return cudnn().backend_finalize(raw_) == CUDNN_STATUS_SUCCESS; }

  template <class T>
  T get(Attribute name) const {
    T value;
    get(name, type_of(&value), 1, &value);
    return value;
  }
  // At most `limit` values.
  template <class T>
  std::vector<T> list(Attribute name, int64_t limit) const {
    std::vector<T> values(limit);
    values.resize(get(name, type_of(values.data()), limit, values.data()));
    return values;
  }
  // The descriptors, at most `limit`, that belong to this one: we create them, cuDNN fills them in.
  std::vector<Descriptor> parts(Attribute name, cudnnBackendDescriptorType_t type, int64_t limit) const {
    std::vector<Descriptor> y;
    while (int64_t(y.size()) < limit) y.emplace_back(type);
    std::vector<cudnnBackendDescriptor_t> raw = raws(y);
    const int64_t filled = get(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, limit, raw.data());
    while (int64_t(y.size()) > filled) y.pop_back();
    return y;
  }
  int64_t count_parts(Attribute name) const {
    int64_t count = 0;
    CHECK_CUDNN(cudnn().backend_get_attribute(raw_, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr));
    return count;
  }

 private:
  static std::vector<cudnnBackendDescriptor_t> raws(const std::vector<Descriptor>& descriptors) {
    std::vector<cudnnBackendDescriptor_t> y;
    for (const Descriptor& d : descriptors) y.push_back(d.raw_);
    return y;
  }
  Descriptor& set(Attribute name, Type type, int64_t count, const void* values) {
    CHECK_CUDNN(cudnn().backend_set_attribute(raw_, name, type, count, values));
    return *this;
  }
  int64_t get(Attribute name, Type type, int64_t limit, void* values) const {
    int64_t count = 0;
    CHECK_CUDNN(cudnn().backend_get_attribute(raw_, name, type, limit, &count, values));
    return std::min(count, limit);
  }

  cudnnBackendDescriptor_t raw_ = nullptr;
};

// -- the graph --

// The strides say that channels are innermost in memory, though cuDNN lists the axes as N, C, H, W (of weights as
// K, C, R, S). A virtual tensor has no memory: it connects one operation to the next.
Descriptor tensor(int64_t name, cudnnDataType_t type, Index n, Index c, Index h, Index w, bool is_virtual = false) {
  Descriptor y(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  y.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, name).set(CUDNN_ATTR_TENSOR_DATA_TYPE, type);
  y.set(CUDNN_ATTR_TENSOR_DIMENSIONS, std::vector<int64_t>{n, c, h, w});
  y.set(CUDNN_ATTR_TENSOR_STRIDES, std::vector<int64_t>{h * w * c, 1, w * c, c});
  y.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, int64_t(16)).set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, is_virtual);
  return std::move(y.finalize());
}

// cuDNN has names of its own for the attributes of each pass.
struct ConvNames {
  cudnnBackendDescriptorType_t operation;
  Attribute alpha, beta, convolution, x, w, y;
};

const ConvNames& names(ConvProblem::Pass pass) {
#define ATTRIBUTE(name) CUDNN_ATTR_OPERATION_CONVOLUTION_##name
#define NAMES(pass, x, w, y)                                                                           \
  ATTRIBUTE(pass##_ALPHA), ATTRIBUTE(pass##_BETA), ATTRIBUTE(pass##_CONV_DESC), ATTRIBUTE(pass##_##x), \
      ATTRIBUTE(pass##_##w), ATTRIBUTE(pass##_##y)
  static const ConvNames all[] = {
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, NAMES(FORWARD, X, W, Y)},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, NAMES(BWD_DATA, DX, W, DY)},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, NAMES(BWD_FILTER, X, DW, DY)},
  };
#undef NAMES
#undef ATTRIBUTE
  return all[pass];
}

// The operations of a problem and everything that they refer to, which cuDNN does not promise to keep alive. In the
// forward pass bias and relu are applied to a sum of products before it is rounded and stored.
class Graph {
 public:
  Graph(cudnnHandle_t handle, const ConvProblem& problem)
      : g_(problem.geometry), type_(problem.dtype == DType::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT) {
    const bool forward = problem.pass == ConvProblem::forward, relu = forward && problem.relu;
    has_bias_ = forward && problem.bias;
    const Descriptor& sum = result(!has_bias_ && !relu);
    convolution(names(problem.pass), sum);
    const Descriptor& shifted = has_bias_ ? result(!relu) : sum;
    // (In bf16 the bias is in bf16, too: for one in f32 there are only engines that must be compiled first.)
    if (has_bias_) pointwise(CUDNN_POINTWISE_ADD, sum, shifted, &keep(tensor('b', type_, 1, g_.K, 1, 1)));
    if (relu) pointwise(CUDNN_POINTWISE_RELU_FWD, shifted, result(true));
    graph_.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle).set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations_);
  }
  bool has_bias() const { return has_bias_; }
  bool try_finalize() { return graph_.try_finalize(); }
  const Descriptor& descriptor() const { return graph_; }

 private:
  const Descriptor& keep(Descriptor part) { return parts_.emplace_back(std::move(part)); }

  // What an operation writes: the last one y, another a virtual tensor of f32.
  const Descriptor& result(bool last) {
    return keep(
        tensor(last ? 'y' : int64_t(parts_.size()), last ? type_ : CUDNN_DATA_FLOAT, g_.N, g_.K, g_.P, g_.Q, !last));
  }

  void convolution(const ConvNames& names, const Descriptor& y) {
    const std::vector<int64_t> pad(2, g_.pad), stride(2, g_.stride), dilation(2, 1);
    Descriptor how(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    how.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
    how.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT).set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t(2));
    how.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, pad).set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, pad);
    how.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, stride).set(CUDNN_ATTR_CONVOLUTION_DILATIONS, dilation);
    how.finalize();

    Descriptor operation(names.operation);
    operation.set(names.x, keep(tensor('x', type_, g_.N, g_.C, g_.H, g_.W)));
    operation.set(names.w, keep(tensor('w', type_, g_.K, g_.C, g_.R, g_.S))).set(names.y, y);
    operation.set(names.convolution, keep(std::move(how))).set(names.alpha, 1.0f).set(names.beta, 0.0f);
    operations_.push_back(std::move(operation.finalize()));
  }
  void pointwise(cudnnPointwiseMode_t mode, const Descriptor& x, const Descriptor& y, const Descriptor* b = nullptr) {
    Descriptor how(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    how.set(CUDNN_ATTR_POINTWISE_MODE, mode).set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
    // relu(NaN) = NaN: this excludes no engine, but only engines with the note STRICT_NAN_PROP must obey it.
    how.set(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_PROPAGATE_NAN).finalize();

    Descriptor operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, keep(std::move(how)));
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x).set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    if (b) operation.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
    operations_.push_back(std::move(operation.finalize()));
  }

  const ConvGeometry g_;
  const cudnnDataType_t type_;
  bool has_bias_ = false;
  std::deque<Descriptor> parts_;  // tensors and parameters of operations; their addresses do not change
  std::vector<Descriptor> operations_;
  Descriptor graph_{CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR};
};

// -- engines --

// Engine configurations that can compute a graph: the likely fastest first, and then those of engines that are slow but
// compute nearly any graph; some are in both lists.
std::vector<Descriptor> configs(const Graph& graph) {
  std::vector<Descriptor> y;
  for (cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    Descriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph.descriptor()).set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
    if (!heuristic.try_finalize()) continue;
    const Attribute results = CUDNN_ATTR_ENGINEHEUR_RESULTS;
    auto found = heuristic.parts(results, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, heuristic.count_parts(results));
    std::move(found.begin(), found.end(), std::back_inserter(y));
  }
  return y;
}

Descriptor engine_of(const Descriptor& config) {
  return std::move(config.parts(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, 1).at(0));
}

// More than any config or engine has, but few enough that no release of cuDNN 9 rejects the request.
constexpr int64_t max_knobs = 20, max_notes = 8;

std::vector<cudnnBackendNumericalNote_t> notes(const Descriptor& engine) {
  return engine.list<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, max_notes);
}

// "engine 62, knobs 2=7 13=1, notes 0": cudnn_graph.h has the meanings of the numbers. No two configs of a graph have
// the same name.
std::string name_of(const Descriptor& config) {
  const Descriptor engine = engine_of(config);
  std::string y = text("engine ", engine.get<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX), ", knobs");
  for (const Descriptor& knob :
       config.parts(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, max_knobs)) {
    y += text(" ", int(knob.get<cudnnBackendKnobType_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE)), "=",
              knob.get<int64_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE));
  }
  y += ", notes";
  for (cudnnBackendNumericalNote_t note : notes(engine)) y += text(" ", int(note));
  return y;
}

// Whether an engine is as exact as we promise: it multiplies the numbers that it is given, or their TF32 roundings if
// those are requested, and sums in f32. Tensor cores do so for bf16, but for f32 they imply TF32. An engine that
// converts its inputs to a smaller type first, or accumulates in one, is not, for any type. Winograd and FFT
// algorithms are allowed: their rounding errors are larger, but still those of f32.
bool is_allowed(const Descriptor& config, const ConvProblem& problem) {
  for (cudnnBackendNumericalNote_t note : notes(engine_of(config))) {
    if (note == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS) return false;
    if (note == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) return false;
    if (note == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC && problem.deterministic) return false;
    if (note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE && problem.dtype == DType::f32 && !problem.tf32) return false;
  }
  return true;
}

class CudnnPlan final : public ConvPlan {
 public:
  CudnnPlan(cudnnHandle_t handle, std::shared_ptr<const Graph> graph, Descriptor config)
      : handle_(handle), graph_(std::move(graph)), config_(std::move(config)) {
    plan_.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle).set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config_);
  }
  bool try_finalize() { return plan_.try_finalize(); }

  std::string name() const override { return name_of(config_); }
  size_t workspace_bytes() const override { return plan_.get<int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE); }

  void run(const ConvData& data, void* workspace) const override {
    std::vector<int64_t> names = {'x', 'w', 'y'};
    // (cuDNN takes all addresses as void*; the graph says which tensor it writes.)
    const auto address = [&](const void* read) { return read ? const_cast<void*>(read) : data.out; };
    std::vector<void*> addresses = {address(data.x), address(data.w), address(data.y)};
    if (graph_->has_bias()) names.push_back('b'), addresses.push_back(address(data.bias));
    Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, names).set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, addresses);
    pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace).finalize();
    CHECK_CUDNN(cudnn().backend_execute(handle_, plan_.raw(), pack.raw()));
  }

 private:
  const cudnnHandle_t handle_;
  const std::shared_ptr<const Graph> graph_;
  const Descriptor config_;
  Descriptor plan_{CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR};
};

}  // namespace

std::vector<std::unique_ptr<ConvPlan>> cudnn_plans(cudnnHandle_t handle, const ConvProblem& problem, int limit,
                                                   size_t workspace_limit) {
  std::vector<std::unique_ptr<ConvPlan>> plans;
  const auto graph = std::make_shared<Graph>(handle, problem);
  if (!graph->try_finalize()) return plans;
  std::set<std::string> seen;
  for (Descriptor& config : configs(*graph)) {
    if (int(plans.size()) >= limit) break;
    if (!is_allowed(config, problem) || !seen.insert(name_of(config)).second) continue;
    auto plan = std::make_unique<CudnnPlan>(handle, graph, std::move(config));
    // Some configs turn out not to work only now; the next one may.
    if (plan->try_finalize() && plan->workspace_bytes() <= workspace_limit) plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace counterpoise::detail
