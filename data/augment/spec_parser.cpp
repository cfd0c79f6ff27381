#include "data/augment/spec_parser.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/nearest_name.h"
#include "data/augment/spec_table.h"
#include "kernels/error.h"

namespace counterpoise::augment {

namespace {

constexpr size_t longest_text = 4096;
constexpr int deepest = 8;  // groups within groups
const std::vector<std::string> groups = {"oneof", "someof", "all"};

bool is_group(const std::string& name) { return std::find(groups.begin(), groups.end(), name) != groups.end(); }

class Parser {
 public:
  explicit Parser(const std::string& text) : text_(text) {}

  std::vector<ClassSteps> all() {
    std::vector<ClassSteps> classes;
    bool closed = false;  // "none" was given
    for (bool first = true; first || at_ < text_.size(); first = false) {
      if (!first) expect(',');
      const std::string name = class_name();
      if (first || !name.empty()) {
        require(first || !classes[0].name.empty(), "\"", name,
                ":\" begins the steps of a class, and those before it have no class");
        for (const ClassSteps& other : classes) require(other.name != name, "class ", name, " is given twice");
        classes.push_back({name, {}});
        closed = next_is_none();
        if (closed) continue;
      }
      require(!closed, "none stands alone");
      classes.back().steps.push_back(step(0));
    }
    for (ClassSteps& c : classes) c.steps = canonical(std::move(c.steps));
    if (classes[0].name.empty() && classes[0].steps.empty()) classes.clear();
    return classes;
  }

 private:
  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    CP_ENSURE_AS(invalid_argument, condition, "augmentation \"",
                 text_.size() > 100 ? text_.substr(0, 100) + "..." : text_, "\": ", parts...);
  }

  bool next(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool accept(char c) { return next(c) && ++at_; }
  void expect(char c) {
    require(accept(c), "\"", c, "\" is missing ",
            at_ < text_.size() ? "before \"" + text_.substr(at_, 20) + "\"" : std::string("at the end"));
  }
  void skip_spaces() {
    while (accept(' ')) continue;
  }
  // What is before the next of these characters, or the end.
  std::string before(const char* stops) {
    const size_t end = std::min(text_.find_first_of(stops, at_), text_.size());
    const std::string word = text_.substr(at_, end - at_);
    at_ = end;
    return word;
  }

  std::string class_name() {
    skip_spaces();
    const size_t end = text_.find_first_of(":=(),@", at_);
    if (end == std::string::npos || text_[end] != ':') return "";
    const std::string name = before(":");
    require(!name.empty(), "the name of a class is missing before \":\"");
    accept(':');
    return name;
  }

  // "none" as all the steps of a class.
  bool next_is_none() {
    skip_spaces();
    if (text_.compare(at_, 4, "none") != 0) return false;
    const bool ends = at_ + 4 == text_.size() || text_[at_ + 4] == ',';
    if (ends) at_ += 4;
    return ends;
  }

  double number(const std::string& word, const std::string& what) const {
    double x = 0;
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, x);
    require(error == std::errc() && stop == end && std::isfinite(x), "\"", word, "\" for ", what, " is not a number");
    return x + 0.0;  // -0 becomes 0
  }

  // A number, whose meaning is `single`, or LOW..HIGH.
  template <class Single>
  Range range(const std::string& word, const std::string& what, double least, double most, const Single& single) const {
    const size_t dots = word.find("..");
    if (dots == std::string::npos) return single(number(word, what));
    const double low = number(word.substr(0, dots), what), high = number(word.substr(dots + 2), what);
    require(least <= low && low <= high && high <= most, "\"", word, "\" for ", what, " is not LOW..HIGH from ", least,
            " to ", most, ", low at most high");
    return {low, high};
  }

  double probability() {
    const std::string word = before(",) ");
    const double p = number(word, "the probability after @");
    require(0 <= p && p <= 1, "the probability after @ is from 0 to 1, not ", word);
    return p;
  }

  void value(const Row& row, bool first, Step& step, std::vector<bool>& given) {
    std::string word = before("/,@) "), key;
    if (const size_t colon = word.find(':'); colon != std::string::npos) {
      key = word.substr(0, colon);
      word.erase(0, colon + 1);
    }
    size_t i = 0;
    if (!key.empty() || !first) {
      require(!key.empty(), "\"", word, "\" of ", row.name, " needs a name before it, as in ",
              row.parameters.back().name, ":", word);
      while (i < row.parameters.size() && row.parameters[i].name != key) ++i;
      std::vector<std::string> known;
      for (const Parameter& p : row.parameters) known.push_back(p.name + " (" + described(p) + ")");
      require(i < row.parameters.size(), row.name, " has no parameter \"", key, "\"; valid are ", detail::join(known));
    }
    const Parameter& parameter = row.parameters[i];
    const std::string what = row.name + "'s " + parameter.name;
    require(!given[i], what, " is given twice");
    given[i] = true;
    const bool plain = parameter.meaning == Meaning::number || parameter.meaning == Meaning::whole;
    require(!plain || word.find("..") == std::string::npos, what, " is a single number, not ", word);
    step.values[i] = range(word, what, parameter.least, parameter.most, [&](double v) {
      const Range valid = singles(parameter);
      require(valid.low <= v && v <= valid.high && (parameter.meaning != Meaning::whole || v == std::floor(v)), what,
              " is a ", parameter.meaning == Meaning::whole ? "whole " : "", "number from ", valid.low, " to ",
              valid.high, ", not ", word);
      return meaning(parameter, v);
    });
  }

  Step step(int depth) {
    skip_spaces();
    Step y;
    y.name = before("=@(),/: ");
    if (is_group(y.name)) {
      group(y, depth);
    } else if (const Row* row = find_row(y.name)) {
      for (const Parameter& parameter : row->parameters) y.values.push_back(parameter.standard);
      std::vector<bool> given(row->parameters.size());
      if (next('=')) {
        require(!row->parameters.empty(), row->name, " has no parameters");
        for (bool first = true; accept(first ? '=' : '/'); first = false) value(*row, first, y, given);
      }
      require(!row->needs_parameter || std::count(given.begin(), given.end(), true) > 0, row->name,
              " needs a parameter, as in ", row->example);
    } else if (!find_preset(y.name)) {
      const std::string guess = nearest_name(y.name, step_names());
      if (y.name.empty())
        require(false, "the name of an augmenter is missing ",
                at_ < text_.size() ? "before \"" + text_.substr(at_, 20) + "\"" : std::string("at the end"));
      require(y.name != "none" || depth > 0, "none stands alone");
      require(y.name == "none", "\"", y.name, "\" is no augmenter; ",
              guess.empty() ? "" : "did you mean " + guess + "? ", "valid are none, ", detail::join(step_names()));
    }
    if (accept('@')) y.p = probability();
    skip_spaces();
    if (changes_nothing(y)) y = {"none"};
    return y;
  }

  void group(Step& y, int depth) {
    require(depth < deepest, "groups are nested more than ", deepest, " deep");
    std::string count;
    if (y.name == "someof") {
      require(accept('='), "someof needs how many, as in someof=2(...)");
      count = before("(");
    }
    expect('(');
    do y.children.push_back(step(depth + 1));
    while (accept(','));
    expect(')');
    if (y.name != "someof") return;
    const auto most = double(y.children.size());
    y.count = range(count, "how many of someof", 0, most, [](double n) { return Range(n); });
    for (const double n : {y.count.low, y.count.high}) {
      require(0 <= n && n <= most && n == std::floor(n), "someof of ", most, " steps applies 0 to ", most,
              " of them, not ", count);
    }
  }

  // Such as rotate=0.
  static bool changes_nothing(const Step& step) {
    const Row* row = find_row(step.name);
    if (!row || !row->needs_parameter) return false;
    for (size_t i = 0; i < step.values.size(); ++i) {
      if (!same(step.values[i], row->parameters[i].standard)) return false;
    }
    return true;
  }

  Steps canonical(Steps steps) const {
    Steps y, basic;
    size_t place = 0;
    for (Step& step : steps) {
      if (step.name == "none") continue;
      if (!is_basic(step)) {
        y.push_back(std::move(step));
        continue;
      }
      if (basic.empty()) place = y.size();
      for (const Step& other : basic) require(other.name != step.name, step.name, " is given twice");
      basic.push_back(std::move(step));
    }
    const auto rank = [](const Step& step) { return step.name == "flip" ? 0 : step.name == "rotate" ? 1 : 2; };
    std::sort(basic.begin(), basic.end(), [&](const Step& a, const Step& b) { return rank(a) < rank(b); });
    y.insert(y.begin() + std::ptrdiff_t(place), basic.begin(), basic.end());
    return y;
  }

  const std::string& text_;
  size_t at_ = 0;
};

}  // namespace

std::vector<ClassSteps> parse_steps(const std::string& text) {
  CP_ENSURE_AS(invalid_argument, text.size() <= longest_text, "an augmentation has at most ", longest_text,
               " letters, not ", text.size());
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 127; });
  CP_ENSURE_AS(invalid_argument, printable, "an augmentation is a text of one line, without control characters");
  return Parser(text).all();
}

std::vector<std::string> step_names() {
  std::vector<std::string> names;
  for (const Row& row : rows()) names.push_back(row.name);
  for (const Preset& preset : presets()) names.push_back(preset.name);
  for (const std::string& group : groups) names.push_back(group + (group == "someof" ? "=N" : "") + "(...)");
  return names;
}

}  // namespace counterpoise::augment
