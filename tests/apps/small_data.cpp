#include "tests/apps/small_data.h"

#include <algorithm>
#include <sstream>

#include "tests/golden.h"

namespace counterpoise {

std::string in_progress(const TemporaryFolder& out, const std::string& name) {
  for (const auto& entry : std::filesystem::directory_iterator(out.path())) {
    const std::filesystem::path file = entry.path() / name;
    if (contains(entry.path().filename().string(), "unfinished-") && std::filesystem::exists(file))
      return file.string();
  }
  return "";
}

std::string comparable(const std::string& folder, const std::string& name) {
  const std::string content = slurp(folder + "/" + name);
  if (name != "epochs.csv") return content;
  std::istringstream lines(content);
  std::string all, line;
  size_t seconds = 0;
  for (bool header = true; std::getline(lines, line); header = false) {
    std::vector<std::string> fields;
    std::istringstream parts(line);
    for (std::string field; std::getline(parts, field, ',');) fields.push_back(field);
    if (header) seconds = static_cast<size_t>(std::find(fields.begin(), fields.end(), "seconds") - fields.begin());
    fields.at(seconds) = "";
    for (const std::string& field : fields) all += field + ",";
    all += "\n";
  }
  return all;
}

void check_same_run(const std::string& folder, const std::string& other) {
  for (const char* name : {"last.safetensors", "best.safetensors", "steps.csv", "epochs.csv", "predictions.csv",
                           "result.json", "config.json"}) {
    CAPTURE(name);
    REQUIRE(std::filesystem::exists(folder + "/" + name));
    CHECK(comparable(folder, name) == comparable(other, name));
  }
  REQUIRE(std::filesystem::exists(folder + "/autobalance.csv") == std::filesystem::exists(other + "/autobalance.csv"));
  if (std::filesystem::exists(folder + "/autobalance.csv")) {
    CHECK(slurp(folder + "/autobalance.csv") == slurp(other + "/autobalance.csv"));
  }
  CHECK(!std::filesystem::exists(folder + "/checkpoint.safetensors"));
}

nlohmann::json result_of(const std::string& run) { return parse_json(slurp(run + "/result.json")); }

}  // namespace counterpoise
