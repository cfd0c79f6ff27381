#include "apps/trainer/run_log.h"

#include <cmath>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/trainer/format.h"
#include "apps/trainer/metrics_json.h"
#include "core/io/file.h"
#include "data/tables/csv.h"

namespace counterpoise {

namespace {

// The header of a table and its first rows. A class's name in the header may hold line breaks, in quotation marks.
std::string first_rows(const std::string& table, int64_t rows, const std::string& path) {
  bool quoted = false;
  int64_t lines = 0;
  size_t end = 0;
  for (; end < table.size() && lines <= rows; ++end) {
    if (table[end] == '"') quoted = !quoted;
    lines += table[end] == '\n' && !quoted;
  }
  CP_ENSURE_AS(bad_data, lines > rows, path, ": has fewer rows than the checkpoint beside it says, which are ", rows,
               ": it was changed, or is of another run");
  return table.substr(0, end);
}

// A number as a field; an undefined one is empty.
std::string field(double number) { return std::isnan(number) ? "," : formatted(",%.9g", number); }

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S%z", std::localtime(&now));
  return text;
}

}  // namespace

RunLog::RunLog(const RunStart& start, const std::vector<std::string>& classes) {
  epochs_ = "epoch,loss,accuracy,precision,recall,f1";
  if (classes.size() == 2) epochs_ += ",tp,fp,fn,tn";
  epochs_ += ",seconds,average_precision,roc_auc,balanced_accuracy,mcc,g_mean,log_loss";
  for (const char* part : {"loss:", "gradient:"}) {
    for (const std::string& name : classes) epochs_ += "," + csv_field(part + name);
  }
  epochs_ += '\n';
  if (start.directory.empty()) return;
  if (start.unfinished.empty()) {
    folder_ = RunFolder(start.directory);
    save();  // a folder that cannot be written to is an error now, not after the first epoch
    curves_ = EventWriter(folder_.work());
    return;
  }
  folder_ = RunFolder(start.directory, start.unfinished);
  constexpr size_t limit = size_t(1) << 32;
  for (const auto& [name, table] : {std::pair("steps.csv", &steps_), std::pair("timing.csv", &timing_),
                                    std::pair("epochs.csv", &epochs_), std::pair("log.jsonl", &events_)}) {
    *table = read_file(folder_.path(name), limit);
  }
  curves_ = EventWriter(folder_.work());
}

void RunLog::continue_at(int64_t steps, int epochs) {
  steps_ = first_rows(steps_, steps, folder_.path("steps.csv"));
  timing_ = first_rows(timing_, steps, folder_.path("timing.csv"));
  epochs_ = first_rows(epochs_, epochs, folder_.path("epochs.csv"));
}

void RunLog::add(const Step& step) {
  const auto number = static_cast<long long>(step.index + 1);
  steps_ += formatted("%lld,%d,%.9g,%.9g\n", number, step.epoch, step.loss, step.lr);
  curves_.scalar("training/loss", step.index + 1, step.loss);
  curves_.scalar("training/lr", step.index + 1, step.lr);
  timing_ += formatted("%lld,%.6f,%.6f\n", number, step.seconds, step.data_seconds);
}

void RunLog::add(const EpochResult& epoch, const Evaluation& validation, const std::map<std::string, double>& metrics,
                 const ClassShares& shares, double seconds) {
  nlohmann::ordered_json event = {{"epoch", epoch.epoch}, {"loss", epoch.loss}};
  const auto add_metrics = [&](std::initializer_list<const char*> names) {
    for (const char* name : names) {
      const double value = metrics.at(name);
      event[name] = value;
      curves_.scalar(text("validation/", name), epoch.steps, value);
      epochs_ += field(value);
    }
  };
  epochs_ += text(epoch.epoch) + field(epoch.loss);
  add_metrics({"accuracy", "precision", "recall", "f1"});
  if (validation.is_binary()) {
    const Confusion c = validation.counts();
    epochs_ += text(",", c.tp, ",", c.fp, ",", c.fn, ",", c.tn);
  }
  epochs_ += formatted(",%.3f", seconds);
  add_metrics({"average-precision", "roc-auc", "balanced-accuracy", "mcc", "g-mean", "log-loss"});
  for (const std::vector<double>& parts : {shares.loss(), shares.gradient()}) {
    for (const double part : parts) epochs_ += field(part);
  }
  epochs_ += '\n';
  event["seconds"] = seconds;
  this->event("epoch", event);
}

void RunLog::event(const std::string& name, nlohmann::ordered_json values) {
  if (!folder_.wanted()) return;
  nlohmann::ordered_json line = {{"time", now_text()}, {"event", name}};
  line.update(values);
  events_ += json_line(line) + "\n";
  write_file(folder_.path("log.jsonl"), events_);
}

void RunLog::save() {
  if (!folder_.wanted()) return;
  write_file(folder_.path("steps.csv"), steps_);
  write_file(folder_.path("timing.csv"), timing_);
  write_file(folder_.path("epochs.csv"), epochs_);
  curves_.flush();
}

}  // namespace counterpoise
