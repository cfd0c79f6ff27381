// Small gray images as SVG: photographs, feature maps, filters. Pure functions, safe to call from any thread.
#pragma once

#include <string>
#include <vector>

namespace counterpoise {

struct Pixels {
  std::string caption;
  size_t width = 0;            // of a row, in pixels
  std::vector<double> values;  // row after row, from the top
  double low = 0, high = 1;    // black and white; what is outside is clamped
};

// Rows of images, all of which are drawn as squares of one size. Values are rounded to 16 grays. Throws Error(failure)
// for no images, rows that are not whole, and values that are not finite.
std::string pixels_svg(const std::string& title, const std::vector<std::vector<Pixels>>& rows);

}  // namespace counterpoise
