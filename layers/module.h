// A Module is a piece of a network: a function with parameters that can be listed, saved and trained.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/ops.h"

namespace counterpoise {

// How a parameter lies in a file. In memory images are [N, H, W, C]; files keep the field's layout (torchvision's),
// in which they are [N, C, H, W]. layers/weights.h converts.
struct FileLayout {
  enum Kind {
    same,       // biases, dense weights, statistics
    conv,       // here [K, R, S, C], in the file [K, C, R, S]
    flattened,  // dense weights [K, H W C] behind a flattened image, in the file [K, C H W]
  };
  Kind kind = same;
  Index height = 0, width = 0, channels = 0;  // of the flattened image
};

// A trainable weight, or a buffer: a tensor that is saved but not trained, such as a running mean.
struct Parameter {
  std::string name;  // "features.0.weight"
  Var var;
  FileLayout layout;
  bool trainable = true;
};

class Module {
 public:
  virtual ~Module() = default;
  Module() = default;
  Module(const Module&) = delete;  // parameters have one owner
  Module& operator=(const Module&) = delete;

  virtual Var forward(const Var& x) = 0;
  Var operator()(const Var& x) { return forward(x); }

  // The name of its kind, as Keras prints it: "Conv2D".
  virtual std::string type() const = 0;
  // The shape of forward(x) for a shape of x, without computing it. Throws where x does not fit.
  virtual Shape output_shape(const Shape& x) const = 0;

  // Parameters and buffers, also those of modules inside, with their full names, in order.
  virtual std::vector<Parameter> parameters() const { return own_; }
  // What an optimizer updates: the parameters that are not buffers, in the order of parameters().
  std::vector<Var> trainable() const;
  // While training, Dropout drops and BatchNorm2d uses the batch's statistics.
  virtual void train(bool on) { training_ = on; }

  // All parameters in another floating dtype, or on another backend.
  void cast(DType dtype);
  void to(Backend& backend);
  void zero_grad();
  Index parameter_count(bool trainable_only = false) const;

 protected:
  const Var& add(const std::string& name, Tensor value, FileLayout layout = {}, bool trainable = true);
  bool training() const { return training_; }

 private:
  std::vector<Parameter> own_;
  bool training_ = true;
};

}  // namespace counterpoise
