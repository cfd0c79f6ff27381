#include "apps/trainer/run_folder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "core/io/file.h"
#include "kernels/error.h"

namespace counterpoise {

namespace fs = std::filesystem;

RunFolder::RunFolder(const std::string& directory) : directory_(directory), work_(directory + "/unfinished-XXXXXX") {
  make_directories(directory_);
  CP_ENSURE(mkdtemp(work_.data()), "cannot make the directory ", work_, ": ", std::strerror(errno));
  std::error_code ignored;  // mkdtemp lets only the owner in
  fs::permissions(work_, fs::status(directory_, ignored).permissions(), ignored);
}

void RunFolder::finish() {
  if (!wanted()) return;
  const auto move = [](const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::rename(from, to, error);
    CP_ENSURE(!error, to.string(), " cannot be replaced: ", error.message(), "; the new file is ", from.string());
  };
  const fs::path directory = directory_, work = work_, mark = "result.json", earlier = work / "earlier-result.json";
  // Another run that finishes now waits, except on a file system without locks.
  const FileDescriptor descriptor(open(directory_.c_str(), O_RDONLY | O_DIRECTORY));
  if (descriptor.get() >= 0) flock(descriptor.get(), LOCK_EX);
  std::vector<fs::path> names;
  for (const auto& entry : fs::directory_iterator(work)) names.push_back(entry.path().filename());
  // While files are being replaced there is no result.json: a program killed now leaves no mixture that looks complete.
  if (fs::exists(directory / mark)) move(directory / mark, earlier);
  for (const fs::path& name : names) {
    if (name != mark) move(work / name, directory / name);
  }
  move(work / mark, directory / mark);
  std::error_code ignored;
  fs::remove_all(work, ignored);
  if (descriptor.get() >= 0) fsync(descriptor.get());
}

}  // namespace counterpoise
