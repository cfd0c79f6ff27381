#include "apps/report/chart.h"

#include <algorithm>
#include <cmath>

#include "apps/plots/drawing.h"
#include "apps/plots/plot.h"
#include "apps/trainer/format.h"

namespace counterpoise::html_report {

namespace {

using drawing::px;

std::string color_class(int color) { return color < 0 ? "gray" : "c" + std::to_string(color % 8); }

// Where the axes are, in the SVG's own units.
struct Frame {
  double left, right, top, bottom;
  Axis x, y;

  double at_x(double value) const { return left + (value - x.low) / (x.high - x.low) * (right - left); }
  double at_y(double value) const { return bottom - (value - y.low) / (y.high - y.low) * (bottom - top); }
  // The same for a value that may be outside.
  double inside_x(double value) const { return std::clamp(at_x(value), left, right); }
  double inside_y(double value) const { return std::clamp(at_y(value), top, bottom); }
};

std::string words(double x, double y, const std::string& text, const char* anchor, const char* more = "") {
  return "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\" text-anchor=\"" + anchor + "\"" + more + ">" + text + "</text>";
}

std::string line(double x1, double y1, double x2, double y2, const std::string& style) {
  return "<line class=\"" + style + "\" x1=\"" + px(x1) + "\" y1=\"" + px(y1) + "\" x2=\"" + px(x2) + "\" y2=\"" +
         px(y2) + "\"/>";
}

// The points of a line, without those that the eye cannot distinguish from their neighbors.
std::string path(const Frame& f, const Chart::Line& l) {
  std::string d;
  bool drawing = false;
  double last_x = 0, last_y = 0;
  for (size_t i = 0; i < l.x.size(); ++i) {
    if (!std::isfinite(l.y[i]) || !std::isfinite(l.x[i])) {
      drawing = false;
      continue;
    }
    const double x = f.inside_x(l.x[i]), y = f.inside_y(l.y[i]);
    if (drawing && i + 1 < l.x.size() && std::hypot(x - last_x, y - last_y) < 0.4) continue;
    d += (drawing ? "L" : "M") + px(x) + " " + px(y);
    drawing = true, last_x = x, last_y = y;
  }
  std::string y = "<path class=\"line " + color_class(l.color) + (l.dashed ? " dashed" : "") + "\" d=\"" + d + "\"/>\n";
  for (size_t i = 0; l.dots && i < l.x.size(); ++i) {
    if (!std::isfinite(l.y[i])) continue;
    y += "<circle class=\"dot " + color_class(l.color) + "\" cx=\"" + px(f.inside_x(l.x[i])) + "\" cy=\"" +
         px(f.inside_y(l.y[i])) + "\" r=\"3\"/>\n";
  }
  return y;
}

std::string area(const Frame& f, const Chart::Area& a) {
  std::string d, back;
  for (size_t i = 0; i < a.x.size(); ++i) {
    const std::string x = px(f.inside_x(a.x[i])) + " ";
    d += (i == 0 ? "M" : "L") + x + px(f.inside_y(a.high[i]));
    back = "L" + x + px(f.inside_y(a.low[i])) + back;
  }
  return "<path class=\"area " + color_class(a.color) + (a.outlined ? " outlined" : "") + "\" d=\"" + d + back +
         "Z\"/>\n";
}

// Texts come after all lines, which would cross them.
std::string marks(const Frame& f, const std::vector<Chart::Mark>& all) {
  std::string lines, texts;
  double row = 0;
  for (const Chart::Mark& m : all) {
    const double x = f.inside_x(m.x);
    const bool left = x > f.left + 0.62 * (f.right - f.left);
    const std::string group = "<g class=\"mark " + m.style + "\">";
    lines += group + line(x, f.top, x, f.bottom, "") + "</g>\n";
    if (m.text.empty()) continue;
    texts += group + words(x + (left ? -4 : 4), f.top + 11 + row, m.text, left ? "end" : "start") + "</g>\n";
    row += 13;
  }
  return lines + texts;
}

std::string svg_of(const Chart& c, bool labels) {
  double widest = 0;
  for (const auto& [value, text] : c.y.ticks) widest = std::max(widest, 6.6 * static_cast<double>(text.size()));
  const Frame f = {widest + (labels ? 26 : 10), c.width - 12, 8, c.height - (labels ? 40 : 22), c.x, c.y};
  std::string y = "<svg class=\"chart\" viewBox=\"0 0 " + px(c.width) + " " + px(c.height) + "\" role=\"img\"" +
                  (c.id.empty() ? "" : " id=\"" + c.id + "\"") + " aria-label=\"" + c.title + ": " + c.y.label +
                  " over " + c.x.label + "\"" +
                  formatted(" data-x=\"%.9g %.9g %.1f %.1f\" data-y=\"%.9g %.9g %.1f %.1f\">\n", c.x.low, c.x.high,
                            f.left, f.right, c.y.low, c.y.high, f.bottom, f.top);
  for (const auto& [value, text] : c.x.ticks) {
    const double x = f.at_x(value);
    y += line(x, f.top, x, f.bottom, "grid") + words(x, f.bottom + 15, text, "middle");
  }
  for (const auto& [value, text] : c.y.ticks) {
    y +=
        line(f.left, f.at_y(value), f.right, f.at_y(value), "grid") + words(f.left - 6, f.at_y(value) + 4, text, "end");
  }
  y += "\n";
  for (const Chart::Area& a : c.areas) y += area(f, a);
  for (const Chart::Line& l : c.lines) y += path(f, l);
  y += marks(f, c.marks);
  for (const Chart::Point& p : c.points) {
    y += "<circle class=\"point " + p.style + "\" cx=\"" + px(f.inside_x(p.x)) + "\" cy=\"" + px(f.inside_y(p.y)) +
         "\" r=\"5\"><title>" + p.text + "</title></circle>\n";
  }
  if (labels) {
    y += words((f.left + f.right) / 2, c.height - 6, c.x.label, "middle", " class=\"label\"");
    const double middle = (f.top + f.bottom) / 2;
    y += words(12, middle, c.y.label, "middle",
               formatted(" class=\"label\" transform=\"rotate(-90 12 %.1f)\"", middle).c_str());
  }
  return y + "</svg>\n";
}

std::string legend(const Chart& c) {
  std::string y;
  for (const Chart::Area& a : c.areas) {
    if (!a.name.empty()) y += key(a.color, a.name);
  }
  for (const Chart::Line& l : c.lines) {
    if (!l.name.empty()) y += key(l.color, l.name, l.dashed);
  }
  return y.empty() ? "" : "<p class=\"legend\">" + y + "</p>\n";
}

}  // namespace

Axis percent_axis(const std::string& label) {
  return {label, 0, 1, {{0, "0%"}, {0.25, "25%"}, {0.5, "50%"}, {0.75, "75%"}, {1, "100%"}}};
}

Axis number_axis(const std::string& label, const std::vector<double>& values, int ticks, bool from_zero) {
  double low = from_zero ? 0 : INFINITY, high = from_zero ? 0 : -INFINITY;
  for (const double x : values) {
    if (std::isfinite(x)) low = std::min(low, x), high = std::max(high, x);
  }
  if (!(low <= high)) low = 0, high = 1;
  if (high - low <= 1e-9 * std::max(std::fabs(low), std::fabs(high)) || high == low) {
    high = low + (low == 0 ? 1 : std::fabs(low) / 2);
  }
  const double step = nice_step(low, high, ticks);
  Axis y = {label, step * std::floor(low / step + 1e-9), step * std::ceil(high / step - 1e-9), {}};
  for (const double tick : multiples(step, y.low, y.high)) y.ticks.emplace_back(tick, formatted("%.6g", tick));
  return y;
}

std::string key(int color, const std::string& name, bool dashed) {
  return "<span class=\"key " + color_class(color) + (dashed ? " dashed" : "") + "\"><i></i>" + name + "</span> ";
}

std::string figure(const Chart& c) {
  return "<figure><figcaption>" + c.title + "</figcaption>\n" + legend(c) + svg_of(c, true) +
         (c.note.empty() ? "" : "<p class=\"note\">" + c.note + "</p>\n") + "</figure>\n";
}

std::string small_figure(Chart c) {
  c.width = 190, c.height = 135;
  return "<figure class=\"small\"><figcaption>" + c.title + "</figcaption>\n" + svg_of(c, false) +
         (c.note.empty() ? "" : "<p class=\"note\">" + c.note + "</p>\n") + "</figure>\n";
}

std::string side_by_side(const std::vector<std::string>& figures) {
  std::string y;
  for (const std::string& f : figures) y += f;
  return y.empty() ? "" : "<div class=\"figures\">\n" + y + "</div>\n";
}

}  // namespace counterpoise::html_report
