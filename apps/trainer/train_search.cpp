// The phase of a run with --loss autobalance before its training.
#include <nlohmann/json.hpp>

#include "apps/trainer/autobalance.h"
#include "apps/trainer/prior_bias.h"
#include "apps/trainer/stop_signal.h"
#include "apps/trainer/training.h"
#include "core/io/file.h"

namespace counterpoise {

bool Training::search() {
  if (!search_) return true;
  AutoBalanceSearch::Hooks hooks;
  hooks.say = [&](const std::string& line) { say(line); };
  hooks.checkpoint_is_due = [&] { return checkpoint_is_due(); };
  hooks.checkpoint = [&](const LoopPosition& position) { save_checkpoint(position); };
  hooks.after_epoch = [&](const nlohmann::ordered_json& epoch) {
    log_->event("search", epoch);
    if (folder().wanted()) write_file(folder().path("autobalance.csv"), search_->table());
  };
  if (search_->steps() == 0) {
    say(text("Searching for Delta and l on ", data_.search_training.size(), " of the training images, with ",
             data_.search_validation.size(), " to validate on, for ", search_->total_steps(), " steps"));
  }
  last_checkpoint_ = Clock::now();
  if (!search_->run(hooks)) {
    save_first_checkpoint();
    return false;
  }
  loss_->restore(search_->learned());
  // The last layer begins as what was learned sees the classes, unless it has been trained.
  if (o_.prior_bias && head_is_new_) {
    set_prior_bias(*model_, data_, o_, *loss_);
    if (ema_) ema_.emplace(averaged(), o_.ema);
  }
  search_.reset();
  return true;
}

Exit Training::stopped_in_search() {
  say(text("Stopped by a signal in AutoBalance's search after step ", search_->steps(),
           folder().wanted() ? "; " + how_to_resume() : "."));
  return static_cast<Exit>(128 + stop_signal());
}

}  // namespace counterpoise
