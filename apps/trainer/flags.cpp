#include "apps/trainer/flags.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>

namespace counterpoise {

namespace {

// Lines of --help are at most this long.
constexpr size_t help_width = 100;
constexpr char no_break = '\x1f';  // a space at which a line does not end

// `text` in lines of at most `width` letters, joined by `between`. Its own lines stay as they are where they fit.
std::string wrapped(const std::string& text, size_t width, const std::string& between) {
  std::string all, line, word;
  std::istringstream lines(text);
  for (bool first = true; std::getline(lines, line); first = false) {
    if (!first) all += between;
    if (line.size() <= width) {
      all += line;
      continue;
    }
    size_t used = 0;
    for (std::istringstream words(line); words >> word;) {
      const bool fits = used + 1 + word.size() <= width;
      if (used) all += fits ? " " : between;
      used = used && fits ? used + 1 + word.size() : word.size();
      all += word;
    }
  }
  std::replace(all.begin(), all.end(), no_break, ' ');
  return all;
}

// CLI11's help in lines of bounded length, with defaults in brackets after the text. Ranges of numbers are left to the
// error that names them.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(28); }

  std::string make_description(const CLI::App* app) const override {
    return wrapped(app->get_description(), help_width, "\n") + "\n\n";
  }
  std::string make_footer(const CLI::App* app) const override {
    return app->get_footer().empty() ? "" : wrapped(app->get_footer(), help_width, "\n") + "\n";
  }
  std::string make_group(std::string group, bool positional, std::vector<const CLI::Option*> options) const override {
    // The caller puts an empty line between groups, but none before the first.
    std::string all = (positional || group == "Options" ? "\n" : "") + group + ":\n";
    for (const CLI::Option* option : options) all += make_option(option, positional);
    return all;
  }
  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    std::string name = "  " + make_option_name(option, is_positional);
    const std::string type = option->get_type_size() && !is_positional ? option->get_type_name() : "";
    if (!type.empty()) name += " " + type.substr(0, type.find(':'));
    std::string defaults = option->get_required() ? "(required)" : option->get_default_str();
    if (!option->get_required() && !defaults.empty()) defaults = "[" + defaults + "]";
    if (defaults.size() < 36) std::replace(defaults.begin(), defaults.end(), ' ', no_break);
    const std::string help = option->get_description() + (defaults.empty() ? "" : " ") + defaults;
    const std::string indent(column_width_, ' ');
    name += name.size() + 2 <= column_width_ ? indent.substr(name.size()) : "\n" + indent;
    return name + wrapped(help, help_width - column_width_, "\n" + indent) + "\n";
  }
};

// The option that is meant by one of this name, which the program does not have; "" if none is near. A program that
// hands on what it does not know has only those that it lacks in mind.
std::string guess_option(const CLI::App& app, const std::string& name) {
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) {
    if (app.get_allow_extras() && (!option->get_required() || option->count() > 0)) continue;
    for (const std::string& long_name : option->get_lnames()) known.push_back("--" + long_name);
  }
  std::string guess = nearest_name(name, known);
  // What other programs call the same.
  static const std::map<std::string, std::string> elsewhere = {{"--bs", "--batch-size"},
                                                               {"--batch", "--batch-size"},
                                                               {"--learning-rate", "--lr"},
                                                               {"--imgsz", "--image-size"},
                                                               {"--img-size", "--image-size"},
                                                               {"--wd", "--weight-decay"},
                                                               {"--scheduler", "--schedule"},
                                                               {"--arch", "--model"},
                                                               {"--dataset", "--data"},
                                                               {"--data-dir", "--data"},
                                                               {"--checkpoint", "--resume"},
                                                               {"--out", "--output"},
                                                               {"--save-dir", "--output"},
                                                               {"--smoothing", "--label-smoothing"},
                                                               {"--mixup", "--mix"},
                                                               {"--cutmix", "--mix"},
                                                               {"--remix", "--mix"},
                                                               {"--num-workers", "--workers"},
                                                               {"--early-stopping", "--patience"},
                                                               {"--initializer", "--conv-init"},
                                                               {"--interpolation", "--resize"}};
  const auto found = elsewhere.find(name);
  if (found != elsewhere.end() && std::find(known.begin(), known.end(), found->second) != known.end())
    guess = found->second;
  return guess;
}

// Throws if one of the arguments that no option takes looks like one.
void refuse_unknown_option(const CLI::App& app, const std::string& help, const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--") return;  // no option follows it
    if (argument.size() < 2 || argument[0] != '-') continue;
    const std::string name = argument.substr(0, argument.find('=')), guess = guess_option(app, name);
    if (app.get_allow_extras() && guess.empty()) continue;
    const bool is_file = access(argument.c_str(), F_OK) == 0;
    throw Error(ErrorKind::invalid_argument, "unknown option ", name,
                guess.empty() ? "." : "; did you mean " + guess + "?",
                is_file ? " (The file of this name is ./" + argument + ".)" : "", " Valid options: ", help);
  }
}

}  // namespace

std::string plain_number(const std::string& given) {
  const size_t sign = given.rfind('-', 0) == 0 || given.rfind('+', 0) == 0 ? 1 : 0;
  const bool digits = given.find_first_not_of("0123456789.eE+-", sign) == std::string::npos;
  const bool octal =
      given.size() > sign + 1 && given[sign] == '0' && std::isdigit(static_cast<unsigned char>(given[sign + 1]));
  return digits && !octal && given.size() > sign ? "" : "\"" + given + "\" is not a number";
}

double parse_number(const std::string& flag, const std::string& given, const std::string& word) {
  if (!word.empty() && given == word) return -1;
  char* end = nullptr;
  const double value = std::strtod(given.c_str(), &end);
  CP_ENSURE_AS(invalid_argument, plain_number(given).empty() && !*end, flag, ": \"", given, "\" is not a number",
               word.empty() ? "" : ", nor \"" + word + "\"");
  return value;
}

std::set<std::string> parse_command_line(CLI::App& app, int argc, char** argv) {
  const std::string help = app.get_name().substr(0, app.get_name().find(" [")) + " --help";
  app.formatter(std::make_shared<HelpFormatter>());
  app.get_help_ptr()->description("Print this help and exit");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    for (CLI::Option* option : app.get_options([](const CLI::Option* o) { return o->get_group() == hidden_group; })) {
      option->group("");
    }
    app.exit(wanted, std::cout, std::cerr);
    std::cout.flush();
    std::exit(0);
  } catch (const CLI::ExtrasError& error) {
    const std::vector<std::string> extras = app.remaining();
    const std::string first = extras.empty() ? error.what() : extras.front();
    refuse_unknown_option(app, help, {first});
    throw Error(ErrorKind::invalid_argument, "unexpected argument \"" + first + "\"; see " + help);
  } catch (const CLI::RequiredError& error) {
    refuse_unknown_option(app, help, app.remaining());  // which may be the required one, misspelled
    throw Error(ErrorKind::invalid_argument, error.what() + ("; see " + help));
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    std::replace(message.begin(), message.end(), '\n', ' ');
    throw Error(ErrorKind::invalid_argument, message + "; see " + help);
  }
  std::set<std::string> given;
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() > 0 && !option->get_lnames().empty()) given.insert("--" + option->get_lnames().front());
  }
  return given;
}

void check_output(const std::string& flag, const std::string& output, const std::vector<std::string>& inputs) {
  namespace fs = std::filesystem;
  std::error_code missing;
  if (!fs::exists(output, missing)) return;
  for (const std::string& input : inputs) {
    CP_ENSURE_AS(invalid_argument, !fs::equivalent(input, output, missing), flag, " ", printable(output),
                 " is one of the inputs, which it would replace; give another name");
  }
}

}  // namespace counterpoise
