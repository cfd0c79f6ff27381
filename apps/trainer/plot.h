// Line plots and bar charts as SVG, a text format that every browser shows, without further fonts, scripts or files.
// All functions are pure, so they are safe to call from any thread.
#pragma once

#include <string>
#include <vector>

#include "apps/trainer/program.h"

namespace counterpoise {

struct Plot {
  struct Line {
    std::string name;
    std::vector<double> x, y;  // of one length; finite, and positive on a logarithmic axis
    bool dashed = false;       // for a line on top of another
    int color = -1;            // 0 to 6; -1: by the line's position
  };
  // A shaded part of the x axis.
  struct Band {
    double from = 0, to = 0;
    std::string text;
  };

  std::string title, x_label, y_label;
  std::vector<Line> lines;
  bool log_x = false, log_y = false;
  Band band = {};
};

// Vertical bars, one per name, each beside a gray one of what it was before.
struct BarChart {
  std::string title, note;  // above the bars, the note in smaller letters
  std::vector<std::string> names;
  std::vector<double> before, after;  // not negative, one per name
};

// An image of plots side by side under a title and one legend, which names the lines of the plot that has the most.
// There are seven colors, Okabe and Ito's, which color-blind people can distinguish. Throws Error(failure) for no
// plots, more lines than colors, and numbers that cannot be drawn.
std::string svg(const std::string& title, const std::vector<Plot>& plots);

// An image of bar charts in rows of at most four under a title. All have the same scale. Throws Error(failure) for no
// charts, and numbers that cannot be drawn.
std::string bars_svg(const std::string& title, const std::vector<BarChart>& charts);

// A small image of one plot, without titles and legend, for tables of many plots.
std::string thumbnail(const Plot& plot);

// The text with &, <, >, " and ' escaped, for texts and attributes of XML and HTML.
std::string escaped(const std::string& text);

// The smallest step among 1, 2 and 5 times the powers of ten that divides high - low into at most `most` parts.
double nice_step(double low, double high, int most);
// The multiples of `step` in [low, high], including ends that differ by rounding only.
std::vector<double> multiples(double step, double low, double high);

}  // namespace counterpoise
