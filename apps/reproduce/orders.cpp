#include "apps/reproduce/orders.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "apps/trainer/format.h"

namespace counterpoise {

namespace {

std::string number(const Study& study, size_t metric, double value) {
  return formatted("%.*f", study.metrics[metric].decimals, value);
}

std::string signed_number(const Study& study, size_t metric, const Paired& p) {
  if (std::isnan(p.difference)) return "not measured";
  std::string all = formatted("%+.*f", study.metrics[metric].decimals, p.difference);
  if (!std::isnan(p.error)) all += " ± " + number(study, metric, p.error);
  return all;
}

std::string mean(const Study& study, const StudyResults& results, size_t row, size_t metric) {
  const double value = results.rows[row].summaries[metric].mean;
  return std::isnan(value) ? "–" : number(study, metric, value);
}

std::string name_of(const StudyRow& row) { return row.method + " (" + row.name + ")"; }

// Whether a row takes part in the order of its group.
bool is_ordered(const Study& study, const StudyResults& results, size_t r) {
  return !std::isnan(study.rows[r].value()) && results.rows[r].done > 0 &&
         !std::isnan(results.rows[r].summaries[0].mean);
}

// The rows of a group from the highest value to the lowest.
template <class Value>
std::vector<size_t> ordered(std::vector<size_t> rows, const Value& value) {
  std::stable_sort(rows.begin(), rows.end(), [&](size_t a, size_t b) { return value(a) > value(b); });
  return rows;
}

// "focal loss (R8) 0.876, oversampling (R7) 0.855".
template <class Text>
std::string listed(const Study& study, const std::vector<size_t>& rows, const Text& value) {
  std::string all;
  for (const size_t r : rows) all += (all.empty() ? "" : ", ") + name_of(study.rows[r]) + " " + value(r);
  return all;
}

std::vector<size_t> members(const Study& study, const StudyResults& results, const std::string& group) {
  std::vector<size_t> rows;
  for (size_t r = 0; r < study.rows.size(); ++r) {
    if (study.rows[r].group == group && is_ordered(study, results, r)) rows.push_back(r);
  }
  return rows;
}

// The variation of a row; rows.size() if there is none with results.
size_t variation_of(const Study& study, const StudyResults& results, size_t row, const std::string& variation) {
  for (size_t r = 0; r < study.rows.size(); ++r) {
    const StudyRow& other = study.rows[r];
    if (other.varies == study.rows[row].name && other.variation == variation && results.rows[r].done > 0) return r;
  }
  return study.rows.size();
}

// What else was measured of the two rows, one sentence for each variation.
std::string variations(const Study& study, const StudyResults& results, const Disagreement& d) {
  std::vector<std::string> kinds;
  for (size_t r = 0; r < study.rows.size(); ++r) {
    const StudyRow& row = study.rows[r];
    const bool of_these = row.varies == study.rows[d.above].name || row.varies == study.rows[d.below].name;
    if (of_these && results.rows[r].done > 0 && std::find(kinds.begin(), kinds.end(), row.variation) == kinds.end())
      kinds.push_back(row.variation);
  }
  std::string all;
  for (const std::string& kind : kinds) {
    const size_t a = variation_of(study, results, d.above, kind), b = variation_of(study, results, d.below, kind);
    const size_t above = a < study.rows.size() ? a : d.above, below = b < study.rows.size() ? b : d.below;
    const bool both = a < study.rows.size() && b < study.rows.size();
    const Paired p = difference(results, study, above, below, 0);
    all +=
        text(" With ", kind, both ? " for both" : " for the " + std::string(a < study.rows.size() ? "first" : "second"),
             ": ", mean(study, results, above, 0), " and ", mean(study, results, below, 0), ", a difference of ",
             signed_number(study, 0, p), ".");
  }
  return all;
}

// What the other metrics say of the two rows: whether the images' ranking differs, or the decision threshold alone.
std::string other_metrics(const Study& study, const StudyResults& results, const Disagreement& d) {
  std::string all;
  const auto position = [&](const std::string& key) {
    size_t m = 0;
    while (m < study.metrics.size() && study.metrics[m].key != key) ++m;
    return m;
  };
  const size_t tuned = position("tuned_f1"), ranking = position("average_precision");
  const size_t precision = position("precision"), recall = position("recall"), none = study.metrics.size();
  if (precision < none && recall < none) {
    all += text(" Precision and recall are ", mean(study, results, d.above, precision), " and ",
                mean(study, results, d.above, recall), " against ", mean(study, results, d.below, precision), " and ",
                mean(study, results, d.below, recall), ".");
  }
  if (tuned == none || ranking == none) return all;
  const Paired by_tuned = difference(results, study, d.above, d.below, tuned);
  const Paired by_ranking = difference(results, study, d.above, d.below, ranking);
  if (std::isnan(by_tuned.difference) || std::isnan(by_ranking.difference)) return all;
  all += text(" With a tuned threshold the difference is ", signed_number(study, tuned, by_tuned),
              ", that of average precision ", signed_number(study, ranking, by_ranking));
  const auto clearly = [](const Paired& p) { return p.pairs > 1 && p.difference > 2 * p.error; };
  const bool threshold_alone = clearly(by_tuned) && clearly(by_ranking);
  const bool same = by_tuned.pairs > 1 && std::fabs(by_tuned.difference) <= 2 * by_tuned.error;
  if (threshold_alone)
    all += ": the images are ranked as the " + study.authority + " suggests, and the threshold of 0.5 hides it.";
  else if (same) all += ": at the best threshold the two are not measurably different.";
  else all += ".";
  return all;
}

std::string paragraph(const Study& study, const StudyResults& results, const Disagreement& d) {
  const StudyRow &above = study.rows[d.above], &below = study.rows[d.below];
  std::string all = text("- The ", study.authority, " puts ", name_of(above), " above ", name_of(below), " (",
                         above.published[0].text, ", ", below.published[0].text, "). Here ", study.metrics[0].heading,
                         " is ", mean(study, results, d.above, 0), " and ", mean(study, results, d.below, 0),
                         ", a difference of ", signed_number(study, 0, d.ours));
  if (d.ours.pairs > 1) {
    all += text(" (", d.ours.better, " of ", d.ours.pairs, " seeds as the ", study.authority, ")");
    if (!d.ours.clear(/*lower_is_better=*/true)) all += ", which is within two standard errors";
  } else {
    all += ", with one seed";
  }
  all += "." + other_metrics(study, results, d) + variations(study, results, d);
  for (const StudyRow* row : {&above, &below}) {
    if (!row->note.empty()) all += text(" On ", row->name, ": ", row->note);
  }
  return all + "\n";
}

}  // namespace

std::vector<GroupOrder> compare_orders(const Study& study, const StudyResults& results) {
  std::vector<GroupOrder> orders;
  std::set<std::string> seen;
  for (const StudyRow& first : study.rows) {
    if (!study.groups.count(first.group) || !seen.insert(first.group).second) continue;
    GroupOrder order;
    order.group = first.group;
    const std::vector<size_t> rows = members(study, results, first.group);
    for (const size_t a : rows) {
      for (const size_t b : rows) {
        if (study.rows[a].value() <= study.rows[b].value()) continue;
        const Paired ours = difference(results, study, a, b, 0);
        if (ours.pairs == 0) continue;  // without a common seed
        ++order.pairs;
        if (ours.difference < 0) order.disagreements.push_back({a, b, ours});
      }
    }
    if (order.pairs > 0) orders.push_back(order);
  }
  return orders;
}

std::string orders_section(const Study& study, const StudyResults& results) {
  std::string all;
  for (const GroupOrder& order : compare_orders(study, results)) {
    const std::vector<size_t> rows = members(study, results, order.group);
    const auto theirs = ordered(rows, [&](size_t r) { return study.rows[r].value(); });
    const auto ours = ordered(rows, [&](size_t r) { return results.rows[r].summaries[0].mean; });
    all +=
        text("### ", study.groups.at(order.group), "\n\nThe order of the ", study.authority, ": ",
             listed(study, theirs, [&](size_t r) { return study.rows[r].published[0].text; }), ". Ours by ",
             study.metrics[0].heading, ": ", listed(study, ours, [&](size_t r) { return mean(study, results, r, 0); }),
             ". ", order.pairs - order.disagreements.size(), " of ", plural(order.pairs, "pair"), " of rows ",
             order.pairs == 1 ? "is" : "are", " in the same order.\n");
    if (!order.disagreements.empty()) all += "\n";
    for (const Disagreement& d : order.disagreements) all += paragraph(study, results, d);
    all += "\n";
  }
  return all.empty() ? "" : "## The order of the rows\n\n" + all;
}

}  // namespace counterpoise
