#include "apps/plots/drawing.h"

#include <cmath>

#include "apps/plots/plot.h"
#include "apps/trainer/format.h"

namespace counterpoise {

namespace drawing {

std::string color_text(unsigned color) { return formatted("#%06x", color); }

std::string px(double value) {
  std::string y = formatted("%.1f", value);
  if (y.size() > 2 && y.compare(y.size() - 2, 2, ".0") == 0) y.resize(y.size() - 2);
  return y == "-0" ? "0" : y;
}

std::string tick_text(double value) {
  const bool power = value != 0 && (std::fabs(value) >= 1e6 || std::fabs(value) < 1e-4);
  return (value < 0 ? "\u2212" : "") + formatted(power ? "%.0e" : "%.6g", std::fabs(value));
}

double width_of(const std::string& text, double size) {
  double em = 0;
  for (const char c : text) {
    if ((c & 0xc0) == 0x80) continue;  // a further byte of the same letter, in UTF-8
    em += std::string(" .,;:'|!()[]ijlftr").find(c) != std::string::npos ? 0.38 : c == 'm' || c == 'w' ? 0.9 : 0.63;
  }
  return em * size;
}

std::string words(double x, double y, const std::string& what, const Style& style) {
  return counterpoise::text("<text x=\"", px(x), "\" y=\"", px(y), "\" font-size=\"", style.size, "\" text-anchor=\"",
                            style.anchor, "\" fill=\"", style.color, "\"", style.more, ">", escaped(what), "</text>\n");
}
std::string rectangle(const Box& b, const std::string& attributes) {
  return text("<rect x=\"", px(b.x), "\" y=\"", px(b.y), "\" width=\"", px(b.width), "\" height=\"", px(b.height),
              "\" ", attributes, "/>\n");
}
std::string stroke(double x1, double y1, double x2, double y2, const char* color, double width) {
  return text("<path d=\"M", px(x1), " ", px(y1), "L", px(x2), " ", px(y2), "\" stroke=\"", color, "\" stroke-width=\"",
              width, "\" fill=\"none\"/>\n");
}

std::string open_svg(double width, double height, const std::string& title) {
  return text("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", px(width), "\" height=\"", px(height),
              "\" viewBox=\"0 0 ", px(width), " ", px(height),
              "\" role=\"img\" font-family=\"system-ui, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, "
              "sans-serif\">\n<title>",
              escaped(title), "</title>\n");
}

std::string whole_svg(double width, double height, const std::string& title, const std::string& body) {
  return text(open_svg(width, height, title), "<rect width=\"", px(width), "\" height=\"", px(height),
              "\" fill=\"#ffffff\"/>\n", body, "</svg>\n");
}

std::string heading(const std::string& title) {
  return words(18, 30, title, {17, "start", ink, " font-weight=\"600\""});
}

}  // namespace drawing

std::string escaped(const std::string& text) {
  std::string y;
  for (const char c : text) {
    switch (c) {
      case '&':
        y += "&amp;";
        break;
      case '<':
        y += "&lt;";
        break;
      case '>':
        y += "&gt;";
        break;
      case '"':
        y += "&quot;";
        break;
      case '\'':
        y += "&#39;";
        break;
      default:
        y += c;
    }
  }
  return y;
}

double nice_step(double low, double high, int most) {
  CP_ENSURE(std::isfinite(low) && std::isfinite(high) && low < high && most > 0, "an axis cannot go from ", low, " to ",
            high, " in ", most, " steps");
  const double rough = (high - low) / most, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1, 2, 5}) {
    if (rough <= factor * power * (1 + 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::vector<double> spaced(double low, double high, int steps) {
  std::vector<double> y;
  for (int i = 0; i <= steps; ++i) y.push_back(low + (high - low) * i / steps);
  return y;
}

std::vector<double> multiples(double step, double low, double high) {
  std::vector<double> y;
  for (double n = std::ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; ++n) y.push_back(n == 0 ? 0 : n * step);
  return y;
}

}  // namespace counterpoise
