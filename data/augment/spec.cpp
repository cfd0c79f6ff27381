#include "data/augment/spec.h"

#include <algorithm>
#include <numeric>

#include "core/nearest_name.h"
#include "data/augment/spec_names.h"
#include "data/augment/spec_parser.h"
#include "kernels/error.h"

namespace counterpoise::augment {

struct Policy::State {
  std::string text;                  // canonical
  std::vector<std::string> names;    // of the classes; "" where it has none
  std::vector<Augmenter> pipelines;  // of each name
  std::vector<std::string> texts;    // of each pipeline

  // Which of the pipelines each class has, or none, as these are the numbers of their images.
  static constexpr size_t none = size_t(-1);
  std::vector<size_t> of(const std::vector<std::string>& classes, const std::vector<int64_t>& counts) const;
};

namespace {

bool is_word(const std::string& name) { return name == "rare" || name == "others"; }

// The names, or the first of them where they are many.
std::string some(const std::vector<std::string>& names) {
  constexpr std::ptrdiff_t most = 20;
  const auto n = std::ptrdiff_t(names.size());
  const std::vector<std::string> first(names.begin(), names.begin() + std::min(n, most));
  return detail::join(first) + (n > most ? detail::text(" and ", n - most, " more") : "");
}

}  // namespace

bool Policy::per_class() const { return state_ && !state_->names[0].empty(); }

Augmenter Policy::pipeline() const {
  CP_ENSURE_AS(invalid_argument, !per_class(), "augmentation \"", to_string(*this),
               "\" differs between classes, and here is none: give steps without the name of a class");
  return state_ ? state_->pipelines[0] : Augmenter();
}

std::vector<size_t> Policy::State::of(const std::vector<std::string>& classes,
                                      const std::vector<int64_t>& counts) const {
  const auto find = [&](const std::string& name) {
    const auto at = std::find(names.begin(), names.end(), name);
    return at == names.end() ? none : size_t(at - names.begin());
  };
  CP_ENSURE(classes.size() == counts.size(), "augmentation: ", classes.size(),
            " classes, but the numbers of images of ", counts.size());
  if (names[0].empty()) return std::vector<size_t>(classes.size(), 0);
  for (const std::string& name : names) {
    if (is_word(name) || std::find(classes.begin(), classes.end(), name) != classes.end()) continue;
    const std::string guess = nearest_name(name, classes);
    throw Error(ErrorKind::invalid_argument, "augmentation \"", text, "\": there is no class \"", name, "\"; ",
                guess.empty() ? "" : "did you mean " + guess + "? ",
                classes.empty() ? "the images have no classes" : "classes are " + some(classes),
                "; rare and others are groups of them");
  }
  const double images = std::accumulate(counts.begin(), counts.end(), 0.0);
  std::vector<size_t> all;
  for (size_t c = 0; c < classes.size(); ++c) {
    const bool rare = double(counts[c]) * double(counts.size()) < images;
    size_t one = is_word(classes[c]) ? none : find(classes[c]);
    if (one == none && rare) one = find("rare");
    if (one == none) one = find("others");
    all.push_back(one);
  }
  return all;
}

std::vector<Augmenter> Policy::pipelines(const std::vector<std::string>& classes,
                                         const std::vector<int64_t>& counts) const {
  if (!state_) return std::vector<Augmenter>(classes.size());
  std::vector<Augmenter> all;
  for (const size_t i : state_->of(classes, counts)) {
    all.push_back(i == State::none ? Augmenter() : state_->pipelines[i]);
  }
  return all;
}

std::string Policy::description(const std::vector<std::string>& classes, const std::vector<int64_t>& counts) const {
  if (!per_class()) return to_string(*this);
  const std::vector<size_t> of = state_->of(classes, counts);
  std::vector<std::string> texts;                 // in the order of the first class that has them
  std::vector<std::vector<std::string>> members;  // of each text
  for (size_t c = 0; c < classes.size(); ++c) {
    const std::string text = of[c] == State::none ? "none" : state_->texts[of[c]];
    const size_t i = size_t(std::find(texts.begin(), texts.end(), text) - texts.begin());
    if (i == texts.size()) texts.push_back(text), members.emplace_back();
    members[i].push_back(classes[c]);
  }
  std::string y;
  for (size_t i = 0; i < texts.size(); ++i) y += (i == 0 ? "" : "; ") + some(members[i]) + " " + texts[i];
  for (size_t i = 0; i < state_->names.size(); ++i) {
    const bool unused = std::find(of.begin(), of.end(), i) == of.end();
    if (unused) y += "; no class is " + (state_->names[i] == "rare" ? "rare" : "left for " + state_->names[i]);
  }
  return y;
}

Policy parse_policy(const std::string& text) {
  const std::vector<ClassSteps> classes = parse_steps(text);
  Policy policy;
  if (classes.empty()) return policy;
  auto state = std::make_shared<Policy::State>();
  state->text = text_of(classes);
  for (const ClassSteps& c : classes) {
    state->names.push_back(c.name);
    state->texts.push_back(text_of({{"", c.steps}}));
    try {
      state->pipelines.push_back(build(c.steps));
    } catch (const Error& e) {
      throw Error(e.kind(), "augmentation \"", state->text, "\": ", e.what());
    }
  }
  policy.state_ = std::move(state);
  return policy;
}

std::string to_string(const Policy& policy) { return policy.none() ? "none" : policy.state_->text; }

std::string augment_help() {
  std::vector<std::string> names = step_names();
  return "none, or steps with commas in between, such as flip,rotate=0.2 or resized-crop=0.3..1,flip,blur=3@0.5: " +
         detail::join(names) +
         ". A step takes =VALUE for its main parameter, =NAME:VALUE/NAME:VALUE for others, and @P to be applied with "
         "the "
         "probability P; VALUE is a number or LOW..HIGH; a factor's is its strength S for "
         "1-S..1+S. CLASS:, rare: (classes with fewer images than the average) or "
         "others: before a step begins the steps of these alone, which must leave no marks, such as gray rectangles or "
         "black corners, by which the class can be told: no image has them later";
}

std::string augment_table() {
  std::string table;
  const auto line = [&](const std::string& name, const std::string& text) {
    table += "  " + name + std::string(name.size() < 16 ? 16 - name.size() : 1, ' ') + text + "\n";
  };
  table += "Augmenters, with their parameters, the main one first, whose name can be omitted:\n";
  for (const Row& row : rows()) {
    line(row.name, row.help);
    for (const Parameter& p : row.parameters) {
      const std::string standard = row.needs_parameter ? ""
                                   : p.standard.low == p.standard.high
                                       ? detail::text("; default ", p.standard.low)
                                       : detail::text("; default ", p.standard.low, "..", p.standard.high);
      line("", p.name + ": " + described(p) + standard);
    }
  }
  table += "Presets:\n";
  for (const Preset& preset : presets()) line(preset.name, preset.text + ": " + preset.help);
  table += "Groups:\n";
  line("oneof(A,B)", "one of the steps, equally likely");
  line("someof=N(A,B,C)", "N of the steps, or someof=LOW..HIGH, in their order");
  line("all(A,B)", "all of the steps, as one");
  return table;
}

}  // namespace counterpoise::augment
