// The check of exercise 13, the bright-pixel test: images of zeros and ones are flipped and cropped as arrays, and the
// targets must be where the ones have gone to.

// Rows of zeros and ones.
using Dots = std::vector<std::vector<int>>;

// The box around all ones, each of which covers a pixel; all sides are 0 if there are none.
inline augment::Box around_dots(const Dots& dots) {
  augment::Box box;
  bool found = false;
  for (size_t i = 0; i < dots.size(); ++i) {
    for (size_t j = 0; j < dots[i].size(); ++j) {
      if (dots[i][j] == 0) continue;
      const double x = static_cast<double>(j), y = static_cast<double>(i);
      if (!found) box = {x, y, x + 1, y + 1};
      box.left = std::fmin(box.left, x), box.right = std::fmax(box.right, x + 1);
      box.top = std::fmin(box.top, y), box.bottom = std::fmax(box.bottom, y + 1);
      found = true;
    }
  }
  return box;
}

inline std::string text_of(const augment::Box& box) {
  const auto text = [](double x) { return std::to_string(x).substr(0, std::to_string(x).find('.') + 3); };
  return "left " + text(box.left) + ", top " + text(box.top) + ", right " + text(box.right) + ", bottom " +
         text(box.bottom);
}

inline void same_box(const Checker& c, const augment::Box& found, const augment::Box& expected,
                     const std::string& what) {
  const bool same = std::fabs(found.left - expected.left) < 1e-9 && std::fabs(found.top - expected.top) < 1e-9 &&
                    std::fabs(found.right - expected.right) < 1e-9 && std::fabs(found.bottom - expected.bottom) < 1e-9;
  c.expect(same, what + " should be " + text_of(expected) + ", where the bright pixels are, but is " + text_of(found));
  c.expect(found.label == expected.label,
           what + " should have the label \"" + expected.label + "\", but has \"" + found.label + "\"");
}

void check(Checker& c) {
  for (int trial = 0; trial < 40; ++trial) {
    const int width = c.whole(4, 12), height = c.whole(3, 9);
    const std::string image = "of an image of " + std::to_string(width) + " x " + std::to_string(height) + " pixels, ";
    // A bright rectangle, and the box around it.
    augment::Box box;
    box.left = c.whole(0, width - 1), box.right = c.whole(static_cast<int>(box.left) + 1, width);
    box.top = c.whole(0, height - 1), box.bottom = c.whole(static_cast<int>(box.top) + 1, height);
    box.label = "cat " + std::to_string(c.whole(1, 99));
    Dots dots(static_cast<size_t>(height), std::vector<int>(static_cast<size_t>(width)));
    for (int i = 0; i < height; ++i) {
      for (int j = 0; j < width; ++j) {
        const bool in = box.left <= j && j < box.right && box.top <= i && i < box.bottom;
        dots[static_cast<size_t>(i)][static_cast<size_t>(j)] = in;
      }
    }
    Dots mirrored = dots;
    for (std::vector<int>& row : mirrored) std::reverse(row.begin(), row.end());
    augment::Box expected = around_dots(mirrored);
    expected.label = box.label;
    same_box(c, flipped(box, width), expected, image + "the box with " + text_of(box) + ", flipped,");

    // A polygon whose corners are the centers of bright pixels.
    augment::Polygon polygon{{}, box.label};
    for (int k = c.whole(3, 6); k > 0; --k) {
      polygon.points.push_back({c.whole(0, width - 1) + 0.5, c.whole(0, height - 1) + 0.5});
    }
    const augment::Polygon found = flipped(polygon, width);
    c.expect(found.points.size() == polygon.points.size() && found.label == polygon.label,
             "a flipped polygon should have as many corners as before, and its label");
    for (size_t k = 0; k < polygon.points.size(); ++k) {
      std::vector<int> row(static_cast<size_t>(width));
      row[static_cast<size_t>(polygon.points[k].x)] = 1;
      std::reverse(row.begin(), row.end());
      const double x = static_cast<double>(std::find(row.begin(), row.end(), 1) - row.begin()) + 0.5;
      const std::string corner = image + "the corner of a polygon at x = " + std::to_string(polygon.points[k].x);
      c.near(found.points[k].x, x, 1e-9, corner + ", flipped,");
      c.near(found.points[k].y, polygon.points[k].y, 1e-9, "y of a corner, which a flip does not change,");
    }

    // A part of the image is cut out.
    const int left = c.whole(0, width - 1), top = c.whole(0, height - 1);
    const int columns = c.whole(1, width - left), rows = c.whole(1, height - top);
    Dots part;
    for (int i = top; i < top + rows; ++i) {
      const auto row = dots[static_cast<size_t>(i)].begin();
      part.emplace_back(row + left, row + left + columns);
    }
    augment::Box rest = around_dots(part);
    if (rest.right > 0) rest.label = box.label;
    const auto text = [](int n) { return std::to_string(n); };
    same_box(c, cropped(box, left, top, columns, rows), rest,
             image + "cropped to " + text(columns) + " x " + text(rows) + " from (" + text(left) + ", " + text(top) +
                 "), the box with " + text_of(box));
  }
}
