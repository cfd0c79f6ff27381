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
    std::vector<size_t> rows;
    for (const size_t n : order) rows.push_back(static_cast<Rows&>(content).rows[n]);
    return table_.select_rows(rows).tensor(backend_).cast(dtype_);
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

static void check_size(const Table& t) {
  CP_ENSURE(t.features.size() == t.rows() * t.columns, "a table: ", t.features.size(), " numbers for ", t.rows(),
            " rows by ", t.columns, " columns");
}

Table Table::select_rows(const std::vector<size_t>& rows) const {
  check_size(*this);
  Table y({}, columns, {}, class_names, column_names);
  y.features.reserve(rows.size() * columns);
  for (const size_t i : rows) {
    CP_ENSURE(i < labels.size(), "a table: there is no row ", i, "; it has ", labels.size());
    y.features.insert(y.features.end(), row(i), row(i) + columns);
    y.labels.push_back(labels[i]);
  }
  return y;
}

Tensor Table::tensor(Backend& backend) const {
  const std::vector<float> x(features.begin(), features.end());
  return Tensor::from(backend, {static_cast<Index>(rows()), static_cast<Index>(columns)}, x);
}

std::unique_ptr<BatchReader> Table::reader(const DataLoaderOptions& options) const {
  check_size(*this);
  CP_ENSURE_AS(invalid_argument, options.augment.none(), "augmentation \"", to_string(options.augment),
               "\" is for images, but the samples are rows of a table");
  return std::make_unique<TableReader>(*this, options);
}

}  // namespace counterpoise
