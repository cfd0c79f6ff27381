// How cuDNN is called: by descriptors (cudnn_descriptor.h). From bottom to top there are
//
//   tensors       shape, strides and type of x, w, residual, bias and y, and of what flows from one operation to the
//                 next;
//   operations    convolution, additions, relu, its gradient, a sum: each names the tensors that it reads and the one
//                 that it writes;
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
#include <chrono>
#include <deque>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "kernels/cuda/check.h"
#include "kernels/cuda/cudnn_descriptor.h"

namespace counterpoise::detail {

namespace {

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
// forward pass residual, bias and relu are applied to a sum of products before it is rounded and stored; in the
// backward pass the mask of the relu below is.
class Graph {
 public:
  Graph(const ConvTarget& target, const ConvProblem& problem)
      : handle_(target.handle),
        queue_(target.queue),
        problem_(problem),
        g_(problem_.geometry),
        type_(problem.dtype == DType::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT) {
    if (!handle_) {
      const std::vector<char> json(target.properties.begin(), target.properties.end());
      properties_.emplace(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
      properties_->set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, json).finalize();
    }
    int steps = problem.residual + problem.bias + problem.relu;  // after the convolution
    const Descriptor* y = &result(steps == 0);
    const Descriptor& x = keep(input(problem.relu_grad ? 'g' : 'x', problem.relu_grad));
    convolution(names(problem.pass), x, *y);
    if (problem.relu_grad) {
      const Descriptor& dz = keep(input('x'));
      pointwise(CUDNN_POINTWISE_RELU_BWD, x, dz, nullptr, &keep(input('m')));
      add_up(dz, keep(tensor('d', CUDNN_DATA_FLOAT, 1, g_.C, 1, 1)));
    }
    const auto then = [&](cudnnPointwiseMode_t mode, const Descriptor* b = nullptr) {
      const Descriptor& next = result(--steps == 0);
      pointwise(mode, *y, next, b);
      y = &next;
    };
    // (In this order: for a residual after the bias there are only engines that must be compiled first. In bf16 the
    // bias is in bf16, too, for the same reason.)
    if (problem.residual) then(CUDNN_POINTWISE_ADD, &keep(tensor('r', type_, g_.N, g_.K, g_.P, g_.Q)));
    if (problem.bias) then(CUDNN_POINTWISE_ADD, &keep(tensor('b', type_, 1, g_.K, 1, 1)));
    if (problem.relu) then(CUDNN_POINTWISE_RELU_FWD);
    if (handle_) graph_.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle_);
    graph_.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations_);
  }
  cudnnHandle_t handle() const { return handle_; }
  Queue* queue() const { return queue_; }
  const ConvProblem& problem() const { return problem_; }
  bool try_finalize(std::string& refusal) { return graph_.try_finalize(refusal); }
  const Descriptor& descriptor() const { return graph_; }
  // Says for which GPU a heuristic or a plan is, where no handle does.
  void describe_gpu(Descriptor& part, Attribute name) const {
    if (properties_) part.set(name, *properties_);
  }

 private:
  const Descriptor& keep(Descriptor part) { return parts_.emplace_back(std::move(part)); }

  // A tensor of x's shape: x itself, a gradient with respect to it before the mask, or the numbers that mask it.
  Descriptor input(char name, bool is_virtual = false) const {
    return tensor(name, is_virtual ? CUDNN_DATA_FLOAT : type_, g_.N, g_.C, g_.H, g_.W, is_virtual);
  }
  // What an operation writes: the last one y, another a virtual tensor of f32.
  const Descriptor& result(bool last) {
    return keep(
        tensor(last ? 'y' : int64_t(parts_.size()), last ? type_ : CUDNN_DATA_FLOAT, g_.N, g_.K, g_.P, g_.Q, !last));
  }

  void convolution(const ConvNames& names, const Descriptor& x, const Descriptor& y) {
    const std::vector<int64_t> pad(2, g_.pad), stride(2, g_.stride), dilation(2, 1);
    Descriptor how(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    how.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
    how.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT).set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t(2));
    how.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, pad).set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, pad);
    how.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, stride).set(CUDNN_ATTR_CONVOLUTION_DILATIONS, dilation);
    how.finalize();

    Descriptor operation(names.operation);
    operation.set(names.x, x).set(names.y, y);
    operation.set(names.w, keep(tensor('w', type_, g_.K, g_.C, g_.R, g_.S)));
    operation.set(names.convolution, keep(std::move(how))).set(names.alpha, 1.0f).set(names.beta, 0.0f);
    operations_.push_back(std::move(operation.finalize()));
  }
  // y = f(x) or f(x, b); or, if the `mask` is given, the gradient y of f's input where its output was the mask and the
  // gradient of that is x.
  void pointwise(cudnnPointwiseMode_t mode, const Descriptor& x, const Descriptor& y, const Descriptor* b = nullptr,
                 const Descriptor* mask = nullptr) {
    Descriptor how(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    how.set(CUDNN_ATTR_POINTWISE_MODE, mode).set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
    // relu(NaN) = NaN: this excludes no engine, but only engines with the note STRICT_NAN_PROP must obey it.
    how.set(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_PROPAGATE_NAN).finalize();

    Descriptor operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, keep(std::move(how)));
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, mask ? *mask : x);
    if (mask) operation.set(CUDNN_ATTR_OPERATION_POINTWISE_DYDESC, x);
    operation.set(mask ? CUDNN_ATTR_OPERATION_POINTWISE_DXDESC : CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    if (b) operation.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
    operations_.push_back(std::move(operation.finalize()));
  }
  // y = the sum of x over the axes along which y has the extent 1.
  void add_up(const Descriptor& x, const Descriptor& y) {
    Descriptor how(CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
    how.set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_REDUCE_TENSOR_ADD);
    how.set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_DATA_FLOAT).finalize();
    Descriptor operation(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
    operation.set(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x).set(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, y);
    operation.set(CUDNN_ATTR_OPERATION_REDUCTION_DESC, keep(std::move(how)));
    operations_.push_back(std::move(operation.finalize()));
  }

  const cudnnHandle_t handle_;
  Queue* const queue_;
  const ConvProblem problem_;
  const ConvGeometry& g_;
  const cudnnDataType_t type_;
  std::optional<Descriptor> properties_;  // of a GPU that is only described, which needs cuDNN 9.8
  std::deque<Descriptor> parts_;          // tensors and parameters of operations; their addresses do not change
  std::vector<Descriptor> operations_;
  Descriptor graph_{CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR};
};

// -- engines --

// Engine configurations that a heuristic proposes, the likely fastest first. Modes A and B know which are fast, B by a
// longer look at the problem. The last mode has engines that are slow but compute nearly any graph: it is queried where
// the others have few, as for exact f32 on GPUs with tensor cores.
constexpr size_t few = 4;
constexpr cudnnBackendHeurMode_t modes[] = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_B, CUDNN_HEUR_MODE_FALLBACK};

std::vector<Descriptor> configs(const Graph& graph, cudnnBackendHeurMode_t mode, std::string& refusal) {
  Descriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph.descriptor()).set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
  graph.describe_gpu(heuristic, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP);
  if (!heuristic.try_finalize(refusal)) return {};
  const Attribute results = CUDNN_ATTR_ENGINEHEUR_RESULTS;
  return heuristic.parts(results, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, heuristic.count_parts(results));
}

Descriptor engine_of(const Descriptor& config) {
  return std::move(config.parts(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, 1).at(0));
}

// More than any config or engine has, but few enough that no release of cuDNN 9 rejects the request.
constexpr int64_t max_knobs = 20, max_notes = 8, max_behaviors = 5;

// "engine 62, knobs 2=7 13=1": cudnn_graph.h has the meanings of the numbers. No two configs of a graph have the same
// name.
std::string name_of(const Descriptor& config) {
  std::string y = text("engine ", engine_of(config).get<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX), ", knobs");
  for (const Descriptor& knob :
       config.parts(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, max_knobs)) {
    y += text(" ", int(knob.get<cudnnBackendKnobType_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE)), "=",
              knob.get<int64_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE));
  }
  return y;
}

// The inverse of name_of(). Parts are kept alive in `parts`. None, and why, if the graph has no such config.
std::optional<Descriptor> config_named(const Graph& graph, const std::string& name, std::deque<Descriptor>& parts,
                                       std::string& refusal) {
  std::istringstream in(name);
  std::string word;
  int64_t index = -1;
  in >> word >> index >> word >> word;  // "engine" 62 "," "knobs"
  Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  engine.set(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, graph.descriptor()).set(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, index);
  graph.describe_gpu(engine, CUDNN_ATTR_ENGINE_DEVICEPROP);
  if (!engine.try_finalize(refusal)) return std::nullopt;
  std::vector<Descriptor> knobs;
  int type;
  int64_t value;
  char equals;
  while (in >> type >> equals >> value) {
    Descriptor& knob = knobs.emplace_back(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
    knob.set(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, cudnnBackendKnobType_t(type));
    knob.set(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, value);
    if (!knob.try_finalize(refusal)) return std::nullopt;
  }
  Descriptor config(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
  config.set(CUDNN_ATTR_ENGINECFG_ENGINE, engine);
  if (!knobs.empty()) config.set(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, knobs);
  if (!config.try_finalize(refusal)) return std::nullopt;
  parts.push_back(std::move(engine));
  for (Descriptor& knob : knobs) parts.push_back(std::move(knob));
  return config;
}

// Whether an engine is as exact as we promise: it multiplies the numbers that it is given, or their TF32 roundings if
// those are requested, and sums in f32. Tensor cores do so for bf16, but for f32 they imply TF32. An engine that
// converts its inputs to a smaller type first, or accumulates in one, is not, for any type. Winograd and FFT
// algorithms are allowed: their rounding errors are larger, but still those of f32.
bool is_allowed(const Descriptor& engine, const ConvProblem& problem) {
  for (auto note : engine.list<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, max_notes)) {
    if (note == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS) return false;
    if (note == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) return false;
    if (note == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC && problem.deterministic) return false;
    if (note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE && problem.dtype == DType::f32 && !problem.tf32) return false;
  }
  return true;
}

bool is_compiled_first(const Descriptor& engine) {
  const auto notes = engine.list<cudnnBackendBehaviorNote_t>(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, max_behaviors);
  return std::count(notes.begin(), notes.end(), CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION) > 0;
}

class CudnnPlan final : public LibraryPlan {
 public:
  CudnnPlan(std::shared_ptr<const Graph> graph, Descriptor config, std::deque<Descriptor> parts = {})
      : LibraryPlan(graph->queue()), graph_(std::move(graph)), parts_(std::move(parts)), config_(std::move(config)) {
    if (graph_->handle()) plan_.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, graph_->handle());
    graph_->describe_gpu(plan_, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP);
    plan_.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config_);
  }
  // Some configs turn out not to work only now.
  bool try_finalize(size_t workspace_limit, std::string& refusal) {
    const auto start = std::chrono::steady_clock::now();
    if (!plan_.try_finalize(refusal)) return false;
    prepare_ms_ = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    if (workspace_bytes() <= workspace_limit) return true;
    refusal = text(name(), " needs a workspace of ", workspace_bytes() >> 20, " MiB");
    return false;
  }

  std::string name() const override { return name_of(config_); }
  size_t workspace_bytes() const override { return plan_.get<int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE); }
  double prepare_ms() const override { return prepare_ms_; }

 private:
  void execute(const ConvData& data, void* workspace, cudaStream_t stream) const override {
    const ConvProblem& problem = graph_->problem();
    std::vector<int64_t> names = {'x', 'w', 'y'};
    // (cuDNN takes all addresses as void*; the graph says which tensor it writes.)
    const auto address = [&](const void* read) { return read ? const_cast<void*>(read) : data.out; };
    std::vector<void*> addresses = {problem.relu_grad ? data.out : address(data.x), address(data.w), address(data.y)};
    const auto add = [&](char name, void* at) { names.push_back(name), addresses.push_back(at); };
    if (problem.bias) add('b', address(data.bias));
    if (problem.residual) add('r', address(data.residual));
    if (problem.relu_grad) {
      add('m', address(data.x)), add('d', data.db);
      // Engines whose blocks add to one sum expect it to be 0; cuDNN does not say which do.
      CP_CUDA_CHECK(cudaMemsetAsync(data.db, 0, sizeof(float) * problem.geometry.C, stream));
    }
    Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, names).set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, addresses);
    pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace).finalize();
    CP_CHECK_CUDNN(cudnn().backend_execute(graph_->handle(), plan_.raw(), pack.raw()));
  }

  const std::shared_ptr<const Graph> graph_;
  const std::deque<Descriptor> parts_;  // that the config refers to
  const Descriptor config_;
  Descriptor plan_{CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR};
  double prepare_ms_ = 0;
};

// Calls make(graph, result) with the problem's graph. What cuDNN refuses on the way ends in result.refusal: a library
// of it that is missing, tensors that are too large for it. That it has no memory just now is no refusal, but ends the
// search where plans were found before.
template <class Make>
ConvPlans with_graph(const ConvTarget& target, const ConvProblem& problem, const Make& make) {
  ConvPlans y;
  try {
    const auto graph = std::make_shared<Graph>(target, problem);
    if (graph->try_finalize(y.refusal)) make(graph, y);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::out_of_memory && y.plans.empty()) throw;
    y.refusal = error.what();
  }
  return y;
}

}  // namespace

ConvPlans cudnn_plans(const ConvTarget& target, const ConvProblem& problem, size_t workspace_limit, size_t limit) {
  return with_graph(target, problem, [&](const std::shared_ptr<Graph>& graph, ConvPlans& y) {
    std::set<std::string> seen;
    size_t compiled = 0;
    constexpr size_t most_compiled = 3;  // each takes about two seconds
    for (const cudnnBackendHeurMode_t mode : modes) {
      if (y.plans.size() >= limit || (mode == CUDNN_HEUR_MODE_FALLBACK && y.plans.size() >= few)) return;
      for (Descriptor& config : configs(*graph, mode, y.refusal)) {
        if (y.plans.size() >= limit) return;
        const Descriptor engine = engine_of(config);
        if (!is_allowed(engine, problem)) continue;
        const bool compiles = is_compiled_first(engine);
        if (compiles && (problem.relu_grad ? compiled == most_compiled : !y.plans.empty())) continue;
        if (!seen.insert(name_of(config)).second) continue;
        compiled += compiles;
        auto plan = std::make_shared<CudnnPlan>(graph, std::move(config));
        if (plan->try_finalize(workspace_limit, y.refusal)) y.plans.push_back(std::move(plan));
      }
    }
  });
}

ConvPlans cudnn_plan(const ConvTarget& target, const ConvProblem& problem, size_t workspace_limit,
                     const std::string& name) {
  return with_graph(target, problem, [&](const std::shared_ptr<Graph>& graph, ConvPlans& y) {
    std::deque<Descriptor> parts;
    std::optional<Descriptor> config = config_named(*graph, name, parts, y.refusal);
    if (!config) return;
    if (!is_allowed(engine_of(*config), problem)) return void(y.refusal = name + " is not exact enough");
    auto plan = std::make_shared<CudnnPlan>(graph, std::move(*config), std::move(parts));
    if (plan->try_finalize(workspace_limit, y.refusal)) y.plans.push_back(std::move(plan));
  });
}

}  // namespace counterpoise::detail
