#include "apps/trainer/count_bars.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/plots/plot.h"
#include "apps/trainer/format.h"
#include "layers/summary.h"

namespace counterpoise {

namespace {

constexpr size_t bar_width = 24, most_lines = 10, longest_name = 24;

std::string padded(const std::string& text, size_t width, bool right = false) {
  const size_t length = letters(text);
  const std::string space(length < width ? width - length : 0, ' ');
  return right ? space + text : text + space;
}

// At least one mark where there is an image.
std::string bar(int64_t count, int64_t largest) {
  if (count <= 0 || largest <= 0) return "";
  const double length = static_cast<double>(count) / static_cast<double>(largest) * bar_width;
  return std::string(std::max<size_t>(1, static_cast<size_t>(std::lround(length))), '#');
}

bool all_equal(const std::vector<int64_t>& counts) {
  return std::all_of(counts.begin(), counts.end(), [&](int64_t n) { return n == counts.front(); });
}

std::string short_name(const std::string& name) { return fitted(printable(name), longest_name); }

}  // namespace

std::vector<size_t> shown_classes(const std::vector<int64_t>& counts, size_t most) {
  std::vector<size_t> order(counts.size());
  std::iota(order.begin(), order.end(), size_t(0));
  if (order.size() <= most) return order;
  const auto half = static_cast<std::ptrdiff_t>(most / 2);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return counts[a] > counts[b]; });
  order.erase(order.begin() + half, order.end() - half);
  return order;
}

int64_t SampledCounts::total() const { return std::accumulate(counts.begin(), counts.end(), int64_t(0)); }

SampledCounts sampled_counts(const DataLoader& loader) {
  return {loader.options().sampler, loader.dataset().counts(loader.order(1))};
}

std::string count_bars(const std::vector<std::string>& classes, const std::vector<int64_t>& before,
                       const SampledCounts& after) {
  CP_ENSURE(before.size() == classes.size() && after.counts.size() == classes.size(), "count bars: ", classes.size(),
            " classes, but ", before.size(), " and ", after.counts.size(), " counts");
  const bool changed = before != after.counts;
  if (classes.empty() || (!changed && all_equal(before))) return "";
  const int64_t largest = std::max(*std::max_element(before.begin(), before.end()),
                                   *std::max_element(after.counts.begin(), after.counts.end()));
  const std::vector<size_t> shown = shown_classes(before, most_lines);
  size_t names = 0, digits = text(largest).size();
  for (const size_t c : shown) names = std::max(names, letters(short_name(classes[c])));
  std::string lines, sampler = after.sampler;
  for (size_t i = 0; i < shown.size(); ++i) {
    if (shown.size() < classes.size() && i == shown.size() / 2)
      lines += text("  ... ", classes.size() - shown.size(), " more classes\n");
    const size_t c = shown[i];
    std::string line = "  " + padded(short_name(classes[c]), names) + "  " + padded(text(before[c]), digits, true) +
                       " " + bar(before[c], largest);
    if (changed) {
      line = padded(line, 2 + names + 2 + digits + 1 + bar_width) + " -> " + padded(sampler, after.sampler.size()) +
             "  " + padded(text(after.counts[c]), digits, true) + " " + bar(after.counts[c], largest);
      sampler.clear();
    }
    lines += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return lines;
}

std::string count_bars_svg(const std::vector<std::string>& classes, const std::vector<int64_t>& before,
                           const std::vector<SampledCounts>& after) {
  std::vector<BarChart> charts;
  for (const SampledCounts& s : after) {
    BarChart chart = {s.sampler, text(with_commas(s.total()), " images in an epoch"), classes, {}, {}};
    chart.before.assign(before.begin(), before.end());
    chart.after.assign(s.counts.begin(), s.counts.end());
    charts.push_back(std::move(chart));
  }
  return bars_svg("Images of each class in an epoch, before (gray) and after each sampler", charts);
}

}  // namespace counterpoise
