// A table of command-line options. One row is one option: from it come the parsing, the checks, the line in --help with
// its default, and the value in the JSON of a run's options. The rows of both trainers are in option_rows.cpp.
//
//   OptionTable table;
//   table.group("Images");
//   table.row(o.batch_size, "--batch-size,-b", "N").range(1, 65536).help("Images per step");
//
// Not thread-safe: a table belongs to the thread that reads the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "apps/trainer/flags.h"
#include "apps/trainer/format.h"

namespace counterpoise {

class OptionTable {
  // What a row says, without the type of its field.
  struct Entry {
    std::string flags, type, group;
    std::string only;  // the command that has the option; empty: every command
    std::string help;
    std::string default_text;                       // as --help shows it
    std::map<std::string, std::string> default_of;  // where a command shows another
    std::vector<std::string> names;                 // the valid ones; empty: any text
    std::string brief;                              // the help in the short list; empty: the same
    std::string word;                               // stands for the empty string
    bool in_json = true, required = false, is_core = false;
    std::vector<CLI::Validator> checks;
    std::function<CLI::Option*(CLI::App&, const Entry&)> add;
    std::function<nlohmann::json(const Entry&)> value;
    std::function<void(bool synthetic)> fill;

    bool belongs_to(const std::string& command) const { return only.empty() || only == command; }
    std::string flag() const;  // the long name: "--batch-size"
    std::string key() const;   // "batch-size"; of "--no-shuffle" it is "shuffle"
  };

 public:
  // What a row says besides its field and name, in any order.
  template <class T>
  class Row {
   public:
    Row(Entry& entry, T& field) : entry_(entry), field_(field) {}

    Row& help(const std::string& text) { return entry_.help = text, *this; }
    // Refuses numbers outside [low, high].
    Row& range(T low, T high) {
      entry_.checks.emplace_back(
          [low, high](const std::string& given) -> std::string {
            T value = {};
            const bool understood = CLI::detail::lexical_cast(given, value);
            if (understood && low <= value && value <= high) return "";
            const char* other = std::is_integral_v<T> ? " is not a whole number: " : " is not a number: ";
            const auto end = [](T x) {  // 0.9999999 is not 1
              if constexpr (std::is_floating_point_v<T>) return exact(x);
              else return text(x);
            };
            return text(given, understood ? " is out of range: " : other, end(low), " to ", end(high));
          },
          "");
      return *this;
    }
    // Refuses other names. Where the help ends with a colon, the names follow it.
    Row& one_of(std::vector<std::string> names) { return entry_.names = std::move(names), *this; }
    // The default depends on the images: synthetic ones, or those of a folder. fill() gives it to the field.
    Row& by_data(T synthetic, T folder) {
      entry_.default_text = detail::text("synthetic: ", synthetic, ", --data: ", folder);
      entry_.fill = [&field = field_, synthetic, folder](bool is_synthetic) {
        field = is_synthetic ? synthetic : folder;
      };
      return *this;
    }
    // How --help describes a default that is not the field's value.
    Row& otherwise(const std::string& text) { return entry_.default_text = text, *this; }
    // The same for one command.
    Row& otherwise_for(const std::string& command, const std::string& text) {
      return entry_.default_of[command] = text, *this;
    }
    // A word for the empty string, on the command line, in --help and in JSON.
    Row& empty_is(const std::string& word) { return entry_.word = entry_.default_text = word, *this; }
    // The one command that has the option.
    Row& only(const std::string& command) { return entry_.only = command, *this; }
    // The option is in the short list of --help, and not only in that of --help-all; there with a shorter text.
    Row& core() { return entry_.is_core = true, *this; }
    Row& brief(const std::string& text) { return entry_.brief = text, *this; }
    Row& in_json(bool yes) { return entry_.in_json = yes, *this; }
    Row& required() { return entry_.required = true, *this; }

   private:
    Entry& entry_;
    T& field_;
  };

  // The heading of the rows that follow, in --help, and the command that has them; empty: every command.
  void group(const std::string& name, const std::string& only = "") { group_ = name, only_ = only; }

  // An option that writes into `field`, which holds its default and must outlive the table. CLI11 reads numbers and
  // strings; a bool is a flag that sets it, or clears it if the name begins with "--no-"; other types bring
  // void read_option(const std::string&, T&) and std::string option_text(const T&). `type` stands for the value in
  // --help. The returned reference is good until the next row.
  template <class T>
  Row<T> row(T& field, const std::string& flags, const std::string& type = "") {
    Entry entry;
    entry.flags = flags, entry.type = type, entry.group = group_, entry.only = only_;
    entries_.push_back(std::move(entry));
    bind(entries_.back(), field);
    return Row<T>(entries_.back(), field);
  }

  enum Help { brief, full };
  // Adds the options of `command` to its command line. Its parsing throws CLI::ParseError or Error for bad values. With
  // `brief` only the core options are listed in --help, the others are hidden.
  void add_to(CLI::App& app, const std::string& command, Help help = full) const;
  // Sets the fields whose default depends on the images, except those whose flag was given.
  void fill(const std::string& command, bool synthetic, const std::set<std::string>& given) const;
  // Each option that a later run can be given again, by its name without "--", and its present value. The key of
  // "--no-shuffle" is "shuffle".
  nlohmann::ordered_json to_json() const;
  // The arguments of a command line that give an option of `command` the value that the JSON has under this key; none
  // where that is what no argument means. Returns false for a key that is no option.
  bool arguments(const std::string& command, const std::string& key, const nlohmann::json& value,
                 std::vector<std::string>& arguments) const;
  // The keys of all options of `command`.
  std::vector<std::string> keys(const std::string& command) const;

 private:
  template <class T>
  static void bind(Entry& entry, T& field);

  std::string group_, only_;
  std::vector<Entry> entries_;
};

template <class T>
void OptionTable::bind(Entry& entry, T& field) {
  if constexpr (std::is_same_v<T, bool>) {
    entry.value = [&field](const Entry&) -> nlohmann::json { return field; };
    entry.add = [&field](CLI::App& app, const Entry& e) {
      const bool set = e.flag().rfind("--no-", 0) != 0;
      return app.add_flag_callback(e.flags, [&field, set] { field = set; });
    };
  } else if constexpr (std::is_arithmetic_v<T>) {
    entry.default_text = detail::text(field);
    entry.value = [&field](const Entry&) -> nlohmann::json { return field; };
    entry.checks.emplace_back(plain_number, "");
    entry.add = [&field](CLI::App& app, const Entry& e) { return app.add_option(e.flags, field); };
  } else if constexpr (std::is_same_v<T, std::string>) {
    entry.default_text = field;
    entry.value = [&field](const Entry& e) -> nlohmann::json { return field.empty() ? e.word : field; };
    entry.add = [&field](CLI::App& app, const Entry& e) {
      const std::string word = e.word;
      return app.add_option_function<std::string>(
          e.flags, [&field, word](const std::string& given) { field = given == word ? "" : given; });
    };
  } else {
    entry.default_text = option_text(field);
    entry.value = [&field](const Entry&) -> nlohmann::json { return option_text(field); };
    entry.add = [&field](CLI::App& app, const Entry& e) {
      const std::string flag = e.flag();
      return app.add_option_function<std::string>(
          e.flags, [&field, flag](const std::string& given) { with_flag(flag, [&] { read_option(given, field); }); });
    };
  }
}

}  // namespace counterpoise
