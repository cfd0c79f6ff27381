#include "apps/figures/cells.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "apps/plots/plot.h"
#include "apps/trainer/program.h"

namespace counterpoise::drawing {

Box Cells::part(size_t row, size_t column, size_t row_count, size_t column_count) const {
  return {x + width * static_cast<double>(column), y + height * static_cast<double>(row),
          width * static_cast<double>(column_count), height * static_cast<double>(row_count)};
}

std::string draw(const Cells& cells) {
  std::string fills, lines, letters;
  for (size_t row = 0; row < cells.rows; ++row) {
    for (size_t column = 0; column < cells.columns; ++column) {
      const Box box = cells.part(row, column, 1, 1);
      const std::string fill = cells.fill ? cells.fill(row, column) : "";
      if (!fill.empty()) fills += rectangle(box, "fill=\"" + fill + "\"");
      const std::string what = cells.text ? cells.text(row, column) : "";
      if (!what.empty()) {
        letters += text("<text x=\"", px(box.x + box.width / 2), "\" y=\"",
                        px(box.y + box.height / 2 + 0.36 * cells.size), "\">", escaped(what), "</text>\n");
      }
    }
  }
  for (size_t row = 0; row <= cells.rows; ++row)
    lines += text("M", px(cells.x), " ", px(cells.part(row, 0, 0, 0).y), "H", px(cells.right()));
  for (size_t column = 0; column <= cells.columns; ++column)
    lines += text("M", px(cells.part(0, column, 0, 0).x), " ", px(cells.y), "V", px(cells.bottom()));
  lines = text("<path d=\"", lines, "\" stroke=\"#b4b4b4\" fill=\"none\"/>\n");
  if (letters.empty()) return fills + lines;
  return fills + lines +
         text("<g font-size=\"", cells.size, "\" text-anchor=\"middle\" fill=\"", ink, "\">\n", letters, "</g>\n");
}

std::vector<double> numbers(const Tensor& x) { return x.cast(DType::f64).to_vector<double>(); }

std::function<std::string(size_t, size_t)> texts(std::vector<double> values, size_t columns) {
  return [values = std::move(values), columns](size_t row, size_t column) {
    return tick_text(std::round(values.at(row * columns + column) * 1e4) / 1e4);
  };
}

std::string frame(const Box& box, const char* color, double width) {
  return rectangle(box, text("fill=\"none\" stroke=\"", color, "\" stroke-width=\"", width, "\""));
}

std::string node(const Box& box, const char* color) {
  return rectangle(box, text("rx=\"6\" fill=\"#ffffff\" stroke=\"", color, "\" stroke-width=\"1.8\""));
}

std::string arrow(double x1, double y1, double x2, double y2, const char* color) {
  const double length = std::hypot(x2 - x1, y2 - y1), dx = (x2 - x1) / length, dy = (y2 - y1) / length;
  return text(stroke(x1, y1, x2 - 6 * dx, y2 - 6 * dy, color, 1.5), "<path d=\"M", px(x2), " ", px(y2), "L",
              px(x2 - 9 * dx + 4 * dy), " ", px(y2 - 9 * dy - 4 * dx), "L", px(x2 - 9 * dx - 4 * dy), " ",
              px(y2 - 9 * dy + 4 * dx), "z\" fill=\"", color, "\"/>\n");
}

std::string image(double width, double height, const std::string& title, const std::string& body) {
  width = std::max(width, width_of(title, 17) + 36);
  return whole_svg(width, height, title, heading(title) + body);
}

}  // namespace counterpoise::drawing
