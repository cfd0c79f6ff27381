// The table of augmenters that a text can name, one row each. How texts are written is told in spec.h.
//
// A new augmentation is a row in spec_table.cpp: its name, a line of help, its parameters, and a function that builds
// it from them. Command lines, help, the gallery and the tests read the table. Safe to use from several threads.
#pragma once

#include <string>
#include <vector>

#include "data/augment/pipeline.h"

namespace counterpoise::augment {

// What a single number v means for a parameter. (LOW..HIGH is always that range.)
enum class Meaning {
  number,      // v itself; a range has no meaning
  whole,       // likewise, and a whole number
  exactly,     // v itself, always
  plus_minus,  // an angle or a shift, from -v to v
  factor,      // a strength: a factor from 1 - v to 1 + v, as torchvision's ColorJitter; refused where 1 - v is too low
  up_to,       // an amount, from 0 to v
  at_least,    // a part, from v to the most possible
};

struct Parameter {
  std::string name;
  Meaning meaning;
  double least, most;     // the range of what is drawn
  Range standard;         // where the text does not give it
  std::string unit = {};  // of angles
};

// What a single number stands for; and from where to where such numbers can be.
Range meaning(const Parameter& parameter, double number);
Range singles(const Parameter& parameter);
// What can be written for it, such as "R from 0 to 1 for -R..R, or LOW..HIGH from -1 to 1".
std::string described(const Parameter& parameter);
inline bool same(Range a, Range b) { return a.low == b.low && a.high == b.high; }

struct Row {
  std::string name;
  std::string help;
  std::string example;  // a text that shows it well
  // The first is the main one, whose name can be omitted.
  std::vector<Parameter> parameters;
  // The values are those of `parameters`, in their order.
  Augmenter (*build)(const std::vector<Range>& values);
  // Whether it would change nothing without a parameter, and is refused.
  bool needs_parameter = false;
};
const std::vector<Row>& rows();

// A text that has a name of its own.
struct Preset {
  std::string name, text, help;
};
const std::vector<Preset>& presets();

// The row or preset with this name, or null.
const Row* find_row(const std::string& name);
const Preset* find_preset(const std::string& name);

}  // namespace counterpoise::augment
