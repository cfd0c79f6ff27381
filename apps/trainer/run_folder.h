// The folder of a run's results. One rule: a run writes into a new sub-folder of its own, "unfinished-" and six
// letters, and when it is complete its files take the place of those in the folder. So an earlier result stays until
// there is a new one, a run that breaks off keeps what it wrote in its sub-folder, and runs that go on at the same time
// cannot mix: of those the last to finish stays.
//
// Not thread-safe; several objects, in one or several processes, may share a folder.
#pragma once

#include <string>

namespace counterpoise {

class RunFolder {
 public:
  // No folder: nothing is written, and path() must not be called.
  RunFolder() = default;
  // Makes the folder, where it is missing, and the sub-folder. Throws Error(failure) if they cannot be made.
  explicit RunFolder(const std::string& directory);

  bool wanted() const { return !directory_.empty(); }
  // Where the run writes its file `name`.
  std::string path(const std::string& name) const { return work_ + "/" + name; }
  // The run is complete: moves its files into the folder, result.json last, and removes the sub-folder. Where there is
  // a result.json, everything beside it is of the same run. Throws Error(failure) if a file cannot be moved.
  void finish();

 private:
  std::string directory_, work_;
};

}  // namespace counterpoise
