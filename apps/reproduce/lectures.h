// The experiments of the two lectures "Imbalanced Data" (AI VIETNAM All-in-One Course 2024) with cats and dogs: the
// rows R1 to R19 of their slides, variations of ours that explain differences, and a sweep of the focal loss's alpha
// and gamma beside the tables of Lin et al. 2017. The functions are pure, so they are safe to call from several
// threads.
#pragma once

#include <string>
#include <vector>

#include "apps/compare/comparison.h"
#include "apps/reproduce/study.h"

namespace counterpoise {

struct LectureRequest {
  std::string scale;       // "full", "small" or "synthetic"
  std::string data;        // folder of the photographs; "" for "synthetic"
  std::string pretrained;  // file of weights for the pretrained row; "" if there is none
};

// The rows at this scale. Throws Error(invalid_argument) for an unknown scale and if photographs are missing or given
// in vain.
Study lecture_study(const LectureRequest& request);

// At the scale "synthetic", the training whose weights the pretrained row begins with where no file is given: the same
// network on ten kinds of shapes.
Technique shapes_pretraining();

// A computation of the lectures: a command of this program that trains nothing, and what it prints.
struct Computation {
  std::string name, help;
  std::vector<std::string> arguments;
};

// Those of the slides, without training. `output` is the folder that files are written to.
std::vector<Computation> lecture_computations(const std::string& output);

}  // namespace counterpoise
