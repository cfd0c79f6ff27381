#include "apps/compare/compare_command.h"

#include <sched.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/compare/arguments.h"
#include "apps/compare/runner.h"
#include "apps/compare/table.h"
#include "apps/trainer/flags.h"
#include "apps/trainer/metrics_json.h"
#include "apps/trainer/stop_signal.h"
#include "core/io/file.h"
#include "kernels/backend.h"
#include "kernels/warning.h"

namespace counterpoise {

namespace {

std::string help_text(const std::string& usage) {
  return text(
      "Compare training options: every row of options is trained with several seeds, and the table gives each metric's "
      "mean and standard deviation and the paired difference to the first row.\n\n  ",
      usage, " --output DIR --data PATH -- \"--loss bce\" \"focal: --loss focal\"\n  ", usage,
      " --output DIR --list FILE\n  ", usage,
      " --output DIR     continues what was stopped\n\n"
      "Options that are not listed here are training options that all rows share. Rows come after --, each in quotes; "
      "NAME: before the options is the row's name in the table. Nothing is trained twice: the same DIR takes more rows "
      "and seeds, and several processes or machines may work in it at once.");
}
constexpr const char* exit_codes =
    "A line of FILE is a row, NAME: OPTIONS, or one of common: OPTIONS, seeds: SEEDS, folds: K, metrics: NAMES; # "
    "begins a comment.\n\n"
    "Exit codes: 0 success, 1 a training failed, 2 wrong command line, 3 unusable files in DIR, 128 + N after signal "
    "N.";

// The command line.
struct Request {
  std::string output, list, seeds, folds, metrics, shard;
  int jobs = 0;
  bool discard_weights = false, only_table = false;
  int shard_index = 0, shards = 1;
  Comparison comparison;
};

void parse_shard(Request& r) {
  if (r.shard.empty()) return;
  char rest = 0;
  const int read = std::sscanf(r.shard.c_str(), "%d/%d%c", &r.shard_index, &r.shards, &rest);
  CP_ENSURE_AS(invalid_argument, read == 2 && 1 <= r.shard_index && r.shard_index <= r.shards && r.shards <= 100000,
               "--shard ", r.shard, ": shards are 1/n to n/n, as 1/4");
  --r.shard_index;
}

Request parse(int argc, char** argv) {
  Request r;
  CLI::App app(help_text(usage(argv[0])), usage(argv[0]));
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.allow_extras();
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  const auto option = [&](const char* flag, std::string& field, const char* type, const char* help) {
    return app.add_option(flag, field, help)->type_name(type);
  };
  option("--output", r.output, "DIR", "Folder of the comparison: its table and all trainings")->required();
  option("--list", r.list, "FILE", "File of rows, one per line");
  option("--seeds", r.seeds, "SEEDS", "Number of seeds, or a list as 1,2,7")->default_str("5");
  option("--folds", r.folds, "K", "Cross-validation: each row and seed is trained on each of K folds")
      ->default_str("none");
  option("--metrics", r.metrics, "NAMES", "Keys of result.json")
      ->default_str("f1,average_precision,balanced_accuracy,recall");
  option("--shard", r.shard, "I/N", "Train the I-th of N parts, as 1/4")->default_str("all");
  app.add_option("--jobs", r.jobs, "Trainings at the same time")
      ->type_name("N")
      ->check(CLI::Range(1, 4096))
      ->default_str("one per core; on a GPU 1");
  app.add_flag("--discard-weights", r.discard_weights, "Remove the weights of each training when it is complete");
  app.add_flag("--table", r.only_table, "Train nothing, print the table of what is there");
  app.footer(exit_codes);

  const auto end = std::find(argv, argv + argc, std::string("--"));
  parse_command_line(app, static_cast<int>(end - argv), argv);
  parse_shard(r);
  Comparison& c = r.comparison;
  if (!r.list.empty()) c = with_flag("--list", [&] { return read_list(r.list); });
  const std::vector<std::string> common = check_common(app.remaining());
  c.common.insert(c.common.end(), common.begin(), common.end());
  if (!r.seeds.empty()) c.seeds = with_flag("--seeds", [&] { return parse_seeds(r.seeds); });
  if (!r.metrics.empty()) c.metrics = with_flag("--metrics", [&] { return parse_metrics(r.metrics); });
  if (!r.folds.empty()) {
    const double folds = parse_number("--folds", r.folds);
    CP_ENSURE_AS(invalid_argument, 2 <= folds && folds <= 1000 && folds == static_cast<int>(folds), "--folds ", r.folds,
                 " is out of range: 2 to 1000");
    c.folds = static_cast<int>(folds);
  }
  for (char** row = end; row < argv + argc; ++row) {
    if (row == end) continue;
    const size_t before = c.rows.size();
    add_row(c, parse_row(*row));
    CP_ENSURE_AS(invalid_argument, c.rows.size() > before, "the row \"", *row, "\" is given twice");
  }
  return r;
}

// The cores that this process may use.
int cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

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

int default_jobs(const Comparison& c) {
  const auto flags = flags_in(c.common);
  const auto threads = flags.find("--threads");
  if (threads == flags.end()) return 1;
  return std::max(1, cores() / std::max(1, std::atoi(threads->second.c_str())));
}

std::vector<Outcome> outcomes_of(const std::vector<Cell>& cells, const std::vector<std::string>& metrics) {
  std::vector<Outcome> outcomes;
  for (const Cell& cell : cells) outcomes.push_back(outcome_of(cell, metrics));
  return outcomes;
}

// The folder's compare.json. Who reads it and writes it back holds the folder's claim.
class Memory {
 public:
  explicit Memory(const std::string& directory) : path_(directory + "/compare.json") {
    if (access(path_.c_str(), F_OK) != 0) return;
    const std::string content = read_file(path_, size_t(1) << 30);
    json_ = nlohmann::ordered_json::parse(content, nullptr, false);
    comparison_ = from_json(json_, path_);
    begun_ = true;
    const std::string now = to_json(comparison_)["program"];
    if (json_.value("program", now) != now)
      warn(path_ + " was begun by " + json_.value("program", now) + ", and this is " + now +
           "; their results may differ");
  }
  bool begun() const { return begun_; }
  const Comparison& comparison() const { return comparison_; }
  // Keeps the version of the program that began it.
  void write(const Comparison& comparison, const nlohmann::ordered_json& results) const {
    nlohmann::ordered_json json = to_json(comparison);
    if (begun_) json["program"] = json_.value("program", json.value("program", ""));
    for (const auto& [key, value] : results.items()) json[key] = value;
    write_file(path_, json_text(json));
  }

 private:
  std::string path_;
  nlohmann::ordered_json json_;
  Comparison comparison_;
  bool begun_ = false;
};

// The folder's comparison with what the command line adds to it, which is checked first.
Comparison joined(const Request& r, const Memory& memory) {
  Comparison c = memory.comparison();
  if (memory.begun()) {
    extend(c, r.comparison, r.output);
  } else {
    CP_ENSURE_AS(invalid_argument, !r.comparison.rows.empty(),
                 "no rows to compare; they come after --, each in quotes: ", usage("compare"), " --output ", r.output,
                 " -- \"--loss bce\" \"--loss focal --gamma 2\"");
    c = r.comparison;
    if (c.seeds.empty()) c.seeds = parse_seeds("5");
    if (c.metrics.empty()) c.metrics = parse_metrics("f1,average_precision,balanced_accuracy,recall");
    set_threads(c);
  }
  std::vector<Cell> cells = cells_of(c, r.output);
  cells.resize(c.rows.size());  // all rows with the first seed
  cells.erase(cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(memory.comparison().rows.size()));
  check_rows(c, cells, cores());
  return c;
}

// Makes the folder, and writes down what it compares. A command line that is refused leaves no new folder.
Comparison begin(const Request& r) {
  const auto has = [&](const char* name) { return access((r.output + name).c_str(), F_OK) == 0; };
  CP_ENSURE_AS(invalid_argument, !has("/config.json") || has("/compare.json"), "--output ", r.output,
               " is the folder of a training; a comparison needs one of its own");
  const bool is_new = access(r.output.c_str(), F_OK) != 0;
  make_directories(r.output);
  const std::string claim_path = r.output + "/claim";
  const Claim claim(claim_path, Claim::wait);
  try {
    const Memory memory(r.output);
    const Comparison c = joined(r, memory);
    if (to_json(c) != to_json(memory.comparison())) memory.write(c, {});
    return c;
  } catch (...) {
    if (is_new && access((r.output + "/compare.json").c_str(), F_OK) != 0) {
      unlink(claim_path.c_str());
      rmdir(r.output.c_str());
    }
    throw;
  }
}

// Writes the table of everything that is in the folder, whichever process trained it, and prints it.
Exit report(const Request& r) {
  const Claim claim(r.output + "/claim", Claim::wait);
  const Memory memory(r.output);
  const Comparison& c = memory.comparison();
  const std::vector<Cell> cells = cells_of(c, r.output);
  const ComparisonTable table(c, cells, outcomes_of(cells, c.metrics));
  write_file(r.output + "/compare.md", table.markdown());
  write_file(r.output + "/compare.csv", table.csv());
  memory.write(c, table.json(r.output));
  std::cout << table.markdown() << std::flush;
  return table.failed() ? Exit::failure : Exit::ok;
}

}  // namespace

Exit compare_command(int argc, char** argv) {
  Request r = parse(argc, argv);
  const Comparison c = begin(r);
  if (r.only_table) return report(r);

  std::vector<Cell> cells;
  for (const Cell& cell : cells_of(c, r.output)) {
    if (cell.shard_number % r.shards == r.shard_index) cells.push_back(cell);
  }
  Runner(c, cells, {r.jobs ? r.jobs : default_jobs(c), r.discard_weights}).run();
  if (const int signal = stop_signal()) {
    std::cerr << "Stopped; finished trainings are kept, and the same command continues.\n";
    return static_cast<Exit>(128 + signal);
  }
  return report(r);
}

}  // namespace counterpoise
