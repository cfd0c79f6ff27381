#include "apps/compare/session.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/compare/arguments.h"
#include "apps/compare/claim.h"
#include "apps/compare/runner.h"
#include "apps/trainer/metrics_json.h"
#include "apps/trainer/program.h"
#include "apps/trainer/stop_signal.h"
#include "core/io/file.h"
#include "kernels/backend.h"
#include "kernels/warning.h"

namespace counterpoise {

namespace {

// Several trainings on one thread each are faster than one after another on all cores. The number of threads changes
// the order of sums and with it the result's last bits, so it is the same on every machine. On a GPU a training keeps
// its own defaults.
void set_threads(Comparison& c) {
  const auto flags = flags_in(c.common);
  const auto device = flags.find("--device");
  if ((device == flags.end() || device->second != "cpu") && cuda_backend()) return;
  for (const char* flag : {"--threads", "--workers"}) {
    if (!flags.count(flag)) c.common.insert(c.common.end(), {flag, "1"});
  }
}

// The folder's compare.json. Who reads it and writes it back holds the folder's claim.
class Memory {
 public:
  explicit Memory(const std::string& directory) : path_(directory + "/compare.json") {
    if (!is_there(path_)) return;
    const std::string content = read_file(path_, size_t(1) << 30);
    json_ = nlohmann::ordered_json::parse(content, nullptr, false);
    comparison_ = from_json(json_, path_);
    begun_ = true;
    trainer_ = json_.value("trainer", "");
    CP_ENSURE_AS(invalid_argument, trainer_.empty() || trainer_ == program_name(), directory, " was begun with ./apps/",
                 trainer_, ", whose trainings have other defaults; go on with that, or choose another --output");
    const std::string now = to_json(comparison_)["program"];
    if (json_.value("program", now) != now)
      warn(path_ + " was begun by " + json_.value("program", now) + ", and this is " + now +
           "; their results may differ");
  }
  bool begun() const { return begun_; }
  const Comparison& comparison() const { return comparison_; }
  // Keeps the name and the version of the program that began it.
  void write(const Comparison& comparison, const nlohmann::ordered_json& results) const {
    nlohmann::ordered_json json = to_json(comparison);
    if (begun_) json["program"] = json_.value("program", json.value("program", ""));
    // A file of a version that did not write the name stays without it: either program may have begun it.
    if (!begun_ || !trainer_.empty()) json["trainer"] = program_name();
    for (const auto& [key, value] : results.items()) json[key] = value;
    write_file(path_, json_text(json));
  }

 private:
  std::string path_;
  nlohmann::ordered_json json_;
  Comparison comparison_;
  std::string trainer_;  // the program whose trainings these are: catdog or counterpoise
  bool begun_ = false;
};

// One cell of each row: the first of a row that is new, and the first that is to be trained of one that is known.
std::vector<Cell> cells_to_check(const Comparison& c, const std::string& output, size_t known_rows,
                                 const Wanted& wanted) {
  std::vector<Cell> one_per_row;
  std::vector<char> has_one(c.rows.size());
  for (const Cell& cell : cells_of(c, output)) {
    const bool is_new = cell.row >= known_rows;
    if (has_one[cell.row] || !(is_new || (wanted(c, cell) && !is_done(cell)))) continue;
    has_one[cell.row] = 1;
    one_per_row.push_back(cell);
  }
  return one_per_row;
}

// The folder's comparison with what is added to it. What is to be trained is checked first.
Comparison joined(const std::string& output, const Comparison& added, const Memory& memory, const Wanted& wanted) {
  Comparison c = memory.comparison();
  if (memory.begun()) {
    extend(c, added, output);
  } else {
    CP_ENSURE_AS(invalid_argument, !added.rows.empty(),
                 "no rows to compare; they come after --, each in quotes: ", usage("compare"), " --output ", output,
                 " -- \"--loss bce\" \"--loss focal --gamma 2\"");
    c = added;
    if (c.seeds.empty()) c.seeds = parse_seeds("5");
    if (c.metrics.empty()) c.metrics = parse_metrics("f1,average_precision,balanced_accuracy,recall");
    set_threads(c);
  }
  check_rows(c, cells_to_check(c, output, memory.comparison().rows.size(), wanted), available_cores());
  return c;
}

// How many trainings run at the same time.
int default_jobs(const Comparison& c) {
  const auto flags = flags_in(c.common);
  const auto threads = flags.find("--threads");
  if (threads == flags.end()) return 1;
  return std::max(1, available_cores() / std::max(1, std::atoi(threads->second.c_str())));
}

}  // namespace

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

Shard parse_shard(const std::string& text) {
  Shard shard;
  if (text.empty()) return shard;
  char rest = 0;
  const int read = std::sscanf(text.c_str(), "%d/%d%c", &shard.index, &shard.count, &rest);
  CP_ENSURE_AS(invalid_argument, read == 2 && 1 <= shard.index && shard.index <= shard.count && shard.count <= 100000,
               "--shard ", text, ": shards are 1/n to n/n, as 1/4");
  --shard.index;
  return shard;
}

Comparison begin_comparison(const std::string& output, const Comparison& added, const Wanted& wanted) {
  const auto has = [&](const char* name) { return is_there(output + name); };
  CP_ENSURE_AS(invalid_argument, !has("/config.json") || has("/compare.json"), "--output ", output,
               " is the folder of a training; a comparison needs one of its own");
  const bool is_new = !is_there(output);
  make_directories(output);
  const std::string claim_path = output + "/claim";
  const Claim claim(claim_path, Claim::wait);
  try {
    const Memory memory(output);
    const Comparison c = joined(output, added, memory, wanted);
    if (to_json(c) != to_json(memory.comparison())) memory.write(c, {});
    return c;
  } catch (...) {
    if (is_new && access((output + "/compare.json").c_str(), F_OK) != 0) {
      unlink(claim_path.c_str());
      rmdir(output.c_str());
    }
    throw;
  }
}

bool train_cells(const Comparison& c, const std::string& output, const Wanted& wanted, int jobs, bool discard_weights) {
  std::vector<Cell> cells;
  for (const Cell& cell : cells_of(c, output)) {
    if (wanted(c, cell)) cells.push_back(cell);
  }
  Runner(c, cells, {jobs ? jobs : default_jobs(c), discard_weights}).run();
  const bool stopped = stop_signal() != 0;
  if (stopped) std::cerr << "Stopped; finished trainings are kept, and the same command continues.\n";
  return !stopped;
}

ComparisonTable write_table(const std::string& output) {
  const Claim claim(output + "/claim", Claim::wait);
  const Memory memory(output);
  const Comparison& c = memory.comparison();
  const std::vector<Cell> cells = cells_of(c, output);
  std::vector<Outcome> outcomes;
  for (const Cell& cell : cells) outcomes.push_back(outcome_of(cell, c.metrics));
  ComparisonTable table(c, cells, outcomes);
  write_file(output + "/compare.md", table.markdown());
  write_file(output + "/compare.csv", table.csv());
  memory.write(c, table.json(output));
  return table;
}

}  // namespace counterpoise
