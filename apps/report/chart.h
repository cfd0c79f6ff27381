// Charts as SVG elements of a page. Unlike the plots of plots/plot.h, which are files of their own, they take their
// colors from the page's style, which has a light and a dark scheme, and state the positions of their axes, so that the
// page's script can move marks in them. All functions are pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace counterpoise::html_report {

struct Axis {
  std::string label;
  double low = 0, high = 1;
  std::vector<std::pair<double, std::string>> ticks = {};  // positions and their texts
};

// From 0 to 1, as percentages.
Axis percent_axis(const std::string& label);
// The range of the values, with round ticks; `from_zero`: beginning at 0.
Axis number_axis(const std::string& label, const std::vector<double>& values, int ticks, bool from_zero = false);

// Texts are HTML. There are 8 colors, 0 to 7, and color -1 is gray.
struct Chart {
  struct Line {
    std::string name;  // in the legend, if it is not empty
    int color = 0;
    std::vector<double> x, y;  // where y is NaN the line has a gap
    bool dashed = false, dots = false;
  };
  struct Area {
    std::string name;
    int color = 0;
    std::vector<double> x, low, high;
    bool outlined = true;
  };
  struct Mark {  // a vertical line across the chart
    double x = 0;
    std::string text;   // at its top
    std::string style;  // class of its element
  };
  struct Point {
    double x = 0, y = 0;
    std::string style, text;
  };

  std::string id, title;  // the title is above the chart
  Axis x, y;
  std::vector<Line> lines = {};
  std::vector<Area> areas = {};
  std::vector<Mark> marks = {};
  std::vector<Point> points = {};
  std::string note = "";  // below the chart
  double width = 440, height = 270;
};

// A <figure> of the chart with its legend.
std::string figure(const Chart& chart);
// A small <figure> without axis labels.
std::string small_figure(Chart chart);
// Figures side by side where there is room.
std::string side_by_side(const std::vector<std::string>& figures);

// The entry of a color in a legend.
std::string key(int color, const std::string& name, bool dashed = false);

}  // namespace counterpoise::html_report
