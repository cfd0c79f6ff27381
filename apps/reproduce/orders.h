// The order of a study's rows: that of the source beside that of our measurements, with what may explain a difference.
// The functions are pure, so they are safe to call from several threads.
#pragma once

#include <string>
#include <vector>

#include "apps/reproduce/results.h"
#include "apps/reproduce/study.h"

namespace counterpoise {

// Two rows whose published numbers are in the other order than ours.
struct Disagreement {
  size_t above, below;  // rows of the study: the source puts the first above the second
  Paired ours;          // the difference above - below in the first metric
};

// How the rows of a group are ordered.
struct GroupOrder {
  std::string group;
  size_t pairs = 0;                         // with a published number and a result each
  std::vector<Disagreement> disagreements;  // of them
};

std::vector<GroupOrder> compare_orders(const Study& study, const StudyResults& results);

// A section for each group, in Markdown: both orders, and a paragraph for each disagreement, with the measured numbers.
std::string orders_section(const Study& study, const StudyResults& results);

}  // namespace counterpoise
