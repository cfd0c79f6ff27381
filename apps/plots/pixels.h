// Small gray images as SVG: photographs, feature maps, filters. Pure functions, safe to call from any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace counterpoise {

struct Pixels {
  // What is drawn on top: an outline, or a line unless `closed`; a single point is a circle. In pixels from the upper
  // left corner, so that (0.5, 0.5) is the center of the first pixel; what lies outside is cut off.
  struct Mark {
    std::vector<std::pair<double, double>> points;
    bool closed = true;
    int color = 0;  // 0 to 6
  };

  std::string caption;
  size_t width = 0;            // of a row, in pixels
  std::vector<double> values;  // row after row, from the top
  double low = 0, high = 1;    // black and white; what is outside is clamped
  std::vector<Mark> marks = {};
};

// Rows of images, each as large as fits into a square of one size. Values are rounded to 16 grays. Throws
// Error(failure) for no images, rows that are not whole, and values that are not finite.
std::string pixels_svg(const std::string& title, const std::vector<std::vector<Pixels>>& rows);

}  // namespace counterpoise
