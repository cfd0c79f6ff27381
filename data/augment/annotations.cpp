#include "data/augment/annotations.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "data/augment/geometry.h"
#include "kernels/error.h"

namespace counterpoise::augment {

namespace {

bool finite(Point p) { return std::isfinite(p.x) && std::isfinite(p.y); }

bool holds(int height, int width, size_t channels, size_t numbers) {
  return height > 0 && width > 0 && numbers == size_t(height) * size_t(width) * channels;
}

// " 3 (cat)".
std::string named(size_t i, const std::string& label) {
  return detail::text(" ", i, label.empty() ? "" : " (" + label + ")");
}

void check_points(const char* what, size_t i, const std::string& label, const std::vector<Point>& points,
                  size_t least) {
  CP_ENSURE_AS(bad_data, points.size() >= least, what, named(i, label), " has ", points.size(), " points, at least ",
               least, " are needed");
  for (const Point p : points) {
    CP_ENSURE_AS(bad_data, finite(p), what, named(i, label), " has a coordinate that is not finite: (", p.x, ", ", p.y,
                 ")");
  }
}

// What of a target's area remains is enough.
bool enough(double left, double all, double least_part) { return left > 0 && left >= least_part * all; }

void leave(Annotated& annotated, double least_part, bool clip) {
  check_least_part(least_part);
  const Size image = annotated.size();
  std::vector<Keypoint>& keypoints = annotated.keypoints;
  keypoints.erase(std::remove_if(keypoints.begin(), keypoints.end(),
                                 [&](const Keypoint& keypoint) { return !contains(image, keypoint.at); }),
                  keypoints.end());
  std::vector<Box> boxes;
  for (const Box& box : annotated.boxes) {
    const std::optional<Box> inside = clipped(box, image);
    if (inside && enough(area(*inside), area(box), least_part)) boxes.push_back(clip ? *inside : box);
  }
  annotated.boxes = std::move(boxes);
  std::vector<Polygon> polygons;
  for (const Polygon& polygon : annotated.polygons) {
    const std::optional<Polygon> inside = clipped(polygon, image);
    if (inside && enough(area(*inside), area(polygon), least_part)) polygons.push_back(clip ? *inside : polygon);
  }
  annotated.polygons = std::move(polygons);
  std::vector<LineString> lines;
  for (const LineString& line : annotated.lines) {
    const std::vector<LineString> pieces = clipped(line, image);
    if (clip) lines.insert(lines.end(), pieces.begin(), pieces.end());
    else if (!pieces.empty()) lines.push_back(line);
  }
  annotated.lines = std::move(lines);
}

}  // namespace

void check(const Annotated& annotated) {
  const Image& image = annotated.image;
  CP_ENSURE_AS(bad_data, holds(image.height, image.width, 3, image.rgb.size()), "an image to be augmented has ",
               image.rgb.size(), " bytes but says ", image.width, " x ", image.height, " pixels");
  for (size_t i = 0; i < annotated.keypoints.size(); ++i) {
    check_points("keypoint", i, annotated.keypoints[i].label, {annotated.keypoints[i].at}, 1);
  }
  for (size_t i = 0; i < annotated.boxes.size(); ++i) {
    const Box& box = annotated.boxes[i];
    check_points("box", i, box.label, corners(box), 4);
    CP_ENSURE_AS(bad_data, box.left <= box.right && box.top <= box.bottom, "box", named(i, box.label),
                 " has exchanged sides: left ", box.left, ", top ", box.top, ", right ", box.right, ", bottom ",
                 box.bottom);
  }
  for (size_t i = 0; i < annotated.polygons.size(); ++i) {
    check_points("polygon", i, annotated.polygons[i].label, annotated.polygons[i].points, 3);
  }
  for (size_t i = 0; i < annotated.lines.size(); ++i) {
    check_points("line string", i, annotated.lines[i].label, annotated.lines[i].points, 2);
  }
  for (size_t i = 0; i < annotated.heat_maps.size(); ++i) {
    const HeatMap& map = annotated.heat_maps[i];
    CP_ENSURE_AS(bad_data, holds(map.height, map.width, 1, map.values.size()), "heat map", named(i, map.label), " has ",
                 map.values.size(), " values but says ", map.width, " x ", map.height);
    CP_ENSURE_AS(bad_data, std::all_of(map.values.begin(), map.values.end(), [](float v) { return std::isfinite(v); }),
                 "heat map", named(i, map.label), " has a value that is not finite");
  }
  for (size_t i = 0; i < annotated.segmentation_maps.size(); ++i) {
    const SegmentationMap& map = annotated.segmentation_maps[i];
    CP_ENSURE_AS(bad_data, holds(map.height, map.width, 1, map.labels.size()), "segmentation map", named(i, ""),
                 " has ", map.labels.size(), " labels but says ", map.width, " x ", map.height);
  }
}

void check_least_part(double least_part) {
  CP_ENSURE_AS(invalid_argument, 0 <= least_part && least_part <= 1,
               "the least part of an area that is left must be from 0 to 1, not ", least_part);
}

void drop_outside(Annotated& annotated, double least_part) { leave(annotated, least_part, false); }

void clip_to_image(Annotated& annotated, double least_part) { leave(annotated, least_part, true); }

}  // namespace counterpoise::augment
