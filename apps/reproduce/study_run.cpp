#include "apps/reproduce/study_run.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/compare/arguments.h"
#include "apps/compare/children.h"
#include "apps/compare/claim.h"
#include "apps/compare/runner.h"
#include "apps/reproduce/results.h"
#include "apps/reproduce/study_report.h"
#include "apps/trainer/metrics_json.h"
#include "apps/trainer/stop_signal.h"
#include "core/io/file.h"

namespace counterpoise {

namespace {

namespace fs = std::filesystem;

// The selected rows that can be trained. Those that were named and cannot are an error.
std::vector<size_t> trainable(const Study& study, const StudyRun& run) {
  std::vector<size_t> rows;
  for (const size_t r : select_rows(study, run.rows)) {
    const StudyRow& row = study.rows[r];
    if (row.needs.empty()) {
      rows.push_back(r);
      continue;
    }
    const bool named = std::any_of(run.rows.begin(), run.rows.end(), [&](const std::string& name) {
      return select_rows(study, {name}) == std::vector<size_t>{r};
    });
    CP_ENSURE_AS(invalid_argument, !named, row.name, ": ", row.needs);
    std::cerr << row.name << " is left out: " << row.needs << "\n";
  }
  return rows;
}

// The trainings of the rows, each under the name of the first row that has it.
Comparison comparison_of(const Study& study, const std::vector<size_t>& rows, const StudyRun& run) {
  Comparison c;
  c.common = check_common(study.common);
  c.seeds = run.seeds;
  for (const StudyMetric& metric : study.metrics) {
    if (metric.key != "tuned_f1") c.metrics.push_back(metric.key);
  }
  for (const size_t r : rows) {
    const StudyRow& row = study.rows[training_of(study, r)];
    add_row(c, {row.name, row.arguments});
  }
  return c;
}

// Trains the weights that rows begin with, if any of these does. Other processes that need them wait.
void pretrain(const Study& study, const std::vector<size_t>& rows, const StudyRun& run) {
  const Pretraining& p = run.pretraining;
  if (p.comparison.rows.empty()) return;
  const bool needed = std::any_of(rows.begin(), rows.end(), [&](size_t r) {
    const auto flags = flags_in(study.rows[r].arguments);
    const auto weights = flags.find("--pretrained");
    return weights != flags.end() && weights->second == p.weights();
  });
  if (!needed) return;
  make_directories(p.output);
  const Claim claim(p.output + "/pretraining.claim", Claim::wait);
  const Comparison c = begin_comparison(p.output, p.comparison, [](const auto&...) { return true; });
  const std::vector<Cell> cells = cells_of(c, p.output);
  Runner(c, cells, {1, false}).run();
  const Outcome outcome = outcome_of(cells[0], {});
  CP_ENSURE(outcome.state != Outcome::failed, "pretraining failed: ", outcome.failure);
}

// Runs a computation, unless its output is there. Returns the file's name, or "" if it failed or was stopped.
std::string compute(const Computation& computation, const std::string& directory) {
  const std::string name = computation.name + ".txt", path = directory + "/" + name, log = path + ".part";
  const Claim claim(directory + "/claim", Claim::wait);
  if (is_there(path)) return name;
  const pid_t child = start_child(computation.arguments, log);
  int status = 0;
  while (!has_ended(child, status)) usleep(10000);
  const std::string failure = failure_of(status, log);
  if (!failure.empty()) {
    std::cerr << computation.name << " failed: " << failure << "\n";
    return "";
  }
  fs::rename(log, path);
  return name;
}

// What was computed; with `run`, what is missing is computed first.
std::string computed_section(const std::vector<Computation>& computations, const std::string& output, bool run) {
  std::string all;
  for (const Computation& computation : computations) {
    if (stop_signal()) break;
    if (!run && !fs::exists(output + "/computed/" + computation.name + ".txt")) continue;
    make_directories(output + "/computed");
    const std::string file = compute(computation, output + "/computed");
    all +=
        text("- ", computation.help, ": ", file.empty() ? "failed" : text("[", file, "](computed/", file, ")"), "\n");
  }
  return all.empty() ? "" : "\n## Without training\n\n" + all;
}

// That the comparison in a folder is of this study, whose table it is to give.
void check_study(const Study& study, const Comparison& c, const std::string& output) {
  for (size_t i = 0; i < study.common.size(); ++i) {
    if (i > 0 && study.common[i - 1] == "--data") continue;  // another path, or none, where nothing is trained
    const std::string found = i < c.common.size() ? c.common[i] : "no options";
    CP_ENSURE_AS(invalid_argument, found == study.common[i], "--table: the trainings in ", output,
                 " are of another study or scale: they have ", found, " where this one has ", study.common[i]);
  }
}

}  // namespace

Exit run_study(Study study, const StudyRun& run) {
  const std::string output = run.output.empty() ? "runs/" + study.run_name : run.output;
  if (run.only_list) {
    std::cout << study_list(study, select_rows(study, run.rows), run.seeds.size(), available_cores()) << std::flush;
    return Exit::ok;
  }
  study.common.insert(study.common.end(), run.common.begin(), run.common.end());
  Comparison c;
  std::vector<size_t> rows;
  const auto wanted = [&](const Comparison& all, const Cell& cell) {
    const bool row = std::any_of(rows.begin(), rows.end(),
                                 [&](size_t r) { return study.rows[r].arguments == all.rows[cell.row].arguments; });
    const bool seed = std::find(run.seeds.begin(), run.seeds.end(), cell.seed) != run.seeds.end();
    return row && seed && run.shard.has(cell);
  };
  if (run.only_table) {
    CP_ENSURE_AS(invalid_argument, fs::exists(output + "/compare.json"), "--table: nothing was trained in ", output);
    CP_ENSURE_AS(invalid_argument, run.rows.empty(), "--table prints all rows that were trained: name none");
    c = begin_comparison(output, {}, wanted);
    check_study(study, c, output);
  } else {
    rows = trainable(study, run);
    CP_ENSURE_AS(invalid_argument, !rows.empty(), "none of the rows can be trained");
    if (!study.requirements.empty()) std::cerr << study.requirements << "\n";
    pretrain(study, rows, run);
    if (const int signal = stop_signal()) return static_cast<Exit>(128 + signal);
    c = begin_comparison(output, comparison_of(study, rows, run), wanted);
  }
  study.common = c.common;

  const bool computes = run.rows.empty() && run.shard.index == 0 && !run.only_table;
  const std::string computed = computed_section(run.computations, output, computes);
  if (!train_cells(c, output, wanted, run.jobs, run.discard_weights)) return static_cast<Exit>(128 + stop_signal());

  std::cerr << write_table(output).other_images();
  const StudyResults results = read_results(study, c, output);
  write_file(output + "/reproduce.md", study_report(study, results) + computed);
  write_file(output + "/reproduce.csv", study_csv(study, results));
  write_file(output + "/reproduce.json", json_text(study_json(study, results)));
  std::cout << study_table(study, results) << std::flush;
  std::cerr << "Report: " << output << "/reproduce.md\n";
  return results.failed() ? Exit::failure : Exit::ok;
}

}  // namespace counterpoise
