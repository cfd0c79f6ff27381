// The logs that a run writes into its folder: steps.csv, timing.csv and epochs.csv; log.jsonl, one JSON object per
// event; and curves for TensorBoard. Not safe to use from several threads.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/trainer/class_shares.h"
#include "apps/trainer/evaluate.h"
#include "apps/trainer/loop.h"
#include "apps/trainer/run_folder.h"
#include "apps/trainer/run_start.h"
#include "apps/trainer/tensorboard.h"

namespace counterpoise {

class RunLog {
 public:
  // Makes the folder of a new run, or continues in that of an interrupted one, whose logs are taken over once
  // continue_at() says how far they count. Without a folder nothing is written. Throws Error if it cannot be written
  // to.
  RunLog(const RunStart& start, const std::vector<std::string>& classes);

  RunFolder& folder() { return folder_; }
  // Drops from the logs of the interrupted run what came after this many steps and epochs.
  void continue_at(int64_t steps, int epochs);

  void add(const Step& step);
  // `metrics` is quality(validation).
  void add(const EpochResult& epoch, const Evaluation& validation, const std::map<std::string, double>& metrics,
           const ClassShares& shares, double seconds);
  // A line of log.jsonl, with the time: {"time": ..., "event": name, ...}. It is written at once.
  void event(const std::string& name, nlohmann::ordered_json values);
  // Writes the tables.
  void save();

 private:
  RunFolder folder_;
  std::string steps_ = "step,epoch,loss,lr\n";
  std::string timing_ = "step,seconds,data_seconds\n";
  std::string epochs_, events_;
  EventWriter curves_;  // for TensorBoard
};

}  // namespace counterpoise
