// A Var is a tensor in a graph: it remembers which operation computed it, and backward() computes gradients from it.
//
//   Var w(Tensor::full(backend, {3}, 2.0), /*requires_grad=*/true);
//   Var loss = sum(square(w));
//   loss.backward();              // w.grad() is now 2 w
//
// This is reverse-mode differentiation on a tape made of closures. An operation computes its value at once and, if
// some input needs a gradient, leaves behind a closure that turns the gradient of its output into those of its
// inputs. backward() runs the closures from the loss to the leaves, and frees each with all that it holds once it
// has run: memory falls during the backward pass. So backward() can be called once per graph.
//
// A Var is a handle, as torch.Tensor is: copies share one value and one gradient. Functions that write the value or
// clear the gradient are not const; add_grad() is, because an operation keeps its inputs as const. Every function but
// defined(), requires_grad(), add_grad() and zero_grad() throws Error(failure) if the Var is not defined().
//
// Not thread-safe: a graph and its leaves belong to one thread at a time. Different graphs may be built at once.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/gradient.h"
#include "core/tensor.h"

namespace counterpoise {

class Var;

// Where the gradient of a variable goes, without its value (PyTorch's torch.autograd.graph.GradientEdge). A closure
// that needs no more keeps this instead of the Var, so that the value is released as soon as nothing else needs it.
class GradientEdge {
 public:
  GradientEdge() = default;       // of no variable
  GradientEdge(const Var& from);  // NOLINT: implicit on purpose

  bool requires_grad() const;
  // Of the variable's value. Throw Error(failure) for that of no variable.
  Shape shape() const;
  DType dtype() const;
  // Var::add_grad().
  void add_grad(Gradient gradient) const;

 private:
  friend class Var;
  struct Node;

  std::shared_ptr<Node> node_;
};

class Var {
 public:
  Var() = default;  // no variable at all: defined() is false
  // A leaf of the graph. Where an operation takes a Var, a Tensor converts to a constant.
  Var(Tensor value, bool requires_grad = false);  // NOLINT: implicit on purpose

  bool defined() const { return stored_ != nullptr; }
  const Tensor& value() const;
  // To be written in place, as optimizers write weights and batch_norm its running statistics.
  Tensor& value();
  const Shape& shape() const { return value().shape(); }
  Backend& backend() const { return value().backend(); }
  bool requires_grad() const;
  // False for what an operation computed while it was recorded: from variables of which one requires a gradient.
  bool is_leaf() const;

  // The gradient that has been accumulated so far; undefined if there is none. (Of a variable that an operation
  // computed there is none but within backward(), where it may be undefined although it is pending.)
  const Tensor& grad() const;
  // Adds to the gradient. Does nothing if this requires none. Throws Error(failure) if the gradient is undefined, if
  // its shape, dtype or backend is not the value's, or if this is no leaf and no backward() is under way that has yet
  // to come to it. A gradient that is pending stays so if this is no leaf and gets no other.
  void add_grad(Gradient gradient) const;
  void zero_grad();
  // Replaces the value of a leaf, as when weights are loaded; on another backend it has no gradient any more. Throws
  // Error(failure) if this is no leaf, or if the shape or the dtype differs.
  void set_value(Tensor value);

  // The value in bf16. It is cached, and computed again after the value was written, so that weights are not rounded
  // each time they are used.
  const Tensor& rounded() const;
  // For optimizers, which write weights and their roundings in one pass: the cached tensor, if the value has not been
  // written since and no graph refers to it, else an undefined one.
  Tensor cached_rounding() const;
  // What cached_rounding() returned has been written with the value, which had this version then: it stays cached,
  // unless the value was written again.
  void mark_rounding(uint64_t version);

  // Computes the gradient of this scalar with respect to every leaf that requires one, and adds it to the leaf's.
  // Throws Error(failure) if this is not one element, if nothing that it was computed from requires a gradient, if its
  // graph was freed by an earlier backward(), or if an input or the result of an operation was written since: its
  // gradient would be computed from the new numbers. So write weights after the backward() of every loss that was
  // computed from them. If an operation throws, its part of the graph is freed, and leaves keep what they have got.
  void backward() const;

  // For operations: the result of `operation`, with a closure that gets the gradient of the result, usually as a
  // Tensor, and passes it on with add_grad. The closure may keep Tensors and the inputs, those whose value it does not
  // need as a GradientEdge, never the result's own Var: that would be a cycle. Each Var to which it passes a gradient
  // must be one of `inputs`, or backward() does not know that this must run before it, and add_grad() throws.
  // `operation` is not copied: a string literal, which lives as long as the graph. Throws Error(failure) if `backward`
  // is empty.
  static Var from_op(const char* operation, Tensor value, std::vector<Var> inputs,
                     std::function<void(Gradient)> backward);

 private:
  friend class GradientEdge;
  using Node = GradientEdge::Node;
  struct Stored;  // the value
  Stored& stored() const;
  std::vector<std::shared_ptr<Node>> sorted() const;

  std::shared_ptr<Stored> stored_;
  std::shared_ptr<Node> node_;
};

// The same value as a constant, through which no gradient flows.
inline Var detach(const Var& x) { return Var(x.value()); }

// While an object of this class lives, its thread records no graph: for evaluation.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

  // Whether such an object lives in this thread: then operations need not keep anything for the backward pass.
  static bool active();

 private:
  bool before_;
};

}  // namespace counterpoise
