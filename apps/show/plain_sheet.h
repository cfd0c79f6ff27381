// A contact sheet of plain bytes, for programs that include the installed headers and not the library's own. Safe to
// call from several threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace counterpoise {

struct PlainTile {
  int side = 0;              // of the image, in pixels
  std::vector<uint8_t> rgb;  // side x side x 3
  std::string caption = "";  // below the image
};

struct PlainRow {
  std::string heading;
  std::vector<PlainTile> tiles;
};

// The rows under a title, each image enlarged to at least 96 pixels, as a PNG file. Throws Error(failure) for a sheet
// without tiles, and for bytes that do not match an image's side.
std::string sheet_png(const std::string& title, const std::vector<PlainRow>& rows);

}  // namespace counterpoise
