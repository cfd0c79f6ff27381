// Modules as ONNX graphs (core/io/onnx.h). A layer says what it computes in Module::onnx(), beside forward():
//
//   std::string onnx(OnnxExport& to, const OnnxValue& x) override {          // x weight^T + bias
//     return to.node("Gemm", {x.name, to.weight("weight"), to.weight("bias")}, {{"transB", 1}});
//   }
//
// A whole network becomes a file like this; in the graph images are [N, C, H, W], and weights have torchvision's names
// and layouts, as in weight files:
//
//   OnnxGraph graph("net");
//   const std::string x = graph.input("x", OnnxType::f32, {-1, C, H, W});
//   const OnnxValue y = OnnxExport(graph).call(net, {x, {1, H, W, C}});
//   graph.output(y.name, OnnxType::f32, {-1, K});
//   graph.save("net.onnx");
//
// Not thread-safe: no other thread may use the module meanwhile.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/io/onnx.h"
#include "layers/module.h"

namespace counterpoise {

// A value in the graph.
struct OnnxValue {
  std::string name;
  Shape shape;       // of the Var that forward() would get, with a batch size of 1: [1, H, W, C] for images
  Shape image = {};  // [H, W, C] where the value is a flattened image, which the graph has in the order C, H, W
};

// One export: appends a network to a graph, module by module.
class OnnxExport {
 public:
  explicit OnnxExport(OnnxGraph& graph) : graph_(graph) {}

  // Appends what `module` computes of x in evaluation mode; `name` is the start of its names. A module that is called
  // again has its weights once in the graph. Throws Error(failure) for a module that does not override Module::onnx(),
  // for weights without FileLayout::flattened that are used on a flattened image, and what OnnxGraph throws.
  OnnxValue call(Module& module, const OnnxValue& x, const std::string& name = "");

  // What follows is for Module::onnx().

  // Appends a child of the module, or a sequence of them. The first returns the output, the second its name.
  OnnxValue call(const Module::Child& child, const OnnxValue& x);
  std::string chain(const std::vector<Module::Child>& children, const OnnxValue& x);
  // Appends an operation, and returns the name of its output.
  std::string node(const std::string& op, const std::vector<std::string>& inputs,
                   const std::vector<OnnxAttribute>& attributes = {});
  // A parameter or buffer of the module, such as "weight", in the layout of weight files; or another constant.
  std::string weight(const std::string& name);
  std::string constant(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values);
  // Whether the module has this parameter.
  bool has_weight(const std::string& name) const;
  // The means of rows x columns windows that cover an image of any size, which no operator of ONNX computes.
  std::string adaptive_avg_pool(const OnnxValue& x, Index rows, Index columns);

 private:
  // The module whose onnx() is running.
  struct Frame {
    Module* module = nullptr;
    std::string path;  // "features.0"
    Shape image;       // OnnxValue::image of its input
  };
  std::string full(const std::string& name) const { return frame_.path.empty() ? name : frame_.path + "." + name; }

  OnnxGraph& graph_;
  Frame frame_;
  std::map<std::string, OnnxValue> values_;  // of calls, by name
  // The constants that hold parameters, by the versions of their values and by their names in their modules. Another
  // module's weights have other versions; if two share a tensor, the file may still need it in two orders or shapes.
  using Stored = std::tuple<uint64_t, std::string, std::vector<int64_t>, FileLayout::Kind, Index>;
  std::map<Stored, std::string> weights_;
};

}  // namespace counterpoise
