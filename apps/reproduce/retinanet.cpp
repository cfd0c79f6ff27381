#include "apps/reproduce/retinanet.h"

#include <algorithm>

#include "apps/compare/markdown.h"
#include "apps/loss_explorer/lecture_tables.h"
#include "apps/reproduce/results.h"
#include "apps/trainer/format.h"

namespace counterpoise {

namespace {

// The grid in which the best alpha of each gamma is looked for.
const std::vector<double> grid_gammas = {0, 2, 5}, grid_alphas = {0.25, 0.5, 0.75, 0.9};

std::string row_name(double gamma, double alpha) { return text(retinanet_group, "-", gamma, "-", alpha); }

// Ours for a pair: a row's mean and deviation in a metric, "–" without results.
std::string measured(const Study& study, const StudyResults& results, double gamma, double alpha, size_t metric) {
  const size_t r = study.find(row_name(gamma, alpha));
  if (r == study.rows.size() || results.rows[r].done == 0) return "–";
  return measured(study.metrics[metric], results.rows[r].summaries[metric]);
}

std::string both_tables(const Study& study, const StudyResults& results, const char* head, bool alpha_first,
                        const std::vector<RetinaNetRow>& pairs) {
  std::vector<std::vector<std::string>> lines = {{alpha_first ? "α" : "γ", alpha_first ? "γ" : "α", "published AP",
                                                  "AP50", "AP75", "ours: F1 at 0.5", "F1, tuned threshold",
                                                  "average precision"}};
  for (const RetinaNetRow& p : pairs) {
    std::vector<std::string> line = {text(alpha_first ? p.alpha : p.gamma), text(alpha_first ? p.gamma : p.alpha)};
    for (const double published : {p.ap, p.ap50, p.ap75}) line.push_back(formatted("%.1f", published));
    for (size_t metric = 0; metric < 3; ++metric) line.push_back(measured(study, results, p.gamma, p.alpha, metric));
    lines.push_back(line);
  }
  return text(head, "\n\n", markdown_table(lines), "\n");
}

// The alpha with the highest mean at this gamma; -1 unless all of the grid's were trained.
double best_alpha(const Study& study, const StudyResults& results, double gamma, size_t metric) {
  double best = -1, value = 0;
  for (const double alpha : grid_alphas) {
    const size_t r = study.find(row_name(gamma, alpha));
    if (r == study.rows.size() || results.rows[r].done == 0) return -1;
    const double mean = results.rows[r].summaries[metric].mean;
    if (best < 0 || mean > value) best = alpha, value = mean;
  }
  return best;
}

std::string grid(const Study& study, const StudyResults& results, size_t metric) {
  std::vector<std::vector<std::string>> lines = {{"γ"}};
  for (const double alpha : grid_alphas) lines[0].push_back(text("α = ", alpha));
  std::vector<double> best;
  for (const double gamma : grid_gammas) {
    const double highest = best_alpha(study, results, gamma, metric);
    std::vector<std::string> line = {text(gamma)};
    for (const double alpha : grid_alphas) {
      const std::string value = measured(study, results, gamma, alpha, metric);
      line.push_back(alpha == highest ? "**" + value + "**" : value);
    }
    lines.push_back(line);
    if (highest >= 0) best.push_back(highest);
  }
  std::string all = text("Ours, ", study.metrics[metric].heading, ":\n\n", markdown_table(lines), "\n");
  if (best.size() < grid_gammas.size()) return all;
  const bool falls = std::is_sorted(best.rbegin(), best.rend()) && best.front() > best.back();
  const bool inside = best.front() != grid_alphas.front() && best.front() != grid_alphas.back();
  all += text("The best α by ", study.metrics[metric].heading, " is ");
  for (size_t i = 0; i < best.size(); ++i) all += text(i ? ", " : "", best[i], " at γ = ", grid_gammas[i]);
  all += falls ? ": it falls as γ grows, as in the paper" : ": it does not fall as γ grows, unlike in the paper";
  all += inside ? ", and at γ = 0 it is inside the grid.\n\n" : ", and at γ = 0 it is at the edge of the grid.\n\n";
  return all;
}

}  // namespace

std::vector<StudyRow> retinanet_rows(const std::string& data, const std::vector<std::string>& images, double seconds) {
  std::vector<std::pair<double, double>> pairs;
  const auto add = [&](double gamma, double alpha) {
    if (std::find(pairs.begin(), pairs.end(), std::pair(gamma, alpha)) == pairs.end()) pairs.emplace_back(gamma, alpha);
  };
  for (const auto* table : {&retinanet_alpha(), &retinanet_gamma()}) {
    for (const RetinaNetRow& p : *table) add(p.gamma, p.alpha);
  }
  for (const double gamma : grid_gammas) {
    for (const double alpha : grid_alphas) add(gamma, alpha);
  }
  std::vector<StudyRow> rows;
  for (const auto& [gamma, alpha] : pairs) {
    StudyRow row;
    row.name = row_name(gamma, alpha), row.group = retinanet_group;
    row.data = data, row.method = text("focal loss, γ = ", gamma, ", α = ", alpha);
    row.arguments = images;
    row.arguments.insert(row.arguments.end(), {"--loss", "focal", "--gamma", text(gamma), "--alpha", text(alpha)});
    row.seconds = seconds;
    rows.push_back(row);
  }
  return rows;
}

std::string retinanet_section(const Study& study, const StudyResults& results) {
  bool any = false;
  for (size_t r = 0; r < study.rows.size(); ++r)
    any = any || (study.rows[r].group == retinanet_group && results.rows[r].done > 0);
  if (!any) return "";
  const std::string data = study.rows[study.find(row_name(2, 0.25))].data;
  return text(
      "## α and γ of the focal loss\n\nLin et al. 2017 (arXiv:1708.02002, table 1) tune RetinaNet, a detector, on "
      "COCO; the lecture shows both tables. α is the weight of the object, 1 − α that of the background. Ours "
      "are of a classifier of ",
      data, ", where α is the weight of the cat: only the trends can be compared.\n\n",
      both_tables(study, results, "α without focusing, γ = 0:", true, retinanet_alpha()),
      both_tables(study, results, "γ, each with the α that is best for it in the paper:", false, retinanet_gamma()),
      grid(study, results, 0), grid(study, results, 2));
}

}  // namespace counterpoise
