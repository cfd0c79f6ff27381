#include "apps/trainer/flags.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace counterpoise {

namespace {

// The number of edits that make a into b (Levenshtein).
size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string unknown_option(const CLI::App& app, const std::string& given) {
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  const std::string name = given.substr(0, given.find('=')), guess = nearest(name, known);
  return "unknown option " + name + (guess.empty() ? "" : "; did you mean " + guess + "?");
}

}  // namespace

std::string nearest(const std::string& given, const std::vector<std::string>& known) {
  std::string best;
  for (const std::string& name : known) {
    if (distance(given, name) <= 3 && (best.empty() || distance(given, name) < distance(given, best))) best = name;
  }
  return best;
}

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
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    app.exit(wanted, std::cout, std::cerr);
    std::cout.flush();
    std::exit(0);
  } catch (const CLI::ExtrasError& error) {
    const std::vector<std::string> extras = app.remaining();
    const std::string first = extras.empty() ? error.what() : extras.front();
    if (first.rfind('-', 0) == 0)
      throw Error(ErrorKind::invalid_argument, unknown_option(app, first) + " Valid options: " + help);
    throw Error(ErrorKind::invalid_argument, "unexpected argument \"" + first + "\"; see " + help);
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

}  // namespace counterpoise
