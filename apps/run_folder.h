// The folder that a run writes into. An earlier result in it is not touched before the new one is complete: until then
// the new run's files lie in the folder's sub-folder "unfinished".
#pragma once

#include <string>

namespace counterpoise {

class RunFolder {
 public:
  // Makes the folder. An empty name stands for no folder: then path() must not be asked. Throws Error if it cannot be
  // made or written to.
  explicit RunFolder(const std::string& directory);

  bool wanted() const { return !directory_.empty(); }
  // Where to write file `name` while the run goes on.
  std::string path(const std::string& name) const { return work_ + "/" + name; }
  // The run is complete: its files take the place of the earlier ones.
  void finish();
  // For the end of a run that was not completed: "runs/a/unfinished".
  const std::string& work() const { return work_; }

 private:
  std::string directory_, work_;
};

}  // namespace counterpoise
