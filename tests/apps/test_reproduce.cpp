// reproduce: the rows and their published numbers, the table and what it says of orders, and that nothing is trained
// twice.
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/compare/arguments.h"
#include "apps/compare/session.h"
#include "apps/loss_explorer/lecture_tables.h"
#include "apps/reproduce/cifar10_lt.h"
#include "apps/reproduce/lectures.h"
#include "apps/reproduce/orders.h"
#include "apps/reproduce/reproduce_command.h"
#include "apps/reproduce/results.h"
#include "apps/reproduce/retinanet.h"
#include "apps/reproduce/study_report.h"
#include "apps/trainer/data_sets.h"
#include "layers/models/models.h"
#include "tests/apps/small_data.h"
#include "tests/golden.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

Result reproduce(const std::string& arguments) { return catdog("reproduce " + arguments); }

Study synthetic() { return lecture_study({"synthetic", "", ""}); }

const StudyRow& row(const Study& study, const std::string& name) {
  REQUIRE(study.find(name) < study.rows.size());
  return study.rows[study.find(name)];
}

// Results without trainings: `values` has F1, tuned F1 and average precision of some rows over the seeds.
StudyResults made_up(const Study& study, const std::map<std::string, std::vector<std::vector<double>>>& values,
                     size_t seeds) {
  StudyResults results;
  for (size_t s = 0; s < seeds; ++s) results.seeds.push_back(static_cast<int64_t>(s + 1));
  for (const StudyRow& r : study.rows) {
    RowResult result;
    result.values.assign(study.metrics.size(), std::vector<double>(seeds, NAN));
    const auto given = values.find(r.name);
    if (given != values.end()) {
      result.present = true, result.done = seeds;
      for (size_t m = 0; m < given->second.size(); ++m) result.values[m] = given->second[m];
    }
    for (const auto& metric : result.values) result.summaries.push_back(summarize(metric));
    results.rows.push_back(result);
  }
  return results;
}

// A folder of CIFAR-10's classes with this many images each.
ShapeSet ten_classes(int train, int validation) {
  return ShapeSet({"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"},
                  {{"train", train}, {"validation", validation}});
}

const char* const tiny = " -- --width 0.03125 --max-steps 2 --device cpu --threads 1 --workers 1";

}  // namespace

TEST_CASE("reproduce: every row of the lectures is there with the slide's number, at every scale") {
  for (const char* scale : {"full", "small", "synthetic"}) {
    CAPTURE(scale);
    const Study study = lecture_study({scale, scale == std::string("synthetic") ? "" : "DIR", ""});
    std::set<std::string> names;
    for (const StudyRow& r : study.rows) {
      CAPTURE(r.name);
      CHECK(names.insert(r.name).second);
      CHECK(r.seconds > 0);
      CHECK(flags_in(r.arguments).count("--count") == 1);
      if (!r.varies.empty()) CHECK(study.find(r.varies) < study.rows.size());
    }
    for (int i = 1; i <= 19; ++i) CHECK(names.count(text("R", i)) == 1);
    CHECK(names.count("R16-500") == (scale != std::string("synthetic")));
    for (const LectureTable& slide : lecture_results()) {
      CAPTURE(slide.name);
      CHECK(row(study, slide.name).value() == doctest::Approx(slide.counts.f1()).epsilon(0.001));
    }
  }
  const Study study = synthetic(), full = lecture_study({"full", "DIR", ""});
  CHECK(row(study, "R8").published[0].text == "0.876");
  CHECK(row(study, "R15").published[0].text == "(0.806)");
  CHECK(row(study, "R19").published[0].text == "? ? ?");
  CHECK(std::isnan(row(study, "R19").value()));
  CHECK(row(full, "R10").arguments ==
        Words{"--count", "cat=500,dog=11000", "--loss", "bce", "--class-weights", "cat=11.5,dog=0.52"});
  CHECK(row(study, "R8").arguments ==
        Words{"--count", "cat=200,dog=2200", "--loss", "focal", "--gamma", "2", "--alpha", "0.5"});
  // Two rows of the slides are one experiment, and the sweep's row with R13's options is R13.
  CHECK(training_of(study, study.find("R15")) == study.find("R4"));
  CHECK(training_of(study, study.find("retinanet-2-0.5")) == study.find("R13"));
  CHECK(contains(full.requirements, "for a GPU"));
  CHECK(contains(error_of(
                     [] {
                       lecture_study({"smal", "", ""});
                     },
                     ErrorKind::invalid_argument),
                 "did you mean small?"));
  CHECK(contains(error_of([] { lecture_study({"small", "", ""}); }, ErrorKind::invalid_argument), "--data DIR"));
  CHECK(contains(error_of(
                     [] {
                       lecture_study({"synthetic", "DIR", ""});
                     },
                     ErrorKind::invalid_argument),
                 "--data DIR: "));
}

TEST_CASE("reproduce: rows are chosen by name and by group") {
  const Study study = synthetic();
  const auto names = [&](const Words& chosen) {
    Words all;
    for (const size_t r : select_rows(study, chosen)) all.push_back(study.rows[r].name);
    return all;
  };
  CHECK(names({}).size() == study.rows.size());
  CHECK(names({"r8", "R4", "R8"}) == Words{"R4", "R8"});
  CHECK(names({"balanced"}) == Words{"R1", "R2", "R3"});
  CHECK(names({"RetinaNet"}).size() == 19);
  CHECK(
      contains(error_of([&] { select_rows(study, {"R20"}); }, ErrorKind::invalid_argument), "there is no row \"R20\""));
  CHECK(contains(error_of([&] { select_rows(study, {"balnced"}); }, ErrorKind::invalid_argument),
                 "did you mean balanced?"));
  CHECK(duration_text(30) == "30 s");
  CHECK(duration_text(100) == "2 min");
  CHECK(duration_text(7260) == "2 h 1 min");
  CHECK(duration_text(40 * 3600) == "40 h");
  CHECK(duration_text(100 * 86400) == "100 days");
}

TEST_CASE("reproduce: the tuned threshold is chosen by other images than those it is applied to") {
  const TemporaryFolder folder;
  const auto tuned = [&](const std::string& rows) {
    write_file(folder / "predictions.csv", "path,label,logit\n" + rows);
    return tuned_f1(folder / "predictions.csv");
  };
  // All positives are above all negatives, though below 0: F1 is 0 at a logit of 0, and 1 at a tuned one.
  CHECK(tuned("a,1,-1\nb,1,-1.1\nc,1,-1.2\nd,1,-1.3\ne,0,-3\nf,0,-4\ng,0,-5\nh,0,-6\n") == doctest::Approx(1));
  // The halves are a, c, e, g and b, d, f, h. The first would have the threshold 1.5 and the second -1.5: with these
  // the other half has tp 0, fn 2, fp 0 and tp 2, fp 2. Where a half chose for itself, F1 would be 1.
  CHECK(tuned("a,1,2\nb,1,-1\nc,1,2\nd,1,-1\ne,0,1\nf,0,-2\ng,0,1\nh,0,-2\n") == doctest::Approx(4. / 8));
  CHECK(std::isnan(tuned("a,1,2\nb,0,-1\n")));
  CHECK(std::isnan(tuned_f1(folder / "missing.csv")));
  CHECK(contains(error_of([&] { tuned("a,1,x\n"); }, ErrorKind::bad_data), "predictions.csv, line 2: \"x\""));
}

TEST_CASE("reproduce: the table has ours beside the slide, and the paragraphs say where the order differs") {
  const Study study = synthetic();
  const std::vector<double> plain = {0.80, 0.82}, focal = {0.70, 0.72}, weights = {0.90, 0.92};
  const StudyResults results = made_up(study,
                                       {{"R4", {plain, {0.85, 0.85}, {0.90, 0.91}}},
                                        {"R5", {weights, weights, weights}},
                                        {"R8", {focal, {0.86, 0.865}, {0.92, 0.93}}},
                                        {"R8-alpha", {{0.83, 0.84}, {0.86, 0.86}, {0.92, 0.92}}},
                                        {"R4-longer", {{0.84, 0.84}, {}, {}}},
                                        {"R8-longer", {{0.86, 0.87}, {}, {}}},
                                        {"R15", {plain, {0.85, 0.85}, {0.90, 0.91}}}},
                                       2);
  const std::string table = study_table(study, results);
  CHECK(contains(table, "| R8        | 200 cats, 2200 dogs | focal loss, γ = 2, α = 0.5"));
  CHECK(contains(table, "| 0.876     | 0.710 ± 0.014 | 0.863 ± 0.004"));
  CHECK(contains(table, "| ours "));
  CHECK(contains(table, "2 of R4 |"));
  CHECK(!contains(table, "| R9 "));
  const auto orders = compare_orders(study, results);
  REQUIRE(orders.size() == 1);
  CHECK(orders[0].pairs == 3);
  REQUIRE(orders[0].disagreements.size() == 2);  // focal below both
  CHECK(study.rows[orders[0].disagreements[0].above].name == "R8");
  StudyResults apart = results;  // of other seeds than the rest: no pair has a common one
  for (auto& values : apart.rows[study.find("R5")].values) std::fill(values.begin(), values.end(), std::nan(""));
  CHECK(compare_orders(study, apart)[0].pairs == 1);
  const std::string section = orders_section(study, results);
  CHECK(contains(section, "1 of 3 pairs of rows are in the same order"));
  CHECK(contains(section,
                 "The slide puts focal loss, γ = 2, α = 0.5 (R8) above plain: L_cat + L_dog (R4) (0.876, "
                 "0.833). Here F1 at 0.5 is 0.710 and 0.810, a difference of -0.100 ± 0.000 (0 of 2 seeds as "
                 "the slide)."));
  CHECK(contains(section, "ranked as the slide suggests, and the threshold of 0.5 hides it"));
  CHECK(
      contains(section, "With three times as many epochs for both: 0.865 and 0.840, a difference of +0.025 ± 0.005."));
  CHECK(contains(section, "With α = 0.75 for the first: 0.835 and 0.810"));
  const std::string report = study_report(study, results);
  CHECK(contains(report, "# The lectures' experiments"));
  CHECK(contains(report, "R13 repeats R8's counts"));
  CHECK(!contains(report, "RetinaNet"));

  const auto json = study_json(study, results);
  CHECK(json["rows"][study.find("R8")]["metrics"]["f1"]["mean"].get<double>() == doctest::Approx(0.71));
  CHECK(json["orders"][0]["disagreements"][1]["agree"] == 0);
  CHECK(contains(json.dump(), R"({"source":"","text":"? ? ?","value":null})"));
  const std::string csv = study_csv(study, results);
  CHECK(count(csv, "\n") == 1 + 7);
  CHECK(contains(csv, "\nR8,imbalanced-1,\"200 cats, 2200 dogs\","));
}

TEST_CASE("reproduce: the table says what rows cannot be trained, of the groups that are in it") {
  Study study = synthetic();
  study.rows[study.find("R16")].needs = "it needs weights";
  const std::vector<std::vector<double>> values(3, {0.5});
  CHECK(!contains(study_table(study, made_up(study, {{"R4", values}}, 1)), "Not trained"));
  CHECK(
      contains(study_table(study, made_up(study, {{"R17", values}}, 1)), "Not trained:\n\n- R16: it needs weights\n"));
}

TEST_CASE("reproduce: RetinaNet's tables are printed beside ours, with what the grid says") {
  const Study study = synthetic();
  std::map<std::string, std::vector<std::vector<double>>> values;
  for (const StudyRow& r : study.rows) {
    if (r.group != retinanet_group) continue;
    const auto flags = flags_in(r.arguments);
    const double gamma = std::stod(flags.at("--gamma")), alpha = std::stod(flags.at("--alpha"));
    const double best = 0.8 - 0.1 * gamma;  // it falls
    values[r.name] = std::vector<std::vector<double>>(3, {0.9 - std::fabs(alpha - best), 0.9});
    values[r.name][0][1] = values[r.name][0][0];
  }
  const std::string section = retinanet_section(study, made_up(study, values, 2));
  CHECK(contains(section, "| 0.999 | 0   | 25.1"));
  CHECK(contains(section, "| 34.0"));
  CHECK(contains(section,
                 "The best α by F1 at 0.5 is 0.75 at γ = 0, 0.5 at γ = 2, 0.25 "
                 "at γ = 5: it falls as γ grows, as in the paper, and at γ = 0 it is inside the grid."));
  CHECK(retinanet_section(study, made_up(study, {}, 2)) == "");
}

TEST_CASE("reproduce: CIFAR-10-LT has the papers' recipe and numbers") {
  const Cifar10LtRequest request{"DIR", 100, 200, "vgg11_bn"};
  const Study study = cifar10_lt_study(request);
  const auto flags = flags_in(study.common);
  CHECK(flags.at("--imbalance") == "exp:100");
  CHECK(flags.at("--subset") == "first");
  CHECK(flags.at("--lr-milestones") == "160,180");
  CHECK(flags.at("--warmup-epochs") == "5");
  CHECK(row(study, "cross-entropy").data == "12406 images");
  CHECK(row(study, "ldam-drw").published[0].text == "77.73");
  CHECK(row(study, "crt").arguments == Words{"--loss", "cross-entropy", "--crt", "10"});
  CHECK(std::isnan(row(study, "vs").value()));

  Cifar10LtRequest shorter = request;
  shorter.imbalance = 10, shorter.epochs = 60;
  const Study at_10 = cifar10_lt_study(shorter);
  CHECK(flags_in(at_10.common).at("--lr-milestones") == "48,54");
  CHECK(flags_in(at_10.common).at("--warmup-epochs") == "3");
  CHECK(row(at_10, "cross-entropy").data == "20431 images");
  CHECK(row(at_10, "ldam-drw").value() == doctest::Approx(88.16));
  CHECK(row(at_10, "tau-norm").published.empty());
  const auto refused = [&](const Cifar10LtRequest& r, const std::string& part) {
    CHECK(contains(error_of([&] { cifar10_lt_study(r); }, ErrorKind::invalid_argument), part));
  };
  refused({"", 100, 200, "vgg11_bn"}, "--data DIR");
  refused({"DIR", 50, 200, "vgg11_bn"}, "--imbalance 50");
  refused({"DIR", 100, 200, "vgg99"}, "--model: \"vgg99\" is unknown; valid are");
}

TEST_CASE("reproduce: a wrong command line is one clear line, and trains nothing" * slow()) {
  const TemporaryFolder out;
  check_fails("reproduce R99 --output " + (out / "a"), 2, "there is no row \"R99\"");
  check_fails("reproduce --scale small --output " + (out / "a"), 2, "--scale small needs photographs: --data DIR");
  check_fails("reproduce R4 --scale small --data " + (out / "none") + " --output " + (out / "a"), 2, "none");
  check_fails("reproduce R4 --shard 3/2 --output " + (out / "a"), 2, "shards are 1/n to n/n");
  check_fails("reproduce R4 --seeds 0 --output " + (out / "a"), 2, "--seeds");
  check_fails("reproduce R4 --output " + (out / "a") + " -- --seed 3", 2, "--seed");
  check_fails("reproduce --table --output " + (out / "a"), 2, "nothing was trained in");
  check_fails("reproduce cifar10-lt --output " + (out / "a"), 2, "--data DIR");
  check_fails("reproduce cifar10-lt --data x --epochs 1.5 --output " + (out / "a"), 2, "--epochs 1.5");
  CHECK(!fs::exists(out / "a"));
  CHECK(contains(reproduce("cifar10-lt --list").out, "\nSources: CB Cui et al. 2019"));
  const Result list = must_succeed(reproduce("--list --scale full --seeds 5"));
  CHECK(contains(list.out, "| R8 "));
  CHECK(contains(list.out, "as R4"));
  CHECK(contains(list.out, "VGG16 at 160x160 is for a GPU"));
}

TEST_CASE("reproduce: rows are trained once, in shards and again, and the files hold the table" * slow()) {
  const TemporaryFolder out;
  const auto in = [&](const std::string& name, const std::string& rows, const std::string& more = "") {
    return rows + " --scale synthetic --output " + (out / name) + more + tiny;
  };
  const Result one = must_succeed(reproduce(in("one", "R4 R15 R8", " --seeds 2")));
  CHECK(count(one.err, " done in ") == 4);  // R15 is R4
  CHECK(contains(one.out, "2 of R4"));
  CHECK(contains(one.out, "| 0.876 "));
  CHECK(contains(one.out, "Mean ± standard deviation over 2 seeds."));
  for (const char* file : {"reproduce.md", "reproduce.csv", "reproduce.json", "compare.json"})
    CHECK(fs::exists(out / "one/" + file));
  CHECK(contains(slurp(out / "one/reproduce.md"), one.out));

  const Result again = reproduce(in("one", "R8 R4 R15", " --seeds 2"));
  CHECK(again.out == one.out);
  CHECK(count(again.err, " done in ") == 0);
  CHECK(reproduce("--scale synthetic --table --output " + (out / "one")).out == one.out);
  // The table of another study does not replace this one's.
  for (const char* other : {"--scale full", "cifar10-lt"}) {
    check_fails(std::string("reproduce ") + other + " --table --output " + (out / "one"), 2,
                "of another study or scale");
  }
  check_fails("reproduce R4 --table --output " + (out / "one"), 2, "--table prints all rows");
  CHECK(contains(slurp(out / "one/reproduce.md"), one.out));

  const Result half = reproduce(in("shards", "R4 R15 R8", " --seeds 2 --shard 1/2"));
  CHECK(count(half.err, " done in ") == 2);
  CHECK(contains(half.out, "2 trainings are missing"));
  const Result whole = reproduce(in("shards", "R4 R15 R8", " --seeds 2 --shard 2/2"));
  CHECK(count(whole.err, " done in ") == 2);
  CHECK(whole.out == one.out);
  CHECK(slurp(out / "shards/reproduce.csv") == slurp(out / "one/reproduce.csv"));

  // Another row and fewer seeds: only what was named is trained.
  const Result more = reproduce(in("one", "R9", " --seeds 1"));
  CHECK(count(more.err, " done in ") == 1);
  CHECK(contains(more.out, "| R9 "));
  check_fails("reproduce R9 --scale synthetic --output " + (out / "one") + " -- --epochs 9", 2, "contradicts");
}

TEST_CASE("reproduce: the options of its recipe, the first images by name and a rate that drops at milestones" *
          slow()) {
  const DataSet data;
  const TemporaryFolder out;
  const auto images = [&](const std::string& subset) {
    const Words words = split_arguments("train " + data.flags("--count cat=2,dog=3 --subset " + subset));
    Options options = parse_options({/*lectures=*/true}, words);
    const TrainingData training(options);
    Words paths;
    for (const size_t i : training.chosen)
      paths.push_back(fs::path(training.training->samples()[i].path).filename().string());
    return paths;
  };
  CHECK(images("first") == Words{"cat.0.bmp", "cat.1.bmp", "dog.0.bmp", "dog.1.bmp", "dog.2.bmp"});
  CHECK(images("drawn") != images("first"));
  must_succeed(
      catdog(data.flags("--schedule multistep --lr-milestones 1,1.5 --lr-gamma 0.1 --warmup-epochs 0 --output ") +
             (out / "a")));
  const std::string steps = slurp(out / "a/steps.csv");  // three per epoch
  CHECK(count(steps, ",0.001\n") == 3);
  CHECK(count(steps, ",0.0001\n") == 2);
  CHECK(count(steps, "e-05\n") == 1);
  check_fails("--schedule multistep", 2, "--schedule multistep needs the epochs of its drops, rising, as 160,180");
  check_fails("--schedule multistep --lr-milestones 3,3", 2, "rising, as 160,180");
  check_fails("--schedule multistep --lr-milestones 3,x", 2, "--lr-milestones");
  check_fails("--lr-milestones 3", 2, "--lr-milestones belongs to --schedule multistep, not to cosine");
  check_fails("--augment crop=65", 2, "crop's pixels");
}

TEST_CASE("reproduce: methods on CIFAR-10-LT, with the first images of each class" * slow()) {
  const ShapeSet data = ten_classes(100, 2);
  const TemporaryFolder out;
  const std::string options = "reproduce cifar10-lt crt ldam-drw --seeds 1 --epochs 2 --model vgg11_bn --data " +
                              data.folder.path() + " --output " + (out / "a") + tiny;
  const Result r = must_succeed(catdog(options));
  CHECK(count(r.err, " done in ") == 2);
  CHECK(contains(r.out, "| 77.73 BT, 77.03 LD, 77.97 ± 0.17 DDC |"));
  CHECK(contains(slurp(out / "a/reproduce.md"), "The result is that of the last epoch"));
  for (const auto& entry : fs::recursive_directory_iterator(out / "a")) {
    if (entry.path().filename() != "result.json") continue;
    const auto result = parse_json(slurp(entry.path().string()));
    CHECK(result["training_images"]["airplane"] == 100);
    CHECK(result["training_images"]["truck"] == 1);
    CHECK(result["epoch"] == 1);  // --max-steps ends it there
    CHECK(result["options"]["subset"] == "first");
    CHECK(result["options"]["lr-milestones"] == "1.6,1.8");
  }
}
