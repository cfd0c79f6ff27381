#include "losses/metrics.h"

#include <iomanip>

#include "kernels/check.h"

namespace counterpoise {

namespace {
double ratio(int64_t part, int64_t whole) { return whole ? static_cast<double>(part) / static_cast<double>(whole) : 0; }
}  // namespace

double Confusion::accuracy() const { return ratio(tp + tn, total()); }
double Confusion::precision() const { return ratio(tp, tp + fp); }
double Confusion::recall() const { return ratio(tp, tp + fn); }
double Confusion::f1() const { return ratio(2 * tp, 2 * tp + fp + fn); }

Confusion confusion(const std::vector<double>& scores, const std::vector<bool>& is_positive, double threshold) {
  ENSURE(scores.size() == is_positive.size(), "confusion: ", scores.size(), " scores for ", is_positive.size(),
         " labels");
  Confusion c;
  for (size_t i = 0; i < scores.size(); ++i) {
    const bool called = scores[i] >= threshold;
    ++(is_positive[i] ? (called ? c.tp : c.fn) : (called ? c.fp : c.tn));
  }
  return c;
}

std::string table(const Confusion& c, const std::string& positive, const std::string& negative) {
  const int name = static_cast<int>(std::max(positive.size(), negative.size())) + 1;
  const int cell = std::max(8, name + 3);
  std::ostringstream out;
  const auto row = [&](const std::string& label, int64_t a, const char* what_a, int64_t b, const char* what_b) {
    out << "  " << std::left << std::setw(8 + name) << label << std::right << std::setw(cell) << a << what_a
        << std::setw(cell) << b << what_b << std::setw(cell) << a + b << '\n';
  };
  out << "  n = " << std::left << std::setw(4 + name) << c.total() << std::right << "predicted:\n  "
      << std::setw(8 + name) << "" << std::setw(cell) << positive << "    " << std::setw(cell) << negative << '\n';
  row("actual: " + positive, c.tp, " TP", c.fn, " FN");
  row("        " + negative, c.fp, " FP", c.tn, " TN");
  row("", c.tp + c.fp, "   ", c.fn + c.tn, "   ");
  return out.str();
}

}  // namespace counterpoise
