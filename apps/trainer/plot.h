// Line plots as SVG: text that any browser shows, without fonts, scripts or files of its own.
#pragma once

#include <string>
#include <vector>

#include "apps/trainer/program.h"

namespace counterpoise {

struct Plot {
  struct Line {
    std::string name;
    std::vector<double> x, y;  // of one length; finite, and positive on a logarithmic axis
    bool dashed = false;       // for a line that lies on another
    int color = -1;            // 0 to 6; -1: by its place among the lines
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

// A image of plots side by side under a title and one legend, which the first plot's lines give. There are seven
// colors, Okabe and Ito's, which color-blind people can tell apart. Throws for no plots, more lines than colors, and
// numbers that cannot be drawn.
std::string svg(const std::string& title, const std::vector<Plot>& plots);

// The lines of a plot alone, small, with the outermost numbers on its axes: for tables of many.
std::string thumbnail(const Plot& plot);

// &, <, >, " and ' as XML and HTML want them in texts and attributes.
std::string escaped(const std::string& text);

// The smallest of 1, 2 and 5 times the powers of ten that goes into high - low at most `most` times.
double nice_step(double low, double high, int most);
// The multiples of a step within [low, high], ends that differ by rounding included.
std::vector<double> multiples(double step, double low, double high);

}  // namespace counterpoise
