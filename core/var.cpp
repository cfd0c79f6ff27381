#include "core/var.h"

#include <unordered_set>
#include <utility>

namespace counterpoise {

struct Var::Node {
  Tensor value;
  Gradient grad;
  bool requires_grad = false;
  Tensor rounding;  // of the value when that had this version
  uint64_t rounded_version = 0;
  const char* operation = nullptr;  // null for a leaf
  int uses = 0;                     // in the graph of the present backward(), until it reaches this node
  std::vector<Var> inputs;
  std::vector<uint64_t> read;  // the versions of the inputs' values that the operation read
  uint64_t written = 0;        // that of its result
  std::function<void(Gradient)> backward;

  // Throws unless all of these values are still what the operation read and wrote.
  void check_versions() const {
    for (size_t i = 0; i < inputs.size(); ++i) {
      CP_ENSURE(version_of(inputs[i]) == read[i], "backward: input ", i, " of ", operation,
                " was written after the operation had read it; compute the loss again, or write after backward()");
    }
    CP_ENSURE(value.version() == written, "backward: the result of ", operation,
              " was written after it had been computed; write to a clone() of it");
  }
  static uint64_t version_of(const Var& x) { return x.defined() ? x.value().version() : 0; }

  // A long chain of nodes that own each other must not be destroyed by recursion: it would overflow the stack.
  ~Node() {
    std::vector<Var> orphans = std::move(inputs);
    backward = nullptr;
    while (!orphans.empty()) {
      const Var last = std::move(orphans.back());
      orphans.pop_back();
      if (last.node_.use_count() != 1) continue;
      last.node_->backward = nullptr;
      for (Var& input : last.node_->inputs) orphans.push_back(std::move(input));
      last.node_->inputs.clear();
    }
  }
};

namespace {
thread_local bool recording = true;
}

NoGrad::NoGrad() : before_(recording) { recording = false; }
NoGrad::~NoGrad() { recording = before_; }
bool NoGrad::active() { return !recording; }

Var::Var(Tensor value, bool requires_grad) : node_(std::make_shared<Node>()) {
  node_->value = std::move(value);
  node_->requires_grad = requires_grad;
}

Var::Node& Var::node() const {
  CP_ENSURE(defined(), "this variable was never given a value");
  return *node_;
}

const Tensor& Var::value() const { return node().value; }
Tensor& Var::value() { return node().value; }
bool Var::requires_grad() const { return defined() && node_->requires_grad; }
bool Var::is_leaf() const { return !node().operation; }

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
  if (&value.backend() != &backend()) node_->rounding = {}, node_->rounded_version = 0, node_->grad = {};
  node_->value = std::move(value);
}

const Tensor& Var::rounded() const {
  const Tensor& x = value();
  Tensor& y = node_->rounding;
  if (x.version() != node_->rounded_version) {
    node_->rounded_version = 0;  // whatever is thrown below
    // (What a graph still refers to must not change.)
    if (!y.unique() || y.shape() != x.shape() || &y.backend() != &x.backend()) {
      y = Tensor();  // before the new one takes memory
      y = Tensor::empty(x.backend(), x.shape(), DType::bf16);
    }
    x.backend().cast(x, y);
    node_->rounded_version = x.version();
  }
  return y;
}

Tensor Var::kept_rounding() const {
  const bool is_current = value().version() == node_->rounded_version;
  return is_current && node_->rounding.unique() ? node_->rounding : Tensor();
}

void Var::keep_rounding(uint64_t version) {
  if (value().version() == version) node_->rounded_version = version;
}

void Var::add_grad(Gradient gradient) const {
  if (!requires_grad()) return;
  const Tensor& x = node_->value;
  const auto described = [](const auto& y) {
    return detail::text("shape ", y.shape(), " in ", name(y.dtype()), " on ", y.backend().name());
  };
  const auto fits = [&x](const Gradient& g) {
    return g.shape() == x.shape() && g.dtype() == x.dtype() && &g.backend() == &x.backend();
  };
  const char* const operation = node_->operation ? node_->operation : "a leaf";
  CP_ENSURE(gradient.defined(), "add_grad: the gradient of ", operation, " is undefined");
  CP_ENSURE(!node_->operation || node_->uses > 0, "add_grad: the result of ", operation,
            " gets a gradient when backward() does not come to it any more; an operation must name it as an input");
  CP_ENSURE(fits(gradient), "add_grad: a gradient of ", described(gradient), " for the value of ", operation, " of ",
            described(x), "; convert it with cast() or to()");
  Gradient& kept = node_->grad;
  CP_ENSURE(!kept.defined() || fits(kept), "add_grad: ", operation, " has a gradient of ", described(kept),
            " from before its value was replaced by one of ", described(x), "; call zero_grad() first");
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
  y.node_->read.reserve(inputs.size());
  for (const Var& input : inputs) y.node_->read.push_back(Node::version_of(input));
  y.node_->written = y.node_->value.version();
  y.node_->inputs = std::move(inputs);
  y.node_->backward = std::move(backward);
  return y;
}

// This node and those that it was computed from and that require a gradient, each after all of its inputs, found by
// depth-first search with its own stack.
std::vector<Var> Var::sorted() const {
  std::vector<Var> order;
  std::unordered_set<const Node*> seen;
  std::vector<std::pair<Var, size_t>> stack = {{*this, 0}};  // a node and how many of its inputs were visited
  seen.insert(node_.get());
  while (!stack.empty()) {
    const Var node = stack.back().first;
    CP_ENSURE(!node.node_->operation || node.node_->backward, "backward: this graph, or the part of it from ",
              node.node_->operation, " on, was already freed by an earlier backward(); compute the loss again");
    if (stack.back().second == node.node_->inputs.size()) {
      if (!node.is_leaf()) node.node_->check_versions();
      order.push_back(node);
      stack.pop_back();
      continue;
    }
    const Var input = node.node_->inputs[stack.back().second++];
    if (!input.requires_grad()) continue;
    if (seen.insert(input.node_.get()).second) stack.push_back({input, 0});
  }
  return order;
}

void Var::backward() const {
  CP_ENSURE(value().size() == 1, "backward: the loss has shape ", shape(), ", not one element; take its mean or sum");
  CP_ENSURE(requires_grad(), "backward: nothing that this was computed from requires a gradient");
  std::vector<Var> order = sorted();
  // Counted when nothing more can be refused: what is counted gets gradients.
  for (const Var& var : order) {
    var.node_->uses = 0;
    for (const Var& input : var.node_->inputs) {
      if (input.requires_grad()) ++input.node_->uses;
    }
  }
  node_->uses = 1;

  try {
    add_grad(Tensor::full(backend(), shape(), 1, value().dtype()));
    while (!order.empty()) {
      const Var var = std::move(order.back());
      order.pop_back();
      Node& node = *var.node_;
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
    for (const Var& var : order) {
      if (!var.is_leaf()) var.node_->grad = {}, var.node_->uses = 0;
    }
    try {
      this->backend().rejoin();
    } catch (const Error&) {  // what is thrown already came first
    }
    throw;
  }
}

}  // namespace counterpoise
