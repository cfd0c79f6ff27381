#include "apps/trainer/commands.h"

#include <algorithm>
#include <iostream>
#include <optional>
#include <vector>

#include "apps/compare/compare_command.h"
#include "apps/loss_explorer/loss_list.h"
#include "apps/loss_explorer/losses_command.h"
#include "apps/report/report.h"
#include "apps/reproduce/reproduce_command.h"
#include "apps/show/show_command.h"
#include "apps/trainer/check_command.h"
#include "apps/trainer/data_sets.h"
#include "apps/trainer/eval_command.h"
#include "apps/trainer/export_command.h"
#include "apps/trainer/flags.h"
#include "apps/trainer/metrics_command.h"
#include "apps/trainer/predict_command.h"
#include "apps/trainer/pretraining.h"
#include "apps/trainer/program.h"
#include "apps/trainer/stop_signal.h"
#include "apps/trainer/train.h"
#include "apps/trainer/version.h"
#include "layers/summary.h"

namespace counterpoise {

namespace {

Exit train_command(const ProgramDefaults& defaults, int argc, char** argv) {
  const Options options = parse_options(defaults, {argv, argv + argc});
  if (options.summary) {
    const Index S = options.image_size;
    const auto model = make_model(options.model, meta_backend(), options.seed);
    std::cout << summary(*model, options.model.name, {1, S, S, 3}, options.freeze ? &model->head() : nullptr);
    return Exit::ok;
  }
  if (options.check) {
    Options copy = options;
    const TrainingData data(copy);
    check_initial_weights(copy);
    std::cout << data.description() << "\n";
    return Exit::ok;
  }
  return train(options);
}

struct Command {
  const char* name;
  const char* help;
  Exit (*run)(const ProgramDefaults& defaults, int argc, char** argv);
  bool looks_for_signals = false;  // else they end the program at once, as usual
};

template <Exit (*run)(int argc, char** argv)>
Exit plain(const ProgramDefaults&, int argc, char** argv) {
  return run(argc, argv);
}

constexpr Command commands[] = {
    {"train", "train a network, and report how well it does", train_command, true},
    {"eval", "evaluate saved weights",
     [](const ProgramDefaults& defaults, int argc, char** argv) {
       return eval(parse_options(defaults, {argv, argv + argc}));
     },
     true},
    {"predict", "classify images with saved weights", plain<predict_command>, true},
    {"compare", "train techniques with several seeds, and compare them", plain<compare_command>, true},
    {"reproduce", "repeat published experiments, and print ours beside their numbers", plain<reproduce_command>, true},
    {"report", "write the results of runs as a page for a browser", plain<report_command>},
    {"show", "show what a network is trained on, as images", show_command},
    {"check", "find what is wrong with a set of images", plain<check_command>},
    {"export", "write weights as an ONNX file, for other programs", plain<export_command>},
    {"metrics", "print every metric of the scores in a CSV file", plain<metrics_command>},
    {"losses", "list, evaluate and plot the losses", plain<losses_command>},
};

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : commands) names.emplace_back(command.name);
  return names;
}

// `help`, `help LOSS` and `help COMMAND`.
Exit help(const ProgramDefaults& defaults, int argc, char** argv);

Exit run(const ProgramDefaults& defaults, int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name == "help") return help(defaults, argc - 1, argv + 1);
  for (const Command& command : commands) {
    if (name != command.name) continue;
    std::optional<StopSignals> caught;
    if (command.looks_for_signals) caught.emplace();
    return command.run(defaults, argc - 1, argv + 1);
  }
  const bool is_option = name.empty() || name[0] == '-';
  if (is_option && defaults.lectures) {
    const StopSignals caught;
    std::string train = "train";
    std::vector<char*> arguments = {train.data()};
    arguments.insert(arguments.end(), argv + 1, argv + argc);
    return train_command(defaults, static_cast<int>(arguments.size()), arguments.data());
  }
  if (name == "--version") {
    std::cout << version_text() << "\n";
    return Exit::ok;
  }
  if (name == "--help" || name == "-h") return help(defaults, 1, argv + 1);
  std::vector<std::string> known = command_names();
  known.emplace_back("help");
  const std::string guess = nearest_name(name, known);
  throw Error(ErrorKind::invalid_argument, name.empty() ? "which command? " : "unknown command \"" + name + "\"; ",
              guess.empty() ? "" : "did you mean " + guess + "? ", "valid are ", join(known));
}

Exit help(const ProgramDefaults& defaults, int argc, char** argv) {
  const std::string program = program_command();
  if (argc > 2) throw Error(ErrorKind::invalid_argument, "help takes one loss or command");
  if (argc == 2) {
    const std::string topic = argv[1];
    const std::vector<std::string> names = loss_names();
    if (std::find(names.begin(), names.end(), topic) != names.end()) {
      std::cout << loss_help(find_loss(topic)) << "\n  " << program << (defaults.lectures ? "" : " train --data DIR")
                << " --loss " << topic << "\n";
      return Exit::ok;
    }
    std::string ask = "--help";
    char* arguments[] = {argv[1], ask.data()};
    for (const Command& command : commands) {
      if (topic == command.name) return command.run(defaults, 2, arguments);
    }
    std::vector<std::string> known = command_names();
    known.insert(known.end(), names.begin(), names.end());
    const std::string guess = nearest_name(topic, known);
    throw Error(ErrorKind::invalid_argument, "help: \"", topic, "\" is neither a command nor a loss",
                guess.empty() ? "; commands are " : "; did you mean " + guess + "? Commands are ",
                join(command_names()), "; losses are ", join(names));
  }
  std::cout << "Counterpoise: deep learning for images when one class is rare.\n\nCommands:\n";
  for (const Command& command : commands) {
    std::cout << text("  ", command.name, std::string(11 - std::string(command.name).size(), ' '), command.help, "\n");
  }
  std::cout << text("\n  ", program, " COMMAND --help   the options of a command\n  ", program,
                    " help LOSS        what a loss does, and its parameters\n");
  return Exit::ok;
}

}  // namespace

int run_trainer(const std::string& program, const ProgramDefaults& defaults, int argc, char** argv) {
  return run_program(program, [&] { return run(defaults, argc, argv); });
}

}  // namespace counterpoise
