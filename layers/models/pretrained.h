// Weights that were trained on other images: the body of a network from a file, and where the file has another number
// of classes a new head. Files are those of torchvision and timm (a state_dict as safetensors), or our own. Not
// thread-safe: no other thread may use the model meanwhile.
#pragma once

#include <string>

#include "layers/models/models.h"

namespace counterpoise {

// Loads the body of the model from the file, and the head, too, if it fits and is wanted; returns whether it was
// loaded. If not, the head keeps its initial weights, and the head of the file is ignored, whatever its layers are.
// Throws Error(bad_data), and changes nothing, for the weights of another network, and what SafetensorsFile throws for
// a file that cannot be read.
bool load_pretrained(Model& model, const std::string& path, bool with_head = true);

// Throws Error(bad_data) where load_pretrained() would because of names and shapes, but reads no numbers: see
// check_weights().
void check_pretrained(Model& model, const std::string& path);

// The number of outputs that the file's weights have for a network of this configuration; 0 if it has no such head.
Index outputs_in_file(const ModelConfig& config, const std::string& path);

}  // namespace counterpoise
