// Line plots, scatter plots, maps of a function of two variables, and bar charts as SVG, a text format that every
// browser shows, without further fonts, scripts or files. All functions are pure, so they are safe to call from any
// thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace counterpoise {

// A function of two variables on a grid of points at equal distances, the ends included.
struct Surface {
  double x_low = 0, x_high = 0, y_low = 0, y_high = 0;
  size_t columns = 0, rows = 0;  // of the grid, at least 2 each
  std::vector<double> values;    // row after row; the first row is at y_low
  // Colors from blue (`low`) over white to orange (`high`), if low < high.
  double low = 0, high = 0;
  std::vector<double> contours;  // the values at which lines of equal value are drawn

  // f(x, y) on `points` by `points` points. REQUIRES: points >= 2.
  static Surface of(const std::function<double(double, double)>& f, double x_low, double x_high, double y_low,
                    double y_high, size_t points = 61);
};

struct Plot {
  struct Line {
    std::string name;
    std::vector<double> x, y;  // of one length; finite, and positive on a logarithmic axis
    bool dashed = false;       // for a line on top of another
    bool points = false;       // a circle at each point, and no line
    int color = -1;            // 0 to 6; -1: by the line's position
  };
  // A shaded part of the x axis.
  struct Band {
    double from = 0, to = 0;
    std::string text;
  };

  std::string title, x_label, y_label;
  std::vector<Line> lines = {};
  bool log_x = false, log_y = false;
  Band band = {};
  Surface surface = {};  // behind the lines; without columns there is none
};

// Vertical bars, one per name, each beside a gray one of what it was before.
struct BarChart {
  std::string title, note;  // above the bars, the note in smaller letters
  std::vector<std::string> names;
  std::vector<double> before, after;  // not negative, one per name
};

// An image of plots side by side under a title and one legend, which names the lines of the plot that has the most.
// There are seven colors, Okabe and Ito's, which color-blind people can distinguish. Throws Error(failure) for no
// plots, more lines than colors, and numbers that cannot be drawn. A surface needs axes that are not logarithmic.
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
// `steps` + 1 numbers from low to high at equal distances.
std::vector<double> spaced(double low, double high, int steps);
// The multiples of `step` in [low, high], including ends that differ by rounding only.
std::vector<double> multiples(double step, double low, double high);

}  // namespace counterpoise
