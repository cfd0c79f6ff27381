#include <algorithm>
#include <cmath>

#include "apps/plots/drawing.h"
#include "apps/plots/plot.h"
#include "apps/trainer/format.h"

namespace counterpoise {

using namespace drawing;

namespace {

// A number above a bar: at most four digits and a letter.
std::string short_number(double value) {
  if (value >= 999999.5) return formatted("%.1fM", value / 1e6);
  return value >= 99999.5 ? formatted("%.0fk", value / 1e3) : formatted("%.0f", value);
}

std::string bars_of(const BarChart& chart, double largest, const Box& box) {
  constexpr double most_named = 12;
  const double size = chart.names.size() <= 10 ? 11 : 9.5;
  constexpr const char* gray = "#c8c8c8";
  const double each = box.width / static_cast<double>(chart.names.size());
  const bool named = chart.names.size() <= most_named;
  std::string out;
  const auto bar = [&](double x, double width, double value, const std::string& color) {
    CP_ENSURE(std::isfinite(value) && value >= 0, "bars \"", chart.title, "\": ", value, " cannot be drawn");
    const double height = value / largest * box.height;
    const double top = box.y + box.height - height;
    out += rectangle({x, top, std::max(width, 0.1), height}, "fill=\"" + color + "\"");
    return top;
  };
  for (size_t i = 0; i < chart.names.size(); ++i) {
    const double x = box.x + each * static_cast<double>(i), half = 0.42 * each;
    bar(x + 0.06 * each, 0.8 * half, chart.before.at(i), gray);
    const double left = x + 0.06 * each + 0.85 * half, width = 0.88 * each - 0.85 * half;
    const double top = bar(left, width, chart.after.at(i), color_text(class_color(i)));
    if (!named) continue;
    const std::string number = short_number(chart.after[i]);
    if (width_of(number, size) <= each) out += words(left + width / 2, top - 4, number, {size, "middle"});
    std::string name = chart.names[i];
    while (letters(name) > 1 && width_of(name, size) > each) name = first_letters(name, letters(name) - 1);
    out += words(x + each / 2, box.y + box.height + 15, name, {size, "middle", pale_ink});
  }
  return out + stroke(box.x, box.y + box.height, box.x + box.width, box.y + box.height, zero_line);
}

}  // namespace

std::string bars_svg(const std::string& title, const std::vector<BarChart>& charts) {
  CP_ENSURE(!charts.empty(), "bars \"", title, "\": there is nothing to draw");
  constexpr double panel_height = 175, left = 18, header = 46;
  // Room for the names of up to ten classes.
  const double more_names = std::clamp(static_cast<double>(charts[0].names.size()) - 5, 0., 5.);
  const double panel_width = 225 + 50 * more_names;
  const size_t columns = std::min<size_t>(charts.size(), static_cast<size_t>(std::max(1., 1000 / panel_width)));
  const size_t rows = (charts.size() + columns - 1) / columns;
  double largest = 0;
  for (const BarChart& chart : charts) {
    for (const std::vector<double>* values : {&chart.before, &chart.after}) {
      CP_ENSURE(values->size() == chart.names.size(), "bars \"", chart.title, "\": ", chart.names.size(),
                " names, but ", values->size(), " numbers");
      for (const double value : *values) largest = std::max(largest, value);
    }
  }
  if (!(largest > 0)) largest = 1;
  const double width = std::max(panel_width * static_cast<double>(columns), width_of(title, 17)) + 2 * left;
  const double height = header + panel_height * static_cast<double>(rows) + 6;
  std::string body = heading(title);
  for (size_t i = 0; i < charts.size(); ++i) {
    const double x = left + panel_width * static_cast<double>(i % columns);
    const double y = header + panel_height * static_cast<double>(i / columns);
    body += words(x, y + 14, charts[i].title, {14, "start", ink, " font-weight=\"600\""});
    body += words(x, y + 30, charts[i].note, {11.5, "start", pale_ink});
    body += bars_of(charts[i], largest, {x, y + 50, panel_width - 25, panel_height - 78});
  }
  return whole_svg(width, height, title, body);
}

}  // namespace counterpoise
