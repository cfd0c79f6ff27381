// From a text to the steps of pipelines. The grammar is told in spec.h. Safe to use from several threads.
#pragma once

#include <string>
#include <vector>

#include "data/augment/spec_steps.h"

namespace counterpoise::augment {

// In canonical form: flip, rotate and crop of a pipeline are in this order at the place of the first of them, and what
// changes nothing is left out. Nothing for "none". Throws Error(invalid_argument), which names the part of the text
// that is wrong, and says what is valid.
std::vector<ClassSteps> parse_steps(const std::string& text);

}  // namespace counterpoise::augment
