#include "apps/trainer/run_log.h"

#include "apps/trainer/format.h"
#include "core/io/file.h"

namespace counterpoise {

RunLog::RunLog(const std::string& directory) {
  if (!directory.empty()) folder_ = RunFolder(directory);
  save();  // a folder that cannot be written to is an error now, not after the first epoch
}

void RunLog::add(const Step& step) {
  const auto number = static_cast<long long>(step.index + 1);
  steps_ += formatted("%lld,%d,%.9g,%.9g\n", number, step.epoch, step.loss, step.lr);
  timing_ += formatted("%lld,%.6f,%.6f\n", number, step.seconds, step.data_seconds);
}

void RunLog::add(const EpochResult& epoch, const Confusion& c, double seconds) {
  epochs_ += formatted("%d,%.9g,%.9g,%.9g,%.9g,%.9g,%lld,%lld,%lld,%lld,%.3f\n", epoch.epoch, epoch.loss, c.accuracy(),
                       c.precision(), c.recall(), c.f1(), static_cast<long long>(c.tp), static_cast<long long>(c.fp),
                       static_cast<long long>(c.fn), static_cast<long long>(c.tn), seconds);
}

void RunLog::save() const {
  if (!folder_.wanted()) return;
  write_file(folder_.path("steps.csv"), steps_);
  write_file(folder_.path("timing.csv"), timing_);
  write_file(folder_.path("epochs.csv"), epochs_);
}

}  // namespace counterpoise
