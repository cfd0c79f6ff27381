// Which of two classes is the positive one: a network has learned the logit of one, and may be judged by the other.
#include "apps/trainer/decision.h"

#include <nlohmann/json.hpp>

#include "tests/apps/small_data.h"

using namespace counterpoise;

TEST_CASE("decision: with the other class as the positive one every sample is predicted as before") {
  const std::vector<double> outputs = {-2, -0.25, 0.125, 0.5, 0.75, 1, 3, -1};
  for (const Index K : {1, 2}) {
    CAPTURE(K);
    const Tensor of_network = Tensor::from<double>(cpu_backend(), {8 / K, K}, outputs);
    Decision decision;
    decision.positive = 1, decision.temperature = 2, decision.shift = 0.375, decision.cut = -0.3;
    if (K == 1) decision.origin = 0.5;
    Decision other = decision;
    exchange_classes(other, K);
    const std::vector<double> z = logits(of_network, decision), z_of_other = logits(of_network, other);
    for (size_t i = 0; i < z.size(); ++i) CHECK(z_of_other[i] == doctest::Approx(-z[i]));
    CHECK(predicted_classes(z_of_other, 2, other) == predicted_classes(z, 2, decision));
    exchange_classes(other, K);
    CHECK(logits(of_network, other) == z);
  }
}

TEST_CASE("decision: eval, predict, --init and --pretrained heed the class whose logit a network has learned") {
  const DataSet data(8, 6);
  const TemporaryFolder out;
  const std::string weights = out / "run/last.safetensors";
  must_succeed(catdog("train " + data.flags("--threshold 0.4 --positive cat --output " + (out / "run"))));
  const auto evaluated = [&](const std::string& positive) {
    must_succeed(catdog("eval --on all --data " + data.folder.path() + " --weights " + weights + positive +
                        " --output " + (out / "eval")));
    return result_of(out / "eval");
  };
  const nlohmann::json as_saved = evaluated(""), cat = evaluated(" --positive cat"), dog = evaluated(" --positive dog");
  CHECK(cat["accuracy"] == as_saved["accuracy"]);
  CHECK(dog["accuracy"] == as_saved["accuracy"]);
  CHECK(dog["positive"] == "dog");
  CHECK(dog["recall"] == as_saved["specificity"]);
  const std::string images = " --weights " + weights + " " + (data.folder / "validation");
  CHECK(catdog("predict --positive dog" + images).out == catdog("predict" + images).out);

  const std::string start = " --epochs 1 --lr 0 --threshold 0.4 --output none ", other = start + "--positive dog ";
  const std::string same = catdog("train " + data.flags(start + "--init " + weights)).out;
  CHECK(contains(same, "accuracy"));
  check_fails(data.flags(other + "--init " + weights), 2,
              "its output is the logit of cat, but here dog is the positive class; give --positive cat");
  check_fails(data.flags(other + "--check --init " + weights), 2, "give --positive cat");
  CHECK(contains(catdog("train " + data.flags(other + "--pretrained " + weights)).err,
                 "the head is new, because the file's is for other classes"));
  CHECK(contains(catdog("train " + data.flags(start + "--pretrained " + weights)).err, "of the whole network from"));
}

TEST_CASE(
    "decision: the best thresholds in result.json are what --threshold takes, of losses with logits and with numbers") {
  const DataSet data;
  const TemporaryFolder out;
  for (const char* loss : {"bce", "mse"}) {
    must_succeed(catdog(data.flags(std::string("--loss ") + loss + " --output " + out.path())));
    const nlohmann::json best = result_of(out.path())["best_thresholds"]["f1"];
    must_succeed(catdog("eval --weights " + (out / "last.safetensors") + " --data " + data.folder.path() +
                        " --output " + (out / "eval") + " --threshold " + best["threshold"].dump()));
    CHECK(result_of(out / "eval")["f1"] == best["value"]);
  }
}
