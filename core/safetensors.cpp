#include "core/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "kernels/check.h"

namespace counterpoise {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors files are little-endian");

using Entry = SafetensorsFile::Entry;
using Entries = std::map<std::string, Entry>;
using Metadata = std::map<std::string, std::string>;

constexpr uint64_t max_header = uint64_t{16} << 20;        // bytes
constexpr uint64_t max_integer = (uint64_t{1} << 48) - 1;  // the format's schema
constexpr size_t max_tensors = 65536, max_name = 512, max_rank = 64;

struct DTypeRow {
  FileDType dtype;
  const char* name;
  size_t bytes;
};
constexpr DTypeRow dtypes[] = {
    {FileDType::F64, "F64", 8},   {FileDType::F32, "F32", 4},   {FileDType::F16, "F16", 2},
    {FileDType::BF16, "BF16", 2}, {FileDType::I64, "I64", 8},   {FileDType::I32, "I32", 4},
    {FileDType::U8, "U8", 1},     {FileDType::BOOL, "BOOL", 1},
};

const DTypeRow& row(FileDType dtype) {
  return dtypes[static_cast<int>(dtype)];
}

[[noreturn]] void bad(const std::string& path, const std::string& what,
                      const char* advice = "download it again, or save it again from its source") {
  throw Error(text(path, " is not a sound safetensors file: ", what, ": ", advice), Exit::bad_data);
}

// A name from a file for a message: on one line, and not too long.
std::string in_quotes(const std::string& name) {
  std::string line = name.substr(0, 80);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  return text("'", line, name.size() > 80 ? "...'" : "'");
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string s = "[";
  for (size_t i = 0; i < shape.size(); ++i) s += text(i ? ", " : "", shape[i]);
  return s + "]";
}

// The bytes of a tensor, or false where they do not fit 64 bits. A zero does not hide an overflow
// of the other dimensions, which may be multiplied in any order later.
// REQUIRES: no dimension is negative.
bool byte_count(FileDType dtype, const std::vector<int64_t>& shape, uint64_t* bytes) {
  uint64_t product = byte_width(dtype);
  bool empty = false;
  for (int64_t d : shape) {
    if (d == 0)
      empty = true;
    else if (__builtin_mul_overflow(product, static_cast<uint64_t>(d), &product))
      return false;
  }
  *bytes = empty ? 0 : product;
  return true;
}

// What a file is that people often have instead.
void refuse_other_formats(const std::string& path, const std::string& start) {
  const auto starts_with = [&](const std::string& magic) { return start.rfind(magic, 0) == 0; };
  const bool zip = starts_with("PK\x03\x04");
  const bool pickle = start.size() > 1 && start[0] == '\x80' && start[1] >= 2 && start[1] <= 5;
  if (zip || pickle)
    bad(path,
        zip ? "it is a ZIP archive, as torch.save makes"
            : "it is a Python pickle, as old torch.save makes",
        "convert it with Python: safetensors.torch.save_file(torch.load(f, weights_only=True), "
        "'f.safetensors')");
  if (starts_with("\x89HDF"))
    bad(path, "it is HDF5, as Keras makes",
        "convert it with Python: safetensors.numpy.save_file({w.path: w.numpy() for w in "
        "model.weights}, 'f.safetensors')");
  if (starts_with("version "))
    bad(path, "it is a Git LFS pointer, not the file it stands for", "run `git lfs pull`");
}

// Rules 4 to 8 and 12: receives the header's JSON piece by piece and throws at the first piece that
// does not belong. A tree would keep only the last of two equal keys.
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
      bad(path_, text("tensor ", in_quotes(name_), " lacks ", missing()));
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
        bad(path_,
            text("the name ", in_quotes(key), " has ", key.size(), " bytes, more than ", max_name));
      if (entries_.size() == max_tensors)
        bad(path_, text("it has more than ", max_tensors, " tensors"));
      const auto [it, fresh] = entries_.emplace(key, Entry());
      if (!fresh) bad(path_, text("it has tensor ", in_quotes(key), " twice"));
      entry_ = &it->second;
      return true;
    }
    if (in_ == In::tensor && key != "dtype" && key != "shape" && key != "data_offsets")
      bad(path_, text("tensor ", in_quotes(name_), " has ", in_quotes(key),
                      ", which is not one of dtype, shape and data_offsets"));
    if (!seen_.insert(key).second)
      bad(path_, text(in_quotes(name_), " has ", in_quotes(key), " twice"));
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
      bad(path_,
          text("tensor ", in_quotes(name_), " has ", offsets_, " data_offsets instead of 2"));
    in_ = In::tensor;
    return true;
  }
  bool string(std::string& value) override {
    if (in_ == In::metadata) {
      metadata_[key_] = std::move(value);
    } else if (in_ == In::tensor && key_ == "dtype") {
      const auto found = std::find_if(std::begin(dtypes), std::end(dtypes),
                                      [&](const DTypeRow& r) { return value == r.name; });
      if (found == std::end(dtypes))
        bad(path_,
            text("tensor ", in_quotes(name_), " has dtype ", in_quotes(value),
                 ", which is unknown here"),
            "convert it to one of F64, F32, F16, BF16, I64, I32, U8 and BOOL");
      entry_->dtype = found->dtype;
    } else {
      unexpected("a string");
    }
    return true;
  }
  bool number_unsigned(uint64_t value) override {
    if (in_ != In::shape && in_ != In::offsets) unexpected("a number");
    if (value > max_integer)
      bad(path_,
          text("tensor ", in_quotes(name_), " has ", value, " in its ", key_, ", above 2^48-1"));
    if (in_ == In::offsets) {
      if (offsets_ < 2) (offsets_ == 0 ? entry_->begin : entry_->end) = value;
      ++offsets_;
    } else {
      if (entry_->shape.size() == max_rank)
        bad(path_, text("tensor ", in_quotes(name_), " has more than ", max_rank, " dimensions"));
      entry_->shape.push_back(static_cast<int64_t>(value));
    }
    return true;
  }
  bool number_integer(int64_t) override { unexpected("a negative number"); }
  bool number_float(double, const std::string& spelled) override {
    unexpected(text("the number ", spelled.substr(0, 30)).c_str());
  }
  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a boolean"); }
  bool binary(nlohmann::json::binary_t&) override { unexpected("binary data"); }
  bool parse_error(size_t byte, const std::string&, const nlohmann::json::exception&) override {
    bad(path_, text("its header is not UTF-8 JSON at byte ", byte, " of the header"));
  }

 private:
  enum class In { nothing, root, metadata, tensor, shape, offsets };

  [[noreturn]] void unexpected(const char* found) const {
    if (in_ == In::root) bad(path_, text(in_quotes(name_), " is ", found, " instead of an object"));
    if (in_ == In::metadata)
      bad(path_,
          text("__metadata__ has ", found, " for ", in_quotes(key_), " instead of a string"));
    const char* expected = key_ == "dtype"                          ? "a string"
                           : in_ == In::shape || in_ == In::offsets ? "a plain non-negative integer"
                                                                    : "an array";
    bad(path_, text("tensor ", in_quotes(name_), " has ", found, " in its ", key_, " instead of ",
                    expected));
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

// Rules 9 to 11: the tensors tile the payload, in some order, without hole or overlap, and each has
// the bytes that its shape needs.
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
      bad(path, text("tensor ", in_quotes(item->first), " ends at ", e.end,
                     ", before it begins at ", e.begin));
    if (e.begin != end)
      bad(path,
          text("tensor ", in_quotes(item->first), " begins at ", e.begin, " where ", end,
               e.begin < end ? " is expected: tensors overlap" : " is expected: there is a hole"));
    end = e.end;
  }
  for (const auto* item : order) {
    const Entry& e = item->second;
    uint64_t bytes = 0;
    const std::string what =
        text("tensor ", in_quotes(item->first), " of shape ", shape_text(e.shape));
    if (!byte_count(e.dtype, e.shape, &bytes))
      bad(path, what + " has a size that overflows 64 bits");
    if (bytes != e.end - e.begin)
      bad(path, text(what, " and dtype ", name(e.dtype), " needs ", bytes,
                     " bytes but its data_offsets span ", e.end - e.begin));
  }
  if (payload_bytes < end)
    bad(path, text("it is cut short: ", end - payload_bytes, " bytes are missing"));
  if (payload_bytes > end) bad(path, text(payload_bytes - end, " bytes follow the last tensor"));
}

template <class T>
T load(const char* from) {  // from any address
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace

const char* name(FileDType dtype) {
  return row(dtype).name;
}
size_t byte_width(FileDType dtype) {
  return row(dtype).bytes;
}

float bf16_to_f32(uint16_t bits) {
  const uint32_t wide = uint32_t{bits} << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

float f16_to_f32(uint16_t bits) {
  const uint32_t exponent = bits >> 10 & 31, mantissa = bits & 1023;
  uint32_t wide;
  if (exponent == 0) {  // zero, or a subnormal: a normal number in f32
    const float small = static_cast<float>(mantissa) * 0x1p-24f;
    std::memcpy(&wide, &small, sizeof wide);
  } else {
    wide = (exponent == 31 ? 255 : exponent - 15 + 127) << 23 | mantissa << 13;
  }
  wide |= uint32_t{bits & 0x8000u} << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

SafetensorsFile::SafetensorsFile(const std::string& path) : file_(path) {
  const uint64_t size = file_.size();
  std::string start(std::min<uint64_t>(size, 8), '\0');
  read_piece(0, start.data(), start.size());

  // 1. There is room for the header's length.
  if (size < 8)
    bad(path, text("it has ", size, " bytes, fewer than the 8 every such file begins with"));
  // 2. The length is one that we are ready to read.
  const uint64_t n = load<uint64_t>(start.data());
  if (n > max_header) {
    refuse_other_formats(path, start);
    bad(path, text("it promises a header of ", n, " bytes, more than ", max_header),
        "check that it is the right file, or download it again");
  }
  // 3. The header ends inside the file.
  if (n > size - 8)
    bad(path, text("it promises a header of ", n, " bytes but only ", size - 8, " follow"));
  payload_ = 8 + n;

  // 4. The header is one JSON object in UTF-8, perhaps between spaces. nlohmann's parser would take
  // a NUL for the end, and skip a byte order mark.
  std::string header(n, '\0');
  read_piece(8, header.data(), n);
  const size_t first = header.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || header[first] != '{')
    bad(path, "its header does not begin with '{'");
  const size_t nul = header.find('\0');
  if (nul != std::string::npos)
    bad(path, text("its header is not UTF-8 JSON at byte ", nul + 1, " of the header"));
  // 5. Nothing is nested deeper than {"name": {"shape": [, and numbers are plain integers >= 0.
  // 6. No key occurs twice.
  // 7. __metadata__ maps strings to strings.
  // 8. A tensor has dtype, shape and two data_offsets, and nothing else.
  // 12. Tensors, their names and their ranks keep within limits: here, so that memory does too.
  HeaderReader reader(path, entries_, metadata_);
  nlohmann::json::sax_parse(header, &reader);
  // 9. Sorted by offset, each tensor begins where the one before it ends, the first at 0.
  // 10. Shape and dtype give the bytes between the offsets, without overflow.
  // 11. The last tensor ends where the file ends.
  check_layout(path, entries_, size - payload_);
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> result;
  for (const auto& item : entries_) result.push_back(item.first);
  return result;
}

size_t SafetensorsFile::elements(const std::string& name) const {
  const Entry& e = entry(name);
  return (e.end - e.begin) / byte_width(e.dtype);
}

const Entry& SafetensorsFile::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found != entries_.end()) return found->second;
  std::string present;
  for (const auto& item : entries_) {
    if (present.size() > 200) {
      present += ", ...";
      break;
    }
    present += (present.empty() ? "" : ", ") + in_quotes(item.first);
  }
  throw Error(text(path(), " has no tensor ", in_quotes(name), ": it has ", entries_.size(),
                   entries_.empty() ? "" : ": ", present),
              Exit::bad_data);
}

void SafetensorsFile::read_piece(uint64_t offset, void* to, size_t bytes) const {
  ENSURE_OR(Exit::bad_data, file_.read_at(offset, to, bytes) == bytes, path(),
            " became shorter while it was read: wait until it is written, then try again");
}

void SafetensorsFile::read_bytes(const std::string& name, void* to) const {
  const Entry& e = entry(name);
  read_piece(payload_ + e.begin, to, e.end - e.begin);
}

// convert(const char*) makes one element from its bytes; the file is read in pieces, so that a
// tensor is in memory once. The piece is a multiple of every width.
template <class To, class Convert>
std::vector<To> SafetensorsFile::read_as(const Entry& e, Convert convert) const {
  const size_t width = byte_width(e.dtype);
  std::vector<To> values;
  values.reserve((e.end - e.begin) / width);
  char piece[1 << 16];
  for (uint64_t at = e.begin; at < e.end; at += sizeof piece) {
    const size_t bytes = std::min<uint64_t>(e.end - at, sizeof piece);
    read_piece(payload_ + at, piece, bytes);
    for (size_t i = 0; i < bytes; i += width) values.push_back(convert(piece + i));
  }
  return values;
}

std::vector<float> SafetensorsFile::read_f32(const std::string& name) const {
  const Entry& e = entry(name);
  switch (e.dtype) {
    case FileDType::F32: {
      std::vector<float> values(elements(name));
      read_bytes(name, values.data());
      return values;
    }
    case FileDType::F64:
      return read_as<float>(e, [](const char* p) { return static_cast<float>(load<double>(p)); });
    case FileDType::F16:
      return read_as<float>(e, [](const char* p) { return f16_to_f32(load<uint16_t>(p)); });
    case FileDType::BF16:
      return read_as<float>(e, [](const char* p) { return bf16_to_f32(load<uint16_t>(p)); });
    default:
      break;
  }
  throw Error(text(path(), ": tensor ", in_quotes(name), " holds ", row(e.dtype).name,
                   ", not floats: is it the right file?"),
              Exit::bad_data);
}

std::vector<int64_t> SafetensorsFile::read_i64(const std::string& name) const {
  const Entry& e = entry(name);
  switch (e.dtype) {
    case FileDType::I64:
      return read_as<int64_t>(e, load<int64_t>);
    case FileDType::I32:
      return read_as<int64_t>(e, load<int32_t>);
    case FileDType::U8:
      return read_as<int64_t>(e, load<uint8_t>);
    case FileDType::BOOL:
      return read_as<int64_t>(e, [](const char* p) { return int64_t{*p != 0}; });
    default:
      break;
  }
  throw Error(text(path(), ": tensor ", in_quotes(name), " holds ", row(e.dtype).name,
                   ", not integers: is it the right file?"),
              Exit::bad_data);
}

namespace {

uint64_t checked_bytes(const FileTensor& t) {
  uint64_t bytes = 0;
  const bool possible =
      std::all_of(t.shape.begin(), t.shape.end(),
                  [](int64_t d) { return 0 <= d && d <= static_cast<int64_t>(max_integer); }) &&
      t.shape.size() <= max_rank && byte_count(t.dtype, t.shape, &bytes);
  ENSURE(possible, "cannot save tensor ", in_quotes(t.name), ": its shape ", shape_text(t.shape),
         " is impossible");
  return bytes;
}

template <class T>
const void* checked_data(const FileTensor& t, const std::vector<T>& values) {
  ENSURE(checked_bytes(t) == values.size() * sizeof(T), "cannot save tensor ", in_quotes(t.name),
         ": its shape is ", shape_text(t.shape), " but it has ", values.size(), " values");
  return values.data();
}

}  // namespace

FileTensor::FileTensor(std::string name, std::vector<int64_t> shape,
                       const std::vector<float>& values)
    : FileTensor(std::move(name), FileDType::F32, std::move(shape), nullptr) {
  data = checked_data(*this, values);
}
FileTensor::FileTensor(std::string name, std::vector<int64_t> shape,
                       const std::vector<double>& values)
    : FileTensor(std::move(name), FileDType::F64, std::move(shape), nullptr) {
  data = checked_data(*this, values);
}
FileTensor::FileTensor(std::string name, std::vector<int64_t> shape,
                       const std::vector<int64_t>& values)
    : FileTensor(std::move(name), FileDType::I64, std::move(shape), nullptr) {
  data = checked_data(*this, values);
}

void save_safetensors(const std::string& path, std::vector<FileTensor> tensors,
                      const Metadata& metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const FileTensor& a, const FileTensor& b) {
    const size_t wa = byte_width(a.dtype), wb = byte_width(b.dtype);
    return wa != wb ? wa > wb : a.name < b.name;
  });
  ENSURE(tensors.size() <= max_tensors, "cannot save ", path, ": ", tensors.size(),
         " tensors are more than ", max_tensors);

  nlohmann::json header = nlohmann::json::object();
  uint64_t end = 0;
  for (const FileTensor& t : tensors) {
    const uint64_t begin = end;
    ENSURE(!__builtin_add_overflow(begin, checked_bytes(t), &end) && end <= max_integer,
           "cannot save ", path, ": it would be larger than 2^48-1 bytes");
    ENSURE(t.name.size() <= max_name && t.name != "__metadata__", "cannot save ", path,
           ": the name ", in_quotes(t.name), " is reserved or longer than ", max_name, " bytes");
    ENSURE(!header.contains(t.name), "cannot save ", path, ": two tensors are named ",
           in_quotes(t.name));
    ENSURE(begin == end || t.data, "cannot save ", path, ": tensor ", in_quotes(t.name),
           " has no data");
    header[t.name] = {{"dtype", name(t.dtype)}, {"shape", t.shape}, {"data_offsets", {begin, end}}};
  }
  if (!metadata.empty()) header["__metadata__"] = metadata;

  std::string json;
  try {
    json = header.dump();
  } catch (const nlohmann::json::type_error&) {
    throw Error(text("cannot save ", path, ": a tensor's name or the metadata is not UTF-8"));
  }
  json.resize((json.size() + 7) / 8 * 8, ' ');
  const uint64_t n = json.size();
  ENSURE(n <= max_header, "cannot save ", path, ": names and metadata take ", n,
         " bytes, more than ", max_header);

  AtomicFile file(path);
  file.write(&n, sizeof n);
  file.write(json.data(), n);
  for (const FileTensor& t : tensors) file.write(t.data, checked_bytes(t));
  file.commit();
}

}  // namespace counterpoise
