#include "tests/golden.h"

#include <map>

#include "core/io/file.h"

namespace counterpoise {

const nlohmann::json& read_golden(const std::string& path) {
  static std::map<std::string, nlohmann::json> read;
  if (read.count(path) == 0) read[path] = parse_json(read_file(source_folder() + "/tests/" + path, size_t(1) << 28));
  return read[path];
}

nlohmann::json parse_json(const std::string& text) { return nlohmann::json::parse(text); }

}  // namespace counterpoise
