#include "apps/loss_explorer/losses_command.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "apps/loss_explorer/lecture_tables.h"
#include "apps/loss_explorer/loss_calculator.h"
#include "apps/loss_explorer/loss_list.h"
#include "apps/loss_explorer/loss_plots.h"
#include "apps/loss_explorer/loss_walk.h"
#include "apps/trainer/flags.h"
#include "apps/trainer/loss_flags.h"
#include "apps/trainer/version.h"

namespace counterpoise {

namespace {

// "./apps/losses list", or "./apps/counterpoise losses list".
std::string losses_usage(const std::string& command) {
  return program_name() == "losses" ? usage(command) : usage("losses " + command);
}

// Adds the options that all commands have.
void prepare(CLI::App& app) {
  app.set_version_flag("--version", version_text(), "Print what this program was built with and exit");
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

std::string list(int argc, char** argv) {
  CLI::App app("Lists all losses: forms, parameters with defaults and ranges, and sources.", losses_usage("list"));
  prepare(app);
  bool json = false;
  app.add_flag("--json", json, "Print JSON");
  parse_command_line(app, argc, argv);
  return json ? loss_list_json() : loss_list();
}

std::string eval(int argc, char** argv) {
  const std::string eval = losses_usage("eval");
  CLI::App app(
      text("Evaluates a loss in double precision; prints its value, each sample's loss and the gradient as JSON.\n\n  ",
           eval, " bce --logits '-1;2;0.5' --labels 0,1,1\n  ", eval,
           " focal --gamma 2 --logits 1.2,-0.4,0.3,2.0 --labels 3\n  ", eval,
           " vs --logits '1.2,-0.4;0.3,2.0' --labels 1,0 --counts 1000,100\n  ", eval,
           " cross-entropy --logits 1.2,-0.4,0.3 --labels 0.7,0.2,0.1\n\n",
           "Quote ';', because it ends a command in the shell.\n"),
      eval);
  prepare(app);
  LossRequest request;
  std::string name;
  app.add_option("NAME", name, "The loss (required); " + losses_usage("list") + " describes them")->type_name("");
  app.add_option("--logits", request.logits,
                 "One row per sample, separated by ';', the numbers of a row by ','. One number per row is the logit "
                 "of the positive class of two; otherwise a row has a logit per class")
      ->type_name("ROWS");
  app.add_option("--labels", request.labels,
                 "The class of each row, from 0, separated by ',' or ';'. Some losses also take soft targets: the "
                 "probability of class 1 (one logit), or rows of probabilities")
      ->type_name("LIST");
  app.add_option("--counts", request.counts, "Training samples of each class, if the loss or its weights need them")
      ->type_name("N,N,...");
  app.add_option("--class-weights", request.class_weights,
                 "A weight per class, or none, balanced, inverse, sqrt, effective=BETA, median [the loss's own]")
      ->type_name("X,X,...");
  app.add_option("--reduction", request.reduction, "mean, weighted-mean, sum or positives [the loss's own]")
      ->type_name("NAME");
  app.add_option("--positive", request.positive, "The positive class")->type_name("K")->capture_default_str();
  LossFlags flags;
  flags.add_to(app, "Parameters of losses, with their defaults");
  const std::set<std::string> given = parse_command_line(app, argc, argv);
  CP_ENSURE_AS(invalid_argument, !name.empty(), "which loss? Valid are ", join(loss_names()));
  request.loss = &find_loss(name);
  CP_ENSURE_AS(invalid_argument, !request.logits.empty(), "--logits: none are given; for example --logits '-1;2'");
  CP_ENSURE_AS(invalid_argument, !request.labels.empty(), "--labels: none are given; for example --labels 0,1");
  for (const auto& [flag, value] :
       {std::pair("--counts", request.counts), std::pair("--class-weights", request.class_weights),
        std::pair("--reduction", request.reduction)}) {
    CP_ENSURE_AS(invalid_argument, !given.count(flag) || !value.empty(), flag,
                 ": nothing was given; an unset variable?");
  }
  request.given = parse_loss_params(*request.loss, flags.given(given));
  return evaluate_loss(request);
}

std::string walk(int argc, char** argv) {
  CLI::App app(
      "Repeats the calculations of the lecture \"Imbalanced Data\" (Quang-Vinh Dinh) with this library's losses: "
      "lie/truth classification in four contexts, and easy and hard samples.",
      losses_usage("walk"));
  prepare(app);
  parse_command_line(app, argc, argv);
  return loss_walk();
}

std::string tables(int argc, char** argv) {
  CLI::App app(
      "Recomputes the tables of metrics in the lectures, answers their quizzes, and names the errors on their "
      "slides.",
      losses_usage("tables"));
  prepare(app);
  parse_command_line(app, argc, argv);
  return lecture_tables();
}

std::string curves(int argc, char** argv) {
  CLI::App app("Plots all losses as SVG files, and writes index.html, which shows them in a browser.",
               losses_usage("curves"));
  prepare(app);
  std::string output = "losses-curves";
  app.add_option("--output", output, "Folder for the files; existing files of the same names are replaced")
      ->type_name("DIR")
      ->capture_default_str();
  parse_command_line(app, argc, argv);
  CP_ENSURE_AS(invalid_argument, !output.empty(), "--output: nothing was given; an unset variable?");
  const size_t files = write_loss_plots(output).size();
  return text(files, " files; open ", output, "/index.html\n");
}

struct Command {
  const char* name;
  const char* help;
  std::string (*run)(int argc, char** argv);
};
constexpr Command commands[] = {
    {"list", "list all losses with their parameters", list},
    {"eval", "evaluate a loss and its gradient for given logits and labels", eval},
    {"walk", "a lecture's sums over easy and hard samples, recomputed", walk},
    {"tables", "the lectures' tables and quizzes, recomputed", tables},
    {"curves", "plot all losses, for a browser", curves},
};

std::string run_losses(int argc, char** argv) {
  std::vector<std::string> names;
  std::string help = "Lists, evaluates and plots losses for imbalanced data.\n\nCommands:\n";
  for (const Command& command : commands) {
    if (argc > 1 && command.name == std::string(argv[1])) return command.run(argc - 1, argv + 1);
    names.emplace_back(command.name);
    help += text("  ", command.name, std::string(10 - names.back().size(), ' '), command.help, "\n");
  }
  CLI::App app(help + "\n`" + losses_usage("COMMAND --help") + "` lists the options of a command.\n",
               losses_usage("[COMMAND]"));
  prepare(app);
  const std::string command = argc > 1 ? argv[1] : "";
  CP_ENSURE_AS(invalid_argument, !command.empty(), "which command? Valid are ", join(names), "; see ",
               losses_usage("--help"));
  if (command[0] != '-') {
    const std::string guess = nearest_name(command, names);
    throw Error(ErrorKind::invalid_argument, "unknown command \"", command, "\"",
                guess.empty() ? "" : "; did you mean " + guess + "?", " Valid are ", join(names));
  }
  parse_command_line(app, argc, argv);
  throw Error(ErrorKind::invalid_argument, "which command? Valid are " + join(names));
}

}  // namespace

Exit losses_command(int argc, char** argv) {
  std::cout << run_losses(argc, argv);
  return Exit::ok;
}

}  // namespace counterpoise
