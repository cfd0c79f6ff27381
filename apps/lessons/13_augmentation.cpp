// Lesson 13: targets move, too. An image is augmented together with what is marked on it.
//
// The text beside this program is 13_augmentation.md.
#include <counterpoise/counterpoise.h>

#include <cmath>
#include <cstdio>

#include "apps/lessons/lesson.h"

using namespace counterpoise;
using namespace counterpoise::augment;

const std::vector<Point> head = {{.25, .09}, {.38, .27}, {.52, .25}, {.62, .03}, {.71, .40}, {.74, .58},
                                 {.65, .77}, {.50, .81}, {.33, .72}, {.25, .55}, {.26, .40}};

// A synthetic cat, and what somebody has marked on it, in parts of the image's side.
Annotated marked_cat(int side) {
  Annotated cat;
  cat.image = {side, side, draw_animal(Animal::cat, side, /*seed=*/1, /*index=*/12)};
  cat.keypoints = {{{.37, .50}, "left eye"}, {{.58, .46}, "right eye"}, {{.49, .61}, "nose"}};
  cat.polygons = {{head, "head"}};
  cat.lines = {{{{.18, .60}, {.45, .68}, {.55, .68}, {.80, .70}}, "whiskers"}};
  const Transform to_pixels = scaling(side, side);
  for (Keypoint& keypoint : cat.keypoints) keypoint.at = *moved(to_pixels, keypoint.at);
  cat.polygons[0] = *moved(to_pixels, cat.polygons[0]);
  cat.lines = moved(to_pixels, cat.lines[0]);
  cat.boxes = {envelope(cat.polygons[0].points)};
  cat.segmentation_maps = {mask_of(cat.polygons[0], cat.size())};
  // How near to the nose, with half the resolution.
  HeatMap near{side / 2, side / 2, {}, "nose"};
  for (int i = 0; i < near.height; ++i) {
    for (int j = 0; j < near.width; ++j) {
      const double x = 2 * j + 1 - cat.keypoints[2].at.x, y = 2 * i + 1 - cat.keypoints[2].at.y;
      near.values.push_back(static_cast<float>(std::exp(-(x * x + y * y) / (0.02 * side * side))));
    }
  }
  cat.heat_maps = {near};
  return cat;
}

// The image in gray, with its box, polygon, line string and keypoints.
Pixels drawn(const std::string& caption, const Annotated& a) {
  Pixels image = {caption, static_cast<size_t>(a.image.width), {}, 100, 660};
  for (size_t i = 0; i < a.image.rgb.size(); i += 3) {
    image.values.push_back(a.image.rgb[i] + a.image.rgb[i + 1] + a.image.rgb[i + 2]);
  }
  const auto mark = [&](const std::vector<Point>& points, bool closed, int color) {
    Pixels::Mark mark{{}, closed, color};
    for (const Point p : points) mark.points.emplace_back(p.x, p.y);
    image.marks.push_back(mark);
  };
  for (const Box& box : a.boxes) mark(corners(box), true, 0);
  for (const Polygon& polygon : a.polygons) mark(polygon.points, true, 1);
  for (const LineString& line : a.lines) mark(line.points, false, 3);
  for (const Keypoint& keypoint : a.keypoints) mark({keypoint.at}, true, 2);
  return image;
}
template <class Values>
Pixels drawn(const std::string& caption, int width, const Values& values) {
  return {caption, static_cast<size_t>(width), std::vector<double>(values.begin(), values.end()), 0, 1};
}

void print(const char* what, const Annotated& a) {
  const Box& box = a.boxes[0];
  std::printf("%-12s %2d x %2d  box %5.2f x %5.2f  head %6.1f  left eye (%5.2f, %5.2f)\n", what, a.image.width,
              a.image.height, box.right - box.left, box.bottom - box.top, area(a.polygons[0]), a.keypoints[0].at.x,
              a.keypoints[0].at.y);
}

int main(int argc, char** argv) {
  Random rng(/*seed=*/1, Stream::augment, /*epoch=*/0, /*sample=*/12);

  // Where is a pixel after a flip? A bright one in column 3 of 40.
  Annotated dot;
  dot.image = {1, 40, std::vector<uint8_t>(120)};
  dot.image.rgb[3 * 3] = 255;
  dot.keypoints = {{{3.5, 0.5}}};
  const Annotated flipped = Augmenter(HorizontalFlip{})(dot, rng);
  int column = 0;
  while (flipped.image.rgb[static_cast<size_t>(column) * 3] != 255) ++column;
  std::printf("column 3 of 40 becomes column %d, its center 3.5 becomes %.1f\n\n", column, flipped.keypoints[0].at.x);

  // A portrait becomes a square.
  const Annotated photo = marked_cat(48);
  Plan cut(photo.size());
  cut.move(translation(-8, 0), {48, 32});
  const Annotated portrait = cut(photo), stretched = Augmenter(ResizeTo{32, 32})(portrait, rng);
  const Annotated boxed = Augmenter(ResizeTo{32, 32, ResizeTo::Fit::letterbox})(portrait, rng);
  Annotated left_behind = portrait;  // the image is resized, and its targets are forgotten
  left_behind.image = stretched.image;
  print("portrait", portrait);
  print("stretched", stretched);
  print("letterbox", boxed);

  // A box is the envelope of its four corners. So it grows when it is turned, and does not shrink when turned back.
  const Annotated cat = marked_cat(32);
  std::printf("\nangle  box grows by  polygon by\n");
  for (const double angle : {0., 15., 30., 45.}) {
    const Transform there = rotation(angle), back = rotation(-angle);
    const Box box = *moved(back, *moved(there, cat.boxes[0]));
    const Polygon polygon = *moved(back, *moved(there, cat.polygons[0]));
    std::printf("%5.0f  %12.3f  %10.3f\n", angle, area(box) / area(cat.boxes[0]),
                area(polygon) / area(cat.polygons[0]));
  }

  // What leaves the image: a crop of its right half.
  Plan right_half(cat.size());
  right_half.move(translation(-16, 0), {32, 16});
  Annotated half = right_half(cat);
  std::printf("\nright half: %zu keypoints, box from %.2f, area of the head %.1f\n", half.keypoints.size(),
              half.boxes[0].left, area(half.polygons[0]));
  clip_to_image(half);
  std::printf("clipped:    %zu keypoint,  box from %.2f, area of the head %.1f\n", half.keypoints.size(),
              half.boxes[0].left, area(half.polygons[0]));

  // The lecture's augmenters.
  Affine affine;
  affine.scale = {0.8, 0.9}, affine.rotate = {15, 25}, affine.shear_x = {-12, -8}, affine.translate_x = {-0.1, 0};
  CropAndPad crop_and_pad;
  crop_and_pad.percent = {-0.15, 0.15};
  PerspectiveTransform view;
  view.scale = 0.08;
  const Augmenter noisy = augment::Sequential{{AdditiveGaussianNoise{6}, LinearContrast{1.3}, Sharpen{0.1, 1}}};
  const std::vector<std::pair<std::string, Augmenter>> augmenters = {
      {"original", Augmenter()},
      {"noise", noisy},
      {"affine", affine},
      {"crop and pad", crop_and_pad},
      {"perspective", augment::Sequential{{HorizontalFlip{}, view}}}};
  std::vector<Pixels> images, masks, heat;
  std::printf("\n");
  for (const auto& [name, augmenter] : augmenters) {
    const Annotated changed = augmenter(cat, rng);
    const HeatMap& map = changed.heat_maps[0];
    print(name.c_str(), changed);
    images.push_back(drawn(name, changed));
    masks.push_back(drawn("segmentation map", changed.image.width, changed.segmentation_maps[0].labels));
    heat.push_back(drawn("heat map of the nose", map.width, map.values));
  }
  const Folder folder(argc, argv);
  folder.write("13_resize.svg", pixels_svg("A portrait of 32 x 48 pixels becomes a square",
                                           {{drawn("portrait", portrait), drawn("targets left behind", left_behind),
                                             drawn("stretched", stretched), drawn("letterbox", boxed)}}));
  folder.write("13_gallery.svg",
               pixels_svg("One draw moves the image and all that is marked on it", {images, masks, heat}));
}
