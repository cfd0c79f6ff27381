// Weights on disk: safetensors files with torchvision's names and layouts, so that they can be exchanged with PyTorch:
//
//   torch: safetensors.torch.save_file(model.state_dict(), "vgg16.safetensors")
//   here:  load_weights(*model, "vgg16.safetensors");
#pragma once

#include <map>

#include "layers/module.h"

namespace counterpoise {

// Reads all parameters and buffers. Throws Error(bad_data) and changes nothing if the file lacks a name, has one
// too many, or one of another shape: the message lists the three kinds. (num_batches_tracked, a counter that PyTorch
// keeps in its batch normalizations, is passed over.) Throws likewise if a weight is NaN or infinite.
void load_weights(Module& model, const std::string& path);

// Writes all parameters and buffers as f32, beside the target first: an earlier file is replaced whole or not at all.
void save_weights(const Module& model, const std::string& path, const std::map<std::string, std::string>& metadata);

// The extents of a parameter in the file, and its numbers there.
std::vector<int64_t> file_shape(const Parameter& parameter);
std::vector<float> to_file_layout(const Parameter& parameter, const std::vector<float>& values);
std::vector<float> from_file_layout(const Parameter& parameter, const std::vector<float>& values);

}  // namespace counterpoise
