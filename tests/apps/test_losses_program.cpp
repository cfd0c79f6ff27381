// The program losses, run as its users run it, and the plots it writes.
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/plots/plot.h"
#include "losses/loss.h"
#include "tests/apps/markup.h"
#include "tests/golden.h"
#include "tests/program.h"

using namespace counterpoise;

namespace {

using Json = nlohmann::json;

Result losses_program(const std::string& arguments) { return shell(program("losses") + " " + arguments); }

void check_fails(const std::string& arguments, int code, const std::string& part) {
  check_program_fails(program("losses"), arguments, code, part);
}

Json eval(const std::string& arguments) {
  const Result r = must_succeed(losses_program("eval " + arguments));
  CHECK(r.err == "");
  return parse_json(r.out);
}

}  // namespace

TEST_CASE("losses: help, version and list go to stdout, exit code 0") {
  for (const char* arguments :
       {"--help", "-h", "list --help", "eval --help", "walk --help", "tables --help", "curves --help"}) {
    const Result r = must_succeed(losses_program(arguments));
    CHECK(contains(r.out, "Usage: ./apps/losses"));
    CHECK(r.err == "");
  }
  CHECK(contains(losses_program("--version").out, "Counterpoise"));
  CHECK(losses_program("tables").out != "");

  const std::string list = losses_program("list").out;
  const Json json = parse_json(losses_program("list --json").out);
  REQUIRE(json.size() == losses().size());
  for (size_t i = 0; i < losses().size(); ++i) {
    const LossInfo& loss = losses()[i];
    CHECK_MESSAGE(contains("\n" + list, "\n" + loss.name + ": "), loss.name);
    CHECK_MESSAGE(contains(list, loss.source), loss.source);
    CHECK(json[i]["name"] == loss.name);
    CHECK(json[i]["forms"].size() == (loss.outputs == LossInfo::either ? 2 : 1));
    CHECK(json[i]["needs_counts"] == loss.is(LossInfo::needs_counts));
    REQUIRE(json[i]["parameters"].size() == loss.params.size());
    for (size_t p = 0; p < loss.params.size(); ++p) {
      CHECK(json[i]["parameters"][p]["name"] == loss.params[p].name);
      const LossParam& param = loss.params[p];
      const bool word = param.value == -1 && !param.word.empty();
      CHECK(json[i]["parameters"][p]["default"] == (word ? Json(param.word) : Json(param.value)));
      CHECK(contains(list, "--" + param.name + " "));
      CHECK(contains(list, " (" + param.range() + "): " + param.help));
    }
  }
}

// Computed in double by an independent program.
TEST_CASE("losses: eval gives golden values with four classes, 1e-9") {
  struct Row {
    const char* request;
    double of_0, of_3;  // with label 0, with label 3
  };
  const Row rows[] = {
      {"cross-entropy", 1.3439104981, .5439104981},
      {"cross-entropy --label-smoothing 0.1", 1.3864104981, .6664104981},
      {"cross-entropy --label-smoothing 0.1 --class-weights balanced", 4.4608263296, .5220325171},
      {"focal --gamma 2", .7342879299, .0957294317},
      {"logit-adjusted --tau 1", .0608820419, 3.8660522279},
      {"balanced-softmax", .0608820419, 3.8660522279},
      {"cdt --gamma 0.3", .7345605776, 1.4321832913},
      {"vs --gamma 0.3 --tau 1", .0455865564, 5.3483794561},
      {"poly1 --epsilon 1", 2.0830867770, .9634366318},
      {"gce --q 0.7", .8709429820, .4523466418},
      {"seesaw --p 0.8 --q 2", .2970610188, .5439104981},
      {"softmax-equalization --gamma 1 --lambda 0.05", .1839007409, .4318128818},
  };
  for (const Row& row : rows) {
    for (const int label : {0, 3}) {
      const Json y =
          eval(detail::text(row.request, " --logits 1.2,-0.4,0.3,2.0 --counts 1000,100,50,10 --labels ", label));
      CAPTURE(row.request);
      CHECK(std::fabs(y["value"].get<double>() - (label == 0 ? row.of_0 : row.of_3)) < 1e-9);
      CHECK(y["form"] == "a logit per class");
    }
  }
  const std::string cosines = "ldam --class-weights none --logits 0.3,-0.1,0.075,0.5 --counts 1000,100,50,10 --labels ";
  CHECK(std::fabs(eval(cosines + "0")["value"].get<double>() - 10.7434409946) < 1e-9);
  CHECK(std::fabs(eval(cosines + "3")["value"].get<double>() - 9.0012995888) < 1e-9);

  const Json focal = eval("focal --logits 1.2,-0.4,0.3,2.0 --labels 3");
  const double gradient[] = {.115000478, .023218196, .046755705, -.184974379};
  for (int k = 0; k < 4; ++k) CHECK(std::fabs(focal["gradient"][0][k].get<double>() - gradient[k]) < 1e-9);
  CHECK(focal["parameters"] == Json{{"gamma", 2}});  // alpha belongs to the other form
}

TEST_CASE("losses: eval prints what the library computes, to the last digit") {
  Backend& backend = reference_backend();
  const std::vector<double> logits = {-1, 2, 0.1};
  const Var z(Tensor::from(backend, {3}, logits), true);
  LossOptions options;
  options.class_weights = {0.5, 3};
  options.reduction = "weighted-mean";
  Loss loss("focal", {{"gamma", 1.5}, {"alpha", -1}}, options);
  const Labels labels = make_labels(backend, {0, 1, 1}, 1, DType::f64);
  const Var value = loss(z, labels);
  value.backward();
  const Result r = losses_program(
      "eval focal --gamma 1.5 --alpha none --class-weights 0.5,3 --reduction weighted-mean --logits '-1;2;0.1' "
      "--labels 0,1,1");
  const Json y = parse_json(r.out);
  CHECK(y["value"] == value.value().item());
  CHECK(y["per_sample"] == loss.per_sample(z, labels).value().to_vector<double>());
  for (int n = 0; n < 3; ++n) CHECK(y["gradient"][n][0] == z.grad().to_vector<double>()[n]);
  CHECK(y["logits"] == Json{{-1}, {2}, {0.1}});
  CHECK(y["labels"] == Json{0, 1, 1});
  CHECK(y["class_weights"] == Json{0.5, 3});
  CHECK(y["reduction"] == "weighted-mean");
  CHECK(y["form"] == "one logit");
  CHECK(y["parameters"] == Json{{"gamma", 1.5}, {"alpha", "none"}});
  CHECK(contains(r.out, "0.10000000000000001"));  // 17 digits
}

TEST_CASE("losses: eval takes negative numbers, soft targets, weights by scheme and another positive class") {
  CHECK(eval("cross-entropy --logits -1.2,3 --labels 0")["logits"] == Json{{-1.2, 3}});
  CHECK(eval("cross-entropy --logits -.5,3 --labels 0")["logits"] == Json{{-0.5, 3}});
  CHECK(eval("bce '--logits=-1;2' --labels '1;0'")["logits"] == Json{{-1}, {2}});
  CHECK(eval("poly1 --epsilon -0.5 --logits 1 --labels 1")["parameters"]["epsilon"] == -0.5);

  const double z = 0.7, soft = eval("bce --logits 0.7 --labels 0.25")["value"];
  CHECK(soft == doctest::Approx(std::log1p(std::exp(z)) - 0.25 * z));
  CHECK(eval("bce --logits 0.7 --labels 0.75 --positive 0")["value"] == soft);
  CHECK(eval("bce --logits 0.7 --labels 0 --positive 0")["value"] == doctest::Approx(std::log1p(std::exp(-z))));
  const Json rows = eval("cross-entropy --logits '1,2;3,-1' --labels '0.25,0.75;1,0'");
  CHECK(rows["per_sample"][0] == doctest::Approx(std::log(std::exp(1.) + std::exp(2.)) - 0.25 * 1 - 0.75 * 2));
  CHECK(rows["labels"] == Json{{0.25, 0.75}, {1, 0}});
  CHECK(eval("cross-entropy --logits 1,2 --labels 0,1")["labels"] ==
        Json::array({Json{0, 1}}));  // a row of probabilities, because it adds up to 1

  CHECK(eval("bce --logits '1;2' --labels 0,1 --class-weights balanced --counts 1000,11000")["class_weights"] ==
        Json{6, 12000. / 22000});
  CHECK(eval("bce --logits '1;2' --labels 0,1 --class-weights 1=6,0=2")["class_weights"] == Json{2, 6});
  CHECK(eval("bce --pos-weight auto --logits 1 --labels 1 --counts 30,10")["value"] ==
        doctest::Approx(3 * std::log1p(std::exp(-1))));
  CHECK(eval("dice --logits '1;2' --labels 0,1")["per_sample"].is_null());
  CHECK(eval("bce --logits '1;2;3' --labels 0,1,1 --reduction positives")["value"] ==
        eval("bce --logits '1;2;3' --labels 0,1,1 --reduction sum")["value"].get<double>() / 2);
  CHECK(eval("cross-entropy --ignore-index 9 --logits '1,2;3,4' --labels 9,0")["value"] ==
        doctest::Approx(std::log1p(std::exp(1.))));
}

TEST_CASE("losses: wrong command lines give exit code 2 and one line that helps") {
  check_fails("", 2, "list, eval, walk, tables, curves");
  check_fails("curvs", 2, "did you mean curves?");
  check_fails("--verison", 2, "did you mean --version?");
  check_fails("walk --fast", 2, "unknown option --fast");
  check_fails("eval", 2, "which loss? Valid are mse");
  check_fails("eval focus --logits 1 --labels 0", 2, "unknown loss \"focus\"; valid are mse");
  check_fails("eval bce --labels 0", 2, "--logits: none are given");
  check_fails("eval bce --logits 1", 2, "--labels: none are given");
  check_fails("eval bce --logits 1 --labels 0 --counts ''", 2, "--counts: nothing was given");
  check_fails("eval bce --logits 1 --labels 0 --gamma 2", 2, "gamma does not apply");
  check_fails("eval focal --logits 1 --labels 0 --gama 2", 2, "did you mean --gamma?");
  check_fails("eval focal --logits 1 --labels 0 --gamma -2", 2, "out of range");
  check_fails("eval class-balanced --counts 9,1 --logits 1,2 --labels 0 --beta 1", 2,
              "beta 1 is out of range: 0 to 0.99999999");
  check_fails("eval focal --logits 1,2 --labels 0 --alpha 0.5", 2, "alpha does not apply");
  check_fails("eval bce --logits 1,x --labels 0", 2, "\"x\" is not a number");
  check_fails("eval bce --logits 1,nan --labels 0", 2, "\"nan\" is not a number");
  check_fails("eval bce --logits 1e999 --labels 0", 2, "too large");
  check_fails("eval mse --logits 1e300 --labels 0", 2, "not finite");
  check_fails("eval bce --logits '1;;2' --labels 0,1", 2, "a number is missing in row 2");
  check_fails("eval focal --logits '1,2;3' --labels 0,1", 2, "row 1 has 2 logits, row 2 has 1");
  check_fails("eval bce --logits 1,2 --labels 0,1", 2, "separate samples by ';'");
  check_fails("eval seesaw --logits 1 --labels 0", 2, "takes a logit for each class");
  check_fails("eval focal --logits 1,2,3 --labels 0,1,0", 2, "separate them with ';'");
  check_fails("eval bce --logits '1;2' --labels 0", 2, "--labels has 1 number for 2 rows");
  check_fails("eval focal --logits 1,2 --labels 2", 2, "--labels: 2 is not a class; they are 0 to 1");
  check_fails("eval focal --logits 1 --labels -1", 2, "-1 is not a class");
  check_fails("eval focal --logits 1 --labels 0.5", 2, "takes classes, not soft targets; those that do are mse");
  check_fails("eval cross-entropy --logits 1,2 --labels 0.5", 2, "rows of 2 probabilities");
  check_fails("eval cross-entropy --logits 1,2 --labels 0.5,0.6", 2, "add up to 1.1, not 1");
  check_fails("eval bce --logits 1 --labels 1.5", 2, "1.5 is not between 0 and 1");
  check_fails("eval bce --logits 1 --labels 0.5 --class-weights 1,2", 2, "--class-weights none");
  for (const char* name : {"vs", "ldam", "seesaw", "class-balanced", "cross-entropy --class-weights sqrt"}) {
    check_fails(std::string("eval ") + name + " --logits 0.1,0.2,0.3 --labels 0", 2, "add --counts 1000,100,100");
  }
  check_fails("eval weighted-bce --logits 1 --labels 0", 2, "add --counts 1000,100");
  check_fails("eval bce --pos-weight auto --logits 1 --labels 0", 2, "add --counts 1000,100");
  check_fails("eval vs --logits 1,2 --labels 0 --counts 1,2,3", 2, "--counts has 3 numbers for 2 classes");
  check_fails("eval vs --logits 1,2 --labels 0 --counts 1.5,2", 2, "not a number of samples");
  check_fails("eval bce --logits 1 --labels 0 --class-weights 1,2,3", 2, "has 3 numbers for 2 classes");
  check_fails("eval bce --logits 1 --labels 0 --class-weights squared", 2, "valid are none, balanced");
  check_fails("eval bce --logits 1 --labels 0 --class-weights -1,2", 2, "below 0");
  check_fails("eval bce --logits 1 --labels 0 --reduction total", 2, "valid are mean, weighted-mean, sum, positives");
  check_fails("eval dice --logits 1 --labels 0 --reduction sum", 2, "one number for a whole batch");
  check_fails("eval bce --logits 1 --labels 0 --positive 2", 2, "--positive 2 is not a class");
  check_fails("eval cross-entropy --logits 1,2 --labels -100", 2, "all labels of this batch are ignored");
  check_fails("curves --output /proc/nowhere", 1, "/proc/nowhere");
  const Result full = shell(program("losses") + " walk >/dev/full");
  CHECK(full.code == 1);
  CHECK(contains(full.err, "standard output"));
}

TEST_CASE("losses: walk gives the lecture's sums") {
  const std::string out = losses_program("walk").out;
  // Ours, then the lecture's.
  for (const auto& [ours, theirs] :
       {std::pair("2.03979", "2.039"), std::pair("0.45822", "0.458"), std::pair("0.11094", "0.111"),
        std::pair("0.02840", "0.028"), std::pair("0.00758", "0.007"), std::pair("1.20397", "1.204")}) {
    const size_t at = out.find(ours);
    REQUIRE(at != std::string::npos);
    CHECK(out.substr(at + 7, 11).find(theirs) != std::string::npos);
  }
  for (const char* part :
       {"0.84278", "0.58995", "0.41296", "0.28907", "10000.00", "230.00", "43.48", "45.76", "truncated"}) {
    CHECK_MESSAGE(contains(out, part), part);
  }
}

TEST_CASE("losses: walk has the lecture's four contexts, and calls ours what the slides do not print") {
  const std::string out = losses_program("walk").out;
  std::vector<size_t> at;
  for (const char* title :
       {"1. Classification begins (outputs and sums are ours)", "2. After a period of time (outputs and sums are ours)",
        "3. A special context (outputs and sums are ours)", "4. A more severe context (sums of the lecture"}) {
    at.push_back(out.find(title));
    REQUIRE_MESSAGE(at.back() != std::string::npos, title);
  }
  CHECK(std::is_sorted(at.begin(), at.end()));
  // The row of a technique in a context: both sums of the loss, class 0's share in percent, and the same of the signal.
  const auto row = [&](size_t context, const std::string& name) {
    std::istringstream in(out.substr(out.find("   " + name + " ", at[context]) + 33));
    std::vector<double> numbers(6);
    char percent = 0;
    in >> numbers[0] >> numbers[1] >> numbers[2] >> percent >> numbers[3] >> numbers[4] >> numbers[5];
    CHECK(percent == '%');
    return numbers;
  };
  const auto near = [](const std::vector<double>& got, const std::vector<double>& want) {
    for (size_t i = 0; i < want.size(); ++i) CHECK(std::fabs(got[i] - want[i]) <= (i % 3 == 2 ? 0.51 : 0.00051));
  };
  const double log2 = std::log(2.);
  near(row(0, "cross-entropy"), {9 * log2, log2, 10, 4.5, 0.5, 10});
  near(row(0, "class weights 0.56 and 5"), {5 * log2, 5 * log2, 50, 2.5, 2.5, 50});
  near(row(0, "focal, gamma 2"), {9 * log2 / 4, log2 / 4, 10});
  near(row(2, "cross-entropy"), {-9 * std::log(.9), -std::log(.4), 49, .9, .6, 40});
  near(row(3, "cross-entropy"), {2.03979, 1.20397, 37, 1.8, 0.7, 28});
  near(row(3, "focal, gamma 2"), {0.11094, 0.58995, 84});
}

TEST_CASE("plot: bars are as high as their numbers, and names are cut to their place") {
  BarChart chart = {"a < b", "3 & 4", {"cat", "a name that is much too long for its place"}, {1, 4}, {4, 2}};
  const std::string image = bars_svg("R&D's", {chart, chart, chart, chart, chart});
  CHECK(markup_error(image) == "");
  CHECK(contains(image, "a &lt; b"));
  CHECK(contains(image, "R&amp;D&#39;s"));
  CHECK(contains(image, ">cat<"));
  CHECK(!contains(image, "too long"));
  // The first chart's bars, after the background: before and after of each name.
  std::vector<double> heights;
  for (size_t at = image.find("<rect x="); heights.size() < 4; at = image.find("<rect x=", at + 1)) {
    heights.push_back(std::stod(image.substr(image.find("height=\"", at) + 8)));
  }
  const double unit = heights[1] / 4;
  CHECK(heights[0] == doctest::Approx(unit).epsilon(0.01));
  CHECK(heights[2] == doctest::Approx(4 * unit).epsilon(0.01));
  CHECK(heights[3] == doctest::Approx(2 * unit).epsilon(0.01));
  CHECK(contains(error_of([] { bars_svg("none", {}); }), "nothing to draw"));
  chart.after[0] = -1;
  CHECK(contains(error_of([&] { bars_svg("t", {chart}); }), "-1 cannot be drawn"));
  chart.after.pop_back();
  CHECK(contains(error_of([&] { bars_svg("t", {chart}); }), "2 names, but 1 numbers"));
}

TEST_CASE("losses: curves writes plots of every loss and a page that shows them all" * slow()) {
  const TemporaryFolder folder;
  const Result r = must_succeed(losses_program("curves --output " + (folder / "new/curves")));
  CHECK(contains(r.out, "index.html"));
  std::vector<std::string> names = {"focal-paper", "focal-integers", "class-weights", "factors-class-0",
                                    "factors-class-1"};
  for (const LossInfo& loss : losses()) names.push_back(loss.name);
  const std::string page = slurp(folder / "new/curves/index.html");
  for (const std::string& name : names) {
    const std::string svg = slurp(folder / ("new/curves/" + name + ".svg"));
    CAPTURE(name);
    CHECK(markup_error(svg) == "");
    CHECK(contains(svg, "<polyline"));
    CHECK(!contains(svg, "nan"));
    CHECK(contains(page, "<img src=\"" + name + ".svg\""));
  }
  for (const LossInfo& loss : losses()) CHECK(contains(page, "<h3 id=\"" + loss.name + "\">"));
  CHECK(markup_error(page) == "");
  for (const char* far : {"http:", "https:", "<script", "@import", "url("}) {
    std::string rest = page;
    for (size_t at; (at = rest.find("http://www.w3.org/2000/svg")) != std::string::npos;) rest.erase(at, 26);
    CHECK_MESSAGE(!contains(rest, far), far);
  }
}

TEST_CASE("plot: ticks are multiples of 1, 2 or 5 times a power of ten") {
  CHECK(nice_step(0, 10, 5) == 2);
  CHECK(nice_step(-1, 1, 4) == 0.5);
  CHECK(nice_step(0, 0.7, 4) == doctest::Approx(0.2));
  CHECK(nice_step(0, 900, 1) == 1000);
  CHECK(multiples(2, -3, 4) == std::vector<double>{-2, 0, 2, 4});
  CHECK(multiples(0.1, 0, 0.3).size() == 4);
}

TEST_CASE("plot: texts are escaped, lines stay in their image, and what cannot be drawn is refused") {
  Plot plot = {"a < b & \"c\"", "x", "y", {{"<line>", {0, 1, 2}, {-3, 5, 1}}}};
  const std::string image = svg("R&D's", {plot, plot});
  CHECK(markup_error(image) == "");
  CHECK(contains(image, "a &lt; b &amp; &quot;c&quot;"));
  CHECK(contains(image, "&lt;line&gt;"));
  CHECK(contains(image, "R&amp;D&#39;s"));
  CHECK(markup_error(thumbnail(plot)) == "");
  // Axes from 0 to 2 and, a multiple of 2 at either end, from -4 to 6: the points at fractions of a 2-1-2 box.
  const std::string points = thumbnail(plot);
  const size_t at = points.find("<polyline points=\"") + 18;
  double x[3], y[3];
  REQUIRE(std::sscanf(points.c_str() + at, "%lf,%lf %lf,%lf %lf,%lf", x, y, x + 1, y + 1, x + 2, y + 2) == 6);
  CHECK(x[1] - x[0] == doctest::Approx(x[2] - x[1]).epsilon(0.01));
  CHECK((y[0] - y[1]) / (y[0] - y[2]) == doctest::Approx(8. / 4).epsilon(0.01));  // upwards is up

  CHECK(contains(error_of([] { svg("none", {}); }), "nothing to draw"));
  plot.lines[0].y[1] = NAN;
  CHECK(contains(error_of([&] { svg("t", {plot}); }), "cannot be drawn"));
  plot.lines[0].y[1] = 5;
  plot.log_y = true;
  CHECK(contains(error_of([&] { svg("t", {plot}); }), "-3 cannot be drawn"));
  plot.log_y = false;
  plot.lines[0].y.pop_back();
  CHECK(contains(error_of([&] { svg("t", {plot}); }), "3 x but 2 y"));
  plot.lines.assign(8, {"line", {0, 1}, {0, 1}});
  CHECK(contains(error_of([&] { svg("t", {plot}); }), "7 colors"));
  plot.lines.assign(1, {"flat", {0, 1}, {0, 0}});
  CHECK(!contains(svg("t", {plot}), "nan"));
}
