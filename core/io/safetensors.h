// safetensors: named arrays and text in one file. It is the usual format for weights, because reading it runs no code.
// https://github.com/huggingface/safetensors, "Format":
//
//   offset 0     u64 N, little-endian
//   offset 8     N bytes of JSON:
//                {"fc.weight": {"dtype": "F32", "shape": [2, 512], "data_offsets": [0, 4096]}, ...,
//                 "__metadata__": {"model": "vgg16"}}
//   offset 8+N   the numbers, little-endian, last dimension fastest; data_offsets count from here
//
// A file may come from anywhere, so the reader checks everything before it uses anything: the twelve rules are listed
// in safetensors.cpp in the order in which they are applied. Nothing here depends on Tensor:
//
//   save_safetensors("a.safetensors", {{"fc.weight", {2, 512}, weight}, {"fc.bias", {2}, bias}},
//                    {{"model", "vgg16"}});
//   SafetensorsFile file("a.safetensors");
//   std::vector<float> weight = file.read_f32("fc.weight");
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/io/file.h"

namespace counterpoise {

enum class FileDType { F64, F32, F16, BF16, I64, I32, U8, BOOL };

const char* name(FileDType dtype);   // "F32", as in the file
size_t byte_width(FileDType dtype);  // bytes per element

// Every value of a narrower float is a float; infinities, NaN payloads and signs are kept.
float f16_to_f32(uint16_t bits);
float bf16_to_f32(uint16_t bits);

// A safetensors file that is open for reading. Unless the whole file is valid, the constructor throws Error(bad_data),
// one line with the path, the violated rule with its numbers and what to do; the memory it takes is bounded by the size
// of the header, at most 16 MiB. Asking for a tensor that is absent throws Error(bad_data), too. Several threads may
// read from one object at once.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::string& path);

  const std::string& path() const { return file_.path(); }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  std::vector<std::string> names() const;  // sorted
  bool contains(const std::string& name) const { return entries_.count(name) > 0; }
  FileDType dtype(const std::string& name) const { return entry(name).dtype; }
  const std::vector<int64_t>& shape(const std::string& name) const { return entry(name).shape; }
  size_t elements(const std::string& name) const;

  // The numbers, converted if the file has another type of the same kind: floats (F64 is rounded to the nearest float)
  // or integers (BOOL gives 0 or 1). Throws Error(bad_data) if the kind differs.
  std::vector<float> read_f32(const std::string& name) const;
  std::vector<int64_t> read_i64(const std::string& name) const;
  // The bytes as they are in the file: elements(name) * byte_width(dtype(name)) of them.
  void read_bytes(const std::string& name, void* to) const;

  // Where a tensor is stored: bytes [begin, end) after the header.
  struct Entry {
    FileDType dtype = FileDType::F32;
    std::vector<int64_t> shape;
    uint64_t begin = 0, end = 0;
  };

 private:
  const Entry& entry(const std::string& name) const;
  void read_piece(uint64_t offset, void* to, size_t bytes) const;
  template <class To, class Convert>
  std::vector<To> read_as(const Entry& e, Convert convert) const;

  InputFile file_;
  uint64_t payload_ = 0;  // the offset in the file that `begin` and `end` count from
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> metadata_;
};

// A tensor to be written. It points at numbers that must live until save_safetensors returns.
struct FileTensor {
  FileTensor(std::string name, FileDType dtype, std::vector<int64_t> shape, const void* data)
      : name(std::move(name)), dtype(dtype), shape(std::move(shape)), data(data) {}

  // The same from a vector; throws Error(failure) if its length is not the product of `shape`.
  FileTensor(std::string name, std::vector<int64_t> shape, const std::vector<float>& values);
  FileTensor(std::string name, std::vector<int64_t> shape, const std::vector<double>& values);
  FileTensor(std::string name, std::vector<int64_t> shape, const std::vector<int64_t>& values);

  std::string name;
  FileDType dtype;
  std::vector<int64_t> shape;
  const void* data;
};

// Writes a file through an AtomicFile, straight from the tensors' memory. Tensors are ordered by decreasing width of
// their dtype, then by name, and the header is padded with spaces to a multiple of 8, so each is aligned. The same
// content gives the same bytes. Throws Error(failure) if names repeat, are longer than 512 bytes or not UTF-8, if a
// shape is impossible, or if the file cannot be written. Different threads may write different files.
void save_safetensors(const std::string& path, std::vector<FileTensor> tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace counterpoise
