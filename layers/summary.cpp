#include "layers/summary.h"

#include <algorithm>
#include <array>
#include <iomanip>
#include <map>
#include <set>
#include <sstream>

namespace counterpoise {

std::string with_commas(Index n) {
  std::string digits = std::to_string(n);
  for (int at = static_cast<int>(digits.size()) - 3; at > (n < 0 ? 1 : 0); at -= 3) digits.insert(at, ",");
  return digits;
}

namespace {

std::string keras_shape(const Shape& shape) {
  std::string y = "(None";
  for (int axis = 1; axis < shape.rank(); ++axis) y += ", " + std::to_string(shape[axis]);
  return y + ")";
}

// The cells of a row: layer, output shape, number of parameters.
using Row = std::array<std::string, 3>;

// The names of a module and of those inside it in the table.
void name_rows(const Module& module, const std::string& prefix, std::map<const Module*, std::string>& names) {
  for (const Module::Child& child : module.children()) {
    names[child.module.get()] = child.label.empty() ? prefix + child.name : child.label;
    name_rows(*child.module, prefix + child.name + ".", names);
  }
}

}  // namespace

std::string summary(Module& module, const std::string& name, const Shape& input, const Module* trained) {
  std::map<const Module*, std::string> names = {{&module, name}};
  name_rows(module, "", names);
  std::vector<Row> rows = {{"Layer (type)", "Output Shape", "Param #"},
                           {"input_1 (InputLayer)", keras_shape(input), "0"}};
  std::set<const Module*> seen;
  for (const Module::Call& call : module.trace(input)) {
    Index count = call.module->parameter_count();
    for (const Module::Child& child : call.module->children()) count -= child.module->parameter_count();
    if ((count == 0 && !call.module->children().empty()) || !seen.insert(call.module).second) continue;
    rows.push_back(
        {names[call.module] + " (" + call.module->type() + ")", keras_shape(call.output), with_commas(count)});
  }

  size_t width = 36;
  for (const Row& row : rows) width = std::max(width, row[0].size() + 1);
  std::ostringstream out;
  const std::string line(width + 41, '-');
  out << "Model: \"" << name << "\"\n" << line << '\n';
  for (size_t i = 0; i < rows.size(); ++i) {
    out << ' ' << std::left << std::setw(static_cast<int>(width)) << rows[i][0] << std::setw(26) << rows[i][1]
        << std::right << std::setw(13) << rows[i][2] << '\n';
    if (i == 0) out << line << '\n';
  }
  out << line << '\n';
  const Index total = module.parameter_count(), trainable = (trained ? *trained : module).parameter_count(true);
  out << "Total params: " << with_commas(total);
  std::string parts;
  for (const Module::Child& child : module.children()) {
    const Index count = child.module->parameter_count();
    if (count > 0) parts += (parts.empty() ? " (" : ", ") + names[child.module.get()] + ": " + with_commas(count);
  }
  out << parts << (parts.empty() ? "" : ")") << "\nTrainable params: " << with_commas(trainable)
      << "\nNon-trainable params: " << with_commas(total - trainable) << '\n';
  return out.str();
}

}  // namespace counterpoise
