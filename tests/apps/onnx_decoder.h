// Decodes ONNX files with protozero's reader, in the words of onnx.proto, for tests/apps/test_export.cpp.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <protozero/pbf_reader.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace counterpoise {

using Ints = std::vector<int64_t>;

struct DecodedNode {
  std::string op, output;
  std::vector<std::string> inputs;
  std::map<std::string, Ints> ints;  // integers, too
  std::map<std::string, float> floats;
};
struct DecodedTensor {
  Ints shape;
  std::vector<float> values;
};
struct DecodedValue {
  int type = 0;
  Ints shape;  // -1 for "N"
};
// A file in the words of onnx.proto.
struct Decoded {
  int64_t ir_version = 0, opset = 0;
  std::string name;
  std::vector<DecodedNode> nodes;
  std::map<std::string, DecodedTensor> constants;
  std::map<std::string, DecodedValue> inputs, outputs;
  std::map<std::string, std::string> metadata;

  std::vector<std::string> ops() const {
    std::vector<std::string> all;
    for (const DecodedNode& node : nodes) all.push_back(node.op);
    return all;
  }
  int count(const std::string& op) const {
    const std::vector<std::string> all = ops();
    return static_cast<int>(std::count(all.begin(), all.end(), op));
  }
  const DecodedNode& first(const std::string& op) const {
    for (const DecodedNode& node : nodes) {
      if (node.op == op) return node;
    }
    FAIL("no node " << op);
    return nodes.front();
  }
};

inline DecodedNode decode_node(protozero::pbf_reader in) {
  DecodedNode node;
  while (in.next()) {
    switch (in.tag()) {
      case 1:
        node.inputs.push_back(in.get_string());
        break;
      case 2:
        node.output = in.get_string();
        break;
      case 4:
        node.op = in.get_string();
        break;
      case 5: {
        protozero::pbf_reader attribute = in.get_message();
        std::string name;
        Ints ints;
        float f = 0;
        int type = 0;
        while (attribute.next()) {
          switch (attribute.tag()) {
            case 1:
              name = attribute.get_string();
              break;
            case 2:
              f = attribute.get_float();
              break;
            case 3:
            case 8:
              ints.push_back(attribute.get_int64());
              break;
            case 20:
              type = attribute.get_enum();
              break;
            default:
              attribute.skip();
          }
        }
        if (type == 1) node.floats[name] = f;
        else node.ints[name] = ints;
        break;
      }
      default:
        in.skip();
    }
  }
  return node;
}

inline std::pair<std::string, DecodedTensor> decode_tensor(protozero::pbf_reader in) {
  std::string name;
  DecodedTensor tensor;
  int type = 0;
  while (in.next()) {
    switch (in.tag()) {
      case 1:
        tensor.shape.push_back(in.get_int64());
        break;
      case 2:
        type = in.get_int32();
        break;
      case 8:
        name = in.get_string();
        break;
      case 9: {
        const auto bytes = in.get_view();
        tensor.values.resize(bytes.size() / sizeof(float));
        std::memcpy(tensor.values.data(), bytes.data(), bytes.size());
        break;
      }
      default:
        in.skip();
    }
  }
  CHECK(type == 1);
  return {name, tensor};
}

inline std::pair<std::string, DecodedValue> decode_value(protozero::pbf_reader in) {
  std::string name;
  DecodedValue value;
  while (in.next()) {
    if (in.tag() == 1) {
      name = in.get_string();
      continue;
    }
    protozero::pbf_reader type = in.get_message();
    REQUIRE(type.next(1));
    protozero::pbf_reader tensor = type.get_message();
    while (tensor.next()) {
      if (tensor.tag() == 1) {
        value.type = tensor.get_int32();
        continue;
      }
      protozero::pbf_reader extents = tensor.get_message();
      while (extents.next(1)) {
        protozero::pbf_reader extent = extents.get_message();
        REQUIRE(extent.next());
        if (extent.tag() == 1) value.shape.push_back(extent.get_int64());
        else value.shape.push_back(extent.get_string() == "N" ? -1 : -2);
      }
    }
  }
  return {name, value};
}

inline Decoded decode(const std::string& bytes) {
  Decoded y;
  protozero::pbf_reader in(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case 1:
        y.ir_version = in.get_int64();
        break;
      case 7: {
        protozero::pbf_reader graph = in.get_message();
        while (graph.next()) {
          switch (graph.tag()) {
            case 1:
              y.nodes.push_back(decode_node(graph.get_message()));
              break;
            case 2:
              y.name = graph.get_string();
              break;
            case 5:
              CHECK(y.constants.insert(decode_tensor(graph.get_message())).second);
              break;
            case 11:
              CHECK(y.inputs.insert(decode_value(graph.get_message())).second);
              break;
            case 12:
              CHECK(y.outputs.insert(decode_value(graph.get_message())).second);
              break;
            default:
              FAIL("field " << graph.tag());
          }
        }
        break;
      }
      case 8: {
        protozero::pbf_reader id = in.get_message();
        while (id.next()) {
          if (id.tag() == 1) CHECK(id.get_string() == "");
          else y.opset = id.get_int64();
        }
        break;
      }
      case 14: {
        protozero::pbf_reader entry = in.get_message();
        std::string key, value;
        while (entry.next()) {
          std::string& text = entry.tag() == 1 ? key : value;
          text = entry.get_string();
        }
        y.metadata[key] = value;
        break;
      }
      default:
        in.skip();
    }
  }
  return y;
}

// Every node reads what was there before it, every name is given once, and nothing is left unused.
inline void check_complete(const Decoded& graph) {
  std::set<std::string> known, used;
  for (const auto& [name, input] : graph.inputs) known.insert(name);
  for (const auto& [name, tensor] : graph.constants) {
    CHECK_MESSAGE(known.insert(name).second, name);
    int64_t size = 1;
    for (int64_t extent : tensor.shape) size *= extent;
    CHECK_MESSAGE(size == static_cast<int64_t>(tensor.values.size()), name);
  }
  for (const DecodedNode& node : graph.nodes) {
    for (const std::string& input : node.inputs) {
      CHECK_MESSAGE(known.count(input) == 1, node.op, " reads ", input);
      used.insert(input);
    }
    CHECK_MESSAGE(known.insert(node.output).second, node.output);
  }
  for (const auto& [name, output] : graph.outputs) {
    CHECK_MESSAGE(known.count(name) == 1, name);
    used.insert(name);
  }
  for (const std::string& name : known) CHECK_MESSAGE(used.count(name) == 1, name, " is not used");
}

}  // namespace counterpoise
