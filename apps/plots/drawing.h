// What the images of this folder are drawn with: texts, strokes and colors as elements of SVG. Pure functions, safe to
// call from any thread.
#pragma once

#include <string>
#include <vector>

namespace counterpoise::drawing {

// Okabe and Ito 2008, "Color Universal Design", for lines without the yellow, which is hard to see on white; three more
// tell up to ten classes apart. Red, green and blue.
constexpr unsigned palette[] = {0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00,
                                0x56B4E9, 0x000000, 0x882255, 0x969696, 0xF0E442};
constexpr size_t colors = 7;  // of lines
constexpr unsigned class_color(size_t index) { return palette[index % (sizeof palette / sizeof *palette)]; }
// "#0072b2".
std::string color_text(unsigned color);

constexpr const char* ink = "#222222";
constexpr const char* pale_ink = "#5a5a5a";
constexpr const char* grid = "#e6e6e6";
constexpr const char* zero_line = "#9a9a9a";

struct Box {
  double x, y, width, height;
};

// A coordinate in pixels, rounded to tenths, which the eye cannot distinguish.
std::string px(double value);

// A number beside an axis, with a true minus sign.
std::string tick_text(double value);

// An estimate of a text's width. Fonts differ, so the letters of a wide one are assumed.
double width_of(const std::string& text, double size);

struct Style {
  double size;
  const char* anchor = "start";
  const char* color = ink;
  const char* more = "";  // further attributes
};
std::string words(double x, double y, const std::string& what, const Style& style);
std::string rectangle(const Box& box, const std::string& attributes);
std::string stroke(double x1, double y1, double x2, double y2, const char* color, double width = 1);

// The beginning of an image, with its title for those who cannot see it.
std::string open_svg(double width, double height, const std::string& title);
// An image of this size, with its title, white behind the body.
std::string whole_svg(double width, double height, const std::string& title, const std::string& body);
// A title that is seen, at the top of a body.
std::string heading(const std::string& title);

}  // namespace counterpoise::drawing
