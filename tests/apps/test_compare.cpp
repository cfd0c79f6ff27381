// counterpoise compare: its command line, its statistics, and that shards, kills and failures change no number.
#include "apps/compare/compare_command.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "apps/compare/arguments.h"
#include "apps/compare/claim.h"
#include "apps/compare/table.h"
#include "apps/trainer/format.h"
#include "losses/registry.h"
#include "tests/apps/running.h"
#include "tests/apps/small_data.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

Result compare(const std::string& arguments) { return catdog("compare " + arguments); }

// Two techniques, of which the second has an option in quotes.
const char* const rows = " -- '--loss bce' \"weights: --loss focal --class-weights 'cat=6,dog=0.5'\"";

// Waits until check() holds, for at most a minute.
template <class Check>
void wait_until(const Check& check) {
  bool holds = false;
  for (int i = 0; i < 6000 && !(holds = check()); ++i) usleep(10000);
  REQUIRE(holds);
}

// Processes that have this text in their command line.
std::vector<pid_t> processes_with(const std::string& text) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ifstream in(entry.path() / "cmdline");
    std::stringstream line;
    line << in.rdbuf();
    const pid_t process = std::atoi(entry.path().filename().c_str());
    if (process > 0 && process != getpid() && contains(line.str(), text)) found.push_back(process);
  }
  return found;
}

// How many cells have a file of this name.
size_t files_in(const std::string& directory, const std::string& name) {
  size_t n = 0;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(directory, error)) {
    const bool in_cell = entry.path().parent_path().filename().string().rfind("seed-", 0) == 0;
    n += in_cell && entry.path().filename() == name;
  }
  return n;
}

Comparison two_rows(int folds = 0) {
  Comparison c;
  c.rows = {parse_row("--loss bce"), parse_row("focal: --loss focal")};
  c.seeds = {1, 2, 3, 4};
  c.folds = folds;
  c.metrics = {"f1"};
  return c;
}

// The table of the two rows with these values of the metric.
std::string table_of(const std::string& metric, const std::vector<double>& first, const std::vector<double>& second) {
  Comparison c = two_rows();
  c.metrics = {metric};
  const std::vector<Cell> cells = cells_of(c, "runs");
  std::vector<Outcome> outcomes;
  for (const Cell& cell : cells) outcomes.push_back({Outcome::done, {(cell.row ? second : first)[cell.index]}, ""});
  return ComparisonTable(c, cells, outcomes).markdown();
}

}  // namespace

TEST_CASE("compare: arguments are split as a shell splits them") {
  const auto check = [](const std::string& text, const Words& words) { CHECK(split_arguments(text) == words); };
  check("", {});
  check("  --loss  bce\t--lr 0.1 ", {"--loss", "bce", "--lr", "0.1"});
  check("--data '/a b/c' x\"y z\"w", {"--data", "/a b/c", "xy zw"});
  check(R"(a\ b "c\"d\e" '\' "")", {"a b", "c\"d\\e", "\\", ""});
  check("$HOME * ~ #x", {"$HOME", "*", "~", "#x"});
  CHECK(split_arguments("--lr 1 # why", true) == Words{"--lr", "1"});
  CHECK(split_arguments("--lr 1#2", true) == Words{"--lr", "1#2"});
  for (const Words& words : {Words{}, Words{""}, Words{"a b", "it's", "\"", "\\", "$x", "#", "cat=6,dog=0.5", "ä"}})
    CHECK(split_arguments(quoted(words)) == words);
  CHECK(contains(error_of([] { split_arguments("a 'b"); }, ErrorKind::invalid_argument), "' is not closed"));
  CHECK(contains(error_of([] { split_arguments("a\\"); }, ErrorKind::invalid_argument), "backslash at the end"));
}

TEST_CASE("compare: rows, seeds and metrics, and what is wrong with them") {
  CHECK(parse_row("--loss bce").title() == "--loss bce");
  CHECK(parse_row("focal 2: --loss focal --gamma 2").title() == "focal 2");
  CHECK(parse_row("focal: --loss focal --gamma 2").arguments == Words{"--loss", "focal", "--gamma", "2"});
  CHECK(parse_row("plain:").arguments.empty());
  CHECK(parse_row("--data a:b").name == "");
  CHECK(parse_seeds("3") == std::vector<int64_t>{1, 2, 3});
  CHECK(parse_seeds("1,2,7") == std::vector<int64_t>{1, 2, 7});
  CHECK(parse_seeds("7,") == std::vector<int64_t>{7});
  CHECK(parse_metrics("f1,f0.5,macro.f1,top_k.2,f1") == Words{"f1", "f0.5", "macro.f1", "top_k.2"});
  const auto refused = [](const auto& parse, const std::string& text, const std::string& part) {
    CHECK_MESSAGE(contains(error_of([&] { parse(text); }, ErrorKind::invalid_argument), part), text);
  };
  const auto row = [](const std::string& text) { parse_row(text); };
  refused(row, "bce", "does not begin with an option; a row is one argument in quotes");
  refused(row, "x: --loss bce --seed 3", "--seed is no option of a row: the comparison sets it: give --seeds");
  refused(row, "--output a", "--output is no option of a row");
  refused(row, "--loss bce focal", "\"focal\" belongs to no option");
  for (const char* seeds : {"", "0", "-1", "x", "1,1", "1,,2", "1.5", "2147483648"})
    CHECK_THROWS_AS(parse_seeds(seeds), Error);
  refused(parse_metrics, "f1,average-precision", "did you mean average_precision?");
  refused(parse_metrics, "", "no metric is named");
}

TEST_CASE("compare: a list holds rows, names, common options and comments") {
  const TemporaryFolder folder;
  const std::string path = folder / "list.txt";
  write_file(path,
             "\xef\xbb\xbf# losses\ncommon: --epochs 3 # few\ncommon: --lr 0.1\nseeds: 1,5 # two\nfolds: 3\nmetrics: "
             "f1, mcc\n\n"
             "--loss bce   # the usual\nfocal: --loss focal\r\n");
  const Comparison list = read_list(path);
  CHECK(list.common == Words{"--epochs", "3", "--lr", "0.1"});
  CHECK(list.seeds == std::vector<int64_t>{1, 5});
  CHECK(list.folds == 3);
  CHECK(list.metrics == Words{"f1", "mcc"});
  REQUIRE(list.rows.size() == 2);
  CHECK(list.rows[0].title() == "--loss bce");
  CHECK(list.rows[1].arguments == Words{"--loss", "focal"});
  const auto refused = [&](const std::string& content, const std::string& part) {
    write_file(path, content);
    CHECK_MESSAGE(contains(error_of([&] { read_list(path); }, ErrorKind::invalid_argument), part), content);
  };
  refused("\nbce\n", "list.txt, line 2: the row \"bce\" does not begin with an option");
  refused("a: --loss bce\na: --loss mse\n", "line 2: two rows are named \"a\"");
  refused("a: --loss bce\nb: --loss bce\n", "the rows \"a\" and \"b\" are the same training");
  refused("a: --loss bce\na: --loss bce\n", "is given twice");
  refused("folds: 1\na: --loss bce", "line 1: \"1\" is not a whole number from 2 to 1000");
  refused("common: --seed 3\na: --loss bce", "give --seeds");
  refused("# nothing\n", "has no rows");
}

TEST_CASE("compare: the lists in the repository are of options that the training takes, and name every loss" * slow()) {
  const Comparison every = read_list(source_folder() + "/apps/compare/every_technique.txt");
  for (const LossInfo& loss : losses()) {
    CAPTURE(loss.name);
    CHECK(std::any_of(every.rows.begin(), every.rows.end(), [&](const Technique& row) {
      return row.arguments.size() > 1 && row.arguments[0] == "--loss" && row.arguments[1] == loss.name;
    }));
  }
  const TemporaryFolder out;
  for (const char* list : {"lectures", "every_technique"}) {
    const Result r = must_succeed(compare("--table --output " + (out / list) + " --list '" + source_folder() +
                                          "/apps/compare/" + list + ".txt'"));
    CHECK(contains(r.out, "Mean ± standard deviation over 5 seeds."));
  }
}

TEST_CASE("compare: means, deviations and paired differences") {
  // >>> a, b = [0.80, 0.90, 0.70, 0.85], [0.70, 0.75, 0.72, 0.80]; d = [x - y for x, y in zip(a, b)]
  // >>> statistics.mean(a), statistics.stdev(a), statistics.mean(d), statistics.stdev(d) / 2
  // (0.8125, 0.08539125638299666, 0.07, 0.036285901761795407)
  // >>> statistics.stdev(d) * math.sqrt(1 / 4 + 1)      # two folds, two seeds
  // 0.08113774296425394
  const std::vector<double> a = {0.80, 0.90, 0.70, 0.85}, b = {0.70, 0.75, 0.72, 0.80};
  const double nan = std::nan("");
  const Summary s = summarize(a);
  CHECK(s.count == 4);
  CHECK(s.mean == doctest::Approx(0.8125).epsilon(1e-12));
  CHECK(s.deviation == doctest::Approx(0.08539125638299666).epsilon(1e-12));
  const Paired p = paired(a, b, 0, false);
  CHECK(p.pairs == 4);
  CHECK(p.better == 3);
  CHECK(p.difference == doctest::Approx(0.07).epsilon(1e-12));
  CHECK(p.error == doctest::Approx(0.036285901761795407).epsilon(1e-12));
  CHECK(!p.clear(false));
  CHECK(paired(a, b, 2, false).error == doctest::Approx(0.08113774296425394).epsilon(1e-12));
  CHECK(paired(a, b, 0, true).better == 1);
  CHECK(paired({nan, 0.9, 0.9}, {0.1, nan, 0.8}, 0, false).pairs == 1);
  CHECK(std::isnan(paired({0.9}, {0.8}, 0, false).error));
  CHECK(std::isnan(summarize({nan}).mean));
  CHECK(paired({3, 3}, {2, 2}, 0, false).clear(false));
  CHECK(!paired({3, 3}, {2, 2}, 0, false).clear(true));
}

TEST_CASE("compare: the best mean is bold only where the difference is clear") {
  const auto bold = [](const std::string& table) { return count(table, "**") / 2; };
  const std::vector<double> low = {0.70, 0.75, 0.72, 0.80}, high = {0.80, 0.84, 0.83, 0.89},
                            noisy = {0.95, 0.60, 0.90, 0.70};
  CHECK(contains(table_of("f1", low, high), "| focal        | 4    | **0.840** ± 0.037 | +0.098 ± 0.005 (4/4) |"));
  CHECK(contains(table_of("f1", high, low), "| `--loss bce` | 4    | **0.840** ± 0.037 |"));
  CHECK(bold(table_of("f1", low, noisy)) == 0);
  CHECK(bold(table_of("f1", low, low)) == 0);
  CHECK(contains(table_of("log_loss", high, low), "| **0.742** ± 0.043 | -0.098 ± 0.005 (4/4) |"));
  CHECK(contains(table_of("fp", {100, 200, 300, 400}, {1, 2, 3, 4}), "| 250.0 ± 129.1 |"));
  CHECK(contains(table_of("f1", low, {0.8, 0.84, std::nan(""), 0.89}), "(3/3)"));
  CHECK(contains(table_of("f1", low, {0.8, 0.84, std::nan(""), 0.89}),
                 "Left out because a result does not define them: 1 value of f1.\n"));
}

TEST_CASE("compare: every shard has its cells, and a row's are spread over the shards") {
  const Comparison c = two_rows(3);
  const std::vector<Cell> cells = cells_of(c, "runs");
  REQUIRE(cells.size() == 24);
  std::set<std::string> folders;
  std::map<int, std::set<size_t>> of_shard;
  for (const Cell& cell : cells) {
    folders.insert(cell.folder);
    of_shard[cell.shard_number % 2].insert(cell.row);
    CHECK(cells[2 * cell.index + cell.row].folder == cell.folder);
  }
  CHECK(folders.size() == 24);
  CHECK(of_shard == std::map<int, std::set<size_t>>{{0, {0, 1}}, {1, {0, 1}}});
  const Words arguments = training_arguments(c, cells[0]);
  CHECK(quoted(arguments) ==
        "train --loss bce --folds 3 --fold 1 --seed 1 --output " + cells[0].folder + " --resume auto");
  // Results with other common options are other results.
  Comparison other = c;
  other.common = {"--lr", "0.1"};
  CHECK(cells_of(other, "runs")[0].folder != cells[0].folder);
}

TEST_CASE("compare: metrics of results of two and of more classes") {
  const std::string json =
      R"({"f1": 0.5, "f0.5": 0.25, "mcc": null, "macro": {"f1": 0.7, "recall": 0.6}, "top_k": {"2": 0.9},)"
      R"( "per_class": [{"class": "cat.x", "recall": 0.1}, {"class": "dog", "recall": 0.2}]})";
  const auto metric = [&](const std::string& name) { return metric_of(json, name, "r"); };
  CHECK(metric("f1") == 0.5);
  CHECK(metric("f0.5") == 0.25);
  CHECK(metric("macro.f1") == 0.7);
  CHECK(metric("recall") == 0.6);  // of two classes it is at the top, of more in macro
  CHECK(metric("top_k.2") == 0.9);
  CHECK(metric("per_class.dog.recall") == 0.2);
  CHECK(metric("per_class.cat.x.recall") == 0.1);
  for (const char* none : {"mcc", "precision", "macro", "per_class.cow.recall", "top_k.3"})
    CHECK(std::isnan(metric(none)));
  // A class that is no text is not the class that is looked for.
  CHECK(std::isnan(metric_of(R"({"per_class": [{"class": 5, "recall": 1}]})", "per_class.dog.recall", "r")));
  CHECK(contains(error_of([] { metric_of("{", "f1", "a/result.json"); }, ErrorKind::bad_data), "a/result.json"));
}

TEST_CASE("compare: one process at a time has a claim, with locks and without") {
  const TemporaryFolder folder;
  for (const bool locks : {true, false}) {
    const std::string path = folder / (locks ? "a" : "b");
    {
      Claim first(path, Claim::now, locks);
      CHECK(first.held());
      CHECK(!Claim(path, Claim::now, locks).held());
      const Claim moved = std::move(first);
      CHECK(!Claim(path, Claim::now, locks).held());
    }
    CHECK(Claim(path, Claim::now, locks).held());
  }
  // Without locks: one that a process left which has ended is taken over, one of another machine is not.
  CHECK(outcome_of([&] { new Claim(folder / "b", Claim::now, false); }) == 0);
  CHECK(fs::exists(folder / "b.held"));
  CHECK(Claim(folder / "b", Claim::now, false).held());
  CHECK(!fs::exists(folder / "b.held"));
  write_file(folder / "b.held", "elsewhere 1\n");
  CHECK(!Claim(folder / "b", Claim::now, false).held());
}

TEST_CASE("compare: two shards, two processes at once, and one that was killed end with one table" * slow()) {
  const DataSet data;
  const TemporaryFolder out;
  const std::string options = " --seeds 3 --metrics f1,log_loss " + data.flags();
  const auto in = [&](const std::string& name, const std::string& more = "") {
    return "--output " + (out / name) + options + more + rows;
  };
  const Result one = must_succeed(compare(in("one")));
  CHECK(count(one.err, " done in ") == 6);
  CHECK(slurp(out / "one/compare.md") == one.out);
  CHECK(contains(one.out, "| weights      | 3    |"));

  // Nothing is trained twice, and the folder knows what it compares.
  const Result again = must_succeed(compare("--output " + (out / "one")));
  CHECK(again.out == one.out);
  CHECK(again.err == "");

  const Result half = must_succeed(compare(in("shards", " --shard 1/2")));
  CHECK(count(half.err, " done in ") == 3);
  CHECK(contains(half.out, "3 of 6 trainings are missing"));
  const Result whole = compare("--output " + (out / "shards") + " --shard 2/2");
  CHECK(count(whole.err, " done in ") == 3);
  CHECK(whole.out == one.out);
  CHECK(slurp(out / "shards/compare.csv") == slurp(out / "one/compare.csv"));
  CHECK(slurp(out / "shards/compare.json") == slurp(out / "one/compare.json"));

  const Result both = shell(program("catdog") + " compare " + in("both") + " >/dev/null & " + program("catdog") +
                            " compare " + in("both") + " >/dev/null; wait");
  CHECK(count(both.err, " done in ") == 6);
  CHECK(!contains(both.err, "FAILED"));
  CHECK(compare("--output " + (out / "both")).out == one.out);

  Running killed("catdog", "compare " + in("killed"));
  wait_until([&] { return files_in(out / "killed", "result.json") > 0; });
  killed.send(SIGKILL);
  for (const pid_t process : processes_with(out / "killed")) kill(process, SIGKILL);
  killed.code();
  wait_until([&] { return processes_with(out / "killed").empty(); });
  const size_t before = files_in(out / "killed", "result.json");
  const Result continued = must_succeed(compare(in("killed")));
  CHECK(count(continued.err, " done in ") == 6 - before);
  CHECK(continued.out == one.out);
  CHECK(slurp(out / "killed/compare.json") == slurp(out / "one/compare.json"));
  for (const auto& entry : fs::recursive_directory_iterator(out / "killed"))
    CHECK(!contains(entry.path().filename().string(), "unfinished-"));

  // More seeds and rows; what contradicts is refused.
  const Result more =
      must_succeed(compare("--output " + (out / "one") + " --seeds 4, --discard-weights -- '--loss mse'"));
  CHECK(count(more.err, " done in ") == 2 + 4);
  CHECK(contains(more.out, "| `--loss mse` | 4 "));
  const auto refused = [&](const std::string& arguments, const std::string& part) {
    check_fails("compare --output " + (out / "one") + arguments, 2, part);
  };
  refused(" --epochs 3", "--epochs 3 contradicts " + (out / "one") + ", which was begun with --epochs 2");
  refused(" --momentum 0.5", "which was begun without --momentum");
  refused(" --folds 3", "--folds 3 contradicts");
  refused(" -- 'weights: --loss mse'", "two rows are named \"weights\"");
  CHECK(compare("--output " + (out / "one") + " --epochs 2 --table").out == more.out);
}

TEST_CASE("compare: a row that fails is named with the reason, and the others are reported" * slow()) {
  const DataSet data;
  const TemporaryFolder out;
  const std::string arguments = "--output " + (out / "c") + " --seeds 2 " + data.flags();
  // A file of weights that does not fit is refused before anything is trained, but its numbers are read only then.
  check_fails("compare " + arguments + " -- 'broken: --init /nowhere'", 2, "row \"broken\": cannot open /nowhere");
  must_succeed(catdog("train " + data.flags("--output " + (out / "run"))));
  const std::string weights = out / "run/last.safetensors", bytes = slurp(weights);
  write_file(weights, bytes.substr(0, bytes.size() - 4) + "\xff\xff\xff\xff");
  const Result r = compare(arguments + " -- '--loss bce' 'broken: --init " + weights + "'");
  CHECK(r.code == 1);
  CHECK(contains(r.out, "| `--loss bce` | 2 "));
  CHECK(contains(r.out, "| broken       | 0 "));
  CHECK(contains(r.out, "2 of 4 trainings failed:\n\n- broken, seed 1, seed 2: " + weights));
  CHECK(count(r.err, "FAILED") == 2);
  // They are tried again; whoever only looks gets the same table and code.
  const Result look = compare("--output " + (out / "c") + " --table");
  CHECK(look.code == 1);
  CHECK(look.out == r.out);
  CHECK(count(compare("--output " + (out / "c")).err, "FAILED") == 2);
}

TEST_CASE("compare: folds, and a result that cannot be read" * slow()) {
  const DataSet data;
  const TemporaryFolder out;
  const Result r = must_succeed(compare("--output " + (out / "c") + " --folds 2 --seeds 7, " + data.flags() + rows));
  CHECK(count(r.err, " done in ") == 4);
  CHECK(contains(r.out, "Mean ± standard deviation over 1 seed and 2 folds."));
  CHECK(contains(r.out, "corrected for folds that share images"));
  std::string damaged;
  for (const auto& entry : fs::recursive_directory_iterator(out / "c")) {
    if (contains(entry.path().string(), "/weights-") &&
        contains(entry.path().string(), "seed-7-fold-2-of-2/result.json"))
      damaged = entry.path();
  }
  REQUIRE(damaged != "");
  write_file(damaged, "{");
  const Result broken = compare("--output " + (out / "c"));
  CHECK(broken.code == 1);
  CHECK(
      contains(broken.out, "1 of 4 trainings failed:\n\n- weights, seed 7 fold 2: " + damaged + " is not a result: "));
  CHECK(contains(broken.out, "| weights      | 1    |"));
  CHECK(broken.err == "");
}

TEST_CASE("compare: a signal stops the trainings, and then the program" * slow()) {
  const DataSet data;
  for (const int signal : {SIGTERM, SIGINT}) {
    const TemporaryFolder out;
    Running run("catdog",
                "compare --output " + (out / "c") + " --seeds 4 --jobs 2 " + data.flags("--epochs 100000") + rows);
    wait_until([&] { return files_in(out / "c", "log.txt") >= 2; });
    usleep(200000);
    run.send(signal);
    CHECK(run.code() == 128 + signal);
    CHECK(processes_with((out / "c") + "/cells").empty());
    CHECK(files_in(out / "c", "result.json") == 0);
    CHECK(contains(compare("--output " + (out / "c") + " --table").out, "8 of 8 trainings are missing"));
  }
}

TEST_CASE("compare: a wrong command line is one clear line, and trains nothing" * slow()) {
  const TemporaryFolder out;
  const std::string output = "compare --output " + (out / "c") + " ";
  check_fails("compare", 2, "--output");
  check_fails(output, 2, "no rows to compare; they come after --");
  check_fails(output + "--epochs 1 '--loss bce'", 2, "\"--loss bce\" looks like a row; rows come after --");
  check_fails(output + "-- --loss bce", 2, "the row \"bce\" does not begin with an option");
  check_fails(output + "-- '--loss bce' '--loss bce'", 2, "is given twice");
  check_fails(output + "-- '--loss bce' '--loss foca'", 2, "row \"--loss foca\": --loss: \"foca\" is unknown");
  check_fails(output + "--losss x -- '--loss bce' '--loss mse'", 2, "the common options: unknown option --losss");
  check_fails(output + "-- '--loss \"bce'", 2, "the quotation mark \" is not closed");
  check_fails(output + "--seed 3 -- '--loss bce'", 2, "give --seeds");
  check_fails(output + "--seeds 0 -- '--loss bce'", 2, "--seeds: \"0\" is not a whole number from 1");
  check_fails(output + "--shard 3/2 -- '--loss bce'", 2, "--shard 3/2: shards are 1/n to n/n");
  check_fails(output + "--metrics f3 -- '--loss bce'", 2, "no result has the metric \"f3\"");
  check_fails(output + "--folds 1 -- '--loss bce'", 2, "--folds 1 is out of range: 2 to 1000");
  check_fails(output + "--jobs 0 -- '--loss bce'", 2, "--jobs");
  check_fails(output + "--list " + (out / "none"), 3, "--list: cannot open");
  CHECK(!fs::exists(out / "c"));
  make_directories(out / "training");
  write_file(out / "training/config.json", "{}");
  check_fails("compare --output " + (out / "training") + " -- '--loss bce'", 2, "is the folder of a training");
  make_directories(out / "c");
  write_file(out / "c/compare.json", "{");
  check_fails(output, 3, "compare.json is not the file of a comparison");
}
