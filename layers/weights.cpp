#include "layers/weights.h"

#include <cmath>
#include <set>

#include "core/io/safetensors.h"
#include "core/text.h"

namespace counterpoise {

std::vector<int64_t> file_shape(const Parameter& p) {
  const Shape& s = p.var.shape();
  if (p.layout.kind == FileLayout::conv) return {s[0], s[3], s[1], s[2]};
  std::vector<int64_t> extents;
  for (int axis = 0; axis < s.rank(); ++axis) extents.push_back(s[axis]);
  return extents;
}

namespace {

// In both layouts the file has the channels before the positions: [A, B, C] in memory is [A, C, B] in the file, where A
// counts the outputs and B the positions in the kernel (R S) or in the flattened image (H W).
struct Axes {
  Index A, B, C;
};

Axes axes(const Parameter& p) {
  const Shape& s = p.var.shape();
  switch (p.layout.kind) {
    case FileLayout::conv:
      return {s[0], s[1] * s[2], s[3]};
    case FileLayout::flattened:
      return {s[0], p.layout.height * p.layout.width, p.layout.channels};
    case FileLayout::same:
      break;
  }
  return {1, 1, s.size()};
}

// [A, B, C] -> [A, C, B].
std::vector<float> exchange(const std::vector<float>& values, Index A, Index B, Index C) {
  std::vector<float> y(values.size());
  for (Index a = 0; a < A; ++a) {
    for (Index b = 0; b < B; ++b) {
      for (Index c = 0; c < C; ++c) y[(a * C + c) * B + b] = values[(a * B + b) * C + c];
    }
  }
  return y;
}

std::string list_of(const char* title, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  std::string y = detail::text("; ", names.size(), " ", title, ": ");
  const size_t shown = std::min<size_t>(names.size(), 8);
  for (size_t i = 0; i < shown; ++i) y += (i ? ", " : "") + names[i];
  return shown < names.size() ? y + ", ..." : y;
}

std::vector<float> to_file_layout(const Parameter& p, const std::vector<float>& values) {
  const Axes n = axes(p);
  return exchange(values, n.A, n.B, n.C);
}

std::vector<float> from_file_layout(const Parameter& p, const std::vector<float>& values) {
  const Axes n = axes(p);
  return exchange(values, n.A, n.C, n.B);
}

void check(const std::vector<Parameter>& parameters, const SafetensorsFile& file, const std::string& path,
           const std::function<bool(const std::string&)>& ignored) {
  std::vector<std::string> missing, unexpected, misshapen;
  std::set<std::string> known;
  for (const Parameter& p : parameters) {
    known.insert(p.name);
    if (!file.contains(p.name)) {
      missing.push_back(p.name);
    } else if (file.shape(p.name) != file_shape(p)) {
      misshapen.push_back(p.name + " " + detail::shape_text(file.shape(p.name)) + " instead of " +
                          detail::shape_text(file_shape(p)));
    }
  }
  for (const std::string& name : file.names()) {
    if (!known.count(name) && !detail::ends_with(name, "num_batches_tracked") && !ignored(name))
      unexpected.push_back(name);
  }
  CP_ENSURE_AS(bad_data, missing.empty() && unexpected.empty() && misshapen.empty(), path,
               ": these weights belong to another network", list_of("missing", missing),
               list_of("unexpected", unexpected), list_of("misshapen", misshapen),
               "; check the model, its width, head and outputs, and the size of the images");
}

std::vector<Parameter> wanted_of(const Module& model, const WeightSelection& selection) {
  std::vector<Parameter> parameters;
  for (const Parameter& p : model.parameters()) {
    if (selection.wanted(p.name)) parameters.push_back(p);
  }
  return parameters;
}

}  // namespace

void check_weights(const Module& model, const std::string& path, const WeightSelection& selection) {
  check(wanted_of(model, selection), SafetensorsFile(path), path, selection.ignored);
}

void load_weights(Module& model, const std::string& path, const WeightSelection& selection) {
  const SafetensorsFile file(path);
  std::vector<Parameter> parameters = wanted_of(model, selection);
  check(parameters, file, path, selection.ignored);
  std::vector<Tensor> values;  // all are read before the first is set
  for (const Parameter& p : parameters) {
    const std::vector<float> read = file.read_f32(p.name);
    for (float value : read) {
      CP_ENSURE_AS(bad_data, std::isfinite(value), path, ": ", p.name,
                   " holds NaN or infinity; these weights come from a run that diverged, use an earlier file");
    }
    const DType dtype = p.var.value().dtype();
    values.push_back(Tensor::from(p.var.backend(), p.var.shape(), from_file_layout(p, read)).cast(dtype));
  }
  for (size_t i = 0; i < parameters.size(); ++i) parameters[i].var.set_value(values[i]);
}

StoredParameter to_file(const Parameter& p) {
  return {file_shape(p), to_file_layout(p, p.var.value().cast(DType::f32).to_vector<float>())};
}

void save_weights(const Module& model, const std::string& path, const std::map<std::string, std::string>& metadata) {
  const std::vector<Parameter> parameters = model.parameters();
  std::vector<StoredParameter> stored;
  std::vector<FileTensor> tensors;
  stored.reserve(parameters.size());  // tensors point into it
  for (const Parameter& p : parameters) {
    stored.push_back(to_file(p));
    tensors.emplace_back(p.name, stored.back().shape, stored.back().values);
  }
  save_safetensors(path, tensors, metadata);
}

}  // namespace counterpoise
