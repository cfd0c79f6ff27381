#include "apps/loss_explorer/loss_calculator.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "apps/trainer/flags.h"
#include "losses/class_weights.h"
#include "losses/loss.h"

namespace counterpoise {

namespace {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) parts.emplace_back();
    else if (c != ' ' && c != '\n' && c != '\t') parts.back() += c;
  }
  return parts;
}

double number(const char* flag, const std::string& word) {
  const double value = parse_number(flag, word);
  CP_ENSURE_AS(invalid_argument, std::isfinite(value), flag, ": ", word, " is too large");
  return value;
}

Rows parse_rows(const char* flag, const std::string& given) {
  std::vector<std::string> lines = split(given, ';');
  if (lines.size() > 1 && lines.back().empty()) lines.pop_back();
  Rows rows;
  for (const std::string& line : lines) {
    rows.emplace_back();
    for (const std::string& word : split(line, ',')) {
      CP_ENSURE_AS(invalid_argument, !word.empty(), flag, ": a number is missing in row ", rows.size(), ", \"", line,
                   "\"");
      rows.back().push_back(number(flag, word));
    }
  }
  return rows;
}

Rows parse_logits(const std::string& given) {
  const Rows rows = parse_rows("--logits", given);
  for (size_t n = 0; n < rows.size(); ++n) {
    CP_ENSURE_AS(invalid_argument, rows[n].size() == rows[0].size(), "--logits: row 1 has ", rows[0].size(),
                 " logits, row ", n + 1, " has ", rows[n].size());
  }
  return rows;
}

std::vector<int64_t> parse_counts(const std::string& given, size_t K) {
  std::vector<int64_t> counts;
  if (given.empty()) return counts;
  for (const std::string& word : split(given, ',')) {
    const double value = number("--counts", word);
    CP_ENSURE_AS(invalid_argument, value >= 0 && value == std::floor(value) && value <= 1e15, "--counts: \"", word,
                 "\" is not a number of samples");
    counts.push_back(static_cast<int64_t>(value));
  }
  CP_ENSURE_AS(invalid_argument, counts.size() == K, "--counts has ", counts.size(), " numbers for ", K, " classes");
  return counts;
}

// What to add where counts are missing.
std::string add_counts(size_t K) {
  std::string example;
  for (size_t k = 0; k < K; ++k) example += (k ? "," : "") + std::to_string(k ? 100 : 1000);
  return "add --counts " + example + " (training samples of each class)";
}

Row parse_weights(const std::string& given, const std::vector<int64_t>& counts, size_t K) {
  const char* flag = "--class-weights";
  if (given == "none") return {};
  if (given.find_first_not_of("0123456789.,+-eE ") == std::string::npos) {
    Row weights;
    for (const std::string& word : split(given, ',')) {
      weights.push_back(number(flag, word));
      CP_ENSURE_AS(invalid_argument, weights.back() >= 0, flag, ": ", word, " is below 0");
    }
    CP_ENSURE_AS(invalid_argument, weights.size() == K, flag, " has ", weights.size(), " numbers for ", K, " classes");
    return weights;
  }
  std::vector<std::string> classes;
  for (size_t k = 0; k < K; ++k) classes.push_back(std::to_string(k));
  // A mistyped scheme is reported before missing counts, which would not help it.
  const bool counted = !counts.empty();
  const Row weights = with_flag(
      flag, [&] { return parse_class_weights(given, classes, counted ? counts : std::vector<int64_t>(K, 1)); });
  const bool each = given.find('=') != std::string::npos && given.rfind("effective", 0) != 0;
  CP_ENSURE_AS(invalid_argument, counted || each, "class weights \"", given,
               "\" are computed from the class counts: ", add_counts(K), ", or give --class-weights none");
  return weights;
}

std::string soft_losses() {
  std::vector<std::string> names;
  for (const LossInfo& loss : losses()) {
    if (loss.is(LossInfo::soft_targets)) names.push_back(loss.name);
  }
  return join(names);
}

class Calculator {
 public:
  explicit Calculator(const LossRequest& request)
      : request_(request),
        logits_(parse_logits(request.logits)),
        binary_(logits_[0].size() == 1),
        N_(logits_.size()),
        K_(binary_ ? 2 : logits_[0].size()),
        spec_(with_flag("loss " + request_.loss->name,
                        [this] { return resolve(*request_.loss, form(), request_.given); })) {
    CP_ENSURE_AS(invalid_argument, 0 <= request_.positive && request_.positive < static_cast<int>(K_), "--positive ",
                 request_.positive, " is not a class; they are 0 to ", K_ - 1);
    CP_ENSURE_AS(
        invalid_argument,
        !request_.loss->is(LossInfo::batch_level) || request_.reduction.empty() || request_.reduction == "mean",
        "--reduction ", request_.reduction, " does not apply to ", request_.loss->name,
        ", which is one number for a whole batch");
    if (!request_.reduction.empty()) with_flag("--reduction", [&] { return parse_reduction(request_.reduction); });
    counts_ = parse_counts(request_.counts, K_);
    weights_ = parse_weights(
        request_.class_weights.empty() ? request_.loss->defaults.class_weights : request_.class_weights, counts_, K_);
    CP_ENSURE_AS(invalid_argument, !request_.loss->is(LossInfo::needs_counts) || !counts_.empty(), request_.loss->name,
                 " depends on the class counts: ", add_counts(K_));
    read_labels();
  }

  std::string run() {
    Backend& backend = reference_backend();  // plain formulas, not vectorized ones
    const Labels labels = make(backend);
    Row all;
    for (const Row& row : logits_) all.insert(all.end(), row.begin(), row.end());
    const Index rows = static_cast<Index>(N_), columns = static_cast<Index>(binary_ ? 1 : K_);
    const Var z(Tensor::from(backend, binary_ ? Shape{rows} : Shape{rows, columns}, all), true);
    Loss loss(spec_, {counts_, weights_, request_.reduction});
    const auto [value, per_sample] = values(loss, z, labels);
    return json(loss, value, per_sample, z.grad().defined() ? z.grad().to_vector<double>() : Row(all.size()));
  }

 private:
  LossInfo::Outputs form() const {
    const LossInfo::Outputs given = binary_ ? LossInfo::one_logit : LossInfo::logit_per_class;
    CP_ENSURE_AS(invalid_argument, request_.loss->outputs & given, request_.loss->name,
                 binary_ ? " takes a logit for each class: separate them by ',', samples by ';', as in --logits "
                           "'1.2,-0.4;0.3,2'"
                         : " takes one logit per sample: separate samples by ';', as in --logits '1.2;-0.4'");
    return given;
  }

  // The loss of all and of each sample; z gets the gradient.
  std::pair<double, Row> values(Loss& loss, const Var& z, const Labels& labels) const {
    try {
      const Var value = loss(z, labels);
      value.backward();
      return {value.value().item(), loss.per_sample(z, labels).value().to_vector<double>()};
    } catch (const Error& error) {
      // The only thing that can still be missing here are counts: for --pos-weight auto, or a state from training.
      const bool missing = error.kind() == ErrorKind::invalid_argument && counts_.empty();
      throw Error(ErrorKind::invalid_argument, error.what() + (missing ? "; " + add_counts(K_) : ""));
    }
  }

  // A hint, because logits of several samples are easily written as one row.
  std::string several_samples() const {
    return N_ == 1 && !binary_ ? "; if the logits are several samples', separate them with ';'" : "";
  }

  // Sets hard_ or soft_.
  void read_labels() {
    const Rows rows = parse_rows("--labels", request_.labels);
    Row flat;
    for (const Row& row : rows) flat.insert(flat.end(), row.begin(), row.end());
    const bool one_each = flat.size() == N_;
    const bool distributions = !binary_ && !one_each && rows.size() == N_ &&
                               std::all_of(rows.begin(), rows.end(), [&](const Row& r) { return r.size() == K_; });
    if (!one_each && !distributions) {
      throw Error(ErrorKind::invalid_argument, "--labels has ", plural(flat.size(), "number"), " for ",
                  plural(N_, "row"), " of logits", flat.size() == K_ ? several_samples() : "");
    }
    if (one_each && std::all_of(flat.begin(), flat.end(), [](double y) { return y == std::floor(y); })) {
      for (const double label : flat) {
        const double* ignored = spec_.find("ignore-index");
        const bool left_out = ignored && label == *ignored;
        CP_ENSURE_AS(invalid_argument, left_out || (0 <= label && label < static_cast<double>(K_)), "--labels: ", label,
                     " is not a class; they are 0 to ", K_ - 1);
        hard_.push_back(static_cast<int32_t>(label));
      }
      return;
    }
    read_soft(binary_ ? std::move(flat) : Row(), distributions ? rows : Rows());
  }

  void read_soft(Row fractions, Rows distributions) {
    CP_ENSURE_AS(invalid_argument, !fractions.empty() || !distributions.empty(),
                 "--labels: a class is a whole number; soft targets are rows of ", K_, " probabilities");
    CP_ENSURE_AS(invalid_argument, request_.loss->is(LossInfo::soft_targets), "--labels: ", request_.loss->name,
                 " takes classes, not soft targets; those that do are ", soft_losses(), several_samples());
    for (const double y : fractions) {
      CP_ENSURE_AS(invalid_argument, 0 <= y && y <= 1, "--labels: ", y, " is not between 0 and 1");
    }
    for (size_t n = 0; n < distributions.size(); ++n) {
      double total = 0;
      for (const double p : distributions[n]) {
        CP_ENSURE_AS(invalid_argument, p >= 0, "--labels: ", p, " in row ", n + 1, " is not a probability");
        total += p;
      }
      CP_ENSURE_AS(invalid_argument, std::fabs(total - 1) < 1e-6, "--labels: the probabilities of row ", n + 1,
                   " add up to ", total, ", not 1", several_samples());
    }
    // Only softmax cross-entropy weights each class's share of a target; elsewhere the weight is that of one class.
    const bool shares = request_.loss->is(LossInfo::weighs_itself) && !request_.loss->is(LossInfo::batch_level);
    CP_ENSURE_AS(invalid_argument, weights_.empty() || shares, "class weights of ", request_.loss->name,
                 " go with labels that are classes; give --class-weights none for soft targets");
    CP_ENSURE_AS(invalid_argument, !request_.given.count("ignore-index"),
                 "--ignore-index goes with labels that are classes");
    soft_ = binary_ ? Rows(1, std::move(fractions)) : std::move(distributions);
  }

  Labels make(Backend& backend) const {
    if (soft_.empty()) return make_labels(backend, hard_, request_.positive, DType::f64);
    if (!binary_) return make_soft_labels(backend, soft_, request_.positive, DType::f64);
    Row positives = soft_[0];  // the probability of class 1
    for (double& p : positives) p = request_.positive == 1 ? p : 1 - p;
    return make_soft_labels(backend, positives, request_.positive, DType::f64);
  }

  // Written by hand, because nlohmann::json would put each number of a row on a line of its own, and would write only
  // as many digits as identify a double, not the 17 that show its value.
  static std::string written(double value) {
    CP_ENSURE_AS(invalid_argument, std::isfinite(value),
                 "the result is not finite: a number on the command line is too large for double precision");
    return formatted("%.17g", value == 0 ? 0 : value);
  }
  static std::string written(const Row& row) {
    return list(row, [](double value) { return written(value); });
  }
  static std::string written(const Rows& rows) {
    return list(rows, [](const Row& row) { return written(row); });
  }
  template <class Integer>
  static std::string written(const std::vector<Integer>& numbers) {
    return written(Row(numbers.begin(), numbers.end()));
  }
  template <class Items, class Write>
  static std::string list(const Items& items, const Write& write) {
    std::vector<std::string> texts;
    for (const auto& item : items) texts.push_back(write(item));
    return "[" + join(texts) + "]";
  }
  static std::string written(const std::string& name) { return "\"" + name + "\""; }

  std::string written_params() const {
    std::vector<std::string> params;
    for (const LossParam& p : request_.loss->params) {
      if (!spec_.applies(p)) continue;
      const bool word = p.is_word(spec_[p.name]);
      params.push_back(written(p.name) + ": " + (word ? written(p.word) : written(spec_[p.name])));
    }
    return "{" + join(params) + "}";
  }

  std::string json(const Loss& loss, double value, const Row& per_sample, const Row& gradient) const {
    Rows gradients;
    const size_t columns = binary_ ? 1 : K_;
    for (size_t n = 0; n < N_; ++n) gradients.emplace_back(&gradient[n * columns], &gradient[n * columns] + columns);
    const std::pair<const char*, std::string> fields[] = {
        {"loss", written(request_.loss->name)},
        {"form", written(binary_ ? std::string("one logit") : "a logit per class")},
        {"parameters", written_params()},
        {"counts", counts_.empty() ? "null" : written(counts_)},
        {"class_weights", weights_.empty() ? "null" : written(weights_)},
        {"positive", std::to_string(request_.positive)},
        {"reduction", written(to_string(loss.reduction()))},
        {"value", written(value)},
        {"per_sample", request_.loss->is(LossInfo::batch_level) ? "null" : written(per_sample)},
        {"gradient", written(gradients)},
        {"logits", written(logits_)},
        {"labels", soft_.empty() ? written(hard_)
                   : binary_     ? written(soft_[0])
                                 : written(soft_)},
    };
    std::string out;
    for (const auto& [name, text] : fields)
      out += (out.empty() ? "{\n  " : ",\n  ") + written(std::string(name)) + ": " + text;
    return out + "\n}\n";
  }

  const LossRequest& request_;
  const Rows logits_;
  const bool binary_;
  const size_t N_, K_;  // samples, classes
  const LossSpec spec_;
  std::vector<int64_t> counts_;
  Row weights_;
  std::vector<int32_t> hard_;  // classes; empty with soft targets
  Rows soft_;                  // one logit: one row, the probabilities of class 1; else a row per sample
};

}  // namespace

std::string evaluate_loss(const LossRequest& request) { return Calculator(request).run(); }

}  // namespace counterpoise
