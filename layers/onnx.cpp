#include "layers/onnx.h"

#include <algorithm>

#include "layers/weights.h"

namespace counterpoise {

std::string Module::onnx(OnnxExport&, const OnnxValue&) {
  throw Error(ErrorKind::failure, "ONNX: ", type(), " cannot be exported, because it does not override Module::onnx()");
}

OnnxValue OnnxExport::call(Module& module, const OnnxValue& x, const std::string& name) {
  const Frame caller = frame_;
  values_.emplace(x.name, x);
  frame_ = {&module, name.empty() ? caller.path : full(name), x.image};
  const std::string output = module.onnx(*this, x);
  const bool keeps_order = frame_.image.rank() > 0;
  frame_ = caller;
  // The input itself, or the output of a child.
  if (const auto known = values_.find(output); known != values_.end()) return known->second;

  OnnxValue y{output, module.output_shape(x.shape)};
  const bool flattens = x.shape.rank() == 4 && y.shape.rank() == 2 && x.shape[1] * x.shape[2] > 1 && x.shape[3] > 1 &&
                        y.shape[1] == x.shape[1] * x.shape[2] * x.shape[3];
  if (flattens) y.image = {x.shape[1], x.shape[2], x.shape[3]};
  else if (keeps_order && y.shape == x.shape) y.image = x.image;
  values_.emplace(output, y);
  return y;
}

OnnxValue OnnxExport::call(const Module::Child& child, const OnnxValue& x) {
  return call(*child.module, x, child.name);
}

std::string OnnxExport::chain(const std::vector<Module::Child>& children, const OnnxValue& x) {
  OnnxValue y = x;
  for (const Module::Child& child : children) y = call(child, y);
  return y.name;
}

std::string OnnxExport::node(const std::string& op, const std::vector<std::string>& inputs,
                             const std::vector<OnnxAttribute>& attributes) {
  return graph_.node(op, inputs, full(op), attributes);
}

bool OnnxExport::has_weight(const std::string& name) const {
  const std::vector<Parameter> all = frame_.module->parameters();
  return std::any_of(all.begin(), all.end(), [&](const Parameter& p) { return p.name == name; });
}

std::string OnnxExport::weight(const std::string& name) {
  for (const Parameter& p : frame_.module->parameters()) {
    if (p.name != name) continue;
    CP_ENSURE(frame_.image.rank() == 0 || p.layout.kind == FileLayout::flattened || p.var.shape().size() == 1,
              "ONNX: ", full(name), " follows a flattened image of shape ", frame_.image,
              "; construct the layer with FileLayout::flattened, or use it before Flatten: the file orders C, H, W");
    if (p.var.shape().rank() == 2) frame_.image = {};  // a matrix: each output depends on all inputs
    std::string& known = weights_[{p.var.value().version(), name, file_shape(p), p.layout.kind, p.layout.channels}];
    if (!known.empty()) return known;  // the module was called before
    const StoredParameter stored = to_file(p);
    return known = graph_.constant(full(name), stored.shape, stored.values);
  }
  throw Error(ErrorKind::failure, "ONNX: ", frame_.module->type(), " has no parameter \"", name, "\"");
}

std::string OnnxExport::constant(const std::string& name, const std::vector<int64_t>& shape,
                                 const std::vector<float>& values) {
  return graph_.constant(full(name), shape, values);
}

// Means along one axis are a product with a matrix [outputs, inputs]. Window i begins at i inputs / outputs, rounded
// down, and ends at (i + 1) inputs / outputs, rounded up.
static std::vector<float> averaging_matrix(Index outputs, Index inputs, bool transposed) {
  std::vector<float> matrix(outputs * inputs);
  for (Index i = 0; i < outputs; ++i) {
    const Index start = i * inputs / outputs, end = ((i + 1) * inputs + outputs - 1) / outputs;
    for (Index k = start; k < end; ++k) {
      matrix[transposed ? k * outputs + i : i * inputs + k] = static_cast<float>(1. / static_cast<double>(end - start));
    }
  }
  return matrix;
}

std::string OnnxExport::adaptive_avg_pool(const OnnxValue& x, Index rows, Index columns) {
  const Index H = x.shape[1], W = x.shape[2];
  if (rows == H && columns == W) return x.name;
  if (rows == 1 && columns == 1) return node("GlobalAveragePool", {x.name});
  // [N, C, H, W] by [W, columns], and [rows, H] by the product.
  const std::string right = constant("columns", {W, columns}, averaging_matrix(columns, W, /*transposed=*/true));
  const std::string left = constant("rows", {rows, H}, averaging_matrix(rows, H, /*transposed=*/false));
  return node("MatMul", {left, node("MatMul", {x.name, right})});
}

}  // namespace counterpoise
