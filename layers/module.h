// A Module is a part of a network: a function with parameters that can be listed, saved and trained.
//
// A module owns its children and names them; the name of a parameter is the path to it, as in PyTorch:
//
//   class BasicBlock : public Module {            // "conv1.weight", "conv1.bias", "bn1.weight", ...
//    public:
//     explicit BasicBlock(Index channels)
//         : conv1_(add("conv1", Conv2d(channels, channels, 3, {1, 1}))), bn1_(add("bn1", BatchNorm2d(channels))) {}
//     Var forward(const Var& x) override { return relu(bn1_(conv1_(x)) + x); }
//
//    private:
//     Conv2d& conv1_;
//     BatchNorm2d& bn1_;
//   };
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/ops.h"

namespace counterpoise {

class OnnxExport;  // layers/onnx.h
struct OnnxValue;

// How a parameter is laid out in a file. In memory images are [N, H, W, C]; files have torchvision's layout, in which
// they are [N, C, H, W]. layers/weights.h converts.
struct FileLayout {
  enum Kind {
    same,       // biases, dense weights, statistics
    conv,       // [K, R, S, C] in memory, [K, C, R, S] in the file
    flattened,  // dense weights that follow a flattened image: [K, H W C] in memory, [K, C H W] in the file
  };
  Kind kind = same;
  Index height = 0, width = 0, channels = 0;  // of the flattened image
};

// A learned tensor, or a buffer: a tensor that is saved but not trained, such as a running mean.
struct Parameter {
  std::string name;       // the path from the module that lists it: "features.0.weight"
  Var var;                // shares the module's tensor: var.set_value() changes the module
  FileLayout layout;      // how the file stores it
  bool trainable = true;  // false for a buffer
};

// Not thread-safe: calls on one module, or on two that share a child, must not overlap. Modules that share nothing may
// be used by different threads.
//
// A module can be moved, but not copied. A moved module keeps its children where they are in memory, so that references
// to them stay valid.
class Module {
 public:
  struct Child {
    std::string name;   // part of the parameters' names: "0" in "features.0.weight"
    std::string label;  // what the summary prints; if empty, the path of names
    std::unique_ptr<Module> module;
  };
  // One call of a module during trace().
  struct Call {
    const Module* module;
    Shape output;
  };

  virtual ~Module() = default;
  Module() = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;
  Module(const Module&) = delete;  // parameters have one owner: pass std::move(module)
  Module& operator=(const Module&) = delete;

  // What the module computes. Call modules as functions, net(x), so that trace() sees the call; override forward(). It
  // must accept a batch of no samples in evaluation mode, and throws Error(failure) where x does not fit.
  virtual Var forward(const Var& x) = 0;
  Var operator()(const Var& x);

  // Appends what forward(x) computes in evaluation mode to an ONNX graph, and returns the name of the output there;
  // layers/onnx.h has an example. By default throws Error(failure): the module cannot be exported.
  virtual std::string onnx(OnnxExport& to, const OnnxValue& x);

  // The module's type in the summary: Keras's name for a layer ("Conv2D"), by default the name of the class.
  virtual std::string type() const;

  // The children, in the order in which they were added.
  const std::vector<Child>& children() const { return children_; }
  // Parameters and buffers with their full names: first the module's own, then its children's, in order. (PyTorch's
  // parameters() is trainable(); this is its state_dict().)
  std::vector<Parameter> parameters() const;
  // What an optimizer updates: the parameters that are not buffers, in the order of parameters().
  std::vector<Var> trainable() const;
  // The number of elements in all parameters and buffers, or only in those that an optimizer updates.
  Index parameter_count(bool trainable_only = false) const;

  // Training mode (the initial one) or evaluation mode, also of all children. In training mode Dropout drops and
  // BatchNorm2d normalizes by the batch's statistics.
  void train(bool on = true);
  bool training() const { return training_; }

  // How often this module drew random numbers, which decides what it draws next; null if it draws none. Override it
  // where forward() draws some.
  virtual uint64_t* random_calls() { return nullptr; }
  // Those of this module and of all modules inside it, in order: a run that is continued restores them.
  std::vector<uint64_t*> all_random_calls();

  // Converts all parameters and buffers to another floating dtype, or moves them to another backend; those that change
  // have no gradient any more. Copies of their Vars follow; an optimizer's state does not, so construct optimizers
  // afterwards. Throws what Tensor::cast() and Tensor::to() throw.
  void cast(DType dtype);
  void to(Backend& backend);
  // Clears the gradients of all parameters, as Optimizer::step() also does.
  void zero_grad();

  // The shape of forward(x) for an x of the given shape, computed with a batch of no samples in evaluation mode, at
  // almost no cost. Throws what forward() throws.
  Shape output_shape(const Shape& x);
  // The calls of this module and of all modules inside it that output_shape() makes, in the order in which they return.
  // The first axis of their outputs is 0.
  std::vector<Call> trace(const Shape& x);

 protected:
  // Adds a learned tensor, or a buffer if `trainable` is false, and returns the Var to use in forward(): copy it.
  // A name must be new to the module, not empty, and without a dot, the value defined, and the layout one of its shape;
  // otherwise Error(failure) is thrown.
  const Var& add(const std::string& name, Tensor value, FileLayout layout = {}, bool trainable = true);
  // Tells trace() that this module computed y, and returns y: for modules that are computed together with another one,
  // and not called.
  Var traced(Var y) const;
  // The same for an output of this shape that exists only within a larger computation.
  void traced(const Shape& output) const;
  // Adds a child, and returns a reference to it that stays valid as long as this module, or the one it is moved to.
  template <class M, class = std::enable_if_t<std::is_base_of_v<Module, M>>>
  M& add(const std::string& name, M module, const std::string& label = "") {
    return static_cast<M&>(add(name, std::make_unique<M>(std::move(module)), label));
  }
  // The same for a child whose class is chosen at run time.
  Module& add(const std::string& name, std::unique_ptr<Module> module, const std::string& label = "");

 private:
  void check_name(const std::string& name) const;
  void collect(const std::string& prefix, std::vector<Parameter>& all) const;
  std::vector<Module*> all_modules();  // this and all inside it, in order

  std::vector<Parameter> own_;
  std::vector<Child> children_;
  bool training_ = true;
};

}  // namespace counterpoise
