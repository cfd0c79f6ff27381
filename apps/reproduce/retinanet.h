// The tables of alpha and gamma of the focal loss in Lin et al. 2017 (arXiv:1708.02002, table 1 a and b), which one of
// the lectures shows, and our own sweep beside them. The functions are pure, so they are safe to call from several
// threads.
#pragma once

#include <string>
#include <vector>

#include "apps/reproduce/study.h"

namespace counterpoise {

// The group of the rows, and their names' first part.
constexpr const char* retinanet_group = "retinanet";

// The rows of the sweep: the published pairs of alpha and gamma, and the others of a grid. `images` chooses the
// training images, `data` says in words which; each takes `seconds`.
std::vector<StudyRow> retinanet_rows(const std::string& data, const std::vector<std::string>& images, double seconds);

// Both published tables beside ours, the grid, and whether the best alpha falls as gamma grows. "" without results.
std::string retinanet_section(const Study& study, const StudyResults& results);

}  // namespace counterpoise
