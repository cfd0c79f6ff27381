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

// The marks of an image, each on a wider line of white, which is seen on black.
std::string marks_of(const Pixels& image, size_t width, size_t height, double left, double y) {
  if (image.marks.empty()) return "";
  const double scale = side / static_cast<double>(std::max(width, height));
  const double w = scale * static_cast<double>(width), h = scale * static_cast<double>(height);
  std::string out = text("<svg x=\"", px(left + (side - w) / 2), "\" y=\"", px(y + (side - h) / 2), "\" width=\"",
                         px(w), "\" height=\"", px(h), "\" fill=\"none\" stroke-linejoin=\"round\">\n");
  for (const Pixels::Mark& mark : image.marks) {
    CP_ENSURE(!mark.points.empty() && mark.color >= 0 && mark.color < static_cast<int>(colors), "image \"",
              image.caption, "\": a mark without points, or of the color ", mark.color);
    const std::string color = color_text(palette[mark.color]);
    const auto at = [&](size_t i) {
      return px(scale * mark.points[i].first) + " " + px(scale * mark.points[i].second);
    };
    if (mark.points.size() == 1) {
      out += text("<circle cx=\"", px(scale * mark.points[0].first), "\" cy=\"", px(scale * mark.points[0].second),
                  "\" r=\"4\" fill=\"", color, "\" stroke=\"#ffffff\" stroke-width=\"1.5\"/>\n");
      continue;
    }
    std::string path = "M" + at(0);
    for (size_t i = 1; i < mark.points.size(); ++i) path += "L" + at(i);
    if (mark.closed) path += "z";
    out += text("<path stroke=\"#ffffff\" stroke-width=\"4\" d=\"", path, "\"/>\n<path stroke=\"", color,
                "\" stroke-width=\"2\" d=\"", path, "\"/>\n");
  }
  return out + "</svg>\n";
}

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
  std::string out = text("<svg x=\"", px(left), "\" y=\"", px(y), "\" width=\"", side, "\" height=\"", side,
                         "\" viewBox=\"0 0 ", width, " ", height, "\" preserveAspectRatio=\"",
                         width == height ? "none" : "xMidYMid meet", "\" shape-rendering=\"crispEdges\">\n");
  for (int i = 0; i < levels; ++i) {
    const unsigned gray = static_cast<unsigned>(255 * i / (levels - 1));
    const std::string& path = paths[static_cast<size_t>(i)];
    if (!path.empty()) out += text("<path fill=\"", color_text(gray * 0x010101u), "\" d=\"", path, "\"/>\n");
  }
  out += "</svg>\n" + marks_of(image, width, height, left, y);
  return out + words(left + side / 2, y + side + 17, image.caption, {13, "middle", ink});
}

}  // namespace

std::string pixels_svg(const std::string& title, const std::vector<std::vector<Pixels>>& rows) {
  size_t columns = 0;
  std::string body = heading(title);
  double y = top;
  for (const std::vector<Pixels>& row : rows) {
    columns = std::max(columns, row.size());
    for (size_t i = 0; i < row.size(); ++i) body += image_of(row[i], 18 + (side + gap) * static_cast<double>(i), y);
    y += side + line;
  }
  CP_ENSURE(columns > 0, "images \"", title, "\": there is nothing to draw");
  const double width = std::max(36 + (side + gap) * static_cast<double>(columns) - gap, 36 + width_of(title, 17));
  return whole_svg(width, y + 6, title, body);
}

}  // namespace counterpoise
