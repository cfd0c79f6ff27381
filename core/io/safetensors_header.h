// Internals of the safetensors reader: the rules that the header's JSON must obey. Used by safetensors.cpp alone. Any
// thread may call these functions.
#pragma once

#include "core/io/safetensors.h"
#include "core/text.h"

namespace counterpoise {
namespace safetensors {

using detail::in_quotes;
using detail::shape_text;

using Entry = SafetensorsFile::Entry;
using Entries = std::map<std::string, Entry>;
using Metadata = std::map<std::string, std::string>;

constexpr uint64_t max_integer = (uint64_t{1} << 48) - 1;  // the format's schema
constexpr size_t max_tensors = 65536, max_name = 512, max_rank = 64, max_metadata = 65536;

// The element types, in the order of FileDType.
struct DTypeRow {
  FileDType dtype;
  const char* name;
  size_t bytes;
};
constexpr DTypeRow dtypes[] = {
    {FileDType::F64, "F64", 8}, {FileDType::F32, "F32", 4}, {FileDType::F16, "F16", 2}, {FileDType::BF16, "BF16", 2},
    {FileDType::I64, "I64", 8}, {FileDType::I32, "I32", 4}, {FileDType::U8, "U8", 1},   {FileDType::BOOL, "BOOL", 1},
};

// Throws Error(bad_data), which says that the file is invalid and what to do.
[[noreturn]] void bad(const std::string& path, const std::string& what,
                      const char* advice = "download it again, or save it again from its source");

// The bytes of a tensor, or false if they do not fit in 64 bits. A zero does not hide an overflow of the other
// dimensions, which may be multiplied in any order later. REQUIRES: no dimension is negative.
bool byte_count(FileDType dtype, const std::vector<int64_t>& shape, uint64_t* bytes);

// Rules 4 to 8 and 12, from the JSON of a header; and 9 to 11, from the number of bytes after it.
void read_header(const std::string& path, const std::string& json, Entries& entries, Metadata& metadata);
void check_layout(const std::string& path, const Entries& entries, uint64_t payload_bytes);

}  // namespace safetensors
}  // namespace counterpoise
