// The rules of the house, as far as a program can check them: which folder may include which, what a library's texts
// may say, how long a file may be, which words are ours. Each rule is a function of a file's path and text, so that the
// first test can show that it finds what it is there to find.
#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/io/file.h"
#include "data/augment/spec_table.h"
#include "data/sampler.h"
#include "layers/models/models.h"
#include "losses/registry.h"
#include "optim/optimizer.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;

using Complaints = std::vector<std::string>;
// What is wrong with a file, a line for each place.
using Rule = std::function<Complaints(const std::string& path, const std::string& text)>;

bool starts_with(const std::string& text, const std::string& start) { return text.rfind(start, 0) == 0; }
bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}
std::string room(const std::string& path) { return path.substr(0, path.find('/')); }
bool is_code(const std::string& path) {
  return ends_with(path, ".h") || ends_with(path, ".cpp") || ends_with(path, ".cu");
}
bool is_library(const std::string& path) {
  static const std::vector<std::string> rooms = {"kernels", "core", "layers", "losses", "optim", "data"};
  return std::find(rooms.begin(), rooms.end(), room(path)) != rooms.end();
}

Complaints each_line(const std::string& path, const std::string& text,
                     const std::function<std::string(const std::string& line)>& check) {
  Complaints found;
  std::istringstream in(text);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const std::string what = check(line);
    if (!what.empty()) found.push_back(detail::text(path, ":", number, ": ", what));
  }
  return found;
}

// kernels -> core -> {layers, losses, optim, data} -> apps; tests include anything.
Complaints one_way(const std::string& path, const std::string& text) {
  static const std::map<std::string, std::vector<std::string>> may_include = {
      {"kernels", {"kernels"}},
      {"core", {"kernels", "core"}},
      {"layers", {"kernels", "core", "layers"}},
      {"losses", {"kernels", "core", "losses"}},
      {"optim", {"kernels", "core", "optim"}},
      {"data", {"kernels", "core", "data"}},
      {"apps", {"kernels", "core", "layers", "losses", "optim", "data", "apps"}},
  };
  const auto allowed = may_include.find(room(path));
  if (allowed == may_include.end()) return {};
  return each_line(path, text, [&](const std::string& line) -> std::string {
    if (!starts_with(line, "#include \"")) return "";
    const std::string included = line.substr(10, line.find('"', 10) - 10);
    const auto& rooms = allowed->second;
    return std::find(rooms.begin(), rooms.end(), room(included)) != rooms.end()
               ? ""
               : room(path) + "/ may not include " + included;
  });
}

// Examples know the installed headers only, as a user's program does; lessons also what they draw with.
Complaints examples_include_what_is_installed(const std::string& path, const std::string& text) {
  const bool lesson = starts_with(path, "apps/lessons/") && ends_with(path, ".cpp");
  if (!starts_with(path, "apps/examples/") && !lesson) return {};
  return each_line(path, text, [&](const std::string& line) -> std::string {
    const bool drawing = lesson && starts_with(line, "#include \"apps/lessons/");
    return starts_with(line, "#include \"") && !drawing ? "an example includes <counterpoise/...>, not " + line : "";
  });
}

// The library knows no command line: "--gamma" in its texts would name a flag of some program.
Complaints no_flags(const std::string& path, const std::string& text) {
  static const std::regex flag("\"[^\"]*--[a-z]");
  if (!is_library(path) || !is_code(path)) return {};
  return each_line(path, text, [](const std::string& line) -> std::string {
    return std::regex_search(line, flag) ? "a text of the library names a flag: " + line : "";
  });
}

// What depends on NVIDIA's libraries stays in kernels/; elsewhere the word is the name of a device.
Complaints no_cuda(const std::string& path, const std::string& text) {
  static const std::regex word("\\b(cuda|cudnn|cublas)\\w*", std::regex::icase);
  static const std::regex device("cuda_(backend|absence|version)\\(|\"[^\"]*cuda|device|--", std::regex::icase);
  if (room(path) == "kernels" || room(path) == "tests" || !is_code(path)) return {};
  return each_line(path, text, [](const std::string& line) -> std::string {
    return std::regex_search(line, word) && !std::regex_search(line, device) ? "names CUDA: " + line : "";
  });
}

Complaints short_files(const std::string& path, const std::string& text) {
  if (!is_code(path)) return {};
  const auto lines = std::count(text.begin(), text.end(), '\n');
  if (starts_with(path, "apps/lessons/") && ends_with(path, ".cpp") && lines > 150) {
    return {detail::text(path, ": a lesson has at most 150 lines, not ", lines)};
  }
  return lines > 450 ? Complaints{detail::text(path, ": ", lines, " lines are more than 450; split it")} : Complaints();
}

// Headers are included once, say what they are for, and define no macro that could meet another library's.
Complaints headers(const std::string& path, const std::string& text) {
  static const std::regex macro("#define (?!CP_|COUNTERPOISE_)(\\w+)");
  // (Exercises and their checks are included into a namespace, several times.)
  const bool included_in_a_namespace = starts_with(path, "apps/lessons/exercises/") ||
                                       (starts_with(path, "apps/lessons/checks/") &&
                                        path != "apps/lessons/checks/checker.h" && !ends_with(path, "_types.h"));
  if (!ends_with(path, ".h") || room(path) == "tests" || included_in_a_namespace) return {};
  Complaints found;
  if (!starts_with(text, "// ")) found.push_back(path + ": a header begins with what it is for");
  if (!contains(text, "\n#pragma once\n")) found.push_back(path + ": #pragma once is missing");
  const bool internal = starts_with(path, "kernels/cuda/");
  std::smatch match;
  if (!internal && std::regex_search(text, match, macro)) {
    found.push_back(path + ": the macro " + match[1].str() + " has no prefix CP_");
  }
  return found;
}

// Words for which the field has others: they would send a reader to the wrong page of an index.
Complaints plain_words(const std::string& path, const std::string& text) {
  static const std::regex word(
      "\\b(NVIDIA's cards?|(a|the|this|real|emulated|each) cards?\\b|pictures?\\b|the way (back|forward)|one behind "
      "the "
      "other|not to be had|its kin\\b|anew\\b|learnt\\b|remed(y|ies)\\b|is no number|cut at 0|gone "
      "through|(drawn|painted) "
      "(cats|dogs|images)|for people|one logit a sample|held to PyTorch|weights begin\\b|asked for\\b|called positive|"
      "turned (kernel|rows|images)|rounded otherwise)",
      std::regex::icase);
  if (path == "tests/test_house.cpp" || !(is_code(path) || ends_with(path, ".md"))) return {};
  return each_line(path, text, [](const std::string& line) -> std::string {
    std::smatch match;
    return std::regex_search(line, match, word) ? "\"" + match[0].str() + "\": the field has another word" : "";
  });
}

const std::vector<std::pair<std::string, Rule>> rules = {
    {"includes run one way", one_way},
    {"examples include what is installed", examples_include_what_is_installed},
    {"the library's texts name no flags", no_flags},
    {"CUDA stays in kernels/", no_cuda},
    {"no file is over 450 lines", short_files},
    {"headers stand beside other libraries'", headers},
    {"the field's words", plain_words},
};

// The classes that a file defines outside of anonymous namespaces, with their namespaces.
std::set<std::string> classes_of(const std::string& text) {
  static const std::regex opens("^namespace( [a-z:]+)? \\{"), closes("^\\}  // namespace"),
      defines("^(struct|class) ([A-Za-z0-9_]+)( final)?( : .*)? \\{");
  std::set<std::string> found;
  std::vector<std::string> spaces;
  each_line("", text, [&](const std::string& line) -> std::string {
    std::smatch match;
    if (std::regex_search(line, match, opens)) spaces.push_back(match[1].str());
    else if (std::regex_search(line, closes) && !spaces.empty()) spaces.pop_back();
    else if (std::regex_search(line, match, defines) && std::count(spaces.begin(), spaces.end(), "") == 0) {
      std::string name;
      for (const std::string& space : spaces) name += space + "::";
      found.insert(name + match[2].str());
    }
    return "";
  });
  return found;
}

// The files of the repository: what lies in its folders and is not hidden or built.
std::map<std::string, std::string> files() {
  std::map<std::string, std::string> all;
  const fs::path root = source_folder();
  for (const char* folder : {"kernels", "core", "layers", "losses", "optim", "data", "apps", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string path = fs::relative(entry.path(), root).string();
      if (!entry.is_regular_file() || !(is_code(path) || ends_with(path, ".md"))) continue;
      all[path] = read_file(entry.path().string(), size_t(1) << 24);
    }
  }
  all["README.md"] = read_file((root / "README.md").string(), size_t(1) << 24);
  return all;
}

}  // namespace

TEST_CASE("house: every rule finds a file that breaks it") {
  const std::string header = "// What it is for.\n#pragma once\n";
  const std::vector<std::tuple<const char*, std::string, std::string>> broken = {
      {"includes run one way", "layers/a.h", "#include \"losses/loss.h\"\n"},
      {"includes run one way", "kernels/a.h", "#include \"core/var.h\"\n"},
      {"includes run one way", "data/a.cpp", "#include \"apps/trainer/program.h\"\n"},
      {"examples include what is installed", "apps/examples/a.cpp", "#include \"core/var.h\"\n"},
      {"examples include what is installed", "apps/lessons/01_a.cpp", "#include \"core/var.h\"\n"},
      {"the library's texts name no flags", "losses/a.cpp", "throw Error(kind, \"try a smaller --lr\");\n"},
      {"CUDA stays in kernels/", "core/a.cpp", "cudaMalloc(&p, 4);\n"},
      {"no file is over 450 lines", "core/a.cpp", std::string(451, '\n')},
      {"headers stand beside other libraries'", "core/a.h", header + "#define CHECK(x)\n"},
      {"headers stand beside other libraries'", "core/a.h", "// What it is for.\n"},
      {"headers stand beside other libraries'", "core/a.h", "#pragma once\n"},
      {"the field's words", "core/a.h", "// Computes on a card.\n"},
      {"the field's words", "data/README.md", "a set of pictures\n"},
  };
  for (const auto& [name, path, text] : broken) {
    CAPTURE(name);
    CAPTURE(text);
    bool found = false;
    for (const auto& [rule, check] : rules) found = found || (rule == name && !check(path, text).empty());
    CHECK(found);
  }
  for (const auto& [rule, check] : rules) CHECK(check("core/a.h", header + "#include \"kernels/view.h\"\n").empty());
}

TEST_CASE("house: the rules hold") {
  const auto all = files();
  CHECK(all.size() > 200);
  for (const auto& [name, check] : rules) {
    std::string complaints;
    for (const auto& [path, text] : all) {
      for (const std::string& complaint : check(path, text)) complaints += complaint + "\n";
    }
    CHECK_MESSAGE(complaints.empty(), name, ":\n", complaints);
  }
}

// The linker takes one of two classes of the same name for both, and destroys the members of the one as the other's.
TEST_CASE("house: a class has a name of its own in its namespace") {
  const std::string one =
      "namespace a::b {\nstruct X {\n};\nnamespace {\nclass Y final : public X {\n}  // namespace\n";
  CHECK(classes_of(one + "class Z {\n") == std::set<std::string>{" a::b::X", " a::b::Z"});
  std::map<std::string, std::string> owners;
  for (const auto& [path, text] : files()) {
    // Each of these is a program of its own.
    if (!is_code(path) || starts_with(path, "apps/lessons/") || starts_with(path, "apps/examples/")) continue;
    if (room(path) == "tests" || ends_with(path, "/absent.cpp")) continue;
    for (const std::string& name : classes_of(text)) {
      CHECK_MESSAGE(owners.emplace(name, path).second, name, " is defined in ", path, " and in ", owners[name]);
    }
  }
  CHECK(owners.size() > 300);
}

// A README that shows an example shows it as it is: "<!-- apps/examples/xor.cpp -->" stands before its text.
TEST_CASE("house: examples that READMEs quote are quoted whole") {
  const auto all = files();
  static const std::regex quote("<!-- (apps/\\S+\\.cpp) -->\n```cpp\n");
  int quotes = 0;
  for (const auto& [path, text] : all) {
    for (auto it = std::sregex_iterator(text.begin(), text.end(), quote); it != std::sregex_iterator();
         ++it, ++quotes) {
      const size_t begin = static_cast<size_t>(it->position() + it->length());
      CAPTURE(path);
      CAPTURE((*it)[1].str());
      REQUIRE(all.count((*it)[1].str()) == 1);
      CHECK(text.substr(begin, text.find("```", begin) - begin) == all.at((*it)[1].str()));
    }
  }
  CHECK(quotes > 0);
}

// The tables of the READMEs are written by hand; those of the programs know what there is.
TEST_CASE("house: READMEs name every loss, sampler and augmenter, and say how many there are") {
  const auto all = files();
  // The words in `code` of a README's tables; of "rotate=R" it is "rotate".
  const auto named = [&](const std::string& path) {
    static const std::regex code("`([^`=(]+)[^`]*`");
    std::set<std::string> names;
    each_line(path, all.at(path), [&](const std::string& line) {
      auto it = std::sregex_iterator(line.begin(), line.end(), code);
      for (; starts_with(line, "|") && it != std::sregex_iterator(); ++it) names.insert((*it)[1].str());
      return "";
    });
    return names;
  };
  const std::set<std::string> of_losses = named("losses/README.md"), of_data = named("data/README.md");
  for (const LossInfo& loss : losses()) CHECK_MESSAGE(of_losses.count(loss.name) == 1, loss.name);
  for (const Sampler& sampler : samplers()) CHECK_MESSAGE(of_data.count(sampler.name) == 1, sampler.name);
  // An augmenter is named as a step of a text, or as its class: "linear-contrast" is `LinearContrast`.
  const auto plain = [](const std::string& name) {
    std::string letters;
    for (const char c : name) {
      if (c != '-') letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return letters;
  };
  std::set<std::string> plain_names;
  for (const std::string& name : of_data) plain_names.insert(plain(name));
  for (const augment::Row& row : augment::rows()) CHECK_MESSAGE(plain_names.count(plain(row.name)) == 1, row.name);

  const std::string& front = all.at("README.md");
  CHECK(contains(front, detail::text("| Losses | ", losses().size(), ", from")));
  CHECK(contains(front, detail::text("by ", augment::rows().size(), " augmenters")));
}

// A row is found by its name: of two with one name the second would never be found, nor tested.
TEST_CASE("house: no two rows of a table have one name") {
  const auto check = [](const std::string& table, const auto& rows) {
    CHECK(!rows.empty());
    std::map<std::string, int> times;
    for (const auto& row : rows) ++times[row.name];
    for (const auto& [name, n] : times) CHECK_MESSAGE(n == 1, table, ": ", n, " rows are named ", name);
  };
  const auto check_parameters = [&](const std::string& row, const auto& parameters) {
    if (!parameters.empty()) check(row, parameters);
  };
  check("losses", losses());
  for (const LossInfo& row : losses()) check_parameters(row.name, row.params);
  check("optimizers", optimizers());
  for (const OptimizerInfo& row : optimizers()) check_parameters(row.name, row.params);
  check("samplers", samplers());
  check("models", models());
  // Presets are written where augmenters are.
  struct Step {
    std::string name;
  };
  std::vector<Step> steps;
  for (const augment::Row& row : augment::rows()) {
    steps.push_back({row.name});
    check_parameters(row.name, row.parameters);
  }
  for (const augment::Preset& preset : augment::presets()) steps.push_back({preset.name});
  check("augmenters", steps);
}

// A program is one file; all that programs share lies in folders.
TEST_CASE("house: apps/ holds programs, folders and a README") {
  for (const auto& entry : fs::directory_iterator(fs::path(source_folder()) / "apps")) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() || name == "README.md" || entry.path().extension() == "") continue;  // built programs
    CAPTURE(name);
    CHECK(ends_with(name, ".cpp"));
    CHECK(contains(read_file(entry.path().string(), size_t(1) << 24), "int main("));
  }
}
