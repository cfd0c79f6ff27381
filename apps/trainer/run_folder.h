// The folder of a run's results. A run writes into a new sub-folder of its own, "unfinished-" and six letters, and when
// it is complete its files replace those in the folder. So an earlier result stays until there is a new one, an
// interrupted run leaves its files in its sub-folder, and concurrent runs cannot mix: the result of the last to finish
// stays.
//
// The replacement is a transaction. The sub-folder is renamed to "replacing-" and the same letters, then file after
// file is moved out of it. An error moves all of them back; a run that is killed meanwhile is completed by the next one
// in the folder. So the next run finds either the old result or the new one, whole. Runs that finish at the same time
// wait for each other, except on a file system without locks, where a killed run is not completed either.
//
// Not thread-safe; several objects, in one or several processes, may share a folder.
#pragma once

#include <string>
#include <vector>

#include "core/io/file.h"

namespace counterpoise {

// The name of the file that a run is continued from, in its sub-folder.
constexpr const char* checkpoint_name = "checkpoint.safetensors";

class RunFolder {
 public:
  // No folder: nothing is written, and path() must not be called.
  RunFolder() = default;
  // Makes the folder, if it is missing, and the sub-folder, and completes the replacement of a run that was killed; a
  // warning says so. Throws Error(failure) if that fails.
  explicit RunFolder(const std::string& directory);

  // Continues in the sub-folder `unfinished` of an interrupted run, which is in the folder, and removes what it had
  // begun to write there. Throws Error(invalid_argument) if a process is still writing there.
  RunFolder(const std::string& directory, const std::string& unfinished);

  // Completes the replacement of a run that was killed, as the first constructor does: who asks whether the folder
  // holds a result calls this before. Does nothing where there is no folder.
  static void complete(const std::string& directory);

  // Throws Error(invalid_argument) if a training, or an evaluation, would replace or remove a file of the folder that
  // is none of its own: one of the inputs, or any where the folder holds no run of ours.
  static void check_others(const std::string& directory, bool training, const std::vector<std::string>& inputs);

  // The sub-folder of the interrupted run that last wrote its file `name`; "" if there is none.
  static std::string find_unfinished(const std::string& directory, const std::string& name);

  bool wanted() const { return !directory_.empty(); }
  // The sub-folder that the run writes into, and its file `name` there.
  const std::string& work() const { return work_; }
  std::string path(const std::string& name) const { return work_ + "/" + name; }
  // The run is complete: moves its files into the folder, result.json last, and removes the sub-folder with the
  // checkpoint, which stays until then. Where there is a result.json, everything beside it is of the same run. Throws
  // Error(failure) if a file cannot be moved, and Error(invalid_argument) if the folder holds_training() and this run
  // wrote no weights; then the folder is as it was, and the run's files are where they were written.
  void finish();

  // Whether the weights of a training run are in the directory.
  static bool holds_training(const std::string& directory);

 private:
  std::string directory_, work_;
  FileDescriptor in_use_;  // a lock on the sub-folder, while the object lives
};

}  // namespace counterpoise
