#include "core/var.h"

#include <optional>
#include <unordered_set>
#include <utility>

namespace counterpoise {

struct Var::Stored {
  Tensor value, rounding;
  uint64_t rounded_version = 0;  // of the value, when it was rounded
};

namespace {

// What a gradient must be of.
struct Kind {
  Shape shape;
  DType dtype = DType::f32;
  Backend* backend = nullptr;

  Kind() = default;
  template <class T>  // a Tensor or a Gradient
  explicit Kind(const T& x) : shape(x.shape()), dtype(x.dtype()), backend(x.defined() ? &x.backend() : nullptr) {}
  bool operator==(const Kind& other) const {
    return shape == other.shape && dtype == other.dtype && backend == other.backend;
  }
  std::string text() const {
    return detail::text("shape ", shape, " in ", name(dtype), " on ", backend ? backend->name() : "no backend");
  }
};

}  // namespace

// The place of a variable in the graph. It does not own the value.
struct GradientEdge::Node {
  // A value that an operation read or wrote, as it was then.
  struct Seen {
    std::weak_ptr<Var::Stored> stored;
    TensorWatch memory;
    explicit Seen(const Var& x) : stored(x.stored_), memory(x.defined() ? x.value() : Tensor()) {}
    // A value that no Var has any more may be in memory that something else has.
    bool is_unchanged() const {
      const auto now = stored.lock();
      return now ? now->value.version() == memory.version() : memory.unchanged();
    }
  };
  struct Input {
    std::shared_ptr<Node> node;  // null for no variable
    Seen read;
  };

  Gradient grad;
  bool requires_grad = false;
  const char* operation = nullptr;  // null for a leaf
  int uses = 0;                     // in the graph of the present backward(), until it reaches this node
  std::vector<Input> inputs;
  std::optional<Seen> written;  // the operation's result
  std::function<void(Gradient)> backward;
  std::weak_ptr<Var::Stored> stored;
  Kind first;  // of the value that the variable was made with

  Kind kind() const {
    const auto now = stored.lock();
    return now ? Kind(now->value) : first;
  }

  // Throws unless all of these values are still what the operation read and wrote.
  void check_versions() const {
    for (size_t i = 0; i < inputs.size(); ++i) {
      CP_ENSURE(inputs[i].read.is_unchanged(), "backward: input ", i, " of ", operation,
                " was written after the operation had read it; compute the loss again, or write after backward()");
    }
    CP_ENSURE(written->is_unchanged(), "backward: the result of ", operation,
              " was written after it had been computed; write to a clone() of it");
  }

  // A long chain of nodes that own each other must not be destroyed by recursion: it would overflow the stack.
  ~Node() {
    std::vector<Input> orphans = std::move(inputs);
    backward = nullptr;
    while (!orphans.empty()) {
      const std::shared_ptr<Node> last = std::move(orphans.back().node);
      orphans.pop_back();
      if (last.use_count() != 1) continue;
      last->backward = nullptr;
      for (Input& input : last->inputs) orphans.push_back(std::move(input));
      last->inputs.clear();
    }
  }
};

namespace {
thread_local bool recording = true;
}

NoGrad::NoGrad() : before_(recording) { recording = false; }
NoGrad::~NoGrad() { recording = before_; }
bool NoGrad::active() { return !recording; }

Var::Var(Tensor value, bool requires_grad) : stored_(std::make_shared<Stored>()), node_(std::make_shared<Node>()) {
  node_->first = Kind(value);
  node_->stored = stored_;
  node_->requires_grad = requires_grad;
  stored_->value = std::move(value);
}

Var::Stored& Var::stored() const {
  CP_ENSURE(defined(), "this variable was never given a value");
  return *stored_;
}

const Tensor& Var::value() const { return stored().value; }
Tensor& Var::value() { return stored().value; }
bool Var::requires_grad() const { return defined() && node_->requires_grad; }
bool Var::is_leaf() const {
  CP_ENSURE(defined(), "this variable was never given a value");
  return !node_->operation;
}

const Tensor& Var::grad() const {
  CP_ENSURE(defined(), "this variable was never given a value, so it has no gradient");
  return node_->grad.value();
}

void Var::zero_grad() {
  if (defined()) node_->grad = {};
}

void Var::set_value(Tensor value) {
  CP_ENSURE(is_leaf(), "set_value: this variable was computed by ", node_->operation, "; only a leaf can be set");
  CP_ENSURE(value.shape() == shape(), "set_value: shape ", value.shape(), " for a variable of shape ", shape());
  CP_ENSURE(value.dtype() == this->value().dtype(), "set_value: ", name(value.dtype()), " for a variable in ",
            name(this->value().dtype()), "; convert it with Tensor::cast()");
  if (&value.backend() != &backend()) stored_->rounding = {}, stored_->rounded_version = 0, node_->grad = {};
  stored_->value = std::move(value);
}

const Tensor& Var::rounded() const {
  const Tensor& x = value();
  Tensor& y = stored_->rounding;
  if (x.version() != stored_->rounded_version) {
    stored_->rounded_version = 0;  // whatever is thrown below
    // (What a graph still refers to must not change.)
    if (!y.unique() || y.shape() != x.shape() || &y.backend() != &x.backend()) {
      y = Tensor();  // before the new one takes memory
      y = Tensor::empty(x.backend(), x.shape(), DType::bf16);
    }
    x.backend().cast(x, y);
    stored_->rounded_version = x.version();
  }
  return y;
}

Tensor Var::cached_rounding() const {
  const bool is_current = value().version() == stored_->rounded_version;
  return is_current && stored_->rounding.unique() ? stored_->rounding : Tensor();
}

void Var::mark_rounding(uint64_t version) {
  if (value().version() == version) stored_->rounded_version = version;
}

void Var::add_grad(Gradient gradient) const { GradientEdge(*this).add_grad(std::move(gradient)); }

GradientEdge::GradientEdge(const Var& from) : node_(from.node_) {}

bool GradientEdge::requires_grad() const { return node_ && node_->requires_grad; }
Shape GradientEdge::shape() const {
  CP_ENSURE(node_, "this is the edge of no variable");
  return node_->kind().shape;
}
DType GradientEdge::dtype() const {
  CP_ENSURE(node_, "this is the edge of no variable");
  return node_->kind().dtype;
}

void GradientEdge::add_grad(Gradient gradient) const {
  if (!requires_grad()) return;
  const Kind kind = node_->kind();
  const char* const operation = node_->operation ? node_->operation : "a leaf";
  CP_ENSURE(gradient.defined(), "add_grad: the gradient of ", operation, " is undefined");
  CP_ENSURE(!node_->operation || node_->uses > 0, "add_grad: the result of ", operation,
            " gets a gradient when backward() does not come to it any more; an operation must name it as an input");
  CP_ENSURE(Kind(gradient) == kind, "add_grad: a gradient of ", Kind(gradient).text(), " for the value of ", operation,
            " of ", kind.text(), "; convert it with cast() or to()");
  Gradient& kept = node_->grad;
  CP_ENSURE(!kept.defined() || Kind(kept) == kind, "add_grad: ", operation, " has a gradient of ", Kind(kept).text(),
            " from before its value was replaced by one of ", kind.text(), "; call zero_grad() first");
  // What a pending gradient needs, the gradient of another operation's result, may be larger than it, and must not be
  // kept until the last of several gradients has come.
  const bool may_wait = node_->operation && node_->uses == 1;
  if (gradient.pending() && !may_wait) gradient = Tensor(std::move(gradient));
  if (!kept.defined()) return void(kept = std::move(gradient));
  Tensor sum = std::move(kept);
  if (!sum.unique()) sum = sum.clone();  // another variable's gradient may be in the same memory
  sum.backend().add_scaled(1, Tensor(std::move(gradient)), sum);
  kept = std::move(sum);
}

Var Var::from_op(const char* operation, Tensor value, std::vector<Var> inputs, std::function<void(Gradient)> backward) {
  CP_ENSURE(backward, operation, ": an operation needs a function for its backward pass");
  Var y(std::move(value));
  bool needed = false;
  for (const Var& input : inputs) needed = needed || input.requires_grad();
  if (!recording || !needed) return y;
  y.node_->requires_grad = true;
  y.node_->operation = operation;
  y.node_->inputs.reserve(inputs.size());
  for (const Var& input : inputs) y.node_->inputs.push_back({input.node_, Node::Seen(input)});
  y.node_->written.emplace(y);
  y.node_->backward = std::move(backward);
  return y;
}

// This node and those that it was computed from and that require a gradient, each after all of its inputs, found by
// depth-first search with its own stack.
std::vector<std::shared_ptr<Var::Node>> Var::sorted() const {
  std::vector<std::shared_ptr<Node>> order;
  std::unordered_set<const Node*> seen = {node_.get()};
  std::vector<std::pair<std::shared_ptr<Node>, size_t>> stack = {{node_, 0}};  // and how many inputs were visited
  while (!stack.empty()) {
    const std::shared_ptr<Node> node = stack.back().first;
    CP_ENSURE(!node->operation || node->backward, "backward: this graph, or the part of it from ", node->operation,
              " on, was already freed by an earlier backward(); compute the loss again");
    if (stack.back().second == node->inputs.size()) {
      if (node->operation) node->check_versions();
      order.push_back(node);
      stack.pop_back();
      continue;
    }
    const std::shared_ptr<Node>& input = node->inputs[stack.back().second++].node;
    if (!input || !input->requires_grad) continue;
    if (seen.insert(input.get()).second) stack.push_back({input, 0});
  }
  return order;
}

void Var::backward() const {
  CP_ENSURE(value().size() == 1, "backward: the loss has shape ", shape(), ", not one element; take its mean or sum");
  CP_ENSURE(requires_grad(), "backward: nothing that this was computed from requires a gradient");
  std::vector<std::shared_ptr<Node>> order = sorted();
  // Counted when nothing more can be refused: what is counted gets gradients.
  for (const auto& node : order) {
    node->uses = 0;
    for (const Node::Input& input : node->inputs) {
      if (input.node && input.node->requires_grad) ++input.node->uses;
    }
  }
  node_->uses = 1;

  try {
    add_grad(Tensor::full(backend(), shape(), 1, value().dtype()));
    while (!order.empty()) {
      const std::shared_ptr<Node> last = std::move(order.back());
      order.pop_back();
      Node& node = *last;
      if (!node.backward) continue;  // a leaf keeps its gradient
      const std::function<void(Gradient)> backward = std::move(node.backward);
      node.backward = nullptr;
      Gradient gradient = std::move(node.grad);
      node.grad = {};
      node.inputs.clear();
      node.uses = 0;
      // What an operation above computes aside (Backend::aside()) is computed beside a pending gradient alone.
      if (!gradient.pending()) this->backend().rejoin();
      if (gradient.defined()) backward(std::move(gradient));
    }
    this->backend().rejoin();
  } catch (...) {
    // Gradients that were on their way must not be added to those of another backward().
    for (const auto& node : order) {
      if (node->operation) node->grad = {}, node->uses = 0;
    }
    try {
      this->backend().rejoin();
    } catch (const Error&) {  // what is thrown already came first
    }
    throw;
  }
}

}  // namespace counterpoise
