// Rows of numbers with a label each: measurements, or what a network says about images.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace counterpoise {

struct Table {
  std::vector<double> features;  // rows() x columns, row by row
  size_t columns = 0;
  std::vector<int32_t> labels;  // one for each row; any numbers

  size_t rows() const { return labels.size(); }
  const double* row(size_t i) const { return features.data() + i * columns; }
};

}  // namespace counterpoise
