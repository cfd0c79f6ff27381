#include "apps/run_folder.h"

#include <filesystem>
#include <vector>

#include "core/file.h"
#include "kernels/check.h"

namespace counterpoise {

namespace fs = std::filesystem;

namespace {
// A run is complete when this file is there; so it is moved last.
constexpr const char* mark = "result.json";
}  // namespace

RunFolder::RunFolder(const std::string& directory) : directory_(directory), work_(directory) {
  if (!wanted()) return;
  make_directories(directory_);
  if (!fs::exists(fs::path(directory_) / mark) && !fs::exists(fs::path(directory_) / "last.safetensors")) return;
  work_ = directory_ + "/unfinished";
  std::error_code ignored;
  fs::remove_all(work_, ignored);
  make_directories(work_);
}

void RunFolder::finish() {
  if (!wanted() || work_ == directory_) return;
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(work_)) names.push_back(entry.path().filename().string());
  for (const bool last : {false, true}) {
    for (const std::string& name : names) {
      if ((name == mark) != last) continue;
      std::error_code error;
      fs::rename(fs::path(work_) / name, fs::path(directory_) / name, error);
      ENSURE(!error, directory_, "/", name, ": cannot be replaced: ", error.message(), "; the new file is in ", work_);
    }
  }
  std::error_code ignored;
  fs::remove(work_, ignored);
}

}  // namespace counterpoise
