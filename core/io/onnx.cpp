#include "core/io/onnx.h"

#include <protozero/pbf_writer.hpp>

#include "core/io/file.h"
#include "kernels/error.h"
#include "kernels/version.h"

namespace counterpoise {

namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ONNX files are little-endian");

using protozero::pbf_writer;

constexpr int64_t ir_version = 8, opset = 17;
constexpr uint64_t max_bytes = (uint64_t{1} << 31) - 1;  // of a protocol buffer

// The numbers of fields in onnx.proto, by message.
// clang-format off
namespace model     { enum : uint32_t { ir_version = 1, producer_name = 2, producer_version = 3, graph = 7,
                                        opset_import = 8, metadata_props = 14 }; }
namespace opset_id  { enum : uint32_t { domain = 1, version = 2 }; }
namespace entry     { enum : uint32_t { key = 1, value = 2 }; }
namespace graph     { enum : uint32_t { node = 1, name = 2, initializer = 5, input = 11, output = 12 }; }
namespace node_     { enum : uint32_t { input = 1, output = 2, name = 3, op_type = 4, attribute = 5 }; }
namespace attribute { enum : uint32_t { name = 1, f = 2, i = 3, ints = 8, type = 20 };
                      enum : int32_t  { type_float = 1, type_int = 2, type_ints = 7 }; }
namespace tensor    { enum : uint32_t { dims = 1, data_type = 2, name = 8, raw_data = 9 }; }
namespace value     { enum : uint32_t { name = 1, type = 2 }; }
namespace type      { enum : uint32_t { tensor_type = 1 }; }
namespace tensor_t  { enum : uint32_t { elem_type = 1, shape = 2 }; }
namespace shape_    { enum : uint32_t { dim = 1 }; }
namespace dim       { enum : uint32_t { dim_value = 1, dim_param = 2 }; }
// clang-format on

// A ValueInfoProto: the name, type and shape of an input or output.
void add_value(std::string& to, uint32_t field, const std::string& name, OnnxType type,
               const std::vector<int64_t>& shape) {
  pbf_writer all(to);
  pbf_writer info(all, field);
  info.add_string(value::name, name);
  pbf_writer type_message(info, value::type);
  pbf_writer tensor_type(type_message, type::tensor_type);
  tensor_type.add_int32(tensor_t::elem_type, static_cast<int32_t>(type));
  pbf_writer extents(tensor_type, tensor_t::shape);
  for (int64_t extent : shape) {
    pbf_writer one(extents, shape_::dim);
    if (extent < 0) one.add_string(dim::dim_param, "N");
    else one.add_int64(dim::dim_value, extent);
  }
}

void add_attribute(pbf_writer& node, const OnnxAttribute& given) {
  pbf_writer out(node, node_::attribute);
  out.add_string(attribute::name, given.name);
  int32_t type = 0;
  if (const auto* i = std::get_if<int64_t>(&given.value)) {
    out.add_int64(attribute::i, *i);
    type = attribute::type_int;
  } else if (const auto* f = std::get_if<float>(&given.value)) {
    out.add_float(attribute::f, *f);
    type = attribute::type_float;
  } else {
    for (int64_t i : std::get<std::vector<int64_t>>(given.value)) out.add_int64(attribute::ints, i);
    type = attribute::type_ints;
  }
  out.add_enum(attribute::type, type);
}

}  // namespace

std::string OnnxGraph::add_name(const std::string& name) {
  std::string unique = name;
  for (int i = 1; !known_.insert(unique).second; ++i) unique = detail::text(name, "_", i);
  return unique;
}

std::string OnnxGraph::input(const std::string& name, OnnxType type, const std::vector<int64_t>& shape) {
  const std::string unique = add_name(name);
  add_value(interface_, graph::input, unique, type, shape);
  return unique;
}

void OnnxGraph::output(const std::string& name, OnnxType type, const std::vector<int64_t>& shape) {
  CP_ENSURE(has(name), "ONNX: no node computes the output \"", name, "\"");
  add_value(interface_, graph::output, name, type, shape);
}

std::string OnnxGraph::constant(const std::string& name, const std::vector<int64_t>& shape,
                                const std::vector<float>& values) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  CP_ENSURE(count == static_cast<int64_t>(values.size()), "ONNX: ", name, " has ", values.size(),
            " values, but its shape needs ", count);
  const uint64_t bytes = values.size() * sizeof(float);
  constant_bytes_ += bytes;
  CP_ENSURE(constant_bytes_ + (1 << 20) <= max_bytes,
            "ONNX: the weights do not fit into a file, which may have 2 GiB: use a smaller width");

  const std::string unique = add_name(name);
  std::string field;
  field.reserve(bytes + unique.size() + 128);  // nothing is copied when it grows
  pbf_writer all(field);
  {
    pbf_writer out(all, graph::initializer);
    for (int64_t extent : shape) out.add_int64(tensor::dims, extent);
    out.add_int32(tensor::data_type, static_cast<int32_t>(OnnxType::f32));
    out.add_string(tensor::name, unique);
    out.add_bytes(tensor::raw_data, reinterpret_cast<const char*>(values.data()), bytes);
  }
  constants_.push_back(std::move(field));
  return unique;
}

std::string OnnxGraph::node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output,
                            const std::vector<OnnxAttribute>& attributes) {
  for (const std::string& input : inputs) {
    CP_ENSURE(has(input), "ONNX: ", op, " reads \"", input, "\", which no node computes");
  }
  const std::string unique = add_name(output);
  pbf_writer all(nodes_);
  pbf_writer out(all, graph::node);
  for (const std::string& input : inputs) out.add_string(node_::input, input);
  out.add_string(node_::output, unique);
  out.add_string(node_::name, unique);
  out.add_string(node_::op_type, op);
  for (const OnnxAttribute& a : attributes) add_attribute(out, a);
  return unique;
}

void OnnxGraph::save(const std::string& path, const std::map<std::string, std::string>& metadata) const {
  std::string start;  // all but the graph, and the graph's tag and length
  pbf_writer all(start);
  all.add_int64(model::ir_version, ir_version);
  all.add_string(model::producer_name, "counterpoise");
  all.add_string(model::producer_version, COUNTERPOISE_VERSION);
  {
    pbf_writer id(all, model::opset_import);
    id.add_string(opset_id::domain, "");
    id.add_int64(opset_id::version, opset);
  }
  for (const auto& [key, text] : metadata) {
    pbf_writer out(all, model::metadata_props);
    out.add_string(entry::key, key);
    out.add_string(entry::value, text);
  }
  std::string name;
  pbf_writer(name).add_string(graph::name, name_);
  uint64_t bytes = nodes_.size() + name.size() + interface_.size();
  for (const std::string& constant : constants_) bytes += constant.size();
  CP_ENSURE(start.size() + bytes + 16 <= max_bytes, "ONNX: ", path, " would exceed 2 GiB: use a smaller width");
  protozero::write_varint(std::back_inserter(start), model::graph << 3 | 2);  // 2: a length and as many bytes
  protozero::write_varint(std::back_inserter(start), bytes);

  AtomicFile out(path);
  out.write(start.data(), start.size());
  out.write(nodes_.data(), nodes_.size());
  out.write(name.data(), name.size());
  for (const std::string& constant : constants_) out.write(constant.data(), constant.size());
  out.write(interface_.data(), interface_.size());
  out.commit();
}

}  // namespace counterpoise
