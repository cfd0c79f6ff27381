#include "apps/plots/pixels.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "apps/plots/drawing.h"
#include "apps/plots/plot.h"
#include "apps/trainer/program.h"

namespace counterpoise {

using namespace drawing;

namespace {

constexpr int levels = 16;  // few, so that neighbors of one gray are one rectangle and the file stays small
constexpr double side = 150, gap = 14, line = 26, top = 46;

// The image with its upper left corner at (left, y), one path for each gray.
std::string image_of(const Pixels& image, double left, double y) {
  const size_t width = image.width;
  CP_ENSURE(width > 0 && !image.values.empty() && image.values.size() % width == 0, "image \"", image.caption,
            "\": ", image.values.size(), " pixels in rows of ", width);
  const auto level = [&](size_t i) {
    CP_ENSURE(std::isfinite(image.values[i]), "image \"", image.caption, "\": ", image.values[i], " cannot be drawn");
    const double part = std::clamp((image.values[i] - image.low) / (image.high - image.low), 0., 1.);
    return std::min(static_cast<int>(part * levels), levels - 1);
  };
  std::array<std::string, levels> paths;
  for (size_t first = 0, last; first < image.values.size(); first = last) {
    const int here = level(first);
    for (last = first + 1; last % width != 0 && level(last) == here;) ++last;
    paths[static_cast<size_t>(here)] +=
        text("M", first % width, " ", first / width, "h", last - first, "v1h-", last - first, "z");
  }
  const size_t height = image.values.size() / width;
  std::string out =
      text("<svg x=\"", px(left), "\" y=\"", px(y), "\" width=\"", side, "\" height=\"", side, "\" viewBox=\"0 0 ",
           width, " ", height, "\" preserveAspectRatio=\"none\" shape-rendering=\"crispEdges\">\n");
  for (int i = 0; i < levels; ++i) {
    const unsigned gray = static_cast<unsigned>(255 * i / (levels - 1));
    const std::string& path = paths[static_cast<size_t>(i)];
    if (!path.empty()) out += text("<path fill=\"", color_text(gray * 0x010101u), "\" d=\"", path, "\"/>\n");
  }
  return out + "</svg>\n" + words(left + side / 2, y + side + 17, image.caption, {13, "middle", ink});
}

}  // namespace

std::string pixels_svg(const std::string& title, const std::vector<std::vector<Pixels>>& rows) {
  size_t columns = 0;
  std::string body = words(18, 30, title, {17, "start", ink, " font-weight=\"600\""});
  double y = top;
  for (const std::vector<Pixels>& row : rows) {
    columns = std::max(columns, row.size());
    for (size_t i = 0; i < row.size(); ++i) body += image_of(row[i], 18 + (side + gap) * static_cast<double>(i), y);
    y += side + line;
  }
  CP_ENSURE(columns > 0, "images \"", title, "\": there is nothing to draw");
  const double width = std::max(36 + (side + gap) * static_cast<double>(columns) - gap, 36 + width_of(title, 17));
  return open_svg(width, y + 6, title) + background(width, y + 6) + body + "</svg>\n";
}

}  // namespace counterpoise
