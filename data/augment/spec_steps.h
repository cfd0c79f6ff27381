// The steps of pipelines: between a text and augmenters. All functions are pure and safe to call from several threads.
#pragma once

#include <string>
#include <vector>

#include "data/augment/spec_table.h"

namespace counterpoise::augment {

// One step of a pipeline: a row of the table with its values, a preset, a group of steps, or "none".
struct Step {
  std::string name;
  std::vector<Range> values = {};   // of a row: all its parameters
  Range count = 1;                  // of someof
  std::vector<Step> children = {};  // of a group
  double p = 1;                     // it is applied with this probability
};
using Steps = std::vector<Step>;

// The steps of one class, or of all where no class is named.
struct ClassSteps {
  std::string name = "";
  Steps steps = {};
};

// Whether it forms one FlipRotateShift with others in its pipeline: flip, rotate and crop, which draw together, as they
// always have, so that a seed keeps giving the same images.
bool is_basic(const Step& step);

// The shortest text that parse_steps() of spec_parser.h reads as the same steps.
std::string text_of(const std::vector<ClassSteps>& classes);

// Throws Error(invalid_argument) for values that an augmenter does not accept.
Augmenter build(const Steps& steps);

}  // namespace counterpoise::augment
