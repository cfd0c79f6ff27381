// Exercise 13; 13_augmentation.md describes it. Write the functions' bodies in place of the throws, then: make exercise
// N=13

// A box in an image `width` pixels wide, after left and right of the image are exchanged. (augment::Box has left, top,
// right, bottom and a label, which stays.)
augment::Box flipped(const augment::Box& box, double width) {
  throw Unsolved{"x becomes width − x, so that what was the right side is the left one afterwards"};
}

// A polygon likewise. (augment::Polygon has points, each with x and y, and a label.) The corners stay in their order.
augment::Polygon flipped(const augment::Polygon& polygon, double width) {
  throw Unsolved{"every corner moves as a keypoint does"};
}

// What is left of a box when the part of the image is cut out whose upper left corner is at (left, top), and which has
// width x height pixels: in the coordinates of that part, and within it. The label stays. If nothing is left (a width
// or a height of 0 counts as nothing), return augment::Box{}.
augment::Box cropped(const augment::Box& box, int left, int top, int width, int height) {
  throw Unsolved{
      "first move the box by the arguments, (−left, −top), then intersect it with the box from (0, 0) to (width, "
      "height)"};
}
