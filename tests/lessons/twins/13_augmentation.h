// What the library has for exercise 13: transforms, which move targets, and clipping.

augment::Box flipped(const augment::Box& box, double width) {
  return *augment::moved(augment::horizontal_flip(width), box);
}

augment::Polygon flipped(const augment::Polygon& polygon, double width) {
  return *augment::moved(augment::horizontal_flip(width), polygon);
}

augment::Box cropped(const augment::Box& box, int left, int top, int width, int height) {
  return augment::clipped(*augment::moved(augment::translation(-left, -top), box), {height, width})
      .value_or(augment::Box{});
}
