// The learning rate over time: schedules, and reductions on a plateau.
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>
#include <vector>

#include "optim/plateau.h"
#include "optim/schedule.h"
#include "tests/golden.h"

using namespace counterpoise;

namespace {

PlateauOptions options_of(const nlohmann::json& torch) {
  PlateauOptions o;
  o.maximize = torch["mode"] == "max";
  o.factor = torch["factor"];
  o.patience = torch["patience"];
  o.threshold = torch["threshold"];
  o.cooldown = torch["cooldown"];
  o.min_scale = torch["min_lr"];
  return o;
}

}  // namespace

TEST_CASE("optim golden: reductions on a plateau are PyTorch's, also if the state is saved and loaded in between") {
  int reductions = 0, floors = 0, cooldowns = 0;
  for (const nlohmann::json& run : read_golden("optim/golden/plateau.json")) {
    CAPTURE(run["options"].dump());
    const PlateauOptions options = options_of(run["options"]);
    Plateau plateau(options);
    for (size_t epoch = 0; epoch < run["metrics"].size(); ++epoch) {
      CAPTURE(epoch);
      const double before = plateau.scale();
      const bool reduced = plateau.update(run["metrics"][epoch]);
      CHECK(plateau.scale() == run["rates"][epoch].get<double>());
      CHECK(reduced == (plateau.scale() < before));
      reductions += reduced;
      floors += plateau.scale() == 0.02;
      cooldowns += plateau.state().cooldown > 0;
      const Plateau::State saved = plateau.state();
      plateau = Plateau(options);
      plateau.load(saved);
    }
    CHECK(plateau.state().best == run["best"].get<double>());
    CHECK(plateau.state().bad_epochs == run["bad_epochs"].get<int64_t>());
  }
  CHECK(reductions > 30);
  CHECK(floors > 5);
  CHECK(cooldowns > 5);
}

TEST_CASE("optim: a metric that is NaN is no improvement") {
  PlateauOptions options;
  options.patience = 1;
  Plateau plateau(options);
  CHECK_FALSE(plateau.update(0.5));
  CHECK_FALSE(plateau.update(std::nan("")));
  CHECK(plateau.update(std::nan("")));
  CHECK(plateau.state().best == 0.5);
}

TEST_CASE("optim: plateaus that are impossible are errors") {
  const double nan = std::nan("");
  const std::tuple<PlateauOptions, const char*> cases[] = {{{true, 1}, "factor 1"},
                                                           {{true, 0}, "factor 0"},
                                                           {{true, nan}, "factor nan"},
                                                           {{true, 0.1, -1}, "patience -1"},
                                                           {{true, 0.1, 1, -1}, "threshold"},
                                                           {{true, 0.1, 1, 0, -2}, "cooldown -2"},
                                                           {{true, 0.1, 1, 0, 0, 2}, "scale 2"}};
  for (const auto& [options, words] : cases) {
    CHECK(contains(error_of([&, o = options] { Plateau plateau(o); }, ErrorKind::invalid_argument), words));
  }
  Plateau plateau;
  CHECK(plateau.state().best == -std::numeric_limits<double>::infinity());
  for (const Plateau::State& state :
       {Plateau::State{0, 0, 0, 0}, {0, 2, 0, 0}, {0, nan, 0, 0}, {0, 1, -1, 0}, {0, 1, 0, -1}}) {
    CHECK_FALSE(error_of([&] { plateau.load(state); }, ErrorKind::bad_data).empty());
  }
}

TEST_CASE("optim: the first step of a warm-up has a rate above 0, the last the whole rate") {
  Schedule s;
  s.lr = 0.4, s.warmup = 2;
  const double steps_per_epoch = 5;
  for (const Schedule::Kind kind : {Schedule::constant, Schedule::step, Schedule::cosine}) {
    s.kind = kind, s.step_every = 100;
    for (int step = 0; step < 10; ++step) {
      CHECK(s.at(step / steps_per_epoch, 10, steps_per_epoch) == doctest::Approx(0.4 * (step + 1) / 10));
    }
    CHECK(s.at(2, 10, steps_per_epoch) == doctest::Approx(0.4));
    CHECK(s.at(5, 10, steps_per_epoch) == s.at(5, 10));  // after the warm-up it is the schedule
  }
  s.warmup = 0.05;  // less than a step
  CHECK(s.at(0, 10, steps_per_epoch) == doctest::Approx(0.4));
}
