#include "core/io/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/io/safetensors_header.h"

namespace counterpoise {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors files are little-endian");

using namespace safetensors;

constexpr uint64_t max_header = uint64_t{16} << 20;  // bytes

const DTypeRow& row(FileDType dtype) { return dtypes[static_cast<int>(dtype)]; }

// Formats of weights that users often have instead.
void refuse_other_formats(const std::string& path, const std::string& start) {
  const auto starts_with = [&](const std::string& magic) { return start.rfind(magic, 0) == 0; };
  const bool zip = starts_with("PK\x03\x04");
  const bool pickle = start.size() > 1 && start[0] == '\x80' && start[1] >= 2 && start[1] <= 5;
  if (zip || pickle)
    bad(path, zip ? "it is a ZIP archive, as torch.save makes" : "it is a Python pickle, as old torch.save makes",
        "convert it with Python: safetensors.torch.save_file(torch.load(f, weights_only=True), "
        "'f.safetensors')");
  if (starts_with("\x89HDF"))
    bad(path, "it is HDF5, as Keras makes",
        "convert it with Python: safetensors.numpy.save_file({w.path: w.numpy() for w in "
        "model.weights}, 'f.safetensors')");
  if (starts_with("version ")) bad(path, "it is a Git LFS pointer, not the file it stands for", "run `git lfs pull`");
}

template <class T>
T load(const char* from) {  // from any address
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace

const char* name(FileDType dtype) { return row(dtype).name; }
size_t byte_width(FileDType dtype) { return row(dtype).bytes; }

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

  // 1. The file is long enough for the header's length.
  if (size < 8) bad(path, detail::text("it has ", size, " bytes, fewer than the 8 every such file begins with"));
  // 2. The header's length is within the limit.
  const uint64_t n = load<uint64_t>(start.data());
  if (n > max_header) {
    refuse_other_formats(path, start);
    bad(path, detail::text("it announces a header of ", n, " bytes, more than ", max_header),
        "check that it is the right file, or download it again");
  }
  // 3. The header ends inside the file.
  if (n > size - 8) bad(path, detail::text("it announces a header of ", n, " bytes but only ", size - 8, " follow"));
  payload_ = 8 + n;

  // 4. The header is one JSON object in UTF-8, perhaps between spaces. nlohmann's parser would take a NUL for the end
  // and skip a byte order mark.
  std::string header(n, '\0');
  read_piece(8, header.data(), n);
  const size_t first = header.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || header[first] != '{') bad(path, "its header does not begin with '{'");
  const size_t nul = header.find('\0');
  if (nul != std::string::npos)
    bad(path, detail::text("its header is not UTF-8 JSON at byte ", nul + 1, " of the header"));
  // 5. Nothing is nested deeper than {"name": {"shape": [, and numbers are plain integers >= 0.
  // 6. No key occurs twice.
  // 7. __metadata__ maps strings to strings.
  // 8. A tensor has dtype, shape and two data_offsets, and nothing else.
  // 12. The numbers of tensors and of metadata, names and ranks are within limits: checked here, which bounds the
  // memory.
  read_header(path, header, entries_, metadata_);
  // 9. Sorted by offset, each tensor begins where the previous one ends, the first at 0.
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
  throw Error(ErrorKind::bad_data, path(), " has no tensor ", in_quotes(name), ": it has ", entries_.size(),
              entries_.empty() ? "" : ": ", present);
}

void SafetensorsFile::read_piece(uint64_t offset, void* to, size_t bytes) const {
  CP_ENSURE_AS(bad_data, file_.read_at(offset, to, bytes) == bytes, path(),
               " became shorter while it was read: wait until it is written, then try again");
}

void SafetensorsFile::read_bytes(const std::string& name, void* to) const {
  const Entry& e = entry(name);
  read_piece(payload_ + e.begin, to, e.end - e.begin);
}

// convert(const char*) gives one element from its bytes. The file is read in pieces, so that a tensor is in memory only
// once. The size of a piece is a multiple of every width.
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
  throw Error(ErrorKind::bad_data, path(), ": tensor ", in_quotes(name), " holds ", row(e.dtype).name,
              ", not floats: is it the right file?");
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
  throw Error(ErrorKind::bad_data, path(), ": tensor ", in_quotes(name), " holds ", row(e.dtype).name,
              ", not integers: is it the right file?");
}

namespace {

uint64_t checked_bytes(const FileTensor& t) {
  uint64_t bytes = 0;
  const bool possible = std::all_of(t.shape.begin(), t.shape.end(),
                                    [](int64_t d) { return 0 <= d && d <= static_cast<int64_t>(max_integer); }) &&
                        t.shape.size() <= max_rank && byte_count(t.dtype, t.shape, &bytes);
  CP_ENSURE(possible, "cannot save tensor ", in_quotes(t.name), ": its shape ", shape_text(t.shape), " is impossible");
  return bytes;
}

template <class T>
const void* checked_data(const FileTensor& t, const std::vector<T>& values) {
  CP_ENSURE(checked_bytes(t) == values.size() * sizeof(T), "cannot save tensor ", in_quotes(t.name), ": its shape is ",
            shape_text(t.shape), " but it has ", values.size(), " values");
  return values.data();
}

}  // namespace

FileTensor::FileTensor(std::string name, std::vector<int64_t> shape, const std::vector<float>& values)
    : FileTensor(std::move(name), FileDType::F32, std::move(shape), nullptr) {
  data = checked_data(*this, values);
}
FileTensor::FileTensor(std::string name, std::vector<int64_t> shape, const std::vector<double>& values)
    : FileTensor(std::move(name), FileDType::F64, std::move(shape), nullptr) {
  data = checked_data(*this, values);
}
FileTensor::FileTensor(std::string name, std::vector<int64_t> shape, const std::vector<int64_t>& values)
    : FileTensor(std::move(name), FileDType::I64, std::move(shape), nullptr) {
  data = checked_data(*this, values);
}

void save_safetensors(const std::string& path, std::vector<FileTensor> tensors, const Metadata& metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const FileTensor& a, const FileTensor& b) {
    const size_t wa = byte_width(a.dtype), wb = byte_width(b.dtype);
    return wa != wb ? wa > wb : a.name < b.name;
  });
  CP_ENSURE(tensors.size() <= max_tensors, "cannot save ", path, ": ", tensors.size(), " tensors are more than ",
            max_tensors);

  nlohmann::json header = nlohmann::json::object();
  uint64_t end = 0;
  for (const FileTensor& t : tensors) {
    const uint64_t begin = end;
    CP_ENSURE(!__builtin_add_overflow(begin, checked_bytes(t), &end) && end <= max_integer, "cannot save ", path,
              ": it would be larger than 2^48-1 bytes");
    CP_ENSURE(t.name.size() <= max_name && t.name != "__metadata__", "cannot save ", path, ": the name ",
              in_quotes(t.name), " is reserved or longer than ", max_name, " bytes");
    CP_ENSURE(!header.contains(t.name), "cannot save ", path, ": two tensors are named ", in_quotes(t.name));
    CP_ENSURE(begin == end || t.data, "cannot save ", path, ": tensor ", in_quotes(t.name), " has no data");
    header[t.name] = {{"dtype", name(t.dtype)}, {"shape", t.shape}, {"data_offsets", {begin, end}}};
  }
  CP_ENSURE(metadata.size() <= max_metadata, "cannot save ", path, ": ", metadata.size(),
            " entries of metadata are more than ", max_metadata);
  if (!metadata.empty()) header["__metadata__"] = metadata;

  std::string json;
  try {
    json = header.dump();
  } catch (const nlohmann::json::type_error&) {
    throw Error(ErrorKind::failure, "cannot save ", path, ": a tensor's name or the metadata is not UTF-8");
  }
  json.resize((json.size() + 7) / 8 * 8, ' ');
  const uint64_t n = json.size();
  CP_ENSURE(n <= max_header, "cannot save ", path, ": names and metadata take ", n, " bytes, more than ", max_header);

  AtomicFile file(path);
  file.write(&n, sizeof n);
  file.write(json.data(), n);
  for (const FileTensor& t : tensors) file.write(t.data, checked_bytes(t));
  file.commit();
}

}  // namespace counterpoise
