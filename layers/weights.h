// Weights on disk: safetensors files with torchvision's names and layouts, so that they can be exchanged with PyTorch:
//
//   torch: safetensors.torch.save_file(model.state_dict(), "vgg16.safetensors")
//   here:  load_weights(*model, "vgg16.safetensors");
//
// Not thread-safe: no other thread may use the module or write the file meanwhile.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "layers/module.h"

namespace counterpoise {

// Which weights are loaded: the parameters whose names are wanted(); tensors of the file that the network lacks are no
// error where their names are ignored(). By default all of the network, and nothing else.
struct WeightSelection {
  std::function<bool(const std::string& name)> wanted = [](const std::string&) { return true; };
  std::function<bool(const std::string& name)> ignored = [](const std::string&) { return false; };
};

// Reads all parameters and buffers, or the selected ones, into the dtype and onto the backend that they have. Throws
// Error(bad_data), and changes nothing, if a name is missing in the file or unexpected, or if a shape differs: the
// message lists all three kinds. The same holds for a weight that is NaN or infinite. (num_batches_tracked, a counter
// in PyTorch's batch normalization, is ignored.) Throws what SafetensorsFile throws for a file that cannot be read.
void load_weights(Module& model, const std::string& path, const WeightSelection& selection = {});

// Throws Error(bad_data) where load_weights() would because of names and shapes, but reads no numbers. With a model on
// meta_backend() this costs nothing, however large the network would be.
void check_weights(const Module& model, const std::string& path, const WeightSelection& selection = {});

// The shape and the values of a parameter as files have them: in torchvision's layout, f32.
struct StoredParameter {
  std::vector<int64_t> shape;
  std::vector<float> values;
};
StoredParameter to_file(const Parameter& p);
std::vector<int64_t> file_shape(const Parameter& p);

// Writes all parameters and buffers as f32. A file that exists is replaced as a whole, or not at all if writing fails:
// then Error(failure) is thrown. `metadata` maps keys to texts, such as metadata(config) of layers/models/models.h.
void save_weights(const Module& model, const std::string& path,
                  const std::map<std::string, std::string>& metadata = {});

}  // namespace counterpoise
