#include "kernels/cuda/plan_cache.h"

#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kernels/error.h"

namespace counterpoise::detail {

namespace {

std::string file_name(const std::string& gpu) {
  std::string y = "convolutions-" + gpu + ".txt";
  for (char& c : y) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.') c = '-';
  }
  return y;
}

}  // namespace

PlanCache::PlanCache(const std::string& folder, const std::string& gpu, const std::string& system)
    : path_(folder.empty() ? "" : folder + "/" + file_name(gpu)),
      system_("Counterpoise's convolution plans, version 2: " + gpu + ", " + system) {
  rows_ = read();
}

const PlanCache::Row* PlanCache::find(const std::string& convolution) const {
  const auto it = rows_.find(convolution);
  return it == rows_.end() ? nullptr : &it->second;
}

void PlanCache::set(const std::string& convolution, const Row& row) {
  rows_[convolution] = row;
  for (const auto& other : read()) rows_.insert(other);
  write();
}

void PlanCache::remove(const std::string& convolution) {
  if (rows_.erase(convolution) > 0) write();
}

// A row is a line of three parts with tabs between them: the convolution, N, the plan. A line that is cut off, as after
// a full disk, has no newline and is left out.
std::map<std::string, PlanCache::Row> PlanCache::read() const {
  std::map<std::string, Row> rows;
  std::ifstream file(path_);
  std::string line;
  if (path_.empty() || !std::getline(file, line) || line != system_) return rows;
  while (std::getline(file, line) && !file.eof()) {
    std::istringstream parts(line);
    std::string convolution, batch, plan;
    if (!std::getline(parts, convolution, '\t') || !std::getline(parts, batch, '\t') || !std::getline(parts, plan)) {
      continue;
    }
    const Index N = std::atoll(batch.c_str());
    if (N > 0) rows[convolution] = {N, plan};
  }
  return rows;
}

// Written beside the file and renamed, so that another program never reads half of it.
void PlanCache::write() const {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
  const std::string beside = text(path_, ".", getpid());
  std::ofstream file(beside);
  file << system_ << '\n';
  for (const auto& [convolution, row] : rows_) file << convolution << '\t' << row.batch << '\t' << row.plan << '\n';
  file.close();
  if (!file || std::rename(beside.c_str(), path_.c_str()) != 0) std::remove(beside.c_str());
}

std::string cache_folder() {
  if (const char* folder = std::getenv("COUNTERPOISE_CACHE")) return folder;
  if (const char* folder = std::getenv("XDG_CACHE_HOME"); folder && *folder) return text(folder, "/counterpoise");
  if (const char* home = std::getenv("HOME"); home && *home) return text(home, "/.cache/counterpoise");
  return "";
}

}  // namespace counterpoise::detail
