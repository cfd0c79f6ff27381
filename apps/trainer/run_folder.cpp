#include "apps/trainer/run_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "core/io/file.h"
#include "kernels/error.h"

namespace counterpoise {

namespace fs = std::filesystem;

namespace {

// A run is complete when this file is there; so it is moved last.
constexpr const char* mark = "result.json";

bool holds_a_result(const std::string& directory) {
  for (const char* name :
       {mark, "predictions.csv", "epochs.csv", "steps.csv", "last.safetensors", "best.safetensors"}) {
    if (fs::exists(fs::path(directory) / name)) return true;
  }
  return false;
}

}  // namespace

RunFolder::RunFolder(const std::string& directory) : directory_(directory), work_(directory) {
  make_directories(directory_);
  if (!holds_a_result(directory_)) return;
  for (int i = 1;; ++i) {  // mkdir takes a name only if nobody else has it, another run included
    work_ = directory_ + (i == 1 ? "/unfinished" : "/unfinished-" + std::to_string(i));
    if (mkdir(work_.c_str(), 0777) == 0) return;
    CP_ENSURE(errno == EEXIST, "cannot make the directory ", work_, ": ", std::strerror(errno));
  }
}

void RunFolder::finish() {
  if (!wanted() || work_ == directory_) return;
  const auto move = [](const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::rename(from, to, error);
    CP_ENSURE(!error, to.string(), " cannot be replaced: ", error.message(), "; the new file is ", from.string());
  };
  // While the files change places there is no mark, so that a mixture never passes for a result.
  const fs::path directory = directory_, work = work_, earlier = work / "earlier-result.json";
  if (fs::exists(directory / mark)) move(directory / mark, earlier);
  std::vector<fs::path> names;
  for (const auto& entry : fs::directory_iterator(work)) names.push_back(entry.path().filename());
  for (const fs::path& name : names) {
    if (name != mark && name != earlier.filename()) move(work / name, directory / name);
  }
  move(work / mark, directory / mark);
  std::error_code ignored;
  fs::remove_all(work, ignored);
  const FileDescriptor descriptor(open(directory_.c_str(), O_RDONLY | O_DIRECTORY));
  if (descriptor.get() >= 0) fsync(descriptor.get());
}

}  // namespace counterpoise
