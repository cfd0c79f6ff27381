// What is marked on an image: keypoints, boxes, polygons, line strings, heat maps and segmentation maps.
//
//   augment::Annotated photo;
//   photo.image = decode_image("cat.jpg");
//   photo.keypoints.push_back({{81.5, 40.5}, "left eye"});
//   photo.boxes.push_back({30, 20, 140, 150, "cat"});    // left, top, right, bottom
//
// Coordinates are numbers of pixels from the left and upper edges of the image, x to the right and y downwards: pixel
// (i, j), in row i and column j, covers [j, j + 1) x [i, i + 1), and its center is (j + 1/2, i + 1/2). A whole image
// covers [0, width) x [0, height), so that its mirror image has x at width - x. imgaug has the same convention.
//
// Everything here is plain data; functions are pure unless they say what they change, and safe to call from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/images/image.h"

namespace counterpoise::augment {

struct Point {
  double x = 0, y = 0;
};

struct Size {
  int height = 0, width = 0;
};
inline bool operator==(Size a, Size b) { return a.height == b.height && a.width == b.width; }
inline bool operator!=(Size a, Size b) { return !(a == b); }

// Keypoints, boxes, polygons and line strings of one object of the image have its number in common, which augmentation
// keeps as it keeps the label; -1 is none (data/annotations/annotated_file.h).

struct Keypoint {
  Point at;
  std::string label = "";
  int object = -1;
};

// Sides are parallel to the image's; left <= right and top <= bottom.
struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
  std::string label = "";
  int object = -1;
};

// At least three corners, in order; the last is connected with the first.
struct Polygon {
  std::vector<Point> points;
  std::string label = "";
  int object = -1;
};

// At least two points, each connected with the next.
struct LineString {
  std::vector<Point> points;
  std::string label = "";
  int object = -1;
};

// A number for each place of the image, such as the probability of a joint, in rows from the top. A map covers the
// whole image with a resolution of its own.
struct HeatMap {
  int height = 0, width = 0;
  std::vector<float> values;
  std::string label = "";
};

// A class for each place of the image, likewise; 0 is the background.
struct SegmentationMap {
  int height = 0, width = 0;
  std::vector<int32_t> labels;
};

// An image with everything that is marked on it; any of the lists may be empty.
struct Annotated {
  Image image = {};
  std::vector<Keypoint> keypoints = {};
  std::vector<Box> boxes = {};
  std::vector<Polygon> polygons = {};
  std::vector<LineString> lines = {};
  std::vector<HeatMap> heat_maps = {};
  std::vector<SegmentationMap> segmentation_maps = {};

  Size size() const { return {image.height, image.width}; }
};

// Throws Error(bad_data), which names the target, for what cannot be augmented: an image or map without pixels or whose
// numbers do not match its size, a coordinate that is not finite, a box whose sides are exchanged, a polygon of fewer
// than three points, a line string of fewer than two. What lies outside the image is no error.
void check(const Annotated& annotated);

// The policies for what has left the image. Augmentation itself keeps everything where it was moved to.

// Removes what lies wholly outside: keypoints, and boxes, polygons and line strings without a part of positive area or
// length in the image. Of boxes and polygons, also those of whose area less than `least_part` is left in it. Throws
// Error(invalid_argument) unless 0 <= least_part <= 1.
void drop_outside(Annotated& annotated, double least_part = 0);
void check_least_part(double least_part);

// The same, and cuts what is left at the edges of the image. A line string may become several, in its place and with
// its label; a polygon remains one, whose parts may be connected along the edge.
void clip_to_image(Annotated& annotated, double least_part = 0);

}  // namespace counterpoise::augment
