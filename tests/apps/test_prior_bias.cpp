// The initial biases of the last layer.
#include "apps/trainer/prior_bias.h"

#include <cmath>

#include "tests/support.h"

using namespace counterpoise;

namespace {

// The biases of the last layer for a training's command line.
std::vector<float> biases(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(),
                   {"train", "--image-size", "32", "--width", "0.03125", "--count", "cat=10,dog=80"});
  Options o = parse_options({/*lectures=*/true}, arguments);
  const TrainingData data(o);
  const auto model = make_model(o.model, cpu_backend(), 1);
  set_prior_bias(*model, data, o, Loss(o.loss_spec, {data.counts, data.class_weights}));
  return model->head().parameters().back().var.value().to_vector<float>();
}

}  // namespace

TEST_CASE("prior bias: the log odds of the classes as the loss sees them") {
  const auto one = [](const std::vector<std::string>& arguments) { return biases(arguments).at(0); };
  CHECK(one({}) == doctest::Approx(std::log(10. / 80)));
  CHECK(one({"--positive", "dog"}) == doctest::Approx(std::log(80. / 10)));
  CHECK(one({"--loss", "focal"}) == doctest::Approx(std::log(10. / 80)));
  CHECK(one({"--pos-weight", "2"}) == doctest::Approx(std::log(20. / 80)));
  CHECK(one({"--pos-weight", "auto"}) == doctest::Approx(0));
  CHECK(one({"--class-weights", "cat=3,dog=1"}) == doctest::Approx(std::log(30. / 80)));
  CHECK(one({"--class-weights", "cat=3,dog=1", "--defer-weights", "0.5"}) == doctest::Approx(std::log(10. / 80)));
  CHECK(one({"--class-weights", "balanced"}) == doctest::Approx(0).epsilon(1e-6));
  CHECK(one({"--sampler", "class-balanced"}) == doctest::Approx(0).epsilon(1e-6));
  for (const char* loss : {"mse", "dice", "class-balanced"}) CHECK(one({"--loss", loss}) == 0);
  CHECK(one({"--loss", "logit-adjusted"}) == doctest::Approx(0).epsilon(1e-6));
  CHECK(one({"--loss", "logit-adjusted", "--sampler", "class-balanced"}) == doctest::Approx(std::log(80. / 10)));
  CHECK(one({"--loss", "logit-adjusted", "--tau", "0.5"}) == doctest::Approx(std::log(10. / 80) / 2));
  CHECK(one({"--loss", "cdt"}) < std::log(10. / 80));  // the positive class's logit is scaled down

  const std::vector<float> two = biases({"--loss", "cross-entropy"});
  REQUIRE(two.size() == 2);
  CHECK(two[0] - two[1] == doctest::Approx(std::log(10. / 80)));
  CHECK(two[0] + two[1] == doctest::Approx(0).epsilon(1e-6));
}
