#include "apps/trainer/predict_command.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "apps/trainer/data_sets.h"
#include "apps/trainer/device.h"
#include "apps/trainer/eval_command.h"
#include "apps/trainer/format.h"
#include "apps/trainer/image_paths.h"
#include "apps/trainer/metrics_json.h"
#include "apps/trainer/option_rows.h"
#include "apps/trainer/stop_signal.h"
#include "apps/trainer/views.h"
#include "core/io/file.h"
#include "data/images/image_list.h"
#include "data/tables/csv.h"
#include "kernels/cpu/parallel.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

namespace {

// What the command line says besides Options.
struct Request {
  Options options;
  std::vector<std::string> names;  // files, folders, "-"
  std::string format = "csv";
  int top_k = 0;  // 0: every class
  bool with_logits = false;
};

// clang-format off
OptionTable option_table(Request& r) {
  Options& o = r.options;
  OptionTable t;
  t.group("Files");
  t.row(o.weights, "--weights", "FILE").required()
      .help("The weights. The file also says what they are for: network, image size, classes, decision");
  t.row(o.output, "--output", "FILE").otherwise("standard output")
      .help("File for the predictions, which appears when they are complete");
  t.row(r.format, "--format", "NAME").one_of({"csv", "jsonl"}).otherwise("csv; jsonl if --output ends in .jsonl")
      .help("One row or JSON object per image:");
  t.group("Decision");
  t.row(o.threshold, "--threshold", "P").otherwise("as in the file")
      .help("Of two classes: the probability from which an image is predicted positive");
  t.row(o.positive, "--positive", "CLASS").otherwise("as in the file")
      .help("Of two classes the one that --threshold is for");
  t.row(o.tta, "--tta", "SPEC")
      .help("Test-time augmentation: average the logits of each image and of views of it, which SPEC makes as "
            "--augment of train does; flip=1 is its mirror image");
  t.row(o.tta_views, "--tta-views", "N").range(1, 1000)
      .help("Views of --tta, each with its own draws");
  t.row(r.top_k, "--top-k", "N").range(1, 100000).otherwise("every class")
      .help("Probabilities of the N most probable classes, in their order, instead of all");
  t.row(r.with_logits, "--logits")
      .help("Also write the logits, as predictions.csv of an evaluation has them");
  t.group("Device");
  t.row(o.batch_size, "--batch-size,-b", "N").range(1, 65536)
      .help("Images at a time");
  t.row(o.workers, "--workers,-j", "N").range(0, 256)
      .help("Threads that load images");
  t.row(o.threads, "--threads", "N").range(1, 1024).otherwise("one per core")
      .help("Threads that compute");
  t.row(o.device, "--device", "NAME").one_of({"auto", "cpu", "cuda"})
      .help("auto (a GPU where there is one), cpu or cuda");
  t.row(o.precision, "--precision", "NAME").one_of({"fp32", "tf32", "bf16"})
      .help("On a GPU: fp32, tf32 or bf16");
  return t;
}
// clang-format on

constexpr const char* help_text =
    "Classify images with saved weights. Folders are searched for .jpg, .jpeg, .png and .bmp files; - reads a list of "
    "paths from standard input, one per line.\n\n"
    "A line of the output has the path, the predicted class and the probability of each class. Of two classes the "
    "threshold that is kept with the weights decides, else the largest probability. An image that cannot be read is "
    "named on standard error, and the others are predicted.";
constexpr const char* exit_codes =
    "Exit codes: 0 success, 1 failure, 2 wrong command line, 3 unusable weights, or images that could not be read "
    "(after "
    "all others), 4 device missing or out of memory, 128 + N after signal N.";

Request parse(int argc, char** argv) {
  Request r;
  const OptionTable table = option_table(r);
  CLI::App app(help_text, usage(argv[0]));
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("FILES", r.names, "Images, folders of images, and - for a list on standard input")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->required();
  table.add_to(app, "predict");
  app.footer(exit_codes);
  r.options.given = parse_command_line(app, argc, argv);
  check_views(r.options);
  std::string& output = r.options.output;
  if (output == "-") output.clear();  // standard output, as in other programs
  const bool named_jsonl = output.size() > 6 && output.compare(output.size() - 6, 6, ".jsonl") == 0;
  std::vector<std::string> inputs = r.names;
  std::replace(inputs.begin(), inputs.end(), std::string("-"), std::string("/dev/stdin"));  // which may be a file
  inputs.push_back(r.options.weights);
  check_output("--output", output, inputs);
  if (!r.options.given.count("--format") && named_jsonl) r.format = "jsonl";
  return r;
}

// Standard output, or a file that appears when it is complete.
class Sink {
 public:
  explicit Sink(const std::string& path) {
    if (!path.empty()) file_ = std::make_unique<AtomicFile>(path);
  }
  // False if nobody reads standard output any more, or it cannot be written; run_program() tells which.
  bool write(const std::string& text) {
    if (file_) return file_->write(text.data(), text.size()), true;
    return static_cast<bool>(std::cout << text << std::flush);
  }
  void commit() {
    if (file_) file_->commit();
  }

 private:
  std::unique_ptr<AtomicFile> file_;
};

// One image's prediction.
struct Prediction {
  int32_t predicted = 0;
  std::vector<double> probabilities;  // of each class
  std::vector<double> logits;         // of two classes that of the positive one; else of each class
};

Prediction prediction(std::vector<double> logits, int32_t predicted, const Classifier& c, bool numbers) {
  const size_t K = c.classes.size();
  Prediction p;
  p.predicted = predicted;
  p.probabilities.resize(K);
  if (K == 2) {
    const double z = logits[0];
    const double number = std::min(1., std::max(0., probability_of(z, c.decision)));
    p.probabilities[c.decision.positive] = numbers ? number : probability(z);
    p.probabilities[1 - c.decision.positive] = numbers ? 1 - number : probability(-z);
  } else {
    const double largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (size_t k = 0; k < K; ++k) sum += p.probabilities[k] = std::exp(logits[k] - largest);
    for (double& q : p.probabilities) q /= sum;
  }
  p.logits = std::move(logits);
  return p;
}

// The lines of the output.
class Writer {
 public:
  Writer(const Request& r, const Classifier& c) : csv_(r.format == "csv"), logits_(r.with_logits), classes_(c.classes) {
    top_ = r.top_k ? std::min<size_t>(r.top_k, classes_.size()) : 0;
  }

  // "" for JSON.
  std::string header() const {
    if (!csv_) return "";
    std::string line = "path,predicted";
    for (size_t i = 1; i <= top_; ++i) line += text(",class", i, ",probability", i);
    if (!top_) line += each("probability:");
    if (logits_) line += classes_.size() == 2 ? ",logit" : each("logit:");
    return line + "\n";
  }

  std::string line(const std::string& path, const Prediction& p) const {
    std::vector<size_t> order(classes_.size());
    std::iota(order.begin(), order.end(), size_t(0));
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return p.probabilities[a] > p.probabilities[b]; });
    return csv_ ? csv_line(path, p, order) : jsonl_line(path, p, order);
  }

  // "" for CSV.
  std::string failure(const std::string& path, const std::string& reason) const {
    return csv_ ? "" : json_line({{"path", path}, {"error", reason}}) + "\n";
  }

 private:
  std::string each(const std::string& prefix) const {
    std::string names;
    for (const std::string& name : classes_) names += "," + csv_field(prefix + name);
    return names;
  }

  std::string csv_line(const std::string& path, const Prediction& p, const std::vector<size_t>& order) const {
    std::string line = csv_field(path) + "," + csv_field(classes_[p.predicted]);
    for (size_t i = 0; i < top_; ++i)
      line += "," + csv_field(classes_[order[i]]) + formatted(",%.9g", p.probabilities[order[i]]);
    for (size_t k = 0; !top_ && k < classes_.size(); ++k) line += formatted(",%.9g", p.probabilities[k]);
    for (size_t k = 0; logits_ && k < p.logits.size(); ++k) line += "," + exact(p.logits[k]);
    return line + "\n";
  }

  std::string jsonl_line(const std::string& path, const Prediction& p, const std::vector<size_t>& order) const {
    nlohmann::ordered_json json = {{"path", path}, {"predicted", classes_[p.predicted]}};
    for (size_t i = 0; i < top_; ++i)
      json["top"].push_back({{"class", classes_[order[i]]}, {"probability", p.probabilities[order[i]]}});
    for (size_t k = 0; !top_ && k < classes_.size(); ++k) json["probabilities"][classes_[k]] = p.probabilities[k];
    if (logits_ && p.logits.size() == 1) json["logit"] = p.logits[0];
    for (size_t k = 0; logits_ && p.logits.size() > 1 && k < p.logits.size(); ++k)
      json["logits"][classes_[k]] = p.logits[k];
    return json_line(json) + "\n";
  }

  const bool csv_, logits_;
  const std::vector<std::string>& classes_;
  size_t top_ = 0;
};

// Predicts the images of a command line, a chunk of them at a time.
class Predictor {
 public:
  Predictor(const Request& r, const Classifier& c, Backend& backend, Sink& sink)
      : request_(r), classifier_(c), backend_(backend), sink_(sink), writer_(r, c) {}

  // Returns early after a stop signal, and if nobody reads the output.
  void run() {
    ImagePaths paths(request_.names, [this](const std::string& path, const std::string& reason) {
      troubles_.push_back({chunk_.samples.size(), path, path + ": " + reason});
    });
    goes_on_ = sink_.write(writer_.header());
    // Whole batches, so that their number does not depend on the chunks; fewer where the input has no more for now.
    const size_t batch = static_cast<size_t>(request_.options.batch_size);
    const size_t largest = std::max<size_t>(1, 1024 / batch) * batch;
    for (bool more = true; more && goes_on_ && !stop_signal();) {
      chunk_ = {classifier_.classes, {}};
      for (std::string path; chunk_.samples.size() < largest && (chunk_.samples.empty() || paths.ready());) {
        if (!(more = paths.next(path))) break;
        check_output("--output", request_.options.output, {path});
        chunk_.samples.push_back({path, 0});
      }
      if (!chunk_.samples.empty() && !stop_signal()) predict();
      report_troubles(chunk_.samples.size());
    }
  }

  // False if nobody reads the output any more.
  bool is_read() const { return goes_on_; }
  size_t predicted() const { return predicted_; }
  size_t failed() const { return failed_; }

 private:
  // An image or a folder that could not be read. It comes before the chunk's sample `before`.
  struct Trouble {
    size_t before;
    std::string path, reason;
  };

  // Those before this sample of the chunk.
  void report_troubles(size_t sample) {
    for (; !troubles_.empty() && troubles_.front().before <= sample && goes_on_; troubles_.pop_front()) {
      const Trouble& trouble = troubles_.front();
      ++failed_;
      std::cerr << printable(trouble.reason) << std::endl;
      const std::string line = writer_.failure(trouble.path, trouble.reason);
      if (!line.empty()) goes_on_ = sink_.write(line);
    }
  }

  void predict() {
    const NoGrad no_grad;
    const ImageList set(chunk_, request_.options.image_size, request_.options.resize);
    const DataLoaderOptions loading = evaluation_loader(request_.options, backend_);
    DataLoader loader(set, loading);
    Views views(set, loading, request_.options.tta, request_.options.tta_views);
    size_t next = 0;  // the sample whose line is next
    for (Batch batch; goes_on_ && !stop_signal() && loader.next(batch);) {
      const std::vector<double> z = views.logits(*classifier_.model, batch, classifier_.decision);
      const size_t each = z.size() / batch.size();
      check_finite(z);
      const auto classes = predicted_classes(z, classifier_.classes.size(), classifier_.decision);
      std::string lines;
      for (size_t i = 0; i < batch.size(); ++i, ++next) {
        for (; next < batch.samples[i]; ++next) add_unreadable(set, next);
        if (!troubles_.empty() && troubles_.front().before <= next) {
          goes_on_ = sink_.write(lines);
          lines.clear();
          report_troubles(next);
        }
        if (!goes_on_) return;
        const auto first = z.begin() + static_cast<std::ptrdiff_t>(i * each);
        lines += writer_.line(set.samples()[next].path,
                              prediction({first, first + static_cast<std::ptrdiff_t>(each)}, classes[i], classifier_,
                                         request_.options.model.outputs == 1 && classifier_.decision.origin != 0));
        ++predicted_;
      }
      goes_on_ = sink_.write(lines);
    }
    for (; next < set.size() && goes_on_ && !stop_signal(); ++next) add_unreadable(set, next);
  }

  void add_unreadable(const ImageDataset& set, size_t i) {
    const auto reasons = set.unreadable();
    const auto found = reasons.find(i);
    const std::string& path = set.samples()[i].path;
    std::string reason = found == reasons.end() ? "cannot be read" : found->second;
    if (reason.find(path) == std::string::npos) reason = path + ": " + reason;
    // Before the folders that came after it.
    const auto place = std::upper_bound(troubles_.begin(), troubles_.end(), i,
                                        [](size_t sample, const Trouble& t) { return sample < t.before; });
    troubles_.insert(place, {i, path, reason});
  }

  void check_finite(const std::vector<double>& z) const {
    CP_ENSURE_AS(bad_data, std::all_of(z.begin(), z.end(), [](double x) { return std::isfinite(x); }),
                 request_.options.weights,
                 ": the network's outputs are NaN or infinite; these weights come from a run "
                 "that diverged, use an earlier file");
  }

  const Request& request_;
  const Classifier& classifier_;
  Backend& backend_;
  Sink& sink_;
  const Writer writer_;
  LabeledFiles chunk_;
  std::deque<Trouble> troubles_;
  bool goes_on_ = true;
  size_t predicted_ = 0, failed_ = 0;
};

}  // namespace

Exit predict_command(int argc, char** argv) {
  Request r = parse(argc, argv);
  Options& o = r.options;
  set_cpu_threads(o.threads);
  Backend& backend = choose_backend(o.device, o.precision);
  const Classifier classifier = load_classifier(o, backend);
  classifier.model->train(false);
  Sink sink(o.output);
  Predictor predictor(r, classifier, backend, sink);
  predictor.run();
  if (stop_signal()) return static_cast<Exit>(128 + stop_signal());
  if (!predictor.is_read()) return Exit::failure;  // run_program() says why, or that it is a closed pipe
  sink.commit();
  std::cerr << text(predictor.predicted(), " images predicted",
                    predictor.failed() ? text(", ", predictor.failed(), " could not be read") : "", "\n");
  return predictor.failed() ? Exit::bad_data : Exit::ok;
}

}  // namespace counterpoise
