// report.html of evaluations, which know neither the options of the training nor where it ran.
#include <nlohmann/json.hpp>

#include "tests/apps/report_runs.h"

using namespace counterpoise;

TEST_CASE("report: the origin says that outputs are no logits, without the name of a loss") {
  TwoClassRun run;
  run.result["options"].erase("loss");
  // For this pair of cut and threshold a logit would do, too.
  run.result["decision"] = {{"threshold", 0.5}, {"cut", 0}, {"origin", 0.5}};
  write_file(run.folder / "predictions.csv", "path,label,logit\na,1,0.4\nb,1,-0.26\nc,0,-0.3\nd,0,-0.4\n");
  run.write();
  CHECK(contains(run.page(), "The best F1 on the test images is at <strong>0.22</strong>"));
  run.result["decision"]["origin"] = 0;
  run.write();
  CHECK(contains(run.page(), "The best F1 on the test images is at <strong>0.43</strong>"));
  // A result of an older version.
  run.result["decision"].erase("origin");
  run.write();
  CHECK(contains(run.page(), "The best F1 on the test images is at <strong>0.43</strong>"));
  run.result["options"]["loss"] = "mse";
  run.write();
  CHECK(contains(run.page(), "The best F1 on the test images is at <strong>0.22</strong>"));
}

TEST_CASE("report: all images of a folder are those of no split") {
  TwoClassRun a, b;
  a.result["split"] = "all";
  a.write();
  const std::string page = a.page();
  CHECK(contains(page, "On the 8 images, the network"));
  CHECK(contains(page, "chosen on the same images that"));
  CHECK(!contains(page, "8 validation images"));
  CHECK(contains(checked({a.folder.path(), b.folder.path()}),
                 "different images: some of the test images, some of all images of a folder."));
}

TEST_CASE("report: images that are not found are counted, with the reason and the folder where paths begin") {
  TwoClassRun run;
  write_file(run.folder / "predictions.csv",
             "path,label,logit\nx/gone.png,1,-3\n/x/gone.png,0,2\nsynthetic/dog.0,0,1\n");
  const std::string page = run.page(), found = "<code>report</code> finds them from there";
  CHECK(contains(page, "2 images cannot be read; the first: cannot open x/gone.png: No such file or directory"));
  CHECK(contains(page, found));
  write_file(run.folder / "predictions.csv", "path,label,logit\n/x/gone.png,1,-3\nsynthetic/dog.0,0,1\n");
  CHECK(contains(run.page(), "1 image cannot be read"));
  CHECK(!contains(run.page(), found));
  write_file(run.folder / "predictions.csv", "path,label,logit\nsynthetic/cat.1,1,-3\nsynthetic/dog.0,0,1\n");
  CHECK(!contains(run.page(), "cannot be read"));
}

TEST_CASE("report: logit adjustment does not take back what class weights have done to the probabilities") {
  TwoClassRun run;
  run.write();
  const std::string page = run.page();
  CHECK_FALSE(contains(page, "shift them back"));
  CHECK(contains(page, "so it is for a training without any of these"));
}

TEST_CASE("report: where the highest score is a false alarm that is dear, predicting nothing is the cheapest") {
  TwoClassRun run;
  run.result["decision"] = {{"threshold", 0.5}, {"cut", 0}, {"rule", "cost fn=1,fp=10"}};
  write_file(run.folder / "predictions.csv", "path,label,logit\na,0,3\nb,1,2\nc,0,1\n");
  run.write();
  const std::string page = run.page(), row = page.substr(page.find("data-go=\"cheap\""));
  const std::string cells = row.substr(0, row.find("</tr>"));
  CAPTURE(cells);
  CHECK(contains(cells, "0 of 1"));
  CHECK(contains(cells, ">1</td>"));  // the cost; the threshold at b would cost 10
}
