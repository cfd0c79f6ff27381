// Targets that read files: images, weights, tables.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "apps/trainer/export_command.h"
#include "apps/trainer/metrics_command.h"
#include "core/io/safetensors.h"
#include "data/images/image.h"
#include "data/images/png_check.h"
#include "data/tables/csv.h"
#include "layers/models/models.h"
#include "layers/weights.h"
#include "tests/fuzz/fuzz.h"

namespace counterpoise::fuzz {

namespace {

std::string source_path(const std::string& path) {
  const char* moved = std::getenv("COUNTERPOISE_SOURCE");
  return (moved ? moved : SOURCE_DIR) + ("/" + path);
}

Bytes read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  CP_ENSURE(file, path, ": cannot be read");
  return Bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

// -- images: Pillow's small files, from the golden file of the tests --

std::vector<Bytes> images(const std::string& extension) {
  const auto golden = nlohmann::json::parse(std::ifstream(source_path("tests/data/golden/images.json")));
  std::vector<Bytes> all;
  for (const auto& [name, file] : golden["files"].items()) {
    if (name.size() < extension.size() || name.substr(name.size() - extension.size()) != extension) continue;
    const std::string hex = file["bytes"];
    Bytes bytes;
    for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes.push_back(uint8_t(std::stoi(hex.substr(i, 2), nullptr, 16)));
    all.push_back(bytes);
  }
  return all;
}

std::string decode(const Bytes& input) {
  const Image image = decode_image(input.data(), input.size(), "file");
  require(image.height > 0 && image.width > 0, "an image without pixels");
  require(image.rgb.size() == size_t(image.height) * size_t(image.width) * 3, "an image with a wrong number of bytes");
  if (image.rgb.size() > size_t(1) << 20) return "large";
  require(decode_image(input.data(), input.size(), "file").rgb == image.rgb, "other pixels the second time");
  resize_bilinear(image, 7, 5);
  return "";
}

uint32_t big_endian(const uint8_t* p) {
  return uint32_t(p[0]) << 24 | uint32_t(p[1]) << 16 | uint32_t(p[2]) << 8 | uint32_t(p[3]);
}

Target image_target(const char* name, const char* extension, const std::vector<std::string>& words) {
  Target target = {name, [=] { return images(extension); }, decode, {ErrorKind::bad_data}, words};
  target.megabytes = 2500;  // decoding is promised to take no more than 1.2 GB; the rest is the sanitizer's
  return target;
}

std::string bytes(std::initializer_list<int> values) { return std::string(values.begin(), values.end()); }

// -- weights --

// The length of the header that begins at byte 8, where it is a whole object of JSON.
void repair_safetensors(Bytes& file) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 8; i < file.size(); ++i) {
    const uint8_t c = file[i];
    if (quoted && c == '\\') ++i;
    else if (c == '"') quoted = !quoted;
    else if (!quoted && c == '{') ++depth;
    else if (!quoted && c == '}' && --depth == 0) {
      const uint64_t length = i + 1 - 8;
      std::memcpy(file.data(), &length, 8);
      return;
    }
  }
}

Bytes weights_file(const std::string& header, size_t payload) {
  Bytes file(8);
  const Bytes text = bytes_of(header);
  file.insert(file.end(), text.begin(), text.end());
  file.resize(file.size() + payload, 0x3f);
  repair_safetensors(file);
  return file;
}

std::string read_weights(const Bytes& input) {
  const SafetensorsFile file(memory_file(input));
  size_t tensors = 0;
  for (const std::string& name : file.names()) {
    const size_t elements = file.elements(name), width = byte_width(file.dtype(name));
    require(elements * width <= input.size(), "more numbers than bytes");
    std::vector<uint8_t> raw(elements * width);
    file.read_bytes(name, raw.data());
    switch (file.dtype(name)) {
      case FileDType::F64:
      case FileDType::F32:
      case FileDType::F16:
      case FileDType::BF16:
        require(file.read_f32(name).size() == elements, "a wrong number of floats");
        break;
      default:
        require(file.read_i64(name).size() == elements, "a wrong number of integers");
    }
    ++tensors;
  }
  return std::to_string(std::min<size_t>(tensors, 3)) + " tensors, " +
         (file.metadata().empty() ? "no metadata" : "metadata");
}

std::vector<Bytes> weights_seeds() {
  return {read(source_path("tests/core/golden/python.safetensors")),
          weights_file(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                       R"("b":{"dtype":"I64","shape":[2,1],"data_offsets":[4,20]},"__metadata__":{"k":"v"}})",
                       20),
          weights_file("{}", 0)};
}

// -- the weights of a whole network, as the commands read them --

std::vector<Bytes> network_seeds() {
  std::vector<Bytes> all;
  for (const Index outputs : {1, 2}) {
    ModelConfig config;
    config.name = outputs == 1 ? "vgg11" : "vgg11_bn";
    config.width = 0.015625;
    config.image_size = 32;
    config.outputs = outputs;
    auto about = metadata(config);
    about.insert({{"classes", "[\"cat\",\"dog\"]"},
                  {"positive", "cat"},
                  {"cut", "0.25"},
                  {"temperature", "1.5"},
                  {"logit_shift", "-0.5"},
                  {"threshold", "0"},
                  {"training_images", "[20,60]"}});
    const std::string path = work_folder() + "/seed.safetensors";
    save_weights(*make_model(config, cpu_backend(), 1), path, about);
    all.push_back(read(path));
  }
  return all;
}

std::string export_network(const Bytes& input) {
  std::string words[] = {"export", "--weights", memory_file(input), "--output", work_folder() + "/a.onnx"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  export_command(int(argv.size()), argv.data());
  return "";
}

// -- tables --

std::vector<std::vector<std::string>> rows_of(CsvReader reader) {
  std::vector<std::vector<std::string>> rows = {reader.header()};
  for (std::vector<std::string> row; reader.next(row);) rows.push_back(row);
  return rows;
}

std::string read_table(const Bytes& input) {
  const std::string path = memory_file(input);
  const auto rows = rows_of(CsvReader(text_of(input), path));
  require(rows_of(CsvReader(path)) == rows, "the file's rows are not the text's");
  // Written again, they are the same. (A line without a field that is not empty would be skipped.)
  std::string again;
  bool empty_line = false;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) again += (i ? "," : "") + csv_field(row[i]);
    empty_line = empty_line || (row.size() == 1 && row[0].empty());
    again += "\n";
  }
  if (!empty_line) require(rows_of(CsvReader(again, path)) == rows, "rows that were written are read otherwise");
  if (rows[0].back().empty()) return "no name of a label";
  CsvOptions options;
  options.label = rows[0].back();
  if (rows[0].size() > 2) options.ignore = {rows[0][0]};
  const Table table = read_csv(path, options);
  require(table.features.size() == table.rows() * table.columns, "a table with a wrong number of numbers");
  return "";
}

std::string metrics_of(const Bytes& input) {
  const bool cats = text_of(input).find("cat") != std::string::npos;
  std::string words[] = {"metrics", memory_file(input), "--positive", cats ? "cat" : "1", "--curves"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  metrics_command(int(argv.size()), argv.data());
  return "";
}

}  // namespace

void repair_png(Bytes& png) {
  for (size_t at = 8; at + 12 <= png.size();) {
    const size_t length = big_endian(&png[at]);
    if (length > png.size() - at - 12) return;
    const uint32_t sum = detail::crc32(&png[at + 4], length + 4);
    for (size_t i = 0; i < 4; ++i) png[at + 8 + length + i] = uint8_t(sum >> (24 - 8 * i));
    at += 12 + length;
  }
}

std::vector<Target> file_targets() {
  // clang-format off
  std::vector<Target> all = {
      image_target("jpeg", ".jpg", {"\xff\xd8", "\xff\xc0", "\xff\xc2", "\xff\xc4", "\xff\xda", "\xff\xdb", "\xff\xdd",
          "\xff\xd9", "\xff\xd0", "\xff\xd7", "\xff\xee", "Adobe", "JFIF", bytes({0xff, 0})}),
      image_target("png", ".png", {"IHDR", "IDAT", "PLTE", "tRNS", "IEND", "CgBI", "\x89PNG\r\n\x1a\n", "\x78\x9c",
          bytes({0, 0, 0, 0}) + "IEND", bytes({0, 0, 0, 13}) + "IHDR"}),
      image_target("bmp", ".bmp", {"BM", bytes({12, 0, 0, 0}), bytes({40, 0, 0, 0}), bytes({56, 0, 0, 0}),
          bytes({108, 0, 0, 0}), bytes({124, 0, 0, 0}), bytes({1, 0, 24, 0}), bytes({1, 0, 8, 0}), bytes({1, 0, 1, 0}),
          bytes({1, 0, 16, 0}), bytes({1, 0, 32, 0}), bytes({3, 0, 0, 0}), bytes({1, 0, 0, 0})}),
      {"safetensors", weights_seeds, read_weights, {ErrorKind::bad_data},
       {"{", "}", "[", "]", "\"", ",", ":", "\\u0000", "\\ud800", "\"dtype\":", "\"shape\":", "\"data_offsets\":",
        "\"__metadata__\":{", "\"F32\"", "\"F64\"", "\"BF16\"", "\"I64\"", "\"BOOL\"", "[0,4]", "[4,8]", "null", "true",
        "{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}", "\xc3\xbc"}, repair_safetensors},
      {"network", network_seeds, export_network, {ErrorKind::bad_data},
       {"vgg11", "vgg16", "vgg19_bn", "imagenet", "lectures", "\"width\":\"", "\"cosine\":\"1\"", "\"outputs\":\"2\"",
        "[\"cat\",\"dog\"]", "[\"\",\"\"]", "0.015625", "8", "2048", "32", "1e9", "nan", "\"cut\":\"", "\"positive\":\""},
       repair_safetensors, 32768},
      {"csv", [] { return std::vector<Bytes>{bytes_of("a,b,label\n1,2,cat\n-1e3,.5,dog\n"),
          bytes_of("\xef\xbb\xbfname,x,y\r\n\"a, \"\"b\"\"\",1,2\r\n\r\nc,3,4"), bytes_of("x\n1\n\"2\n3\"\n")}; },
       read_table, {ErrorKind::bad_data}, {"\"", "\"\"", ",", "\n", "\r\n", "\r", "\n\n", "\xef\xbb\xbf", "label", "\t", " "}},
      {"metrics", [] { return std::vector<Bytes>{bytes_of("label,score\n1,0.9\n0,0.2\n1,0.4\n0,0.4\n"),
          bytes_of("path,label,logit\n\"x, y\",cat,-3\nb,dog,1e2\nc,cat,7\n")}; },
       metrics_of, {ErrorKind::bad_data}, {"label", "score", "logit", "cat", "dog", ",", "\n", "\"", "1", "0", "0.5", "1e-300"}},
  };
  // clang-format on
  for (Target& target : all) {
    target.text = target.name == "csv" || target.name == "metrics";
    if (target.name == "png") target.repair = repair_png;
    if (target.name == "network") target.megabytes = 2048;
  }
  return all;
}

}  // namespace counterpoise::fuzz
