// What the figures of the chapters are made of: grids of numbers, frames, arrows. Pure functions, safe to call from any
// thread.
#pragma once

#include <functional>
#include <string>

#include "apps/plots/drawing.h"
#include "core/tensor.h"

namespace counterpoise::drawing {

// Pale versions of the palette, to write on.
constexpr const char* pale_blue = "#d6e7f4";
constexpr const char* pale_orange = "#fbe0cc";
constexpr const char* pale_green = "#d2efe4";
constexpr const char* pale_purple = "#f3dfea";
constexpr const char* pale_gray = "#ececec";
constexpr const char* blue = "#0072b2";
constexpr const char* orange = "#d55e00";
constexpr const char* green = "#00855f";
constexpr const char* purple = "#a8487f";

// Rows and columns of cells. A cell has the text and the color that the functions give it, if they are there.
struct Cells {
  double x, y, width, height;  // the upper left corner of the first cell, and the size of each
  size_t rows, columns;
  std::function<std::string(size_t row, size_t column)> text = {};
  std::function<std::string(size_t row, size_t column)> fill = {};  // "": none
  double size = 13;                                                 // of the letters

  double right() const { return x + width * static_cast<double>(columns); }
  double bottom() const { return y + height * static_cast<double>(rows); }
  // The rectangle that some of its cells form.
  Box part(size_t row, size_t column, size_t row_count, size_t column_count) const;
};
std::string draw(const Cells& cells);

// The numbers of a tensor in row-major order, converted to double.
std::vector<double> numbers(const Tensor& x);
// The texts of numbers in row-major order, `columns` in a row.
std::function<std::string(size_t, size_t)> texts(std::vector<double> values, size_t columns);

std::string frame(const Box& box, const char* color, double width = 2.5);
// A box with round corners, for a node of a graph.
std::string node(const Box& box, const char* color);
// A straight arrow.
std::string arrow(double x1, double y1, double x2, double y2, const char* color = pale_ink);
// An image of this size, or wider where the title is: the title, white, and the body.
std::string image(double width, double height, const std::string& title, const std::string& body);

}  // namespace counterpoise::drawing
