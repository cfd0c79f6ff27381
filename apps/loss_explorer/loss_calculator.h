// Evaluates a loss for a few logits and labels: the value, each sample's part and the gradient.
#pragma once

#include <string>

#include "losses/registry.h"

namespace counterpoise {

// What to evaluate, as written on a command line.
struct LossRequest {
  const LossInfo* loss = nullptr;
  LossParams given;
  std::string logits;         // rows separated by ';', numbers by ','; one number per row is the binary form
  std::string labels;         // a class for each row; or, where the loss takes them, soft targets:
                              // between 0 and 1 for one logit, else rows of K probabilities
  std::string counts;         // training samples of each class, "1000,100"; "": not known
  std::string class_weights;  // "1,2", or what parse_class_weights() takes; "": the loss's own
  std::string reduction;      // "": the loss's own
  int positive = 1;           // the class whose logit one logit is, and that the reduction "positives" counts
};

// Evaluates the loss in double precision. Returns JSON with 17 digits: loss, form, parameters, counts, class_weights,
// positive, reduction, value, per_sample (null for a loss that is one number for a batch), gradient, logits, labels.
// Throws Error(invalid_argument) for an invalid request. Safe to call from several threads.
std::string evaluate_loss(const LossRequest& request);

}  // namespace counterpoise
