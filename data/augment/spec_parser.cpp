#include "data/augment/spec_parser.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/text.h"
#include "data/augment/spec_names.h"
#include "data/augment/spec_table.h"
#include "kernels/error.h"

namespace counterpoise::augment {

using detail::trimmed;

namespace {

constexpr size_t longest_text = 4096;
constexpr int deepest = 8;  // groups within groups
const std::vector<std::string> groups = {"oneof", "someof", "all"};

bool is_group(const std::string& name) { return std::find(groups.begin(), groups.end(), name) != groups.end(); }

// The text without the spaces at its ends and beside punctuation. (Names of classes may have some within.)
std::string without_spaces(const std::string& text) {
  const auto divides = [](char c) { return std::strchr("=(),:@", c) != nullptr; };
  std::string y;
  for (const char c : text) {
    if (c == ' ' && (y.empty() || divides(y.back()))) continue;
    while (c != ' ' && divides(c) && !y.empty() && y.back() == ' ') y.pop_back();
    y += c;
  }
  while (!y.empty() && y.back() == ' ') y.pop_back();
  return y;
}

class Parser {
 public:
  explicit Parser(const std::string& text) : text_(without_spaces(text)) {}

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
      class_ = name;
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
  void expect(char c) { require(accept(c), "\"", c, "\" is missing ", here()); }
  // Where a name is missing.
  std::string here() const {
    return at_ < text_.size() ? detail::text("before \"", trimmed(text_.substr(at_, 20)), "\"")
                              : std::string("at the end");
  }
  // What is before the next of these characters, or the end.
  std::string before(const char* stops) {
    const size_t end = std::min(text_.find_first_of(stops, at_), text_.size());
    const std::string word = text_.substr(at_, end - at_);
    at_ = end;
    return word;
  }

  std::string class_name() {
    const size_t end = text_.find_first_of(":=(),@", at_);
    if (end == std::string::npos || text_[end] != ':') return "";
    const std::string name = before(":");
    require(!name.empty(), "the name of a class is missing before \":\"");
    accept(':');
    return name;
  }

  // "none" as all the steps of a class.
  bool next_is_none() {
    if (text_.compare(at_, 4, "none") != 0) return false;
    const bool ends = at_ + 4 == text_.size() || text_[at_ + 4] == ',';
    if (ends) at_ += 4;
    return ends;
  }

  double number(const std::string& given, const std::string& what) const {
    const std::string word(trimmed(given));
    double x = 0;
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, x);
    require(error == std::errc() && stop == end && std::isfinite(x), "\"", word, "\" for ", what, " is not a number");
    return x + 0.0;  // -0 becomes 0
  }

  // A number, whose meaning is `single`, or LOW..HIGH, which is refused where it is not `valid`.
  template <class Single>
  Range range(const std::string& word, const std::string& what, Range most, const std::string& valid,
              const Single& single) const {
    const size_t dots = word.find("..");
    if (dots == std::string::npos) return single(number(word, what));
    const double low = number(word.substr(0, dots), what), high = number(word.substr(dots + 2), what);
    require(most.low <= low && low <= high && high <= most.high, what, " cannot be ", word, ": ",
            low > high ? "its low end is above the high one; " : "", "valid is ", valid);
    return {low, high};
  }

  double probability() {
    const std::string word = before(",)");
    const double p = number(word, "the probability after @");
    require(0 <= p && p <= 1, "the probability after @ is from 0 to 1, not ", word);
    return p;
  }

  // Which parameter is given next, and whose name is read, if it is there.
  size_t parameter(const Row& row, bool first, const std::vector<bool>& given) {
    const size_t end = std::min(text_.find_first_of(":/,@)", at_), text_.size());
    std::vector<std::string> known, left;
    for (size_t i = 0; i < row.parameters.size(); ++i) {
      known.push_back(row.parameters[i].name + " (" + described(row.parameters[i]) + ")");
      if (!given[i]) left.push_back(row.parameters[i].name);
    }
    if (end < text_.size() && text_[end] == ':') {
      const std::string key(trimmed(before(":")));
      require(!key.empty(), "the name of a parameter of ", row.name, " is missing ", here());
      size_t i = 0;
      while (i < row.parameters.size() && row.parameters[i].name != key) ++i;
      require(i < row.parameters.size(), row.name, " has no parameter \"", key, "\"; valid are ", detail::join(known));
      accept(':');
      return i;
    }
    if (first) return 0;
    const std::string word(trimmed(text_.substr(at_, end - at_)));
    require(!left.empty(), row.name, " has no further parameter for \"/", word, "\": all are given");
    require(false, "\"/", word, "\" of ", row.name,
            " needs the name of a parameter, as in /NAME:", word.empty() ? "VALUE" : word, ", where NAME is one of ",
            detail::join(left));
    return 0;
  }

  void value(const Row& row, bool first, Step& step, std::vector<bool>& given) {
    const size_t start = at_, i = parameter(row, first, given);
    const std::string key = text_.substr(start, at_ - start), word(trimmed(before("/,@)")));
    const Parameter& parameter = row.parameters[i];
    const std::string what = row.name + "'s " + parameter.name, valid = described(parameter);
    require(!given[i], what, " is given twice");
    given[i] = true;
    const bool plain = parameter.meaning == Meaning::number || parameter.meaning == Meaning::whole;
    require(!plain || word.find("..") == std::string::npos, what, " is a single number, not ", word);
    step.values[i] = range(word, what, {parameter.least, parameter.most}, valid, [&](double v) {
      const Range singles = augment::singles(parameter);
      // A factor, perhaps, in place of a strength.
      const bool times = parameter.meaning == Meaning::factor && v > singles.high && v <= parameter.most;
      require(singles.low <= v && v <= singles.high && (parameter.meaning != Meaning::whole || v == std::floor(v)),
              what, " cannot be ", word, ": valid is ", valid,
              times ? detail::text("; for ", word, " times write ", key, word, "..", word) : "");
      return meaning(parameter, v);
    });
  }

  // For what stands after the name of a class, and is no step: whether "blur:3" was to be "blur=3".
  std::string meant_as_value(const std::string& name) const {
    const Row* row = find_row(class_.substr(0, class_.find('/')));
    if (!row || row->parameters.empty()) return "";
    const auto is_name = [&](const Parameter& p) { return p.name == name; };
    const bool value = !name.empty() && std::strchr("0123456789.-+", name[0]);
    if (!value && std::none_of(row->parameters.begin(), row->parameters.end(), is_name)) return "";
    const size_t slash = class_.find('/');
    const size_t end = std::min(text_.find_first_of(",)@", at_), text_.size());
    return row->name + "=" + (slash == std::string::npos ? "" : class_.substr(slash + 1) + ":") + name +
           text_.substr(at_, end - at_);
  }

  Step step(int depth) {
    Step y;
    y.name = before("=@(),/: ");
    if (is_group(y.name)) {
      group(y, depth);
    } else if (const Row* row = find_row(y.name)) {
      for (const Parameter& parameter : row->parameters) y.values.push_back(parameter.standard);
      std::vector<bool> given(row->parameters.size());
      require(!next('('), row->name, " is no group of steps; groups are oneof(...), someof=N(...) and all(...)");
      require(!next('/') && !next(':'), row->name, "'s parameters begin with \"=\", as in ", row->example);
      if (next('=')) {
        require(!row->parameters.empty(), row->name, " has no parameters");
        for (bool first = true; accept(first ? '=' : '/'); first = false) value(*row, first, y, given);
      }
      require(!row->needs_parameter || std::count(given.begin(), given.end(), true) > 0, row->name,
              " needs a parameter, as in ", row->example);
    } else if (find_preset(y.name)) {
      require(!next('=') && !next('(') && !next('/'), y.name, " is a preset and has no parameters");
    } else {
      no_step(y.name, depth);
    }
    class_.clear();
    if (accept('@')) y.p = probability();
    if (changes_nothing(y)) y = {"none"};
    return y;
  }

  // Refuses a name that no step has.
  void no_step(const std::string& name, int depth) const {
    require(!name.empty(), "the name of an augmenter is missing ", here());
    require(name != "none" || depth > 0, "none stands alone");
    if (name == "none") return;
    std::string guess = meant_as_value(name);
    if (guess.empty()) guess = suggested_step(name);
    require(guess.empty(), "\"", name, "\" is no augmenter; did you mean ", guess, "?");
    require(false, "\"", name, "\" is no augmenter; valid are none, ", detail::join(step_names()));
  }

  void group(Step& y, int depth) {
    require(depth < deepest, "groups are nested more than ", deepest, " deep");
    std::string count;
    require(y.name == "someof" || !next('='), y.name, " takes no number; did you mean someof",
            text_.substr(at_, text_.find_first_of("(,)", at_) - at_), "(...)?");
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
    y.count = range(count, "how many of someof", {0, most}, detail::text("N from 0 to ", most, ", or LOW..HIGH"),
                    [](double n) { return Range(n); });
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

  const std::string text_;
  size_t at_ = 0;
  std::string class_;  // whose first step is next
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

}  // namespace counterpoise::augment
