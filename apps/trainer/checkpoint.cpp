#include "apps/trainer/checkpoint.h"

#include <deque>
#include <utility>

#include "apps/trainer/metrics_json.h"
#include "core/io/file.h"
#include "core/io/safetensors.h"
#include "kernels/error.h"

namespace counterpoise {

namespace {

constexpr const char* format = "counterpoise-checkpoint-1";

// Tensors to be written, with the numbers that they point at.
class TensorList {
 public:
  void add(const std::string& name, const Tensor& tensor) {
    numbers_.push_back(tensor.cast(DType::f32).to_vector<float>());
    std::vector<int64_t> shape;
    for (int axis = 0; axis < tensor.shape().rank(); ++axis) shape.push_back(tensor.shape()[axis]);
    tensors_.emplace_back(name, shape, numbers_.back());
  }
  std::vector<FileTensor> take() { return std::move(tensors_); }

 private:
  std::deque<std::vector<float>> numbers_;  // whose elements stay where they are
  std::vector<FileTensor> tensors_;
};

// A tensor of the file, for one that is like `like`.
Tensor read(const SafetensorsFile& file, const std::string& name, const Tensor& like) {
  std::vector<int64_t> shape;
  for (int axis = 0; axis < like.shape().rank(); ++axis) shape.push_back(like.shape()[axis]);
  CP_ENSURE_AS(bad_data, file.contains(name) && file.shape(name) == shape, file.path(), ": its ", name,
               " is missing or of another shape: this checkpoint is of another network, or of another version");
  return Tensor::from(like.backend(), like.shape(), file.read_f32(name)).cast(like.dtype());
}

std::string weight(const Parameter& p) { return "weight/" + p.name; }
std::string moment(size_t parameter, size_t i) { return detail::text("optimizer/", parameter, "/", i); }
std::string average(size_t i) { return detail::text("ema/", i); }

// The messages of a weight file, which can be had again, do not fit.
SafetensorsFile open_checkpoint(const std::string& path) {
  InputFile{path};  // throws what fits: that it is missing, or may not be read
  try {
    return SafetensorsFile(path);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bad_data) throw;
    throw damaged_checkpoint(path);
  }
}

nlohmann::json parsed(const SafetensorsFile& file) {
  const auto& metadata = file.metadata();
  const auto kind = metadata.find("format"), state = metadata.find("state");
  CP_ENSURE_AS(bad_data, kind != metadata.end() && state != metadata.end(), file.path(), ": this is no checkpoint");
  CP_ENSURE_AS(bad_data, kind->second == format, file.path(), ": its format is ", kind->second,
               ", but this version reads ", format, ": continue the run with the version that began it");
  try {
    return nlohmann::json::parse(state->second);
  } catch (const nlohmann::json::exception&) {
    throw damaged_checkpoint(file.path());
  }
}

}  // namespace

Error damaged_checkpoint(const std::string& path) {
  return Error(ErrorKind::bad_data, path, ": this checkpoint is damaged: begin another run, without --resume");
}

void save_checkpoint(const std::string& path, const TrainingState& s, const LoopPosition& position,
                     const nlohmann::json& notes) {
  TensorList tensors;
  for (const Parameter& p : s.model.parameters()) tensors.add(weight(p), p.var.value());
  nlohmann::json json = {{"notes", notes}, {"loss", s.loss.state()}};
  json["position"] = {position.epoch, position.batches, position.index_in_epoch, position.steps, position.samples};
  json["loss_sum"] = position.loss_sum;
  for (uint64_t* calls : s.model.all_random_calls()) json["random_calls"].push_back(*calls);
  for (size_t i = 0; i < s.optimizer.states().size(); ++i) {
    const Optimizer::State& state = s.optimizer.states()[i];
    json["optimizer"].push_back({state.steps, state.tensors.size()});
    for (size_t t = 0; t < state.tensors.size(); ++t) tensors.add(moment(i, t), state.tensors[t]);
  }
  if (s.ema) {
    json["ema_steps"] = s.ema->steps();
    for (size_t i = 0; i < s.ema->averages().size(); ++i) tensors.add(average(i), s.ema->averages()[i]);
  }
  save_safetensors(path, tensors.take(), {{"format", format}, {"state", json_line(json)}});
}

nlohmann::json checkpoint_notes(const std::string& path) {
  return parsed(open_checkpoint(path)).value("notes", nlohmann::json());
}

LoopPosition load_checkpoint(const std::string& path, const TrainingState& s) {
  const SafetensorsFile file = open_checkpoint(path);
  const nlohmann::json json = parsed(file);
  try {
    for (Parameter& p : s.model.parameters()) p.var.set_value(read(file, weight(p), p.var.value()));
    const std::vector<uint64_t*> calls = s.model.all_random_calls();
    for (size_t i = 0; i < calls.size(); ++i) *calls[i] = json.at("random_calls").at(i).get<uint64_t>();
    const std::vector<Var> trained = s.model.trainable();
    std::vector<Optimizer::State> states(s.optimizer.states().size());
    for (size_t i = 0; i < states.size(); ++i) {
      states[i].steps = json.at("optimizer").at(i).at(0).get<int64_t>();
      const size_t tensors = json.at("optimizer").at(i).at(1).get<size_t>();
      for (size_t t = 0; t < tensors; ++t) {
        states[i].tensors.push_back(read(file, moment(i, t), trained.at(i).value()));
      }
    }
    s.optimizer.load(std::move(states));
    const auto loss = json.at("loss").get<LossState>();
    if (!loss.empty()) s.loss.restore(loss);
    if (s.ema) {
      std::vector<Tensor> averages;
      for (size_t i = 0; i < s.ema->averages().size(); ++i) {
        averages.push_back(read(file, average(i), s.ema->averages()[i]));
      }
      s.ema->load(std::move(averages), json.at("ema_steps").get<int64_t>());
    }
    const auto& place = json.at("position");
    for (const auto& number : place) {
      if (!number.is_number_unsigned()) throw damaged_checkpoint(path);
    }
    LoopPosition position;
    position.epoch = place.at(0).get<int>();
    if (position.epoch < 1) throw damaged_checkpoint(path);
    position.batches = place.at(1).get<size_t>();
    position.index_in_epoch = place.at(2).get<size_t>();
    position.steps = place.at(3).get<int64_t>();
    position.samples = place.at(4).get<size_t>();
    position.loss_sum = json.at("loss_sum").get<double>();
    return position;
  } catch (const nlohmann::json::exception&) {
    throw damaged_checkpoint(path);
  } catch (const std::out_of_range&) {
    throw damaged_checkpoint(path);
  }
}

}  // namespace counterpoise
