#include "apps/trainer/option_table.h"

#include <algorithm>

namespace counterpoise {

std::string OptionTable::Entry::flag() const {
  const size_t start = flags.find("--");
  return flags.substr(start, flags.find(',', start) - start);
}

std::string OptionTable::Entry::key() const {
  const std::string name = flag().substr(2);
  return name.rfind("no-", 0) == 0 ? name.substr(3) : name;
}

// The first names of a long list.
static std::string some(const std::vector<std::string>& names, OptionTable::Help help) {
  constexpr size_t shown = 5;
  if (help == OptionTable::full || names.size() <= shown + 1) return join(names);
  return join(std::vector<std::string>(names.begin(), names.begin() + shown)) + ", ...";
}

void OptionTable::add_to(CLI::App& app, const std::string& command, Help length) const {
  for (const Entry& e : entries_) {
    if (!e.belongs_to(command)) continue;
    CLI::Option* option = e.add(app, e);
    std::string help = length == brief && !e.brief.empty() ? e.brief : e.help;
    if (!help.empty() && help.back() == ':') help += " " + some(e.names, length);
    const auto other = e.default_of.find(command);
    option->description(help)->group(length == brief && !e.is_core ? hidden_group : e.group)->required(e.required);
    option->default_str(other == e.default_of.end() ? e.default_text : other->second);
    if (!e.type.empty()) {
      option->type_name(e.type);
      option->check(CLI::Validator(
          [](const std::string& given) { return given.empty() ? "nothing was given; an unset variable?" : ""; }, ""));
    }
    for (const CLI::Validator& check : e.checks) option->check(check);
    if (e.names.empty()) continue;
    option->check(CLI::Validator(
        [names = e.names](const std::string& given) -> std::string {
          if (std::find(names.begin(), names.end(), given) != names.end()) return "";
          const std::string guess = nearest_name(given, names);
          return text("\"", given, "\" is unknown; ", guess.empty() ? "" : "did you mean " + guess + "? ", "valid are ",
                      join(names));
        },
        ""));
  }
}

void OptionTable::fill(const std::string& command, bool synthetic, const std::set<std::string>& given) const {
  for (const Entry& e : entries_) {
    if (e.fill && e.belongs_to(command) && !given.count(e.flag())) e.fill(synthetic);
  }
}

nlohmann::ordered_json OptionTable::to_json() const {
  nlohmann::ordered_json json;
  for (const Entry& e : entries_) {
    if (!e.in_json) continue;
    json[e.key()] = e.value(e);
  }
  return json;
}

std::vector<std::string> OptionTable::keys(const std::string& command) const {
  std::vector<std::string> all;
  for (const Entry& e : entries_) {
    if (e.belongs_to(command)) all.push_back(e.key());
  }
  return all;
}

bool OptionTable::arguments(const std::string& command, const std::string& key, const nlohmann::json& value,
                            std::vector<std::string>& arguments) const {
  for (const Entry& e : entries_) {
    if (e.key() != key || !e.belongs_to(command)) continue;
    const bool is_flag = e.type.empty();
    if (is_flag) {
      CP_ENSURE_AS(invalid_argument, value.is_boolean(), key, ": ", value.dump(), " is neither true nor false");
      if (value.get<bool>() == (e.flag() != "--no-" + key)) arguments.push_back(e.flag());
      return true;
    }
    CP_ENSURE_AS(invalid_argument, value.is_number() || value.is_string() || value.is_null(), key, ": ", value.dump(),
                 " is neither a number nor a text");
    if (value.is_null() || value == "") return true;
    arguments.push_back(e.flag());
    arguments.push_back(value.is_string() ? value.get<std::string>() : value.dump());
    return true;
  }
  return false;
}

}  // namespace counterpoise
