#include "apps/compare/arguments.h"

#include <cctype>
#include <cstring>

#include "apps/trainer/format.h"

namespace counterpoise {

namespace {

// The training's short options (trainer/option_rows.cpp), which stand for the long ones in everything that is compared.
const std::map<std::string, std::string>& long_names() {
  static const std::map<std::string, std::string> names = {
      {"-b", "--batch-size"}, {"-j", "--workers"}, {"-h", "--help"}};
  return names;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Reads one text; the members are where it is.
class Splitter {
 public:
  Splitter(const std::string& text, bool comments) : text_(text), comments_(comments) {}

  std::vector<std::string> all() {
    std::vector<std::string> words;
    while (skip_spaces()) words.push_back(word());
    return words;
  }

 private:
  // False at the end.
  bool skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    return at_ < text_.size() && !(comments_ && text_[at_] == '#');
  }

  std::string word() {
    std::string word;
    while (at_ < text_.size() && !is_space(text_[at_])) {
      const char c = text_[at_];
      if (c == '\'' || c == '"') word += quotation();
      else if (c == '\\') ++at_, word += next("a backslash at the end escapes nothing");
      else word += c, ++at_;
    }
    return word;
  }

  std::string quotation() {
    const char mark = text_[at_++];
    const std::string unclosed = text("the quotation mark ", mark, " is not closed");
    std::string part;
    for (;;) {
      const char c = next(unclosed);
      if (c == mark) return part;
      const bool escapes = mark == '"' && c == '\\' && at_ < text_.size() && std::strchr("\"\\$`", text_[at_]);
      part += escapes ? next(unclosed) : c;
    }
  }

  char next(const std::string& complaint) {
    CP_ENSURE_AS(invalid_argument, at_ < text_.size(), complaint, ": ", text_);
    return text_[at_++];
  }

  const std::string& text_;
  const bool comments_;
  size_t at_ = 0;
};

}  // namespace

std::vector<std::string> split_arguments(const std::string& text, bool comments) {
  return Splitter(text, comments).all();
}

std::string quoted(const std::vector<std::string>& arguments) {
  std::string all;
  for (const std::string& argument : arguments) {
    bool plain = !argument.empty() && argument[0] != '#';
    for (const char c : argument) {
      plain = plain && (std::isalnum(static_cast<unsigned char>(c)) || (c & 0x80) || std::strchr("-_=+,.:/%@#", c));
    }
    if (!all.empty()) all += ' ';
    if (plain) {
      all += argument;
      continue;
    }
    all += '\'';
    for (const char c : argument) all += c == '\'' ? std::string("'\\''") : std::string(1, c);
    all += '\'';
  }
  return all;
}

bool is_flag(const std::string& argument) {
  if (argument.size() < 2 || argument[0] != '-') return false;
  return argument[1] == '-' ? argument.size() > 2 : std::isalpha(static_cast<unsigned char>(argument[1])) != 0;
}

std::map<std::string, std::string> flags_in(const std::vector<std::string>& arguments) {
  std::map<std::string, std::string> flags;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    CP_ENSURE_AS(invalid_argument, is_flag(argument), "\"", argument, "\" belongs to no option");
    const size_t equals = argument.rfind("--", 0) == 0 ? argument.find('=') : std::string::npos;
    const auto long_name = long_names().find(argument.substr(0, 2));
    const std::string name = long_name == long_names().end() ? argument : long_name->second;
    if (long_name != long_names().end() && argument.size() > 2) {
      flags[name] = argument.substr(2);
    } else if (equals != std::string::npos) {
      flags[argument.substr(0, equals)] = argument.substr(equals + 1);
    } else {
      const bool has_value = i + 1 < arguments.size() && !is_flag(arguments[i + 1]);
      flags[name] = has_value ? arguments[i + 1] : "";
      i += has_value;
    }
  }
  return flags;
}

}  // namespace counterpoise
