#include "apps/trainer/option_table.h"

#include <algorithm>

namespace counterpoise {

std::string OptionTable::Entry::flag() const {
  const size_t start = flags.find("--");
  return flags.substr(start, flags.find(',', start) - start);
}

void OptionTable::add_to(CLI::App& app, const std::string& command) const {
  for (const Entry& e : entries_) {
    if (!e.belongs_to(command)) continue;
    CLI::Option* option = e.add(app, e);
    std::string help = e.help;
    if (!help.empty() && help.back() == ':') help += " " + join(e.names);
    const auto other = e.default_of.find(command);
    option->description(help)->group(e.group)->required(e.required);
    option->default_str(other == e.default_of.end() ? e.default_text : other->second);
    if (!e.type.empty()) {
      option->type_name(e.type);
      option->check(CLI::Validator(
          [](const std::string& given) { return given.empty() ? "nothing was given; an unset variable?" : ""; }, ""));
    }
    for (const CLI::Validator& check : e.checks) option->check(check);
    if (e.names.empty()) continue;
    option->check(CLI::Validator(
        [names = e.names, or_number = e.or_number](const std::string& given) -> std::string {
          if (or_number && plain_number(given).empty()) return "";
          if (std::find(names.begin(), names.end(), given) != names.end()) return "";
          const std::string guess = nearest(given, names);
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
    const std::string name = e.flag().substr(2);
    json[name.rfind("no-", 0) == 0 ? name.substr(3) : name] = e.value(e);
  }
  return json;
}

}  // namespace counterpoise
