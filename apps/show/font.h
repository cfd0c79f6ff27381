// Letters as small bitmaps, so that labels can be drawn into images without a font library. Safe to call from several
// threads.
#pragma once

#include <cstdint>
#include <string>

#include "data/images/image.h"

namespace counterpoise::contact_sheet {

struct Rgb {
  uint8_t red, green, blue;
};

// The size of a text in pixels at scale 1; both grow in proportion to the scale. A letter takes 5 x 7 pixels, one
// column of space and two rows for descenders.
constexpr int letter_width = 6, letter_height = 9;

// Writes the text into the image with its upper left corner at column `left` and row `top`. Letters beyond ASCII become
// "?". What lies outside the image is left out.
void write_text(Image& image, int left, int top, const std::string& text, Rgb color, int scale = 1);

// Fills a rectangle; the part of it that lies outside the image is left out.
void fill_rectangle(Image& image, int left, int top, int width, int height, Rgb color);

}  // namespace counterpoise::contact_sheet
