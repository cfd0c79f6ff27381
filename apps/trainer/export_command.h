// The `export` command: writes trained weights as an ONNX file, from image bytes to probabilities.
#pragma once

#include "apps/trainer/decision.h"
#include "apps/trainer/program.h"
#include "core/io/onnx.h"
#include "layers/models/models.h"

namespace counterpoise {

// The model and what surrounds it: the input "image", u8 [N, S, S, 3] RGB, is scaled to x / 127.5 - 1. The outputs are
// "logit" [N, K], of which K = 2 are those of the two classes with the decision's shift on the positive one, and
// "probability" [N, K]: of the positive class, or with K = 2 of each class. Where the decision's origin is not 0 the
// network learned numbers instead of logits, and the probability is its output, clamped to [0, 1]. The model is in
// evaluation mode afterwards. Not thread-safe, as the model is not. Throws Error(failure) for a model that cannot be
// exported.
OnnxGraph onnx_graph(Model& model, const ModelConfig& config, const Decision& decision);

// `export --weights FILE --output FILE.onnx`; argv[0] is the command. Throws Error if it fails. To be called by the
// main thread.
Exit export_command(int argc, char** argv);

}  // namespace counterpoise
