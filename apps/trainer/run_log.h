// The tables that a run writes into its folder: steps.csv, timing.csv and epochs.csv. Not safe to use from several
// threads.
#pragma once

#include <string>

#include "apps/trainer/evaluate.h"
#include "apps/trainer/loop.h"
#include "apps/trainer/run_folder.h"

namespace counterpoise {

class RunLog {
 public:
  // Makes the folder `directory`; where that is empty nothing is written. Throws Error if it cannot be written to.
  explicit RunLog(const std::string& directory);

  RunFolder& folder() { return folder_; }
  void add(const Step& step);
  void add(const EpochResult& epoch, const Confusion& validation, double seconds);
  // Writes the three tables.
  void save() const;

 private:
  RunFolder folder_;
  std::string steps_ = "step,epoch,loss,lr\n";
  std::string timing_ = "step,seconds,data_seconds\n";
  std::string epochs_ = "epoch,loss,accuracy,precision,recall,f1,tp,fp,fn,tn,seconds\n";
};

}  // namespace counterpoise
