#include "apps/compare/compare_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "apps/compare/session.h"
#include "apps/trainer/flags.h"
#include "apps/trainer/stop_signal.h"

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
  std::string output, list, seeds, folds, metrics;
  int jobs = 0;
  bool discard_weights = false, only_table = false;
  Shard shard;
  Comparison comparison;
};

Request parse(int argc, char** argv) {
  Request r;
  CLI::App app(help_text(usage(argv[0])), usage(argv[0]));
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
  std::string shard;
  option("--shard", shard, "I/N", "Train the I-th of N parts, as 1/4")->default_str("all");
  app.add_option("--jobs", r.jobs, "Trainings at the same time")
      ->type_name("N")
      ->check(CLI::Range(1, 4096))
      ->default_str("one per core; on a GPU 1");
  app.add_flag("--discard-weights", r.discard_weights, "Remove the weights of each training when it is complete");
  app.add_flag("--table", r.only_table, "Train nothing, print the table of what is there");
  app.footer(exit_codes);

  const auto end = std::find(argv, argv + argc, std::string("--"));
  parse_command_line(app, static_cast<int>(end - argv), argv);
  r.shard = parse_shard(shard);
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
  for (char** row = end + 1; row < argv + argc; ++row) {
    CP_ENSURE_AS(invalid_argument, add_row(c, parse_row(*row)), "the row \"", *row, "\" is given twice");
  }
  return r;
}

Exit report(const Request& r) {
  const ComparisonTable table = write_table(r.output);
  std::cout << table.markdown() << std::flush;
  return table.failed() ? Exit::failure : Exit::ok;
}

}  // namespace

Exit compare_command(int argc, char** argv) {
  Request r = parse(argc, argv);
  const auto wanted = [&](const Comparison&, const Cell& cell) { return !r.only_table && r.shard.has(cell); };
  const Comparison c = begin_comparison(r.output, r.comparison, wanted);
  if (r.only_table) return report(r);
  if (!train_cells(c, r.output, wanted, r.jobs, r.discard_weights)) return static_cast<Exit>(128 + stop_signal());
  return report(r);
}

}  // namespace counterpoise
