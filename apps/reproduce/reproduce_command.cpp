#include "apps/reproduce/reproduce_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>

#include "apps/compare/arguments.h"
#include "apps/reproduce/cifar10_lt.h"
#include "apps/reproduce/study_run.h"
#include "apps/trainer/flags.h"

namespace counterpoise {

namespace {

constexpr const char* exit_codes =
    "Training options of all rows come after --, as -- --device cuda --precision bf16.\n\nExit codes: 0 success, 1 a "
    "training failed, 2 wrong command line, 3 unusable images or files, 128 + N after signal N.";

// The options that every study has.
class StudyCommand {
 public:
  StudyCommand(const std::string& help, const std::string& usage, const char* rows) : app_(help, usage) {
    app_.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app_.add_option("ROWS", run_.rows, rows)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  void option(const char* flag, std::string& field, const char* type, const char* help, const char* otherwise) {
    app_.add_option(flag, field, help)->type_name(type)->default_str(otherwise);
  }

  // Adds the options, reads argv, and returns what to run.
  StudyRun parse(int argc, char** argv) {
    std::string seeds = "3", shard, threads;
    option("--seeds", seeds, "SEEDS", "Number of seeds, or a list as 1,2,7", "3");
    option("--output", run_.output, "DIR", "Folder of the trainings and the report", "runs/reproduce-...");
    option("--shard", shard, "I/N", "Train the I-th of N parts, as 1/4", "all");
    app_.add_option("--jobs", run_.jobs, "Trainings at the same time")
        ->type_name("N")
        ->check(CLI::Range(1, 4096))
        ->default_str("one per core; on a GPU 1");
    option("--threads", threads, "T", "Threads of each training", "1 on the CPU");
    app_.add_flag("--list", run_.only_list, "Print the rows and how long they take, and train nothing");
    app_.add_flag("--table", run_.only_table, "Print the table of what is there, and train nothing");
    app_.add_flag("--discard-weights", run_.discard_weights, "Remove the weights of each training when it is complete");
    app_.footer(exit_codes);
    const auto end = std::find_if(argv, argv + argc, [](const char* word) { return std::strcmp(word, "--") == 0; });
    parse_command_line(app_, static_cast<int>(end - argv), argv);
    run_.seeds = with_flag("--seeds", [&] { return parse_seeds(seeds); });
    run_.shard = parse_shard(shard);
    if (!threads.empty()) run_.common = {"--threads", threads};
    if (end != argv + argc) run_.common.insert(run_.common.end(), end + 1, argv + argc);
    run_.common = check_common(run_.common);
    return run_;
  }

 private:
  CLI::App app_;
  StudyRun run_;
};

int whole(const std::string& flag, const std::string& given, int low, int high) {
  const double value = parse_number(flag, given);
  CP_ENSURE_AS(invalid_argument, low <= value && value <= high && value == static_cast<int>(value), flag, " ", given,
               " is not a whole number from ", low, " to ", high);
  return static_cast<int>(value);
}

// Then the images need not be there, and no folder of them be given.
bool trains_nothing(const StudyRun& run) { return run.only_list || run.only_table; }

// The options without those that make sense for cats and dogs alone.
std::vector<std::string> for_other_classes(const std::vector<std::string>& arguments) {
  static const std::set<std::string> of_two = {"--threshold", "--cost",  "--positive", "--class-weights",
                                               "--outputs",   "--count", "--imbalance"};
  std::vector<std::string> kept;
  bool dropped = false;
  for (const std::string& argument : arguments) {
    if (is_flag(argument)) dropped = of_two.count(argument.substr(0, argument.find('='))) > 0;
    if (!dropped) kept.push_back(argument);
  }
  return kept;
}

Exit lectures(int argc, char** argv) {
  const std::string command = usage(argv[0]);
  StudyCommand app(
      text("Repeat the experiments of the two lectures \"Imbalanced Data\", and print ours beside the "
           "slides' numbers.\n\n  ",
           command, " --scale synthetic --seeds 3\n  ", command, " R4 R8 --scale small --data DIR\n  ", command,
           " --scale full --data DIR --list\n  ", command,
           " cifar10-lt --help     another experiment\n\nNothing is trained twice: the same DIR takes more "
           "rows and seeds, and several processes or machines may work in it at once."),
      command, "Rows, as R8, and groups of them, as imbalanced-1; all if none is given");
  LectureRequest request;
  request.scale = "synthetic";
  app.option("--scale", request.scale, "NAME",
             "full (photographs of 160x160, VGG16: for a GPU), small (of 64x64, hours) or synthetic (minutes)",
             "synthetic");
  app.option("--data", request.data, "DIR", "The photographs: train/ and validation/ with cat/ and dog/", "none");
  app.option("--pretrained", request.pretrained, "FILE", "Weights that the pretrained row begins with", "none");
  StudyRun run = app.parse(argc, argv);
  if (trains_nothing(run) && request.data.empty() && request.scale != "synthetic") request.data = "DIR";
  if (run.output.empty()) run.output = "runs/reproduce-" + request.scale;
  if (request.scale == "synthetic" && request.pretrained.empty()) {
    Pretraining& p = run.pretraining;
    p.output = std::filesystem::absolute(run.output).lexically_normal().string() + "/pretraining";
    p.comparison.rows = {shapes_pretraining()};
    p.comparison.seeds = {1};
    p.comparison.metrics = {"accuracy"};
    p.comparison.common = for_other_classes(run.common);
    for (const char* flag : {"--threads", "--workers"}) {
      if (!flags_in(run.common).count(flag)) p.comparison.common.insert(p.comparison.common.end(), {flag, "1"});
    }
    request.pretrained = p.weights();
  }
  Study study = lecture_study(request);
  run.computations = lecture_computations(run.output);
  return run_study(std::move(study), run);
}

Exit cifar10_lt(int argc, char** argv) {
  const std::string command = usage(text("reproduce ", argv[0]));
  StudyCommand app(
      text("Train methods for long-tailed data on CIFAR-10-LT with the papers' recipe, and print ours beside "
           "the papers' numbers.\n\n  ",
           command, " --data DIR --imbalance 100\n  ", command,
           " ldam-drw logit-adjustment --data DIR --epochs 60\n\nThe result is that of the last "
           "epoch on the whole test set, which is in DIR/validation. Nothing is trained twice."),
      command, "Methods, as ldam-drw; all if none is given");
  Cifar10LtRequest request;
  std::string imbalance = text(request.imbalance), epochs = text(request.epochs);
  app.option("--data", request.data, "DIR", "CIFAR-10 as image files: train/CLASS/ and validation/CLASS/", "required");
  app.option("--imbalance", imbalance, "F", "Images of the largest class by those of the smallest: 100 or 10", "100");
  app.option("--epochs", epochs, "N", "Epochs of training, to which the recipe's times are scaled", "200");
  app.option("--model", request.model, "NAME", "The network", "resnet32");
  StudyRun run = app.parse(argc, argv);
  if (trains_nothing(run) && request.data.empty()) request.data = "DIR";
  request.imbalance = whole("--imbalance", imbalance, 1, 100000);
  request.epochs = whole("--epochs", epochs, 2, 100000);
  return run_study(cifar10_lt_study(request), run);
}

}  // namespace

Exit reproduce_command(int argc, char** argv) {
  if (argc > 1 && argv[1] == std::string("cifar10-lt")) return cifar10_lt(argc - 1, argv + 1);
  return lectures(argc, argv);
}

}  // namespace counterpoise
