// The folder that a run writes into. An earlier result in it is not touched before the new one is complete: until then
// the new run's files lie in a sub-folder, "unfinished" (or "unfinished-2", ... where an earlier run left one).
#pragma once

#include <string>

namespace counterpoise {

class RunFolder {
 public:
  // No folder: nothing is written, and path() must not be asked.
  RunFolder() = default;
  // Makes the folder. Throws Error if it cannot be made or written to.
  explicit RunFolder(const std::string& directory);

  bool wanted() const { return !directory_.empty(); }
  // Where to write file `name` while the run goes on.
  std::string path(const std::string& name) const { return work_ + "/" + name; }
  // The run is complete: its files take the place of the earlier ones.
  void finish();

 private:
  std::string directory_, work_;
};

}  // namespace counterpoise
