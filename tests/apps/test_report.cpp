// report.html: it says what the run's files say, reads files of any origin without trusting them, and needs no other
// file. tests/apps/screenshots.sh shows how it looks in a browser.
#include "apps/report/report.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "apps/report/html.h"
#include "apps/report/thumbnail.h"
#include "data/images/shapes.h"
#include "losses/metrics/posthoc.h"
#include "tests/apps/report_runs.h"
#include "tests/apps/small_data.h"

using namespace counterpoise;
using Json = nlohmann::ordered_json;

namespace {

Json data_of(const std::string& page) {
  const std::string start = "<script type=\"application/json\" id=\"data\">";
  const size_t from = page.find(start) + start.size();
  return Json::parse(page.substr(from, page.find("</script>", from) - from));
}

// The counts that the page's slider shows: those of the last step at or above the cut.
std::pair<int64_t, int64_t> counts_at(const Json& sweep, double cut) {
  std::pair<int64_t, int64_t> y = {0, 0};
  for (const Json& step : sweep["steps"]) {
    if (step[0] >= cut) y = {step[1], step[2]};
  }
  return y;
}

const char* const sections_of_two[] = {"result",      "threshold", "metrics", "curves", "scores",     "images",
                                       "calibration", "epochs",    "shares",  "counts", "unreadable", "options"};
bool has_section(const std::string& page, const std::string& id) {
  return contains(page, "<section id=\"" + id + "\">") && contains(page, "<a href=\"#" + id + "\">");
}

}  // namespace

TEST_CASE("report: two classes: the page says what the files say") {
  const TwoClassRun run;
  const std::string page = run.page();
  for (const char* id : sections_of_two) {
    CAPTURE(id);
    CHECK(has_section(page, id));
  }
  CHECK(contains(page, "On the 8 test images, the network of epoch 3 finds <strong>2 of 3</strong>"));
  CHECK(contains(page, "<strong>66.7%</strong> (95% interval 12.5% to 93.8%)"));
  CHECK(contains(page, "Of the 3 images that it predicts as"));
  CHECK(contains(page, "from a probability of <strong>0.3</strong> on"));
  CHECK(contains(page, "<code>recall=0.6</code>"));
  // The matrix, with the positive class first, whatever the order of the classes.
  for (const char* part : {"id=\"tp\" style=\"--h:0.667\"><b>2</b>", "id=\"fn\" style=\"--h:0.333\"><b>1</b>",
                           "id=\"fp\" style=\"--h:0.200\"><b>1</b>", "id=\"tn\" style=\"--h:0.800\"><b>4</b>"}) {
    CAPTURE(part);
    CHECK(contains(page, part));
  }
  for (const char* part :
       {"0.756", "0.222", "11,000", "12,345", "8.3%", "11.0 times", "a/b.jpg: no image", "best epoch 3",
        "by average-precision (0.810)", "vgg16", "<dt>lr</dt><dd>0.001</dd>", "chance: 37.5% of the images are cat"}) {
    CAPTURE(part);
    CHECK(contains(page, part));
  }
  const Json two = data_of(page)["two_classes"];
  CHECK(two["positive"] == "cat");
  CHECK(two["kept"] == doctest::Approx(std::log(0.3 / 0.7)));
  CHECK(two["reported"]["steps"].size() == 8);
  CHECK(counts_at(two["reported"], two["kept"]) == std::pair<int64_t, int64_t>(2, 1));
  // At 0.5: both cats, no dog. It is halfway between 0.5 and 0.25 in logits.
  CHECK(two["best"] == doctest::Approx(0.375));
  CHECK(counts_at(two["reported"], two["best"]) == std::pair<int64_t, int64_t>(2, 0));
}

TEST_CASE("report: two classes: the most wrong images, as thumbnails where they can be read") {
  TwoClassRun run;
  write_bmp(run.folder / "dog.bmp", std::vector<uint8_t>(16 * 16 * 3, 200), 16);
  write_file(run.folder / "predictions.csv",
             "path,label,logit\nsynthetic/cat.0,1,-2\nx/gone.png,1,-3\nfound.png,1,2\n" + run.folder.path() +
                 "/dog.bmp,0,4\n");
  run.result["tp"] = 1, run.result["fn"] = 2, run.result["fp"] = 1, run.result["tn"] = 0;
  run.write();
  const std::string page = run.page();
  const size_t gone = page.find("data-path=\"x/gone.png\""), synthetic = page.find("data-path=\"synthetic/cat.0\""),
               dog = page.find("/dog.bmp\"");
  CHECK(gone < synthetic);  // the more confident first
  CHECK(synthetic < dog);
  CHECK(dog < page.size());
  CHECK(!contains(page, "data-path=\"found.png\""));
  CHECK(page.substr(gone, 200).find("cannot be read") != std::string::npos);
  CHECK(contains(page.substr(synthetic, 100), "<img src=\"data:image/jpeg;base64,/9j/"));
  CHECK(contains(page, "alt=\"dog, predicted as cat 98.2%\""));
  CHECK(contains(page, "<b>cat</b> predicted as dog 95.3%"));
}

TEST_CASE("report: synthetic images are those of the split") {
  // As the sets of apps/trainer/data_sets.cpp draw them; a name that stands for none is an image that cannot be read.
  TwoClassRun run("disc", "arrow");
  write_file(
      run.folder / "predictions.csv",
      "path,label,logit\nsynthetic/disc.3,1,-9\nsynthetic/disc.x,1,-8\nsynthetic/disc.-1,1,-7\nsynthetic/cube.0,1,-6\n"
      "synthetic/arrow.0,0,5\n");
  const auto image_of = [](const std::string& page, const std::string& name) {
    const size_t at = page.find("data-path=\"synthetic/" + name + "\""), end = page.find("</button>", at);
    REQUIRE(end != std::string::npos);
    const size_t source = page.find("src=\"", at);
    return source < end ? page.substr(source + 5, page.find('"', source + 5) - source - 5) : "";
  };
  const auto expected = [](uint64_t seed) {
    return html_report::thumbnail_uri({96, 96, draw_shape(0, 96, seed, 3)}, 96);
  };
  const std::string test = run.page();
  CHECK(image_of(test, "disc.3") == expected(~uint64_t(0) - 1));
  for (const char* name : {"disc.x", "disc.-1", "cube.0"}) CHECK(image_of(test, name) == "");
  CHECK(image_of(test, "arrow.0") != "");
  run.result["split"] = "validation";
  run.write();
  CHECK(image_of(run.page(), "disc.3") == expected(~uint64_t(0)));
}

TEST_CASE("report: two classes: thresholds are chosen on validation where the result is of a test split") {
  const TwoClassRun run;
  CHECK(data_of(run.page())["two_classes"]["choice"].is_null());
  CHECK(contains(run.page(), "somewhat too good"));
  write_file(run.folder / "predictions-validation.csv", "path,label,logit\na,1,-2\nb,1,-3\nc,0,-4\nd,0,-5\n");
  const std::string page = run.page();
  const Json two = data_of(page)["two_classes"];
  CHECK(two["choice"]["positives"] == 2);
  CHECK(two["best"] == -3.5);
  CHECK(contains(page, "had no part in the choice"));
  CHECK(contains(page, "The best F1 on the validation images is at <strong>0.029</strong>: F1 1.000 instead of 0.000"));
}

TEST_CASE("report: what each class contributes is shown as shares, whatever it adds up to") {
  const TwoClassRun run;
  const auto section = [&](const std::string& epochs) {
    write_file(run.folder / "epochs.csv", "epoch,loss,loss:cat,loss:dog,gradient:cat,gradient:dog\n" + epochs);
    const std::string page = run.page();
    const size_t from = page.find("<section id=\"shares\">");
    return from == std::string::npos ? "" : page.substr(from, page.find("</section>", from) - from);
  };
  const std::string shares = section("1,1,0.25,0.75,0.5,0.5\n2,1,0.5,0.5,0.5,0.5\n");
  CHECK(shares.size() > 1000);
  CHECK(section("1,1,0.125,0.375,4,4\n2,1,0.25,0.25,1,1\n") == shares);
  CHECK(section("1,1,0.75,0.25,0.5,0.5\n2,1,0.5,0.5,0.5,0.5\n") != shares);
  CHECK(section("1,1,nan,nan,nan,nan\n") == "");
}

TEST_CASE("report: more than two classes: the page says what the files say") {
  const ManyClassRun run;
  const std::string page = checked({run.folder.path()});
  for (const char* id : {"result", "matrix", "metrics", "classes", "curves", "images", "calibration", "counts"}) {
    CAPTURE(id);
    CHECK(has_section(page, id));
  }
  CHECK(!has_section(page, "threshold"));
  CHECK(!has_section(page, "epochs"));  // no epochs.csv
  CHECK(contains(
      page, "On the 9 test images, the network of epoch 7 predicts the class of <strong>55.6%</strong> correctly"));
  CHECK(contains(page, "the lowest is 25.0%, of <em>owl</em>"));
  CHECK(contains(page, "<td>owl</td><td>") == false);
  CHECK(contains(page, "<th scope=\"row\">owl</th><td>fox</td><td>3</td><td>75.0%</td>"));  // the largest confusion
  CHECK(page.find("owl</th><td>fox</td>") < page.find("fox</th><td>bird</td>"));
  CHECK(page.find("title=\"owl predicted as fox: 75.0%\">3<") != std::string::npos);
  for (const char* part :
       {"0.912", "the 2 most probable</th><td>77.8%", "many training images</th><td>91.0%", "42.0%"}) {
    CAPTURE(part);
    CHECK(contains(page, part));
  }
  CHECK(contains(page, "few training images</th><td><span class=\"pale\" title=\"undefined\">"));
  CHECK(data_of(page)["classes"] == Json(run.classes));
  CHECK(!data_of(page).contains("two_classes"));
}

TEST_CASE("report: names of classes and paths cannot become elements or scripts") {
  const std::vector<std::string> names = {"</script><script>alert(1)</script>", "\"><img src=x onerror=alert(2)>",
                                          "'; alert(3); <!--&amp;"};
  {
    const ManyClassRun run(names);
    const std::string page = checked({run.folder.path()});
    CHECK(!contains(page, "<script>alert"));
    CHECK(!contains(page, "<img src=x"));
    CHECK(data_of(page)["classes"] == Json(names));
  }
  TwoClassRun run(names[0], names[1]);
  std::string csv = "path,label,logit\n";
  for (const std::string& name : names) {
    csv += ManyClassRun::quoted(name) + ",0,9\n" + ManyClassRun::quoted(name + "\x80\n\x1b[2J") + ",1,-9\n";
  }
  write_file(run.folder / "predictions.csv", csv);
  write_file(run.folder / "epochs.csv", ManyClassRun::quoted("loss:" + names[0]) + ",epoch,loss\n1,1,1\n");
  run.result["unreadable"] = names;
  run.result["monitor"] = names[1];
  run.result["decision"]["rule"] = names[0];
  run.result["options"] = {{names[1], names[0]}, {"loss", names[0]}, {"model", names[1]}, {"data", names[2]}};
  run.result["options"]["list"] = names;
  run.write();
  const TwoClassRun other(names[0], names[1]);
  for (const std::string& page : {run.page(), checked({run.folder.path(), other.folder.path()})}) {
    CHECK(!contains(page, "<script>alert"));
    CHECK(!contains(page, "<img src=x"));
    CHECK(!contains(page, "\x1b"));
    CHECK(!contains(page, "\x80\n"));
    size_t scripts = 0;
    for (size_t at = page.find("<script"); at != std::string::npos; at = page.find("<script", at + 1)) ++scripts;
    CHECK(scripts == 2);
  }
  CHECK(data_of(run.page())["two_classes"]["positive"] == names[0]);
}

TEST_CASE("report: what files of other versions do not say is left out") {
  TwoClassRun run;
  // Without predictions: no thresholds, curves and images.
  std::filesystem::remove(run.folder / "predictions.csv");
  std::string page = run.page();
  for (const char* id : {"curves", "scores", "images", "calibration"}) {
    CAPTURE(id);
    CHECK(!has_section(page, id));
  }
  CHECK(contains(page, "<b>2</b>"));
  CHECK(!contains(page, "id=\"slider\""));
  // A result of the first version: no decision, no split, no epoch; its counts say where the threshold was.
  run.result = {{"tp", 1}, {"fp", 0}, {"fn", 2}, {"tn", 5}, {"positive", "cat"}};
  run.write();
  std::filesystem::remove(run.folder / "epochs.csv");
  write_file(run.folder / "predictions.csv",
             "path,label,logit\na,1,2\nb,1,0.5\nc,1,-3\nd,0,0.25\ne,0,-1\nf,0,-2\ng,0,-2\nh,0,-4\n");
  page = run.page();
  CHECK(contains(page, "On the 8 validation images, the network finds <strong>1 of 3</strong>"));
  CHECK(counts_at(data_of(page)["two_classes"]["reported"], data_of(page)["two_classes"]["kept"]).first == 1);
  for (const char* id : {"epochs", "shares", "counts", "unreadable", "metrics"}) {
    CAPTURE(id);
    CHECK(!has_section(page, id));
  }
  // Nothing at all.
  write_file(run.folder / "result.json", "{}");
  std::filesystem::remove(run.folder / "predictions.csv");
  page = run.page();
  CHECK(!has_section(page, "threshold"));
  // Keys of other types than expected.
  write_file(run.folder / "result.json",
             R"({"classes": 3, "positive": [], "split": 1, "confusion": [[1, 2], [3]], "per_class": {}, "epoch": -1e300,
                 "intervals": {"recall": [1]}, "training_images": [], "top_k": 1, "shots": [], "unreadable": {"a": 1},
                 "options": "x", "decision": [1], "tp": "many", "macro": null, "best_epoch": 1e300})");
  run.page();
  write_file(
      run.folder / "result.json",
      R"({"classes": ["a", "b", "c"], "confusion": [[1, 2, 3], [1, 2, 3], [1, 2, -3]], "per_class": [1, {"class": "z"}],
                 "training_images": {"a": "b"}, "top_k": {"2": null}, "shots": {"many": "x"}})");
  run.page();
}

TEST_CASE("report: undefined metrics, one class alone, and equal scores") {
  TwoClassRun run;
  for (const char* key : {"precision", "f1", "average_precision"}) run.result[key] = nullptr;
  run.write();
  CHECK(contains(run.page(), "title=\"undefined\""));
  // A recall of 0 or 1 whose bootstrap has no width has Wilson's interval.
  run.result["intervals"] = {{"recall", {0.0, 0.0}}};
  run.result["tp"] = 0, run.result["fn"] = 3;
  run.write();
  CHECK(contains(run.page(), "<strong>0.0%</strong> (95% interval 0.0% to 56.1%)"));
  // Only dogs.
  write_file(run.folder / "predictions.csv", "path,label,logit\na,0,1\nb,0,-1\n");
  run.result["tp"] = 0, run.result["fn"] = 0, run.result["fp"] = 1, run.result["tn"] = 1;
  run.write();
  std::string page = run.page();
  CHECK(contains(page, "All predictions are for images of one class"));
  CHECK(!has_section(page, "curves"));
  CHECK(has_section(page, "images"));
  write_file(run.folder / "predictions.csv", "path,label,logit\na,0,1\nb,1,1\nc,1,1\n");
  page = run.page();
  CHECK(data_of(page)["two_classes"]["reported"]["steps"] == Json::parse("[[1.0, 2, 1]]"));
  write_file(run.folder / "predictions.csv", "path,label,logit\n");
  run.page();
  write_file(run.folder / "epochs.csv", "epoch,loss,f1\n1,nan,nan\n");
  run.page();
  write_file(run.folder / "epochs.csv", "epoch,loss,f1\n");
  CHECK(!has_section(run.page(), "epochs"));
}

TEST_CASE("report: a hundred thousand predictions are thinned without moving a count by more than can be seen" *
          slow()) {
  TwoClassRun run;
  std::string csv = "path,label,logit\n";
  std::vector<std::pair<double, bool>> all;
  uint64_t state = 1;
  for (int i = 0; i < 100000; ++i) {
    double sum = 0;
    for (int k = 0; k < 4; ++k)
      sum += double((state = state * 6364136223846793005u + 1442695040888963407u) >> 40) / (1 << 24);
    const bool positive = i % 100 == 0;
    const std::string z = html_report::shortest(3 * (sum - 2) + (positive ? 1 : -2), 9);
    all.emplace_back(std::stod(z), positive);
    csv += "image" + std::to_string(i) + "," + (positive ? "1," : "0,") + z + "\n";
  }
  write_file(run.folder / "predictions.csv", csv);
  const std::string page = run.page();
  CHECK(page.size() < 2 << 20);
  const Json two = data_of(page)["two_classes"], &sweep = two["reported"];
  CHECK(sweep["steps"].size() <= 1000);
  CHECK(sweep["steps"].size() > 200);
  const auto exactly = [&](double cut) {
    std::pair<int64_t, int64_t> y = {0, 0};
    for (const auto& [z, positive] : all) (positive ? y.first : y.second) += z >= cut;
    return y;
  };
  for (const char* name : {"kept", "best"}) CHECK(counts_at(sweep, two[name]) == exactly(two[name]));
  for (double cut = -7; cut < 6; cut += 0.1) {
    CAPTURE(cut);
    const auto shown = counts_at(sweep, cut), exact = exactly(cut);
    CHECK(std::fabs(double(shown.first - exact.first)) <= 0.01 * 1000);
    CHECK(std::fabs(double(shown.second - exact.second)) <= 0.01 * 99000);
    if (exact.first + exact.second < 20) continue;
    const double precision = double(exact.first) / double(exact.first + exact.second);
    CHECK(double(shown.first) / double(shown.first + shown.second) == doctest::Approx(precision).epsilon(0.03));
  }
}

TEST_CASE("report: a run that is being completed has the name of its folder") {
  const TwoClassRun run;
  const TemporaryFolder parent;
  std::filesystem::create_directory(parent / "my-run");
  std::filesystem::copy(run.folder.path(), parent / "my-run/unfinished-abcdef");
  const std::string page = checked({parent / "my-run/unfinished-abcdef/"});
  CHECK(contains(page, "<title>Training report: my-run</title>"));
  CHECK(!contains(page, "unfinished"));
}

TEST_CASE("report: several runs side by side") {
  TwoClassRun a, b;
  b.result["average_precision"] = 0.8064;
  b.result["options"]["lr"] = 0.01;
  b.write();
  std::string page = checked({a.folder.path(), b.folder.path()});
  for (const char* id : {"result", "options", "matrix", "curves", "epochs"}) {
    CAPTURE(id);
    CHECK(has_section(page, id));
  }
  CHECK(contains(page, "has the highest average precision: <strong>0.806</strong>, +0.050 over"));
  CHECK(contains(page, "<th scope=\"row\">lr</th><td>0.001</td><td>0.01</td>"));
  CHECK(!contains(page, "<th scope=\"row\">model</th>"));
  CHECK(!contains(page, "with care"));
  CHECK(data_of(page)["runs"].size() == 2);
  b.result["split"] = "validation";
  b.write();
  CHECK(contains(checked({a.folder.path(), b.folder.path()}), "some of the validation images"));

  const ManyClassRun c;
  page = checked({c.folder.path(), c.folder.path()});
  CHECK(has_section(page, "classes"));
  CHECK(contains(page, "\u00b10.000"));
  page = checked({a.folder.path(), c.folder.path()});
  CHECK(contains(page, "They have different classes"));
  std::vector<std::string> twelve(12, a.folder.path());
  CHECK(data_of(checked(twelve))["runs"].size() == 12);
}

TEST_CASE("report: a threshold on numbers that are no logits") {
  TwoClassRun run;
  run.result["options"]["loss"] = "mse";
  run.result["decision"] = {{"threshold", 0.4}, {"cut", -0.1}};
  run.write();
  write_file(run.folder / "predictions.csv", "path,label,logit\na,1,0.6\nb,1,-0.05\nc,0,-0.2\nd,0,-0.7\n");
  const std::string page = run.page();
  CHECK(contains(page, "from a probability of <strong>0.4</strong>"));
  const Json scale = data_of(page)["two_classes"]["scale"];
  CHECK(scale["logistic"] == false);
  CHECK(scale["offset"] == doctest::Approx(0.5));
}

TEST_CASE("report: a threshold's text tells thresholds near 0 and 1 apart") {
  using html_report::threshold_text;
  CHECK(threshold_text(0.5) == "0.5");
  CHECK(threshold_text(0.0000123) == "1.2e-05");
  CHECK(threshold_text(0.99953) == "0.99953");
  CHECK(threshold_text(0.95) == "0.95");
  CHECK(threshold_text(1) == "1");
  CHECK(html_report::whole(1234567) == "1,234,567");
  CHECK(html_report::base64("any carnal pleas") == "YW55IGNhcm5hbCBwbGVhcw==");
  CHECK(html_report::base64("any carnal pleasu") == "YW55IGNhcm5hbCBwbGVhc3U=");
  CHECK(html_report::base64("any carnal pleasur") == "YW55IGNhcm5hbCBwbGVhc3Vy");
}

TEST_CASE("report: what cannot be understood is one clear line") {
  const TwoClassRun run;
  const auto error = [&](const std::string& file, const std::string& content) {
    write_file(run.folder / file, content);
    const std::string message = error_of([&] { report_html({run.folder.path()}); }, ErrorKind::bad_data);
    CHECK(!contains(message, "\n"));
    std::filesystem::remove(run.folder / file);
    return message;
  };
  CHECK(contains(error("predictions.csv", "path,logit\na,1\n"), "does not name a column label"));
  CHECK(contains(error("predictions.csv", "path,label,logit\na,2,1\n"), "line 2: the label is 2 instead of 0 or 1"));
  CHECK(contains(error("predictions.csv", "path,label,logit\na,1,nan\n"), "line 2: \"nan\" is not a number"));
  CHECK(contains(error("epochs.csv", "epoch,loss\n1\n"), "epochs.csv"));
  const ManyClassRun many;
  write_file(many.folder / "predictions.csv", "path,label,predicted,logit:bird,logit:fox,logit:owl\na,cat,owl,0,0,0\n");
  CHECK(contains(error_of([&] { report_html({many.folder.path()}); }, ErrorKind::bad_data),
                 "\"cat\" is none of the classes"));
  CHECK(contains(error("result.json", "{\"tp\": "), "result.json"));
  CHECK(contains(error_of([&] { report_html({run.folder.path()}); }, ErrorKind::bad_data), "holds no result.json"));
  CHECK(
      contains(error_of([&] { report_html({run.folder / "none"}); }, ErrorKind::bad_data), "there is no such folder"));
  error_of([] { report_html({}); }, ErrorKind::bad_data);
}

TEST_CASE("report: the command writes the page beside the result") {
  const TwoClassRun run, second;
  const auto command = [](std::vector<std::string> words) {
    words.insert(words.begin(), "report");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::ostringstream out;
    std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
    Exit code = Exit::failure;
    try {
      code = report_command(static_cast<int>(words.size()), argv.data());
    } catch (...) {
      std::cout.rdbuf(before);
      throw;
    }
    CHECK(code == Exit::ok);
    std::cout.rdbuf(before);
    return out.str();
  };
  CHECK(command({run.folder.path()}) == run.folder / "report.html\n");
  CHECK(slurp(run.folder / "report.html") == report_html({run.folder.path()}));
  command({run.folder.path(), second.folder.path(), "--output", run.folder / "both.html"});
  CHECK(slurp(run.folder / "both.html") == report_html({run.folder.path(), second.folder.path()}));
  CHECK(contains(error_of([&] { command({}); }, ErrorKind::invalid_argument), "DIR"));
  const TemporaryFolder empty;
  CHECK(contains(error_of([&] { command({empty.path()}); }, ErrorKind::bad_data), "holds no result.json"));
  CHECK(exit_code(ErrorKind::bad_data) == Exit::bad_data);
}

TEST_CASE("report: no line of a chart's marks is drawn over the text of another") {
  const std::string page = TwoClassRun().page(), sweep = page.substr(page.find("id=\"sweep\""));
  CHECK(sweep.find("class=\"mark now\"") < sweep.find(">kept</text>"));
}
