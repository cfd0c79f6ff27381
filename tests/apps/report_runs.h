// Folders of runs for tests of the report.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/report/report.h"
#include "losses/metrics/posthoc.h"
#include "tests/apps/markup.h"
#include "tests/program.h"

namespace counterpoise {

// The report of the folders, checked for mistakes that no page may have.
inline std::string checked(const std::vector<std::string>& folders) {
  const std::string page = report_html(folders);
  CHECK(markup_error(page) == "");
  for (const char* external : {"http://", "https://", "src=\"/", "url(", "@import", "fetch("}) {
    CAPTURE(external);
    CHECK(!contains(page, external));
  }
  return page;
}

// A run with 3 cats and 5 dogs, evaluated at the threshold 0.3.
struct TwoClassRun {
  explicit TwoClassRun(const std::string& positive = "cat", const std::string& negative = "dog") {
    result = {{"tp", 2},
              {"fp", 1},
              {"fn", 1},
              {"tn", 4},
              {"precision", 2. / 3},
              {"recall", 2. / 3},
              {"f1", 2. / 3},
              {"accuracy", 0.75},
              {"average_precision", 0.7564},
              {"roc_auc", nullptr},
              {"positive", positive},
              {"classes", {negative, positive}},
              {"split", "test"},
              {"epoch", 3},
              {"best_epoch", 3},
              {"monitor", "average-precision"},
              {"best_value", 0.81},
              {"intervals", {{"recall", {0.125, 0.9375}}}},
              {"at_training_prevalence", {{"precision", 0.2222}}},
              {"training_images", {{negative, 11000}, {positive, 1000}}},
              {"available_images", {{negative, 12345}, {positive, 1001}}},
              {"sampled_shares", {{negative, 0.5}, {positive, 0.5}}},
              {"decision", {{"threshold", 0.3}, {"cut", logit(0.3)}, {"rule", "recall=0.6"}}},
              {"unreadable", nlohmann::ordered_json::array({"a/b.jpg: no image"})},
              {"options", {{"model", "vgg16"}, {"lr", 0.001}}}};
    write();
    write_file(folder / "predictions.csv",
               "path,label,logit\nsynthetic/cat.0,1,2\nx/cat.1.png,1,0.5\nx/cat.2.png,1,-3\n"
               "x/dog.0.png,0,0.25\nx/dog.1.png,0,-1\nx/dog.2.png,0,-2\nx/dog.3.png,0,-2.5\nx/dog.4.png,0,-4\n");
    write_file(folder / "epochs.csv",
               "epoch,loss,f1,average_precision,loss:cat,loss:dog,gradient:cat,gradient:dog\n"
               "1,0.5,0.1,0.3,0.4,0.6,0.45,0.55\n2,0.3,,nan,0.5,0.5,0.5,0.5\n3,0.2,0.6,0.81,0.6,0.4,0.55,0.45\n");
  }
  void write() { write_file(folder / "result.json", result.dump()); }
  std::string page() const { return checked({folder.path()}); }

  const TemporaryFolder folder;
  nlohmann::ordered_json result;
};

struct ManyClassRun {
  explicit ManyClassRun(std::vector<std::string> names = {"bird", "fox", "owl"}) : classes(std::move(names)) {
    result = {{"classes", classes},
              {"positive", nullptr},
              {"split", "test"},
              {"epoch", 7},
              {"best_epoch", 7},
              {"confusion", {{2, 0, 0}, {1, 2, 0}, {0, 3, 1}}},
              {"accuracy", 5. / 9},
              {"balanced_accuracy", 0.6389},
              {"macro", {{"precision", 0.6889}, {"recall", 0.6389}, {"f1", 0.5722}}},
              {"top_k", {{"2", 0.7777}, {"3", 1.0}}},
              {"shots", {{"many", 0.91}, {"medium", 0.42}, {"few", nullptr}}},
              {"training_images", {{classes[0], 500}, {classes[1], 50}, {classes[2], 5}}}};
    result["per_class"] = {{{"class", classes[0]},
                            {"precision", 0.66},
                            {"recall", 1.0},
                            {"f1", 0.8},
                            {"support", 2},
                            {"average_precision", nullptr},
                            {"roc_auc", 0.9125},
                            {"training_images", 500}}};
    write_file(folder / "result.json", result.dump());
    std::string csv = "path,label,predicted";
    for (const std::string& c : classes) csv += "," + quoted("logit:" + c);
    csv += "\n";
    int n = 0;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) {
        for (int k = 0; k < result["confusion"][i][j]; ++k, ++n) {
          csv += quoted("x/" + std::to_string(n) + ".png") + "," + quoted(classes[i]) + "," + quoted(classes[j]);
          for (int c = 0; c < 3; ++c) csv += c == j ? "," + std::to_string(1 + n) : ",0";
          csv += "\n";
        }
      }
    }
    write_file(folder / "predictions.csv", csv);
  }
  static std::string quoted(const std::string& text) {
    std::string y = "\"";
    for (const char c : text) y += c == '"' ? "\"\"" : std::string(1, c);
    return y + "\"";
  }

  std::vector<std::string> classes;
  const TemporaryFolder folder;
  nlohmann::ordered_json result;
};

}  // namespace counterpoise
