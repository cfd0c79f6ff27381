#include "apps/show/sheet.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "apps/plots/drawing.h"
#include "apps/trainer/format.h"
#include "kernels/error.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

namespace counterpoise::contact_sheet {

namespace {

constexpr Rgb white = {255, 255, 255}, ink = {34, 34, 34}, pale_ink = {110, 110, 110};
constexpr int margin = 16, gap = 10, line = 2 * letter_height, bar_height = 8, frame_width = 4, sign_width = 20;

std::vector<std::string> wrapped(const std::string& text, size_t most) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  const auto add = [&](const std::string& word) {
    if (!lines.empty() && letters(lines.back()) + 1 + letters(word) <= most) lines.back() += " " + word;
    else lines.push_back(fitted(word, most));
  };
  for (std::string word; words >> word;) {
    // A long list without spaces, such as the text of --augment, is broken after commas and slashes.
    while (letters(word) > most && word.find_last_of(",/", most - 1) != std::string::npos) {
      const size_t next = word.find_last_of(",/", most - 1) + 1;
      add(word.substr(0, next));
      word.erase(0, next);
    }
    if (!word.empty()) add(word);
  }
  return lines;
}

// Lines of the legend: as many entries beside each other as fit.
using Entry = std::pair<int, std::string>;
std::vector<std::vector<Entry>> legend_lines(const std::vector<Entry>& legend, int width) {
  std::vector<std::vector<Entry>> lines;
  int used = width + 1;
  for (const Entry& entry : legend) {
    const int needed = 22 + static_cast<int>(letters(entry.second)) * 2 * letter_width + 20;
    if (used + needed > width) lines.emplace_back(), used = 0;
    lines.back().push_back(entry);
    used += needed;
  }
  return lines;
}

// Where the parts of a sheet are.
class Layout {
 public:
  explicit Layout(const Sheet& sheet) : sheet_(sheet) {
    size_t widest = 0;
    for (const Row& row : sheet.rows) {
      int width = -gap;
      for (const Tile& tile : row.tiles) width += gap + (tile.sign.empty() ? 0 : sign_width + gap) + sheet.tile_size;
      inner_ = std::max(inner_, width);
      widest = std::max(widest, row.tiles.size());
    }
    CP_ENSURE(widest > 0, "the sheet \"", sheet.title, "\" has no images");
    inner_ = std::max(inner_, 480);
    most_ = static_cast<size_t>(inner_ / (2 * letter_width));
  }

  Image draw() {
    // Twice: the first time for the height.
    image_ = {1, inner_ + 2 * margin, std::vector<uint8_t>(static_cast<size_t>(inner_ + 2 * margin) * 3)};
    const int height = draw_all();
    image_.height = height;
    image_.rgb.assign(static_cast<size_t>(height) * image_.width * 3, 255);
    draw_all();
    return std::move(image_);
  }

 private:
  int draw_all() {
    int y = margin;
    for (const std::string& text : wrapped(sheet_.title, most_)) {
      write_text(image_, margin, y, text, ink, 2);
      write_text(image_, margin + 1, y, text, ink, 2);  // bold
      y += line + 4;
    }
    for (const std::string& note : sheet_.notes) {
      for (const std::string& text : wrapped(note, most_)) write_text(image_, margin, y, text, pale_ink, 2), y += line;
      y += 4;
    }
    for (const auto& entries : legend_lines(sheet_.legend, inner_)) {
      int x = margin;
      for (const auto& [color, text] : entries) {
        fill_rectangle(image_, x, y, 14, 14, class_color(static_cast<size_t>(color)));
        write_text(image_, x + 22, y, fitted(text, most_ - 2), ink, 2);
        x += 22 + static_cast<int>(letters(text)) * 2 * letter_width + 20;
      }
      y += line + 4;
    }
    y += gap;
    for (const Row& row : sheet_.rows) y = draw_row(row, y);
    return y + margin - gap;
  }

  int draw_row(const Row& row, int y) {
    const int size = sheet_.tile_size;
    if (!row.heading.empty()) {
      y += 2;
      for (const std::string& text : wrapped(row.heading, most_))
        write_text(image_, margin, y, text, ink, 2), y += line;
      y += 6;
    }
    int x = margin;
    for (const Tile& tile : row.tiles) {
      if (!tile.sign.empty()) {
        write_text(image_, x + (sign_width - 2 * letter_width) / 2, y + size / 2 - 8, tile.sign, ink, 2);
        x += sign_width + gap;
      }
      draw_tile(tile, x, y);
      x += size + gap;
    }
    y += size;
    const bool bars = std::any_of(row.tiles.begin(), row.tiles.end(), [](const Tile& t) { return !t.shares.empty(); });
    if (bars) y += bar_height + 3;
    size_t lines = 0;
    for (const Tile& tile : row.tiles) lines = std::max(lines, caption_lines(tile.caption).size());
    return y + static_cast<int>(lines) * line + (lines ? 2 : 0) + gap;
  }

  void draw_tile(const Tile& tile, int left, int top) {
    const int size = sheet_.tile_size;
    if (tile.frame >= 0) {
      const Rgb color = class_color(static_cast<size_t>(tile.frame));
      fill_rectangle(image_, left - frame_width, top - frame_width, size + 2 * frame_width, size + 2 * frame_width,
                     color);
    }
    const Image square = enlarged(tile.image, size);
    for (int y = 0; y < size && top + y < image_.height; ++y) {
      std::copy_n(square.rgb.begin() + static_cast<std::ptrdiff_t>(y) * size * 3, size * 3,
                  image_.rgb.begin() + (static_cast<std::ptrdiff_t>(top + y) * image_.width + left) * 3);
    }
    int below = top + size + (tile.frame >= 0 ? frame_width : 0) + 3;
    double at = 0;
    for (const auto& [color, share] : tile.shares) {
      const int from = static_cast<int>(std::lround(at * size));
      at += share;
      fill_rectangle(image_, left + from, below, static_cast<int>(std::lround(at * size)) - from, bar_height,
                     class_color(static_cast<size_t>(color)));
    }
    if (!tile.shares.empty()) below += bar_height + 3;
    for (const std::string& text : caption_lines(tile.caption)) {
      write_text(image_, left, below, text, ink, 2);
      below += line;
    }
  }

  // One line or, where it does not fit, its last word in a second one.
  std::vector<std::string> caption_lines(const std::string& caption) const {
    const size_t most = static_cast<size_t>((sheet_.tile_size + gap) / (2 * letter_width));
    const size_t space = caption.rfind(' ');
    if (caption.empty()) return {};
    if (letters(caption) <= most || space == std::string::npos) return {fitted(caption, most)};
    return {fitted(caption.substr(0, space), most), fitted(caption.substr(space + 1), most)};
  }

  const Sheet& sheet_;
  Image image_;
  int inner_ = 0;    // the width between the margins
  size_t most_ = 0;  // letters in a line of it
};

}  // namespace

Rgb class_color(size_t index) {
  const unsigned color = drawing::class_color(index);
  return {static_cast<uint8_t>(color >> 16), static_cast<uint8_t>(color >> 8), static_cast<uint8_t>(color)};
}

Image enlarged(const Image& image, int side) {
  if (image.height != image.width || image.height < 1 || side % image.height != 0) {
    return resize_bilinear(image, side, side);
  }
  const size_t factor = static_cast<size_t>(side / image.height), n = static_cast<size_t>(image.width);
  CP_ENSURE(image.rgb.size() == n * n * 3, "enlarged: the image has ", image.rgb.size(), " bytes but says ", n, " x ",
            n, " pixels");
  Image out = {side, side, {}};
  out.rgb.reserve(static_cast<size_t>(side) * side * 3);
  for (size_t y = 0; y < static_cast<size_t>(side); ++y) {
    for (size_t x = 0; x < static_cast<size_t>(side); ++x) {
      const uint8_t* pixel = image.rgb.data() + (y / factor * n + x / factor) * 3;
      out.rgb.insert(out.rgb.end(), pixel, pixel + 3);
    }
  }
  return out;
}

int tile_size_for(int image_size) {
  constexpr int wanted = 96, most = 192;
  const int factor = (wanted + image_size - 1) / image_size;
  return std::min(factor * image_size, most);
}

Image draw(const Sheet& sheet) { return Layout(sheet).draw(); }

static void append_bytes(void* to, void* from, int count) {
  static_cast<std::string*>(to)->append(static_cast<const char*>(from), static_cast<size_t>(count));
}

std::string png(const Image& image) {
  std::string bytes;
  CP_ENSURE(
      stbi_write_png_to_func(append_bytes, &bytes, image.width, image.height, 3, image.rgb.data(), image.width * 3),
      "a contact sheet of ", image.width, " x ", image.height, " pixels cannot be encoded");
  return bytes;
}

std::string jpeg(const Image& image) {
  constexpr int quality = 75;
  std::string bytes;
  CP_ENSURE(stbi_write_jpg_to_func(append_bytes, &bytes, image.width, image.height, 3, image.rgb.data(), quality),
            "a contact sheet of ", image.width, " x ", image.height, " pixels cannot be encoded");
  return bytes;
}

}  // namespace counterpoise::contact_sheet
