#include "data/tables/table.h"

#include "data/loader.h"
#include "kernels/error.h"

namespace counterpoise {

namespace {

class TableReader : public BatchReader {
 public:
  TableReader(const Table& table, const DataLoaderOptions& options)
      : table_(table), backend_(*options.backend), dtype_(options.dtype) {}

  bool wants_workers() const override { return false; }
  std::unique_ptr<Content> read(std::vector<Request>& requests) const override {
    auto rows = std::make_unique<Rows>();
    for (const Request& request : requests) rows->rows.push_back(request.sample);
    return rows;
  }
  Tensor collate(Content& content, const std::vector<size_t>& order) override {
    const std::vector<size_t>& rows = static_cast<Rows&>(content).rows;
    std::vector<float> x;
    x.reserve(order.size() * table_.columns);
    for (const size_t n : order) {
      const double* row = table_.row(rows[n]);
      for (size_t c = 0; c < table_.columns; ++c) x.push_back(static_cast<float>(row[c]));
    }
    return Tensor::from(backend_, {Index(order.size()), Index(table_.columns)}, x).cast(dtype_);
  }

 private:
  struct Rows : Content {
    std::vector<size_t> rows;
  };

  const Table& table_;
  Backend& backend_;
  const DType dtype_;
};

}  // namespace

Table Table::select_rows(const std::vector<size_t>& rows) const {
  Table y({}, columns, {}, class_names, column_names);
  y.features.reserve(rows.size() * columns);
  for (const size_t i : rows) {
    y.features.insert(y.features.end(), row(i), row(i) + columns);
    y.labels.push_back(labels.at(i));
  }
  return y;
}

std::unique_ptr<BatchReader> Table::reader(const DataLoaderOptions& options) const {
  CP_ENSURE(features.size() == rows() * columns, "a table: ", features.size(), " numbers for ", rows(), " rows by ",
            columns, " columns");
  for (const float strength : options.augment.strengths) {
    CP_ENSURE_AS(invalid_argument, strength == 0, "augmentation \"", to_string(options.augment),
                 "\" is for images, but the samples are rows of a table");
  }
  return std::make_unique<TableReader>(*this, options);
}

}  // namespace counterpoise
