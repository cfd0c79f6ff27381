#include "data/augment/spec_steps.h"

#include <algorithm>
#include <charconv>

#include "core/text.h"
#include "data/augment/flip_rotate_shift.h"
#include "data/augment/spec_parser.h"

namespace counterpoise::augment {

namespace {

using detail::shortest_text;

std::string text_of(const Parameter& parameter, Range value) {
  // The shortest number that means this range, if one does.
  const double v = parameter.meaning == Meaning::factor     ? value.high - 1
                   : parameter.meaning == Meaning::at_least ? value.low
                                                            : value.high;
  for (int precision = 1; precision <= 17; ++precision) {
    char y[32];
    const std::string text(y, std::to_chars(y, y + sizeof y, v, std::chars_format::general, precision).ptr);
    double number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    if (same(meaning(parameter, number), value) && number <= singles(parameter).high) return shortest_text(number);
  }
  return shortest_text(value.low) + ".." + shortest_text(value.high);
}

std::string text_of(const Step& step) {
  std::string y = step.name;
  if (step.name == "someof") {
    y += "=" + shortest_text(step.count.low) +
         (step.count.low == step.count.high ? "" : ".." + shortest_text(step.count.high));
  }
  if (!step.children.empty()) {
    y += "(";
    for (const Step& child : step.children) y += (&child == &step.children[0] ? "" : ",") + text_of(child);
    y += ")";
  }
  const char* between = "=";
  for (size_t i = 0; i < step.values.size(); ++i) {
    const Parameter& parameter = find_row(step.name)->parameters[i];
    if (same(step.values[i], parameter.standard)) continue;
    y += between + (i == 0 ? "" : parameter.name + ":") + text_of(parameter, step.values[i]);
    between = "/";
  }
  return y + (step.p == 1 ? "" : "@" + shortest_text(step.p));
}

std::vector<Augmenter> built(const Steps& steps);

Augmenter built(const Step& step) {
  if (step.name == "none") return {};
  if (step.name == "oneof") return OneOf{built(step.children)};
  if (step.name == "someof") return SomeOf{step.count, built(step.children)};
  if (step.name == "all") return Sequential{built(step.children)};
  if (const Preset* preset = find_preset(step.name)) return build(parse_steps(preset->text)[0].steps);
  return find_row(step.name)->build(step.values);
}

std::vector<Augmenter> built(const Steps& steps) {
  std::vector<Augmenter> y;
  for (const Step& step : steps) {
    const Augmenter augmenter = built(step);
    y.push_back(step.p == 1 ? augmenter : Sometimes{step.p, augmenter});
  }
  return y;
}

}  // namespace

bool is_basic(const Step& step) {
  const bool basic = step.name == "flip" || step.name == "rotate" || step.name == "crop";
  return basic && step.p == 1 &&
         (step.name != "flip" || same(step.values[0], find_row("flip")->parameters[0].standard));
}

std::string text_of(const std::vector<ClassSteps>& classes) {
  std::string y;
  for (const ClassSteps& c : classes) {
    if (!c.name.empty()) y += (y.empty() ? "" : ",") + c.name + ":" + (c.steps.empty() ? "none" : "");
    for (const Step& step : c.steps)
      y += (y.empty() || (&step == &c.steps[0] && !c.name.empty()) ? "" : ",") + text_of(step);
  }
  return y.empty() ? "none" : y;
}

Augmenter build(const Steps& steps) {
  FlipRotateShift basic;
  Steps others;
  size_t place = steps.size();
  for (const Step& step : steps) {
    if (!is_basic(step)) {
      others.push_back(step);
      continue;
    }
    place = std::min(place, others.size());
    if (step.name == "flip") basic.flip = true;
    else if (step.name == "rotate") basic.turns = step.values[0];
    else basic.shift = int(step.values[0].low);
  }
  std::vector<Augmenter> all = built(others);
  if (others.size() < steps.size()) all.insert(all.begin() + std::ptrdiff_t(place), basic);
  return Sequential{all};
}

}  // namespace counterpoise::augment
