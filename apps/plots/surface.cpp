#include "apps/plots/surface.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "apps/plots/drawing.h"
#include "apps/trainer/format.h"

namespace counterpoise {

Surface Surface::of(const std::function<double(double, double)>& f, double x_low, double x_high, double y_low,
                    double y_high, size_t points) {
  Surface s;
  s.x_low = x_low, s.x_high = x_high, s.y_low = y_low, s.y_high = y_high;
  s.columns = s.rows = points;
  const auto part = [&](size_t i) { return static_cast<double>(i) / static_cast<double>(points - 1); };
  for (size_t row = 0; row < points; ++row) {
    for (size_t column = 0; column < points; ++column) {
      s.values.push_back(f(x_low + part(column) * (x_high - x_low), y_low + part(row) * (y_high - y_low)));
    }
  }
  return s;
}

namespace drawing {

namespace {

// The pixels of the grid's points, and the values at them.
struct Grid {
  const Surface& s;
  std::vector<double> x, y;

  Grid(const Surface& surface, const Place& place_x, const Place& place_y) : s(surface) {
    const auto at = [](double low, double high, size_t i, size_t n) {
      return low + (high - low) * static_cast<double>(i) / static_cast<double>(n - 1);
    };
    for (size_t i = 0; i < s.columns; ++i) x.push_back(place_x(at(s.x_low, s.x_high, i, s.columns)));
    for (size_t i = 0; i < s.rows; ++i) y.push_back(place_y(at(s.y_low, s.y_high, i, s.rows)));
  }
  double value(size_t row, size_t column) const { return s.values[row * s.columns + column]; }
};

// Few levels, so that neighbors of one level are one rectangle and the file stays small.
constexpr int levels = 16;

// From the palette's blue over white to its orange.
std::string color_of(int level) {
  constexpr std::array<double, 3> blue = {0, 114, 178}, orange = {213, 94, 0};
  const double t = 2. * level / (levels - 1) - 1;
  const std::array<double, 3>& end = t < 0 ? blue : orange;
  const auto mixed = [&](int i) { return static_cast<int>(std::lround(255 + (end[i] - 255) * std::fabs(t) * 0.75)); };
  return formatted("#%02x%02x%02x", mixed(0), mixed(1), mixed(2));
}

// A rectangle for each run of cells of one level; the cell between four points has the level of their mean.
std::string colors_of(const Grid& g) {
  const Surface& s = g.s;
  std::array<std::string, levels> paths;
  const auto level = [&](size_t row, size_t column) {
    const double mean =
        (g.value(row, column) + g.value(row, column + 1) + g.value(row + 1, column) + g.value(row + 1, column + 1)) / 4;
    const double part = std::clamp((mean - s.low) / (s.high - s.low), 0., 1.);
    return std::min(static_cast<int>(part * levels), levels - 1);
  };
  for (size_t row = 0; row + 1 < s.rows; ++row) {
    for (size_t first = 0, last; first + 1 < s.columns; first = last) {
      const int here = level(row, first);
      for (last = first + 1; last + 1 < s.columns && level(row, last) == here;) ++last;
      paths[static_cast<size_t>(here)] += text("M", px(g.x[first]), " ", px(g.y[row]), "H", px(g.x[last]), "V",
                                               px(g.y[row + 1]), "H", px(g.x[first]), "z");
    }
  }
  std::string out;
  for (int i = 0; i < levels; ++i) {
    const std::string& path = paths[static_cast<size_t>(i)];
    // (A thin stroke of the same color closes the gaps that rounding leaves.)
    if (!path.empty()) {
      out += text("<path d=\"", path, "\" fill=\"", color_of(i), "\" stroke=\"", color_of(i),
                  "\" stroke-width=\"0.6\"/>\n");
    }
  }
  return out;
}

// Marching squares: in each cell the contour goes straight between the places on its edges where the value is reached.
std::string contour_of(const Grid& g, double value) {
  std::string path;
  for (size_t row = 0; row + 1 < g.s.rows; ++row) {
    for (size_t column = 0; column + 1 < g.s.columns; ++column) {
      struct Corner {
        double x, y, height;
      };
      const auto corner = [&](size_t r, size_t c) { return Corner{g.x[c], g.y[r], g.value(r, c) - value}; };
      const Corner corners[] = {corner(row, column), corner(row, column + 1), corner(row + 1, column + 1),
                                corner(row + 1, column)};
      std::vector<std::string> crossings;
      for (int i = 0; i < 4; ++i) {
        const Corner &a = corners[i], &b = corners[(i + 1) % 4];
        if ((a.height < 0) == (b.height < 0)) continue;
        const double t = a.height / (a.height - b.height);
        crossings.push_back(px(a.x + t * (b.x - a.x)) + " " + px(a.y + t * (b.y - a.y)));
      }
      for (size_t i = 0; i + 1 < crossings.size(); i += 2) path += "M" + crossings[i] + "L" + crossings[i + 1];
    }
  }
  if (path.empty()) return "";
  return text("<path d=\"", path, "\" fill=\"none\" stroke=\"", pale_ink, "\" stroke-width=\"1\"/>\n");
}

}  // namespace

std::string surface_of(const Surface& s, const Place& x, const Place& y) {
  CP_ENSURE(s.columns >= 2 && s.rows >= 2 && s.values.size() == s.columns * s.rows, "a surface of ", s.columns, " by ",
            s.rows, " points with ", s.values.size(), " values cannot be drawn");
  for (const double value : s.values) CP_ENSURE(std::isfinite(value), "a surface's value ", value, " cannot be drawn");
  const Grid g(s, x, y);
  std::string out = s.low < s.high ? colors_of(g) : "";
  for (const double value : s.contours) out += contour_of(g, value);
  return out;
}

}  // namespace drawing

}  // namespace counterpoise
