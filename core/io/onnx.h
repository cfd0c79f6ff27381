// ONNX: a network and its weights in one file, which ONNX Runtime, TensorRT, OpenCV and others run.
// https://github.com/onnx/onnx/blob/main/docs/IR.md. A graph is built from its inputs to its outputs:
//
//   OnnxGraph graph("dense");
//   graph.input("x", OnnxType::f32, {-1, 3});
//   graph.constant("weight", {2, 3}, weight);
//   graph.node("Gemm", {"x", "weight"}, "y", {{"transB", 1}});    // y = x weight^T
//   graph.output("y", OnnxType::f32, {-1, 2});
//   graph.save("dense.onnx");
//
// The file is one protocol-buffer message (ModelProto in onnx.proto): IR version 8, operators of opset 17. Equal graphs
// give equal bytes. Nothing here depends on Tensor. Different objects may be used by different threads.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace counterpoise {

enum class OnnxType { f32 = 1, u8 = 2 };  // numbered as in TensorProto.DataType

// A named setting of a node, such as {"strides", {2, 2}}. (A list of one is written std::vector<int64_t>{1}.)
struct OnnxAttribute {
  OnnxAttribute(const char* name, int value) : name(name), value(int64_t{value}) {}
  OnnxAttribute(const char* name, double value) : name(name), value(static_cast<float>(value)) {}
  OnnxAttribute(const char* name, std::vector<int64_t> value) : name(name), value(std::move(value)) {}

  std::string name;
  std::variant<int64_t, float, std::vector<int64_t>> value;
};

// Values are known by their names. A name that is taken gets a number appended, as in "relu_1", so use the name that is
// returned. An extent of -1 is the batch size, which the file leaves open.
class OnnxGraph {
 public:
  explicit OnnxGraph(std::string name) : name_(std::move(name)) {}

  // A tensor that the user of the file provides.
  std::string input(const std::string& name, OnnxType type, const std::vector<int64_t>& shape);
  // A tensor that the user of the file gets. Throws Error(failure) if no value has this name.
  void output(const std::string& name, OnnxType type, const std::vector<int64_t>& shape);
  // A tensor in the file, an "initializer": weights, f32. Throws Error(failure) if the number of values is not that of
  // the shape, or if the file would exceed the 2 GiB that a protocol buffer may have.
  std::string constant(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values);
  // One operation with one output; https://onnx.ai/onnx/operators lists the operators. Throws Error(failure) if an
  // input is not the name of a value.
  std::string node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output,
                   const std::vector<OnnxAttribute>& attributes = {});

  bool has(const std::string& name) const { return known_.count(name) > 0; }

  // Writes the file. One that exists is replaced as a whole, or not at all if writing fails: then Error(failure) is
  // thrown. `metadata` maps keys to texts, which become metadata_props.
  void save(const std::string& path, const std::map<std::string, std::string>& metadata = {}) const;

 private:
  std::string add_name(const std::string& name);

  std::string name_;
  std::set<std::string> known_;
  // Fields of GraphProto as they are in the file.
  std::string nodes_, interface_;
  std::vector<std::string> constants_;
  uint64_t constant_bytes_ = 0;
};

}  // namespace counterpoise
