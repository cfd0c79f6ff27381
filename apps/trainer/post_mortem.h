// What is kept of a training that reached NaN or infinity, to find out why: the batches of its last steps, and the
// weights before them. Not thread-safe.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "apps/trainer/loop.h"
#include "data/images/image_dataset.h"
#include "layers/module.h"

namespace counterpoise {

class PostMortem {
 public:
  // Remembers the batch of a step and its logits [N] or [N, K], for a few steps.
  void remember(const Batch& batch, const Step& step, const Tensor& logits);

  // Makes the folder and writes post-mortem.json into it (the message; of each remembered step its images, classes and
  // logits; of each parameter the range of its values) and weights.safetensors. Throws Error(failure) if it cannot.
  void write(const std::string& folder, const std::string& message, const Module& model, const ImageDataset& set) const;

 private:
  struct Remembered {
    Step step;
    std::vector<size_t> samples;
    std::vector<int32_t> labels;
    Tensor logits;
  };
  std::deque<Remembered> steps_;
};

}  // namespace counterpoise
