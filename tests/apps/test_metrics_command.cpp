// `catdog metrics`: every metric of a CSV file's scores, and what is wrong with a file.
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/apps/small_data.h"
#include "tests/golden.h"

using namespace counterpoise;
using Json = nlohmann::json;

TEST_CASE("metrics of a CSV file") {
  const TemporaryFolder folder;
  const auto file = [&](const std::string& content) {
    write_file(folder / "x.csv", content);
    return "metrics " + (folder / "x.csv");
  };
  // Two of three cats found, one of three dogs taken for one.
  const std::string scores = "name,label,score\n\"a, b\",1,0.9\nc,1,0.6\r\nd,1,0.2\n\ne,0,0.7\nf,0,0.1\ng,0,0.3\n";
  const Result r = must_succeed(catdog(file(scores)));
  const Json m = parse_json(r.out);
  CHECK(m["samples"] == 6);
  CHECK(m["positives"] == 3);
  CHECK(m["tp"] == 2);
  CHECK(m["fp"] == 1);
  CHECK(m["f1"] == doctest::Approx(2. / 3));
  CHECK(m["roc_auc"] == doctest::Approx(6. / 9));
  CHECK(m["average_precision"] == doctest::Approx((1 + 2. / 3 + 3. / 5) / 3));
  CHECK(m["brier"] == doctest::Approx((0.01 + 0.16 + 0.64 + 0.49 + 0.01 + 0.09) / 6));
  CHECK(m["best_thresholds"]["f1"]["value"] == doctest::Approx(0.75));
  CHECK(parse_json(catdog(file(scores) + " --threshold 0.7").out)["tp"] == 1);
  CHECK(parse_json(catdog(file(scores) + " --positive 0").out)["positives"] == 3);
  CHECK(parse_json(catdog(file(scores) + " --curves").out)["roc"]["tpr"].size() > 2);
  // The same decisions from logits; one class alone has no area under a curve.
  const Json logits = parse_json(catdog(file("logit,label\n2,cat\n-1,cat\n-3,dog\n") + " --positive cat").out);
  CHECK(logits["recall"] == 0.5);
  CHECK(logits["log_loss"] ==
        doctest::Approx((std::log1p(std::exp(-2)) + std::log1p(std::exp(1)) + std::log1p(std::exp(-3))) / 3));
  CHECK(parse_json(catdog(file("logit,label\n2,0\n-1,0\n")).out)["roc_auc"].is_null());
  // The best threshold of logits is a probability, as --threshold takes it, halfway between two logits.
  const Json best = parse_json(catdog(file("logit,label\n2,1\n-1,1\n-2,0\n")).out)["best_thresholds"]["f1"];
  CHECK(best.value("cut", 0.) == -1.5);
  CHECK(best["threshold"] == doctest::Approx(1 / (1 + std::exp(1.5))));
  const std::string chosen = " --threshold " + best["threshold"].dump();
  CHECK(parse_json(catdog(file("logit,label\n2,1\n-1,1\n-2,0\n") + chosen).out)["f1"] == 1);
  // It is the lowest logit where all are best predicted positive, none of which may be lost by rounding.
  for (const char* lowest : {"-0.3", "-0.287", "-17.1", "40", "-1000"}) {
    const std::string rows = file(std::string("logit,label\n50,1\n45,0\n") + lowest + ",1\n");
    const Json all = parse_json(catdog(rows).out)["best_thresholds"]["f1"];
    CHECK(parse_json(catdog(rows + " --threshold " + all["threshold"].dump()).out)["f1"] == all["value"]);
  }

  check_fails(file("label,score\n1,0.5\n,0.2\n0,0.1\n"), 3, "line 3: the label is empty; fill it in");
  check_fails(file("label,score\n,0.2\n1,0.5\n"), 3, "line 2: the label is empty");
  check_fails(file("label,score\n1,0.5\n0,0.1\n2,0.2\n"), 3, "line 4: the label \"2\" is a third one, beside 1, 0");
  check_fails(file("label,score,label\n1,0.5,0\n0,0.1,1\n"), 3, "line 1: two columns are named \"label\"");
  check_fails(file("label,score,score\n1,0.5,0\n0,0.1,1\n"), 3, "two columns are named \"score\"");
  check_fails(file(std::string("label,score\n1,0.5\0junk\n", 23)), 3, "line 2: a byte is 0");
  check_fails(file("label,score\n1,0x1p-1\n0,0.1\n"), 3, "line 2: \"0x1p-1\" is not a number");
  const Json spelled = parse_json(catdog(file("label,score\n1,0.9\n 1,0.8\n1.0,0.7\n0,0.1\n0.0,0.2\n")).out);
  CHECK(spelled["positives"] == 3);
  CHECK(spelled["negatives"] == 2);
  const Json broken = parse_json(catdog(file("path,label,score\n\"a\nb\",1,0.9\n\"c\r\nd\",0,0.1\n")).out);
  CHECK(broken["samples"] == 2);
  check_fails(file("label,value\n1,2\n"), 3, "must name the columns label and one of score");
  check_fails(file("label,score\n1,2\n"), 3, "line 2: the score 2 is no probability; call the column logit");
  check_fails(file("label,logit\n1,two\n"), 3, "line 2: \"two\" is not a number");
  check_fails(file("label,logit\n1,2\n1\n"), 3, "line 3: 1 fields, but 2 columns");
  check_fails(file("label,logit\n"), 3, "holds no samples");
  check_fails(file("label,logit\ncat,1\ndog,2\n"), 3, "say with --positive which of these is: cat, dog");
  check_fails("metrics " + (folder / "none.csv"), 3, "none.csv");
  check_fails("metrics", 2, "FILE");
  check_fails(file(scores) + " --threshold 2", 2, "a probability between 0 and 1");
}

TEST_CASE("metrics: an error does not repeat a whole file") {
  const TemporaryFolder folder;
  std::string columns = "first";
  for (int i = 0; i < 20000; ++i) columns += ",column" + std::to_string(i);
  write_file(folder / "x.csv", columns + ",last\n");
  const Result r = catdog("metrics " + (folder / "x.csv"));
  CHECK(r.code == 3);
  CHECK(r.err.size() < 2200);
  for (const char* part : {"must name the columns label", "first, column0", " ... ", "column19999, last\n"}) {
    CHECK(contains(r.err, part));
  }
}
