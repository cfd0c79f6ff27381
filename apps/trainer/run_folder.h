// The folder of a run's results. A run writes into a new sub-folder of its own, "unfinished-" and six letters, and when
// it is complete its files replace those in the folder. So an earlier result stays until there is a new one, an
// interrupted run leaves its files in its sub-folder, and concurrent runs cannot mix: the result of the last to finish
// stays.
//
// Not thread-safe; several objects, in one or several processes, may share a folder.
#pragma once

#include <string>

namespace counterpoise {

class RunFolder {
 public:
  // No folder: nothing is written, and path() must not be called.
  RunFolder() = default;
  // Makes the folder, if it is missing, and the sub-folder. Throws Error(failure) if they cannot be made.
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
