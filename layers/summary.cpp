#include "layers/summary.h"

#include <iomanip>

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

void row(std::ostream& out, const std::string& layer, const std::string& shape, const std::string& count) {
  out << ' ' << std::left << std::setw(36) << layer << std::setw(26) << shape << std::right << std::setw(13) << count
      << '\n';
}

// Writes the rows of a Sequential, and returns the shape of its output.
Shape rows(std::ostream& out, const Sequential& model, Shape x) {
  for (const Sequential::Entry& entry : model.entries()) {
    if (const auto* inner = dynamic_cast<const Sequential*>(entry.module.get())) {
      x = rows(out, *inner, x);
      continue;
    }
    x = entry.module->output_shape(x);
    row(out, entry.label + " (" + entry.module->type() + ")", keras_shape(x),
        with_commas(entry.module->parameter_count()));
  }
  return x;
}

}  // namespace

std::string summary(const Sequential& model, const std::string& name, const Shape& input) {
  std::ostringstream out;
  const std::string line(77, '-');
  out << "Model: \"" << name << "\"\n" << line << '\n';
  row(out, "Layer (type)", "Output Shape", "Param #");
  out << line << '\n';
  row(out, "input_1 (InputLayer)", keras_shape(input), "0");
  rows(out, model, input);
  out << line << '\n';
  const Index total = model.parameter_count(), trainable = model.parameter_count(true);
  out << "Total params: " << with_commas(total) << " (";
  bool first = true;
  for (const Sequential::Entry& entry : model.entries()) {
    const Index count = entry.module->parameter_count();
    if (count == 0) continue;
    out << (first ? "" : ", ") << entry.label << ": " << with_commas(count);
    first = false;
  }
  out << ")\nTrainable params: " << with_commas(trainable)
      << "\nNon-trainable params: " << with_commas(total - trainable) << '\n';
  return out.str();
}

}  // namespace counterpoise
