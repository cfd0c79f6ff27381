// The links of all texts: each leads to a file of the repository, and to a heading in it if it names one.
#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/io/file.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;

// The text without what stands in ``` blocks, where brackets are code, and `code`.
std::string prose(const std::string& text) {
  std::istringstream in(text);
  std::string all, line;
  bool code = false;
  while (std::getline(in, line)) {
    if (line.rfind("```", 0) == 0) code = !code;
    else if (!code) all += std::regex_replace(line, std::regex("`[^`]*`"), "`") + "\n";
  }
  return all;
}

// What a heading is called in an address, as GitHub does it: lowercase, without punctuation, "-" for each space.
std::string slug(const std::string& heading) {
  std::string name;
  for (const char c : std::regex_replace(heading, std::regex("\\]\\([^)]*\\)"), "")) {
    const unsigned char u = static_cast<unsigned char>(c);
    if (std::isalnum(u) || c == '-' || c == '_' || u >= 128) name += static_cast<char>(std::tolower(u));
    if (c == ' ') name += '-';
  }
  return name;
}

std::set<std::string> headings(const std::string& text) {
  std::istringstream in(text);
  std::map<std::string, int> times;
  std::set<std::string> all;
  std::string line;
  bool code = false;
  while (std::getline(in, line)) {
    if (line.rfind("```", 0) == 0) code = !code;
    if (code || line.empty() || line[0] != '#') continue;
    const std::string name = slug(line.substr(std::min(line.size(), line.find_first_not_of('#') + 1)));
    const int before = times[name]++;
    all.insert(before == 0 ? name : name + "-" + std::to_string(before));
  }
  return all;
}

std::string read(const fs::path& path) { return read_file(path.string(), size_t(1) << 24); }

// A line for each link of the text of `path` that leads nowhere.
std::vector<std::string> broken_links(const fs::path& path, const std::string& text, size_t& links) {
  std::vector<std::string> broken;
  static const std::regex link("\\]\\(([^)\\s]+)\\)|(?:src|href)=\"([^\"]+)\"");
  const std::string searched = prose(text);
  for (auto it = std::sregex_iterator(searched.begin(), searched.end(), link); it != std::sregex_iterator(); ++it) {
    const std::string target = (*it)[1].matched ? (*it)[1].str() : (*it)[2].str();
    if (target.find("://") != std::string::npos || target.rfind("mailto:", 0) == 0) continue;
    ++links;
    const size_t hash = target.find('#');
    const std::string file = target.substr(0, hash);
    const fs::path to = file.empty() ? path : path.parent_path() / file;
    if (!fs::exists(to)) {
      broken.push_back(detail::text(path.string(), ": ", target, ": there is no such file"));
    } else if (hash != std::string::npos && to.extension() == ".md" &&
               headings(file.empty() ? text : read(to)).count(target.substr(hash + 1)) == 0) {
      broken.push_back(detail::text(path.string(), ": ", target, ": there is no such heading"));
    }
  }
  return broken;
}

}  // namespace

TEST_CASE("links: one that leads nowhere is found") {
  const fs::path here = fs::path(source_folder()) / "README.md";
  size_t links = 0;
  const std::string good =
      "# A b\n[a](#a-b) [b](core/README.md) ![c](https://example.org/c.svg)\n```\n[d](nowhere)\n```\n";
  CHECK(broken_links(here, good, links).empty());
  CHECK(links == 2);
  CHECK(broken_links(here, "[a](core/none.md)\n", links).size() == 1);
  CHECK(broken_links(here, "# A\n[a](#b)\n", links).size() == 1);
  CHECK(broken_links(here, "<img src=\"none.png\">\n", links).size() == 1);
}

TEST_CASE("links: those of all texts lead to files and headings") {
  std::string broken;
  size_t links = 0;
  for (auto it = fs::recursive_directory_iterator(source_folder()); it != fs::recursive_directory_iterator(); ++it) {
    const std::string name = it->path().filename().string();
    if (it->is_directory() && (name == "build" || name == "runs" || name[0] == '.')) it.disable_recursion_pending();
    if (it->path().extension() != ".md" || it->is_directory()) continue;
    for (const std::string& line : broken_links(it->path(), read(it->path()), links)) broken += line + "\n";
  }
  CHECK(links > 300);
  CHECK_MESSAGE(broken.empty(), broken);
}
