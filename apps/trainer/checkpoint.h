// Checkpoints: all that a training run depends on, in one safetensors file, so that a run that was interrupted is
// continued to the bit. (last.safetensors has the weights alone, for use.) Not thread-safe: the objects of a run belong
// to the thread that trains.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "apps/trainer/loop.h"
#include "layers/module.h"
#include "losses/loss.h"
#include "optim/ema.h"
#include "optim/optimizer.h"

namespace counterpoise {

// The parts of a run that change in training.
struct TrainingState {
  Module& model;
  Optimizer& optimizer;
  Loss& loss;
  Ema* ema = nullptr;  // or none
};

// Writes the file, whole or not at all: weights and buffers, the optimizer's state and the averages in the layout of
// memory, the state of the loss, the counters of random numbers, the place in the epoch; and `notes`, what the caller
// remembers. Throws Error(failure) if it cannot be written.
void save_checkpoint(const std::string& path, const TrainingState& state, const LoopPosition& position,
                     const nlohmann::json& notes);

// The Error(bad_data) for a checkpoint that was cut off or changed, which says what to do.
Error damaged_checkpoint(const std::string& path);

// The notes of a checkpoint, before anything is restored from it. Throws Error(bad_data) for a file that is none.
nlohmann::json checkpoint_notes(const std::string& path);

// Restores what save_checkpoint() wrote, and returns where the run goes on. The parts must be as they were constructed
// for that run. Throws Error(bad_data) if the file does not fit them; they may then be half restored.
LoopPosition load_checkpoint(const std::string& path, const TrainingState& state);

}  // namespace counterpoise
