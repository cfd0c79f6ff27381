#include "apps/trainer/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "kernels/error.h"

namespace counterpoise {

namespace {

// Okabe and Ito 2008, "Color Universal Design", without the yellow, which is hard to see on white.
constexpr const char* palette[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"};
constexpr size_t colors = sizeof palette / sizeof *palette;

const char* color_of(const Plot& plot, size_t place) {
  const size_t color = plot.lines[place].color < 0 ? place : static_cast<size_t>(plot.lines[place].color);
  CP_ENSURE(color < colors, "plot \"", plot.title, "\", line ", plot.lines[place].name, ": there are ", colors,
            " colors");
  return palette[color];
}

constexpr const char* ink = "#222222";
constexpr const char* pale_ink = "#5a5a5a";
constexpr const char* grid = "#e6e6e6";
constexpr const char* zero_line = "#9a9a9a";

// A coordinate in pixels, rounded to tenths, which the eye cannot distinguish.
std::string px(double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.1f", value == 0 ? 0 : value);
  std::string y = digits;
  if (y.size() > 2 && y.compare(y.size() - 2, 2, ".0") == 0) y.resize(y.size() - 2);
  return y == "-0" ? "0" : y;
}

// A number beside an axis, with a true minus sign.
std::string tick_text(double value) {
  const bool power = value != 0 && (std::fabs(value) >= 1e6 || std::fabs(value) < 1e-4);
  char digits[32];
  std::snprintf(digits, sizeof digits, power ? "%.0e" : "%.6g", std::fabs(value));
  return (value < 0 ? "\u2212" : "") + std::string(digits);
}

// An estimate of a text's width. Fonts differ, so the letters of a wide one are assumed.
double width_of(const std::string& text, double size) {
  double em = 0;
  for (const char c : text) {
    if ((c & 0xc0) == 0x80) continue;  // a further byte of the same letter, in UTF-8
    em += std::string(" .,;:'|!()[]ijlftr").find(c) != std::string::npos ? 0.38 : c == 'm' || c == 'w' ? 0.9 : 0.63;
  }
  return em * size;
}

struct Style {
  double size;
  const char* anchor = "start";
  const char* color = ink;
  const char* more = "";  // further attributes
};
std::string words(double x, double y, const std::string& what, const Style& style) {
  return counterpoise::text("<text x=\"", px(x), "\" y=\"", px(y), "\" font-size=\"", style.size, "\" text-anchor=\"",
                            style.anchor, "\" fill=\"", style.color, "\"", style.more, ">", escaped(what), "</text>\n");
}
std::string stroke(double x1, double y1, double x2, double y2, const char* color, double width = 1) {
  return text("<path d=\"M", px(x1), " ", px(y1), "L", px(x2), " ", px(y2), "\" stroke=\"", color, "\" stroke-width=\"",
              width, "\" fill=\"none\"/>\n");
}

std::string open_svg(double width, double height, const std::string& title) {
  return text("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", px(width), "\" height=\"", px(height),
              "\" viewBox=\"0 0 ", px(width), " ", px(height),
              "\" role=\"img\" font-family=\"system-ui, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, "
              "sans-serif\">\n<title>",
              escaped(title), "</title>\n");
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

struct Box {
  double x, y, width, height;
};

std::string lines_of(const Plot& plot, const Axis& x, const Axis& y, const Box& box, double width) {
  std::string out;
  for (size_t i = 0; i < plot.lines.size(); ++i) {
    const Plot::Line& line = plot.lines[i];
    CP_ENSURE(line.x.size() == line.y.size(), "plot \"", plot.title, "\", line ", line.name, ": ", line.x.size(),
              " x but ", line.y.size(), " y");
    std::string points;
    for (size_t n = 0; n < line.x.size(); ++n) {
      points += (n ? " " : "") + px(box.x + x.place(line.x[n]) * box.width) + "," +
                px(box.y + (1 - y.place(line.y[n])) * box.height);
    }
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
  const Axis y = axis(plot, &Plot::Line::y, plot.log_y, static_cast<int>(outer.height / 42), true);
  double labels = 0;
  for (const double tick : y.ticks) labels = std::max(labels, width_of(tick_text(tick), size));
  const double left = labels + 36, top = plot.title.empty() ? 10 : 30;
  const Box box = {outer.x + left, outer.y + top, outer.width - left - 16, outer.height - top - 50};
  const Axis x = axis(plot, &Plot::Line::x, plot.log_x, static_cast<int>(box.width / 55), false);

  std::string out = "<g>\n";
  if (plot.band.to > plot.band.from) {
    const double from = box.x + x.place(plot.band.from) * box.width, to = box.x + x.place(plot.band.to) * box.width;
    out += text("<rect x=\"", px(from), "\" y=\"", px(box.y), "\" width=\"", px(to - from), "\" height=\"",
                px(box.height), "\" fill=\"#f2f2f2\"/>\n");
    out += words((from + to) / 2, box.y + 20, plot.band.text, {size, "middle", pale_ink, " font-style=\"italic\""});
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
    out += text("<path d=\"M", px(x), " ", px(y + 9), "h", sample, "\" stroke=\"", color_of(plot, i),
                "\" stroke-width=\"3\" stroke-linecap=\"round\"",
                plot.lines[i].dashed ? " stroke-dasharray=\"2 6\"" : "", "/>\n");
    out += words(x + sample + 7, y + 13.5, plot.lines[i].name, {size});
    x += needed + gap;
  }
  return y + row - top;
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string y;
  for (const char c : text) {
    switch (c) {
      case '&':
        y += "&amp;";
        break;
      case '<':
        y += "&lt;";
        break;
      case '>':
        y += "&gt;";
        break;
      case '"':
        y += "&quot;";
        break;
      case '\'':
        y += "&#39;";
        break;
      default:
        y += c;
    }
  }
  return y;
}

double nice_step(double low, double high, int most) {
  CP_ENSURE(std::isfinite(low) && std::isfinite(high) && low < high && most > 0, "an axis cannot go from ", low, " to ",
            high, " in ", most, " steps");
  const double rough = (high - low) / most, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1, 2, 5}) {
    if (rough <= factor * power * (1 + 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::vector<double> multiples(double step, double low, double high) {
  std::vector<double> y;
  for (double n = std::ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; ++n) y.push_back(n == 0 ? 0 : n * step);
  return y;
}

std::string svg(const std::string& title, const std::vector<Plot>& plots) {
  CP_ENSURE(!plots.empty(), "plot \"", title, "\": there is nothing to draw");
  const double panel_width = plots.size() == 1 ? 680 : plots.size() == 2 ? 470 : 370;
  const double panel_height = plots.size() == 1 ? 420 : plots.size() == 2 ? 340 : 310;
  const double width = panel_width * static_cast<double>(plots.size()) + 12;
  std::string body = words(18, 30, title, {17, "start", ink, " font-weight=\"600\""});
  const Plot& named = *std::max_element(plots.begin(), plots.end(),
                                        [](const Plot& a, const Plot& b) { return a.lines.size() < b.lines.size(); });
  const double top = 46 + legend(named, 18, 44, width - 36, body) + 8;
  for (size_t i = 0; i < plots.size(); ++i) {
    body += panel(plots[i], {6 + panel_width * static_cast<double>(i), top, panel_width, panel_height});
  }
  const double height = top + panel_height + 6;
  return open_svg(width, height, title) + "<rect width=\"" + px(width) + "\" height=\"" + px(height) +
         "\" fill=\"#ffffff\"/>\n" + body + "</svg>\n";
}

// A number above a bar: at most four digits and a letter.
static std::string short_number(double value) {
  char digits[32];
  const bool thousands = value >= 99999.5, millions = value >= 999999.5;
  std::snprintf(digits, sizeof digits, "%.*f", millions ? 1 : 0, value / (millions ? 1e6 : thousands ? 1e3 : 1));
  return digits + std::string(millions ? "M" : thousands ? "k" : "");
}

static std::string bars_of(const BarChart& chart, double largest, const Box& box) {
  constexpr double most_named = 12;
  const double size = chart.names.size() <= 6 ? 11 : 9.5;
  constexpr const char* gray = "#c8c8c8";
  const double each = box.width / static_cast<double>(chart.names.size());
  const bool named = chart.names.size() <= most_named;
  std::string out;
  const auto bar = [&](double x, double width, double value, const char* color) {
    CP_ENSURE(std::isfinite(value) && value >= 0, "bars \"", chart.title, "\": ", value, " cannot be drawn");
    const double height = value / largest * box.height;
    out += text("<rect x=\"", px(x), "\" y=\"", px(box.y + box.height - height), "\" width=\"",
                px(std::max(width, 0.1)), "\" height=\"", px(height), "\" fill=\"", color, "\"/>\n");
    return box.y + box.height - height;
  };
  for (size_t i = 0; i < chart.names.size(); ++i) {
    const double x = box.x + each * static_cast<double>(i), half = 0.42 * each;
    bar(x + 0.06 * each, 0.8 * half, chart.before.at(i), gray);
    const double left = x + 0.06 * each + 0.85 * half, width = 0.88 * each - 0.85 * half;
    const double top = bar(left, width, chart.after.at(i), palette[i % colors]);
    if (!named) continue;
    const std::string number = short_number(chart.after[i]);
    if (width_of(number, size) <= each) out += words(left + width / 2, top - 4, number, {size, "middle"});
    std::string name = chart.names[i];
    while (letters(name) > 1 && width_of(name, size) > each) name = first_letters(name, letters(name) - 1);
    out += words(x + each / 2, box.y + box.height + 15, name, {size, "middle", pale_ink});
  }
  return out + stroke(box.x, box.y + box.height, box.x + box.width, box.y + box.height, zero_line);
}

std::string bars_svg(const std::string& title, const std::vector<BarChart>& charts) {
  CP_ENSURE(!charts.empty(), "bars \"", title, "\": there is nothing to draw");
  constexpr double panel_width = 225, panel_height = 175, left = 18, header = 46;
  const size_t columns = std::min<size_t>(charts.size(), 4), rows = (charts.size() + columns - 1) / columns;
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
  std::string body = words(left, 30, title, {17, "start", ink, " font-weight=\"600\""});
  for (size_t i = 0; i < charts.size(); ++i) {
    const double x = left + panel_width * static_cast<double>(i % columns);
    const double y = header + panel_height * static_cast<double>(i / columns);
    body += words(x, y + 14, charts[i].title, {14, "start", ink, " font-weight=\"600\""});
    body += words(x, y + 30, charts[i].note, {11.5, "start", pale_ink});
    body += bars_of(charts[i], largest, {x, y + 50, panel_width - 25, panel_height - 78});
  }
  return open_svg(width, height, title) + "<rect width=\"" + px(width) + "\" height=\"" + px(height) +
         "\" fill=\"#ffffff\"/>\n" + body + "</svg>\n";
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
