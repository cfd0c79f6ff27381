#include "losses/metrics/classification_report.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "losses/metrics/columns.h"
#include "losses/metrics/confusion.h"

namespace counterpoise {

using detail::right_aligned;
using detail::width_of;

std::vector<int32_t> predict(const Var& logits, double threshold) {
  const Shape& shape = logits.shape();
  CP_ENSURE(shape.rank() == 1 || shape.rank() == 2, "predict: logits ", shape, " but they must be [N] or [N, K]");
  const std::vector<double> z = logits.value().cast(DType::f64).to_vector<double>();
  const size_t N = static_cast<size_t>(shape[0]), K = shape.rank() == 1 ? 1 : static_cast<size_t>(shape[1]);
  CP_ENSURE(K > 0, "predict: logits ", shape, " are of no class");
  std::vector<int32_t> classes;
  for (size_t n = 0; n < N; ++n) {
    const double* row = z.data() + n * K;
    classes.push_back(static_cast<int32_t>(K == 1 ? row[0] >= threshold : std::max_element(row, row + K) - row));
  }
  return classes;
}

std::string classification_report(const std::vector<int32_t>& classes_true, const std::vector<int32_t>& predicted,
                                  const std::vector<std::string>& names, int digits) {
  CP_ENSURE(!classes_true.empty(), "classification report: there are no samples");
  CP_ENSURE(digits >= 0, "classification report: digits is ", digits, " but must be zero or more");
  std::vector<std::string> labels = names;
  if (names.empty()) {
    int32_t largest = *std::max_element(classes_true.begin(), classes_true.end());
    for (const int32_t c : predicted) largest = std::max(largest, c);
    for (int32_t c = 0; c <= largest; ++c) labels.push_back(std::to_string(c));
  }
  const ConfusionMatrix m(classes_true, predicted, static_cast<int64_t>(labels.size()));

  size_t width = std::max(std::string("weighted avg").size(), static_cast<size_t>(digits));
  for (const std::string& label : labels) width = std::max(width, width_of(label));
  const auto cell = [](const std::string& text) { return " " + right_aligned(text, 9); };
  const auto number = [&](double value) {
    std::ostringstream out;
    out << std::fixed << std::setprecision(digits) << value;
    return cell(out.str());
  };
  const auto row = [&](const std::string& label, double precision, double recall, double f1, int64_t support) {
    return right_aligned(label, width) + " " + number(precision) + number(recall) + number(f1) +
           cell(std::to_string(support)) + "\n";
  };

  std::string out =
      right_aligned("", width) + " " + cell("precision") + cell("recall") + cell("f1-score") + cell("support") + "\n\n";
  for (int64_t c = 0; c < m.classes(); ++c) {
    const Confusion one = m.of(c);
    out += row(labels[static_cast<size_t>(c)], one.precision(), one.recall(), one.f1(), m.support(c));
  }
  out += "\n" + right_aligned("accuracy", width) + " " + cell("") + cell("") + number(m.accuracy()) +
         cell(std::to_string(m.total())) + "\n";
  for (const auto& [label, how] :
       {std::pair("macro avg", Average::macro), std::pair("weighted avg", Average::weighted)}) {
    out += row(label, m.average(how, [](const Confusion& c) { return c.precision(); }),
               m.average(how, [](const Confusion& c) { return c.recall(); }),
               m.average(how, [](const Confusion& c) { return c.f1(); }), m.total());
  }
  return out;
}

}  // namespace counterpoise
