// A contact sheet: many small images under a title, in rows with headings and captions, as one image. All functions are
// pure, so they are safe to call from any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "apps/show/font.h"
#include "data/images/image.h"

namespace counterpoise::contact_sheet {

// The color of a class: Okabe and Ito's, which color-blind people can distinguish, and two more; again from the start
// after ten.
Rgb class_color(size_t index);

struct Tile {
  Image image;               // drawn as a square of Sheet::tile_size
  std::string caption = "";  // below it
  int frame = -1;            // the class in whose color it is framed; -1: no frame
  // Shares of a label, a class and a part of 1 each, drawn as a bar below the image.
  std::vector<std::pair<int, double>> shares = {};
  std::string sign = "";  // drawn before the image, such as "+"
};

struct Row {
  std::string heading = "";  // above it, wrapped at the sheet's width
  std::vector<Tile> tiles;
};

struct Sheet {
  std::string title;
  std::vector<std::string> notes;                   // lines of text below the title, wrapped at the sheet's width
  std::vector<std::pair<int, std::string>> legend;  // classes and their texts
  std::vector<Row> rows;
  int tile_size = 96;  // pixels
};

// A square image of `side` pixels from the pixels of another: each becomes a square where the side is a multiple of
// the image's, else the image is resized. Throws Error where the bytes do not match the size.
Image enlarged(const Image& image, int side);

// The side of a tile for images of this size: at least 96 pixels where that takes a whole factor, at most 192.
int tile_size_for(int image_size);

// Draws the sheet. Throws Error(failure) for a sheet without tiles.
Image draw(const Sheet& sheet);

// The image as a PNG file, and as a smaller JPEG file.
std::string png(const Image& image);
std::string jpeg(const Image& image);

}  // namespace counterpoise::contact_sheet
