#include "core/io/safetensors_header.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace counterpoise {
namespace safetensors {

void bad(const std::string& path, const std::string& what, const char* advice) {
  throw Error(ErrorKind::bad_data, path, " is not a valid safetensors file: ", what, ": ", advice);
}

bool byte_count(FileDType dtype, const std::vector<int64_t>& shape, uint64_t* bytes) {
  uint64_t product = byte_width(dtype);
  bool empty = false;
  for (int64_t d : shape) {
    if (d == 0) empty = true;
    else if (__builtin_mul_overflow(product, static_cast<uint64_t>(d), &product)) return false;
  }
  *bytes = empty ? 0 : product;
  return true;
}

namespace {

// Rules 4 to 8 and 12: receives the header's JSON piece by piece and throws at the first piece that is not allowed. A
// parsed tree would keep only the last of two equal keys.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(const std::string& path, Entries& entries, Metadata& metadata)
      : path_(path), entries_(entries), metadata_(metadata) {}

  bool start_object(size_t) override {
    if (in_ == In::nothing) {
      in_ = In::root;
    } else if (in_ == In::root) {
      in_ = name_ == "__metadata__" ? In::metadata : In::tensor;
      seen_.clear();
    } else {
      unexpected("an object");
    }
    return true;
  }
  bool end_object() override {
    if (in_ == In::tensor && seen_.size() != 3)
      bad(path_, detail::text("tensor ", in_quotes(name_), " lacks ", missing()));
    in_ = in_ == In::root ? In::nothing : In::root;
    return true;
  }
  bool key(std::string& key) override {
    if (in_ == In::root) {
      name_ = key;
      if (key == "__metadata__") {
        if (std::exchange(has_metadata_, true)) bad(path_, "it has __metadata__ twice");
        return true;
      }
      if (key.size() > max_name)
        bad(path_, detail::text("the name ", in_quotes(key), " has ", key.size(), " bytes, more than ", max_name));
      if (entries_.size() == max_tensors) bad(path_, detail::text("it has more than ", max_tensors, " tensors"));
      const auto [it, fresh] = entries_.emplace(key, Entry());
      if (!fresh) bad(path_, detail::text("it has tensor ", in_quotes(key), " twice"));
      entry_ = &it->second;
      return true;
    }
    if (in_ == In::tensor && key != "dtype" && key != "shape" && key != "data_offsets")
      bad(path_, detail::text("tensor ", in_quotes(name_), " has ", in_quotes(key),
                              ", which is not one of dtype, shape and data_offsets"));
    if (in_ == In::metadata && seen_.size() == max_metadata)
      bad(path_, detail::text("its __metadata__ has more than ", max_metadata, " entries"));
    if (!seen_.insert(key).second) bad(path_, detail::text(in_quotes(name_), " has ", in_quotes(key), " twice"));
    key_ = key;
    return true;
  }
  bool start_array(size_t) override {
    if (in_ == In::tensor && key_ == "shape") {
      in_ = In::shape;
    } else if (in_ == In::tensor && key_ == "data_offsets") {
      in_ = In::offsets;
      offsets_ = 0;
    } else {
      unexpected("an array");
    }
    return true;
  }
  bool end_array() override {
    if (in_ == In::offsets && offsets_ != 2)
      bad(path_, detail::text("tensor ", in_quotes(name_), " has ", offsets_, " data_offsets instead of 2"));
    in_ = In::tensor;
    return true;
  }
  bool string(std::string& value) override {
    if (in_ == In::metadata) {
      metadata_[key_] = std::move(value);
    } else if (in_ == In::tensor && key_ == "dtype") {
      const auto* row =
          std::find_if(std::begin(dtypes), std::end(dtypes), [&](const DTypeRow& r) { return value == r.name; });
      if (row == std::end(dtypes))
        bad(path_,
            detail::text("tensor ", in_quotes(name_), " has dtype ", in_quotes(value), ", which is unknown here"),
            "convert it to one of F64, F32, F16, BF16, I64, I32, U8 and BOOL");
      entry_->dtype = row->dtype;
    } else {
      unexpected("a string");
    }
    return true;
  }
  bool number_unsigned(uint64_t value) override {
    if (in_ != In::shape && in_ != In::offsets) unexpected("a number");
    if (value > max_integer)
      bad(path_, detail::text("tensor ", in_quotes(name_), " has ", value, " in its ", key_, ", above 2^48-1"));
    if (in_ == In::offsets) {
      if (offsets_ < 2) (offsets_ == 0 ? entry_->begin : entry_->end) = value;
      ++offsets_;
    } else {
      if (entry_->shape.size() == max_rank)
        bad(path_, detail::text("tensor ", in_quotes(name_), " has more than ", max_rank, " dimensions"));
      entry_->shape.push_back(static_cast<int64_t>(value));
    }
    return true;
  }
  bool number_integer(int64_t) override { unexpected("a negative number"); }
  bool number_float(double, const std::string& spelled) override {
    unexpected(detail::text("the number ", spelled.substr(0, 30)).c_str());
  }
  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a boolean"); }
  bool binary(nlohmann::json::binary_t&) override { unexpected("binary data"); }
  bool parse_error(size_t byte, const std::string&, const nlohmann::json::exception&) override {
    bad(path_, detail::text("its header is not UTF-8 JSON at byte ", byte, " of the header"));
  }

 private:
  enum class In { nothing, root, metadata, tensor, shape, offsets };

  [[noreturn]] void unexpected(const char* found) const {
    if (in_ == In::root) bad(path_, detail::text(in_quotes(name_), " is ", found, " instead of an object"));
    if (in_ == In::metadata)
      bad(path_, detail::text("__metadata__ has ", found, " for ", in_quotes(key_), " instead of a string"));
    const char* expected = key_ == "dtype"                          ? "a string"
                           : in_ == In::shape || in_ == In::offsets ? "a plain non-negative integer"
                                                                    : "an array";
    bad(path_, detail::text("tensor ", in_quotes(name_), " has ", found, " in its ", key_, " instead of ", expected));
  }
  const char* missing() const {
    for (const char* field : {"dtype", "shape"})
      if (!seen_.count(field)) return field;
    return "data_offsets";
  }

  const std::string& path_;
  Entries& entries_;
  Metadata& metadata_;
  In in_ = In::nothing;
  std::string name_, key_;      // of the tensor, and of the field in it (or in __metadata__)
  std::set<std::string> seen_;  // the keys of this object so far
  Entry* entry_ = nullptr;
  int offsets_ = 0;
  bool has_metadata_ = false;
};

}  // namespace

void read_header(const std::string& path, const std::string& json, Entries& entries, Metadata& metadata) {
  HeaderReader reader(path, entries, metadata);
  nlohmann::json::sax_parse(json, &reader);
}

// Rules 9 to 11: the tensors tile the payload, in some order, without gaps or overlaps, and each has the bytes that its
// shape needs.
void check_layout(const std::string& path, const Entries& entries, uint64_t payload_bytes) {
  std::vector<const Entries::value_type*> order;
  for (const auto& item : entries) order.push_back(&item);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });

  uint64_t end = 0;
  for (const auto* item : order) {
    const Entry& e = item->second;
    if (e.end < e.begin)
      bad(path, detail::text("tensor ", in_quotes(item->first), " ends at ", e.end, ", before it begins at ", e.begin));
    if (e.begin != end)
      bad(path, detail::text("tensor ", in_quotes(item->first), " begins at ", e.begin, " where ", end,
                             e.begin < end ? " is expected: tensors overlap" : " is expected: there is a gap"));
    end = e.end;
  }
  for (const auto* item : order) {
    const Entry& e = item->second;
    uint64_t bytes = 0;
    const std::string what = detail::text("tensor ", in_quotes(item->first), " of shape ", shape_text(e.shape));
    if (!byte_count(e.dtype, e.shape, &bytes)) bad(path, what + " has a size that overflows 64 bits");
    if (bytes != e.end - e.begin)
      bad(path, detail::text(what, " and dtype ", name(e.dtype), " needs ", bytes, " bytes but its data_offsets span ",
                             e.end - e.begin));
  }
  if (payload_bytes < end) bad(path, detail::text("it is truncated: ", end - payload_bytes, " bytes are missing"));
  if (payload_bytes > end) bad(path, detail::text(payload_bytes - end, " bytes follow the last tensor"));
}

}  // namespace safetensors
}  // namespace counterpoise
