#include "apps/plots/plot.h"

#include <algorithm>
#include <cmath>

#include "apps/plots/drawing.h"
#include "apps/plots/surface.h"
#include "apps/trainer/program.h"

namespace counterpoise {

using namespace drawing;

namespace {

std::string color_of(const Plot& plot, size_t place) {
  const size_t color = plot.lines[place].color < 0 ? place : static_cast<size_t>(plot.lines[place].color);
  CP_ENSURE(color < colors, "plot \"", plot.title, "\", line ", plot.lines[place].name, ": there are ", colors,
            " colors");
  return color_text(palette[color]);
}

// An axis: the range it spans, the position of a number on it, and the numbers written beside it.
struct Axis {
  double low, high;  // logarithms where it is logarithmic
  bool logarithmic;
  std::vector<double> ticks;  // numbers, not their logarithms

  double place(double value) const { return ((logarithmic ? std::log10(value) : value) - low) / (high - low); }
};

// The axis of all lines' values. If `widened`, it extends to the next tick on both sides, so that the frame ends at a
// number; otherwise only to a tick that is near.
Axis axis(const Plot& plot, std::vector<double> Plot::Line::*values, bool logarithmic, int wanted, bool widened) {
  double low = INFINITY, high = -INFINITY;
  if (plot.surface.columns) {
    CP_ENSURE(!logarithmic, "plot \"", plot.title, "\": a surface needs linear axes");
    const bool of_x = values == &Plot::Line::x;
    low = of_x ? plot.surface.x_low : plot.surface.y_low, high = of_x ? plot.surface.x_high : plot.surface.y_high;
  }
  for (const Plot::Line& line : plot.lines) {
    for (const double value : line.*values) {
      CP_ENSURE(std::isfinite(value) && (!logarithmic || value > 0), "plot \"", plot.title, "\", line ", line.name,
                ": ", value, " cannot be drawn");
      low = std::min(low, logarithmic ? std::log10(value) : value);
      high = std::max(high, logarithmic ? std::log10(value) : value);
    }
  }
  // Without this, a range that is nothing but rounding errors would fill the plot.
  if (high - low <= 1e-9 * std::max(std::fabs(low), std::fabs(high)) || high == low) low -= 1, high += 1;
  Axis y = {low, high, logarithmic, {}};
  if (logarithmic) {
    if (widened) y.low = std::floor(low + 1e-9), y.high = std::ceil(high - 1e-9);
    if (y.low == y.high) y.high += 1;
    for (double power = std::ceil(y.low - 1e-9); power <= y.high + 1e-9; ++power) {
      y.ticks.push_back(std::pow(10, power));
    }
    return y;
  }
  const double step = nice_step(low, high, wanted);
  const double below = step * std::floor(low / step + 1e-9), above = step * std::ceil(high / step - 1e-9);
  if (widened || low - below < 0.1 * step) y.low = below;
  if (widened || above - high < 0.1 * step) y.high = above;
  y.ticks = multiples(step, y.low, y.high);
  return y;
}

std::string lines_of(const Plot& plot, const Axis& x, const Axis& y, const Box& box, double width) {
  std::string out;
  for (size_t i = 0; i < plot.lines.size(); ++i) {
    const Plot::Line& line = plot.lines[i];
    CP_ENSURE(line.x.size() == line.y.size(), "plot \"", plot.title, "\", line ", line.name, ": ", line.x.size(),
              " x but ", line.y.size(), " y");
    std::string points;
    for (size_t n = 0; n < line.x.size(); ++n) {
      if (line.points) {
        out += text("<circle cx=\"", px(box.x + x.place(line.x[n]) * box.width), "\" cy=\"",
                    px(box.y + (1 - y.place(line.y[n])) * box.height), "\" r=\"", 2 * width, "\" fill=\"",
                    color_of(plot, i), "\" stroke=\"#ffffff\"/>\n");
        continue;
      }
      points += (n ? " " : "") + px(box.x + x.place(line.x[n]) * box.width) + "," +
                px(box.y + (1 - y.place(line.y[n])) * box.height);
    }
    if (line.points) continue;
    out += text("<polyline points=\"", points, "\" fill=\"none\" stroke=\"", color_of(plot, i), "\" stroke-width=\"",
                width, "\" stroke-linejoin=\"round\" stroke-linecap=\"round\"",
                line.dashed ? " stroke-dasharray=\"2 6\"" : "", "/>\n");
  }
  return out;
}

// Grid lines at the ticks; those at zero are darker.
std::string grid_of(const Axis& x, const Axis& y, const Box& box) {
  std::string out, zeros;
  for (const double tick : x.ticks) {
    const double at = box.x + x.place(tick) * box.width;
    (tick == 0 ? zeros : out) += stroke(at, box.y, at, box.y + box.height, tick == 0 ? zero_line : grid);
  }
  for (const double tick : y.ticks) {
    const double at = box.y + (1 - y.place(tick)) * box.height;
    (tick == 0 ? zeros : out) += stroke(box.x, at, box.x + box.width, at, tick == 0 ? zero_line : grid);
  }
  return out + zeros;
}

std::string panel(const Plot& plot, const Box& outer) {
  constexpr double size = 13;
  // (A surface ends where the frame does.)
  const bool widened = !plot.surface.columns;
  const Axis y = axis(plot, &Plot::Line::y, plot.log_y, static_cast<int>(outer.height / 42), widened);
  double labels = 0;
  for (const double tick : y.ticks) labels = std::max(labels, width_of(tick_text(tick), size));
  const double left = labels + 36, top = plot.title.empty() ? 10 : 30;
  const Box box = {outer.x + left, outer.y + top, outer.width - left - 16, outer.height - top - 50};
  const Axis x = axis(plot, &Plot::Line::x, plot.log_x, static_cast<int>(box.width / 55), false);

  std::string out = "<g>\n";
  if (plot.band.to > plot.band.from) {
    const double from = box.x + x.place(plot.band.from) * box.width, to = box.x + x.place(plot.band.to) * box.width;
    out += rectangle({from, box.y, to - from, box.height}, "fill=\"#f2f2f2\"");
    out += words((from + to) / 2, box.y + 20, plot.band.text, {size, "middle", pale_ink, " font-style=\"italic\""});
  }
  if (plot.surface.columns) {
    out += surface_of(
        plot.surface, [&](double value) { return box.x + x.place(value) * box.width; },
        [&](double value) { return box.y + (1 - y.place(value)) * box.height; });
  }
  out += grid_of(x, y, box);
  for (const double tick : x.ticks) {
    out +=
        words(box.x + x.place(tick) * box.width, box.y + box.height + 18, tick_text(tick), {size, "middle", pale_ink});
  }
  for (const double tick : y.ticks) {
    out += words(box.x - 8, box.y + (1 - y.place(tick)) * box.height + 4.5, tick_text(tick), {size, "end", pale_ink});
  }
  out += lines_of(plot, x, y, box, 2.25);
  if (!plot.title.empty()) out += words(box.x, outer.y + 17, plot.title, {14, "start", ink, " font-weight=\"600\""});
  out += words(box.x + box.width / 2, box.y + box.height + 39, plot.x_label, {size, "middle"});
  const double label_x = outer.x + 16, label_y = box.y + box.height / 2;
  const std::string rotated = text(" transform=\"rotate(-90 ", px(label_x), " ", px(label_y), ")\"");
  out += words(label_x, label_y, plot.y_label, {size, "middle", ink, rotated.c_str()});
  return out + "</g>\n";
}

// Appends the legend, a short sample of each line with its name, in as many rows as needed. Returns its height.
double legend(const Plot& plot, double left, double top, double width, std::string& out) {
  constexpr double size = 13, row = 22, sample = 26, gap = 24;
  double x = left, y = top;
  for (size_t i = 0; i < plot.lines.size(); ++i) {
    const double needed = sample + 7 + width_of(plot.lines[i].name, size);
    if (x > left && x + needed > left + width) x = left, y += row;
    if (plot.lines[i].points) {
      out += text("<circle cx=\"", px(x + sample / 2), "\" cy=\"", px(y + 9), "\" r=\"5\" fill=\"", color_of(plot, i),
                  "\"/>\n");
    } else {
      out += text("<path d=\"M", px(x), " ", px(y + 9), "h", sample, "\" stroke=\"", color_of(plot, i),
                  "\" stroke-width=\"3\" stroke-linecap=\"round\"",
                  plot.lines[i].dashed ? " stroke-dasharray=\"2 6\"" : "", "/>\n");
    }
    out += words(x + sample + 7, y + 13.5, plot.lines[i].name, {size});
    x += needed + gap;
  }
  return y + row - top;
}

}  // namespace

std::string svg(const std::string& title, const std::vector<Plot>& plots) {
  CP_ENSURE(!plots.empty(), "plot \"", title, "\": there is nothing to draw");
  const double panel_width = plots.size() == 1 ? 680 : plots.size() == 2 ? 470 : 370;
  const double panel_height = plots.size() == 1 ? 420 : plots.size() == 2 ? 340 : 310;
  const double width = panel_width * static_cast<double>(plots.size()) + 12;
  std::string body = heading(title);
  const Plot& named = *std::max_element(plots.begin(), plots.end(),
                                        [](const Plot& a, const Plot& b) { return a.lines.size() < b.lines.size(); });
  const double top = 46 + legend(named, 18, 44, width - 36, body) + 8;
  for (size_t i = 0; i < plots.size(); ++i) {
    body += panel(plots[i], {6 + panel_width * static_cast<double>(i), top, panel_width, panel_height});
  }
  const double height = top + panel_height + 6;
  return whole_svg(width, height, title, body);
}

std::string thumbnail(const Plot& plot) {
  constexpr double width = 210, height = 140, size = 10.5;
  const Axis x = axis(plot, &Plot::Line::x, plot.log_x, 6, false), y = axis(plot, &Plot::Line::y, plot.log_y, 4, true);
  double labels = 0;
  for (const double tick : y.ticks) labels = std::max(labels, width_of(tick_text(tick), size));
  const Box box = {labels + 10, 8, width - labels - 20, height - 30};
  std::string out = open_svg(width, height, plot.title) + grid_of(x, y, box);
  for (const double tick : x.ticks) {
    out += words(box.x + x.place(tick) * box.width, height - 8, tick_text(tick), {size, "middle", pale_ink});
  }
  for (const double tick : y.ticks) {
    out += words(box.x - 5, box.y + (1 - y.place(tick)) * box.height + 3.5, tick_text(tick), {size, "end", pale_ink});
  }
  return out + lines_of(plot, x, y, box, 1.8) + "</svg>\n";
}

}  // namespace counterpoise
