#include "data/annotations/annotated_file.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/io/safetensors_header.h"
#include "data/augment/geometry.h"
#include "kernels/error.h"

namespace counterpoise::augment {

using safetensors::in_quotes;

namespace {

constexpr int64_t largest_side = 16384, most_pixels = 100'000'000;  // decode_image()'s
constexpr double largest_coordinate = 1e9;
constexpr size_t most_map_bytes = size_t{1} << 30;

void check_point(Point p, const char* what, const std::string& place) {
  CP_ENSURE_AS(bad_data, std::fabs(p.x) <= largest_coordinate && std::fabs(p.y) <= largest_coordinate, place, ": its ",
               what, " has the point (", p.x, ", ", p.y, "); valid are coordinates from -1e9 to 1e9");
}

bool has_targets(const AnnotatedObject& object) {
  return object.box || !object.polygons.empty() || object.mask || !object.keypoints.empty();
}

bool beyond(Size image, const std::vector<Point>& points) {
  constexpr double rounding = 0.05;
  return std::any_of(points.begin(), points.end(), [&](Point p) {
    return p.x < -rounding || p.y < -rounding || p.x > image.width + rounding || p.y > image.height + rounding;
  });
}

// Draws a mask into the first map in which it covers no other.
void add_mask(const AnnotatedFile& file, const RunLengths& mask, int32_t label, std::vector<SegmentationMap>& maps) {
  auto map = std::find_if(maps.begin(), maps.end(), [&](const SegmentationMap& y) { return !overlaps(mask, y); });
  if (map == maps.end()) {
    const size_t pixels = size_t(file.height) * size_t(file.width);
    CP_ENSURE_AS(bad_data, (maps.size() + 1) * pixels * sizeof(int32_t) <= most_map_bytes, file.path, ": more than ",
                 maps.size(), " masks lie over each other, which takes over 1 GiB as segmentation maps");
    maps.push_back({file.height, file.width, std::vector<int32_t>(pixels)});
    map = maps.end() - 1;
  }
  draw(mask, label, *map);
}

}  // namespace

Annotated annotated(const AnnotatedFile& file, Image image) {
  CP_ENSURE_AS(bad_data, image.height == file.height && image.width == file.width, file.path, ": the image has ",
               image.width, " x ", image.height, " pixels, but its annotations are for ", file.width, " x ",
               file.height);
  Annotated y;
  y.image = std::move(image);
  for (size_t k = 0; k < file.objects.size(); ++k) {
    const AnnotatedObject& object = file.objects[k];
    const int number = int(k);
    if (object.box) {
      y.boxes.push_back(*object.box);
      y.boxes.back().label = object.category, y.boxes.back().object = number;
    }
    for (const Polygon& polygon : object.polygons) y.polygons.push_back({polygon.points, object.category, number});
    for (const ObjectKeypoint& keypoint : object.keypoints) y.keypoints.push_back({keypoint.at, keypoint.name, number});
    if (object.mask) add_mask(file, *object.mask, number + 1, y.segmentation_maps);
  }
  return y;
}

void update(AnnotatedFile& file, const Annotated& changed) {
  std::vector<AnnotatedObject> objects = file.objects;
  for (AnnotatedObject& object : objects) {
    object.box.reset(), object.polygons.clear(), object.mask.reset(), object.keypoints.clear(), object.area.reset();
  }
  const auto owner = [&](int64_t number, const char* what) -> size_t {
    CP_ENSURE_AS(invalid_argument, 0 <= number && number < int64_t(objects.size()), file.path, ": a ", what,
                 " belongs to object ", number, "; valid are the numbers of its ", objects.size(),
                 " objects, from 0 on");
    return size_t(number);
  };
  for (const Box& box : changed.boxes) {
    AnnotatedObject& object = objects[owner(box.object, "box")];
    CP_ENSURE_AS(invalid_argument, !object.box, file.path, ": object ", box.object, " has two boxes; it may have one");
    object.box = box;
  }
  for (const Polygon& polygon : changed.polygons) objects[owner(polygon.object, "polygon")].polygons.push_back(polygon);
  for (const Keypoint& keypoint : changed.keypoints) {
    const size_t k = owner(keypoint.object, "keypoint");
    int visibility = 2;
    for (const ObjectKeypoint& before : file.objects[k].keypoints) {
      if (before.name == keypoint.label) visibility = before.visibility;
    }
    objects[k].keypoints.push_back({keypoint.label, keypoint.at, visibility});
  }
  for (const SegmentationMap& map : changed.segmentation_maps) {
    std::vector<bool> there(objects.size());
    for (const int32_t label : map.labels) {
      if (label != 0) there[owner(int64_t{label} - 1, "label of a segmentation map")] = true;
    }
    for (size_t k = 0; k < there.size(); ++k) {
      if (there[k]) objects[k].mask = runs_of(map, int32_t(k + 1));
    }
  }
  std::vector<AnnotatedObject> left;
  for (size_t k = 0; k < objects.size(); ++k) {
    if (has_targets(objects[k]) || !has_targets(file.objects[k])) left.push_back(std::move(objects[k]));
  }
  file.objects = std::move(left);
  file.height = changed.image.height, file.width = changed.image.width;
  file.note = beyond_image(file);
}

void number(AnnotatedDataset& dataset) {
  std::map<std::string, Category> categories;
  int64_t image = 0, annotation = 0;
  for (AnnotatedFile& file : dataset.files) {
    file.id = ++image;
    for (AnnotatedObject& object : file.objects) {
      object.id = ++annotation;
      std::vector<std::string>& names = categories[object.category].keypoints;
      for (const ObjectKeypoint& keypoint : object.keypoints) {
        if (std::find(names.begin(), names.end(), keypoint.name) == names.end()) names.push_back(keypoint.name);
      }
    }
  }
  dataset.categories.clear();
  for (auto& [name, category] : categories) {
    category.id = int64_t(dataset.categories.size()) + 1, category.name = name;
    dataset.categories.push_back(category);
  }
  for (AnnotatedFile& file : dataset.files) {
    for (AnnotatedObject& object : file.objects) object.category_id = categories[object.category].id;
  }
}

void check_size(int64_t height, int64_t width, const std::string& place) {
  const bool possible = 0 < height && height <= largest_side && 0 < width && width <= largest_side;
  CP_ENSURE_AS(bad_data, possible && height * width <= most_pixels, place, ": an image of ", width, " x ", height,
               " pixels; valid are 1 to ", largest_side, " a side and at most 100 million in all");
}

void check(const AnnotatedObject& object, Size image, const std::string& place) {
  if (object.box) {
    const Box& box = *object.box;
    for (const Point p : corners(box)) check_point(p, "box", place);
    CP_ENSURE_AS(bad_data, box.left <= box.right && box.top <= box.bottom, place, ": its box has the size ",
                 box.right - box.left, " x ", box.bottom - box.top, "; valid are 0 and more");
  }
  for (const Polygon& polygon : object.polygons) {
    CP_ENSURE_AS(bad_data, polygon.points.size() >= 3, place, ": a polygon of it has ", polygon.points.size(),
                 " points; valid are 3 and more");
    for (const Point p : polygon.points) check_point(p, "polygon", place);
  }
  for (const ObjectKeypoint& keypoint : object.keypoints) {
    check_point(keypoint.at, ("keypoint " + in_quotes(keypoint.name)).c_str(), place);
    CP_ENSURE_AS(bad_data, keypoint.visibility == 1 || keypoint.visibility == 2, place, ": its keypoint ",
                 in_quotes(keypoint.name), " has the visibility ", keypoint.visibility,
                 "; valid are 1, hidden, and 2, visible");
  }
  if (!object.mask) return;
  CP_ENSURE_AS(bad_data, object.mask->height == image.height && object.mask->width == image.width, place,
               ": its mask has ", object.mask->width, " x ", object.mask->height, " pixels, but its image ",
               image.width, " x ", image.height);
  check(*object.mask, place);
}

double difference(double a, double b) {
  const double rounded = std::round((a - b) * 1e9) / 1e9;
  return b + rounded == a ? rounded : a - b;
}

std::string beyond_image(const AnnotatedFile& file) {
  const Size image{file.height, file.width};
  size_t all = 0, outside = 0;
  std::string first;
  const auto count = [&](const std::vector<Point>& points, const AnnotatedObject& object, const char* what) {
    ++all;
    if (!beyond(image, points) || ++outside > 1) return;
    const Box box = envelope(points);
    first = detail::text("the ", what, " of ", in_quotes(object.category), " from (", box.left, ", ", box.top, ") to (",
                         box.right, ", ", box.bottom, ")");
  };
  for (const AnnotatedObject& object : file.objects) {
    if (object.box) count(corners(*object.box), object, "box");
    for (const Polygon& polygon : object.polygons) count(polygon.points, object, "polygon");
    for (const ObjectKeypoint& keypoint : object.keypoints) count({keypoint.at}, object, "keypoint");
  }
  if (outside == 0) return "";
  return detail::text(in_quotes(file.path), ": ", outside, " of ", all, " targets reach beyond the image of ",
                      file.width, " x ", file.height, " pixels and are kept as they are, such as ", first);
}

}  // namespace counterpoise::augment
