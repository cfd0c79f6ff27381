// Rows of numbers with a label each: measurements, or what a network predicts for images.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace counterpoise {

// The const functions are safe to call from several threads.
class Table : public Dataset {
 public:
  Table() = default;
  Table(std::vector<double> features, size_t columns, std::vector<int32_t> labels,
        std::vector<std::string> class_names = {}, std::vector<std::string> column_names = {})
      : features(std::move(features)),
        columns(columns),
        labels(std::move(labels)),
        class_names(std::move(class_names)),
        column_names(std::move(column_names)) {}

  std::vector<double> features;           // [rows, columns], row by row
  size_t columns = 0;                     // of features; the label is none of them
  std::vector<int32_t> labels;            // [rows] the class of each row; for a DataLoader they count from 0
  std::vector<std::string> class_names;   // [K], or none where classes are numbers only
  std::vector<std::string> column_names;  // [columns], or none

  size_t rows() const { return labels.size(); }
  const double* row(size_t i) const { return features.data() + i * columns; }
  // All rows as x [rows, columns] in f32, for a network that takes them at once.
  Tensor tensor(Backend& backend = cpu_backend()) const;
  // These rows as a table of their own. Throws Error(failure) for a row that is not there, and unless `features` holds
  // rows() x columns numbers.
  Table select_rows(const std::vector<size_t>& rows) const;

  size_t size() const override { return rows(); }
  int32_t label(size_t sample) const override { return labels.at(sample); }
  const std::vector<std::string>& classes() const override { return class_names; }
  // Batches x [N, columns]. The reader needs no threads. Throws Error(invalid_argument) for options with augmentation,
  // and Error unless `features` holds rows() x columns numbers.
  std::unique_ptr<BatchReader> reader(const DataLoaderOptions& options) const override;
};

}  // namespace counterpoise
