// Wrong solutions of exercise 13: 1 counts from the centers of pixels, 2 does not exchange the sides, 3 does not clip.

augment::Box flipped(const augment::Box& box, double width) {
  const double w = MUTANT == 1 ? width - 1 : width;
  augment::Box y = box;
  y.left = w - (MUTANT == 2 ? box.left : box.right);
  y.right = w - (MUTANT == 2 ? box.right : box.left);
  return y;
}

augment::Polygon flipped(const augment::Polygon& polygon, double width) {
  augment::Polygon y = polygon;
  for (augment::Point& p : y.points) p.x = width - p.x;
  return y;
}

augment::Box cropped(const augment::Box& box, int left, int top, int width, int height) {
  augment::Box y = box;
  y.left -= left, y.right -= left, y.top -= top, y.bottom -= top;
  if (MUTANT == 3) return y;
  y.left = std::fmax(y.left, 0), y.right = std::fmin(y.right, width);
  y.top = std::fmax(y.top, 0), y.bottom = std::fmin(y.bottom, height);
  return y.left < y.right && y.top < y.bottom ? y : augment::Box{};
}
