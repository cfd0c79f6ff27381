// Targets that read what runs and their users leave: options, lists of images, results, comparisons.
#include <nlohmann/json.hpp>

#include "apps/compare/arguments.h"
#include "apps/compare/comparison.h"
#include "apps/compare/outcome.h"
#include "apps/report/report.h"
#include "apps/trainer/config.h"
#include "apps/trainer/options.h"
#include "data/images/image_sets.h"
#include "tests/fuzz/fuzz.h"

namespace counterpoise::fuzz {

namespace {

// The input's parts, which bytes 0 separate.
std::vector<std::string> parts_of(const Bytes& input, size_t count) {
  std::vector<std::string> parts(1);
  for (const uint8_t c : input) {
    if (c == 0 && parts.size() < count) parts.emplace_back();
    else parts.back() += char(c);
  }
  parts.resize(count);
  return parts;
}

// -- config.json --

std::string read_options(const Bytes& input) {
  const bool lectures = input.size() % 2 == 0;
  Options options = parse_options({lectures}, {"train", "--config", work_file("config.json", text_of(input))});
  if (options.summary) return "";
  if (!options.data.empty()) resolve_for_classes(options, 2 + input.size() % 3);  // as when the images have been found
  require(!config_text(options).empty(), "no options");
  return "";
}

std::vector<Bytes> option_seeds() {
  return {
      bytes_of(config_text(parse_options({true}, {"train"}))),
      bytes_of(
          R"({"options": {"loss": "focal", "gamma": 2, "lr": 0.01, "count": "cat=20,dog=60", "nesterov": false}})")};
}

// -- lists of images, groups and splits --

std::string read_list_of_images(const Bytes& input) {
  for (const char* name : {"a.jpg", "b.jpg", "c.jpg", "d.jpg"}) work_file(name, "");
  const std::vector<std::string> parts = parts_of(input, 3);
  ImageSource source;
  source.data = work_file("images.csv", parts[0]);
  source.image_size = 32;
  if (!parts[1].empty()) source.groups = work_file("groups.csv", parts[1]);
  if (!parts[2].empty()) source.split_file = work_file("split.csv", parts[2]);
  const ImageSets sets = open_image_sets(source);
  const size_t test = sets.test ? sets.test->size() : 0;
  require(sets.training->size() + sets.validation->size() + test == sets.listing.images.size(), "an image is lost");
  // The split that was written gives the same split again.
  source.groups.clear();
  source.split_file = work_file("split.csv", split_csv(sets));
  require(split_csv(open_image_sets(source)) == split_csv(sets), "split.csv is read otherwise than it was written");
  return test ? "with test images" : "";
}

std::vector<Bytes> list_seeds() {
  const std::string all = "path,label\na.jpg,cat\nb.jpg,dog\nc.jpg,cat\nd.jpg,dog\n";
  const std::string splits = "path,split\na.jpg,train\nb.jpg,training\nc.jpg,validation\nd.jpg,val\n";
  const std::string groups = "path,group\na.jpg,1\nb.jpg,1\nc.jpg,2\nd.jpg,2\n";
  const std::string nul(1, '\0');
  return {
      bytes_of(all), bytes_of(all + nul + groups), bytes_of(all + nul + nul + splits),
      bytes_of(all + nul + groups + nul + splits),
      bytes_of("split,label,path,group\ntrain,\"x, y\",a.jpg,p\ntrain,z,b.jpg,p\ntest,z,c.jpg,q\nvalid,z,./d.jpg,r\n")};
}

// -- results --

const char* const two_classes =
    R"({"classes":["cat","dog"],"positive":"cat","split":"test","epoch":3,"best_epoch":3,"monitor":"average-precision",)"
    R"("best_value":0.9,"tp":1,"fp":1,"tn":1,"fn":1,"accuracy":0.5,"precision":0.5,"recall":0.5,"f1":0.5,"roc_auc":null,)"
    R"("average_precision":0.75,"confusion":[[1,1],[1,1]],"per_class":[{"class":"cat","precision":0.5,"recall":0.5,"f1":0.5,)"
    R"("support":2,"average_precision":0.75,"roc_auc":0.5,"training_images":20}],"macro":{"precision":0.5,"recall":0.5,"f1":0.5},)"
    R"("intervals":{"f1":[0.2,0.8]},"at_training_prevalence":{"precision":0.1,"f1":0.2,"accuracy":0.5},)"
    R"("training_images":{"cat":20,"dog":60},"decision":{"threshold":0.5,"cut":0,"temperature":1,"shift":0,"rule":"f1"},)"
    R"("unreadable":["x"],"options":{"loss":"bce","lr":0.001}})";
const char* const three_classes =
    R"({"classes":["a","b","c"],"positive":null,"split":"validation","confusion":[[1,0,0],[0,1,0],[1,0,0]],"accuracy":0.66,)"
    R"("top_k":{"2":1.0},"shots":{"many":null,"medium":0.5,"few":0.1},"sampled_shares":{"a":0.3,"b":0.3,"c":0.4}})";

std::string read_result(const Bytes& input) {
  const std::vector<std::string> parts = parts_of(input, 4);
  const char* const names[] = {"result.json", "epochs.csv", "predictions.csv", "predictions-validation.csv"};
  for (size_t i = 0; i < 4; ++i) {
    const std::string path = work_file(names[i], parts[i]);
    if (i > 0 && parts[i].empty()) std::remove(path.c_str());
  }
  require(report_html({work_folder()}).size() > 100, "an empty report");
  return "";
}

std::vector<Bytes> result_seeds() {
  const std::string nul(1, '\0');
  const std::string epochs =
      "epoch,loss,f1,tp,average_precision,loss:cat,gradient:cat\n1,0.7,0.5,1,0.6,0.3,0.2\n2,0.5,,1,nan,0.3,0.2\n";
  const std::string logits = "path,label,logit\na,1,0.5\nb,0,-2\nc,1,-1e3\nd,0,7\n";
  const std::string many = "path,label,predicted,logit:a,logit:b,logit:c\nx,a,a,1,0,0\ny,b,b,0,2,1\nz,c,a,3,2,1\n";
  return {bytes_of(two_classes + nul + epochs + nul + logits + nul + logits),
          bytes_of(three_classes + nul + epochs + nul + many), bytes_of("{}")};
}

// -- comparisons: the first byte says of what --

std::string read_comparison(const Bytes& input) {
  const std::string text = input.empty() ? "" : text_of(Bytes(input.begin() + 1, input.end()));
  switch (input.empty() ? 0 : input[0] % 7) {
    case 0: {
      double sum = 0;
      for (const char* metric : {"f1", "macro.f1", "per_class.cat.recall", "f0.5", "best_thresholds.f1.value"}) {
        sum += metric_of(text, metric, "result.json");
      }
      return sum == sum ? "numbers" : "NaN";
    }
    case 1: {
      const auto json = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
      if (json.is_discarded()) return "no JSON";
      const Comparison comparison = from_json(json, "compare.json");
      require(to_json(from_json(to_json(comparison), "")) == to_json(comparison), "compare.json is read otherwise");
      return "";
    }
    case 2: {
      const std::vector<std::string> words = split_arguments(text, input.size() % 2 == 0);
      require(split_arguments(quoted(words)) == words, "quoted arguments are read otherwise");
      flags_in(words);
      return "";
    }
    case 3:
      read_list(work_file("list.txt", text));
      return "";
    case 4:
      parse_row(text, true);
      return "";
    case 5:
      return parse_seeds(text).empty() ? "no seeds" : "";
    default:
      return parse_metrics(text).empty() ? "no metrics" : "";
  }
}

std::vector<Bytes> comparison_seeds() {
  Comparison comparison;
  add_row(comparison, parse_row("focal: --loss focal --gamma 2"));
  comparison.seeds = {1, 2};
  comparison.metrics = {"f1"};
  const std::string texts[] = {two_classes,
                               to_json(comparison).dump(),
                               "--a 'b c' \"d\\\"\" e\\ f # g",
                               "common: --epochs 1\nseeds: 2\nfolds: 3\nmetrics: f1\nplain:\nx: --loss focal # y\n",
                               "focal: --loss focal --gamma 2",
                               "1,2,7",
                               "macro.f1,per_class.dog.recall"};
  std::vector<Bytes> all;
  // Small ones, in which every mutation meets what is read.
  for (const char* small : {R"({"per_class":[{"class":"cat","recall":1}]})", R"({"macro":{"f1":0.5},"f0.5":1})"}) {
    all.push_back(bytes_of(char(0) + std::string(small)));
  }
  for (size_t kind = 0; kind < std::size(texts); ++kind) all.push_back(bytes_of(char(kind) + texts[kind]));
  return all;
}

}  // namespace

std::vector<Target> run_targets() {
  const std::vector<std::string> json = {"{",
                                         "}",
                                         "[",
                                         "]",
                                         ":",
                                         ",",
                                         "\"",
                                         "null",
                                         "true",
                                         "1e999",
                                         "-1",
                                         "[]",
                                         "{}",
                                         "\"\"",
                                         "\"class\":",
                                         "\"classes\":",
                                         "\"options\":",
                                         "\"positive\":",
                                         "\"confusion\":",
                                         "\"per_class\":",
                                         "\"recall\":",
                                         "\"macro\":",
                                         "\"cat\""};
  std::vector<Target> all = {
      {"config", option_seeds, read_options, {ErrorKind::bad_data, ErrorKind::invalid_argument}, json},
      {"lists",
       list_seeds,
       read_list_of_images,
       {ErrorKind::bad_data, ErrorKind::invalid_argument},
       {"a.jpg", "./", "../", "/", "train", "validation", "test", "split", "group", "label", "path", "\n", ",", "\"",
        "cat"}},
      {"report", result_seeds, read_result, {ErrorKind::bad_data}, json},
      {"compare", comparison_seeds, read_comparison, {ErrorKind::bad_data, ErrorKind::invalid_argument}, json},
  };
  for (Target& target : all) {
    target.longest = 8192;
    target.text = true;
  }
  return all;
}

}  // namespace counterpoise::fuzz
