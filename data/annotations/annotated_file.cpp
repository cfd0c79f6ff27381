#include "data/annotations/annotated_file.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

#include "core/text.h"
#include "data/augment/geometry.h"
#include "kernels/error.h"

namespace counterpoise::augment {

using detail::in_quotes;

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

// Draws masks into segmentation maps, each into the first map in which it covers no other.
class MaskPainter {
 public:
  explicit MaskPainter(const AnnotatedFile& file)
      : file_(file), pixels_(size_t(std::max(file.height, 0)) * size_t(std::max(file.width, 0))) {}

  void add(const RunLengths& mask, int32_t label) {
    const size_t at = first_free(mask);
    if (at == maps_.size()) {
      CP_ENSURE_AS(bad_data, (at + 1) * pixels_ * sizeof(int32_t) <= most_map_bytes, file_.path, ": more than ", at,
                   " masks lie over each other, which takes over 1 GiB as segmentation maps");
      maps_.push_back({file_.height, file_.width, std::vector<int32_t>(pixels_)});
      if (at / 64 == used_.size()) used_.emplace_back(pixels_);
    }
    each_pixel(mask, [&](size_t i) {
      maps_[at].labels[i] = label;
      used_[at / 64][i] |= uint64_t{1} << at % 64;
      return true;
    });
  }

  std::vector<SegmentationMap> maps() && { return std::move(maps_); }

 private:
  // In one pass for 64 maps, so that many masks over each other do not take quadratic time.
  size_t first_free(const RunLengths& mask) const {
    for (size_t block = 0; block < used_.size(); ++block) {
      uint64_t taken = 0;
      each_pixel(mask, [&](size_t i) { return (taken |= used_[block][i]) != ~uint64_t{0}; });
      for (size_t bit = 0; bit < 64; ++bit) {
        if (!(taken >> bit & 1)) return block * 64 + bit;
      }
    }
    return maps_.size();
  }

  const AnnotatedFile& file_;
  const size_t pixels_;
  std::vector<SegmentationMap> maps_;
  std::vector<std::vector<uint64_t>> used_;  // bit k of used_[b][i]: pixel i has a label in map 64 b + k
};

// Whether a word begins or ends at the place i of a name: beside what is no letter, and where a capital follows a small
// letter, as in "leftEye".
bool divides_words(const std::string& name, size_t i) {
  const auto is = [&](int (*kind)(int), size_t at) { return kind(static_cast<unsigned char>(name[at])) != 0; };
  if (i == 0 || i == name.size() || !is(std::isalpha, i - 1) || !is(std::isalpha, i)) return true;
  return is(std::islower, i - 1) && is(std::isupper, i);
}

// The name with left and right exchanged where they are words of it: "left_eye", "Right shoulder", "R_ear".
std::string other_side(const std::string& name) {
  constexpr std::pair<std::string_view, std::string_view> sides[] = {
      {"left", "right"}, {"Left", "Right"}, {"LEFT", "RIGHT"}, {"l", "r"}, {"L", "R"}};
  std::string y;
  for (size_t i = 0; i < name.size();) {
    std::string_view here, other;
    for (const auto& [left, right] : sides) {
      for (const auto& [one, another] : {std::pair(left, right), std::pair(right, left)}) {
        const size_t end = i + one.size();
        if (name.compare(i, one.size(), one) != 0 || !divides_words(name, i) || !divides_words(name, end)) continue;
        here = one, other = another;
      }
    }
    if (here.empty()) y += name[i++];
    else y += other, i += here.size();
  }
  return y;
}

}  // namespace

Annotated annotated(const AnnotatedFile& file, Image image) {
  CP_ENSURE_AS(bad_data, image.height == file.height && image.width == file.width, file.path, ": the image has ",
               image.width, " x ", image.height, " pixels, but its annotations are for ", file.width, " x ",
               file.height);
  Annotated y;
  y.image = std::move(image);
  MaskPainter masks(file);
  for (size_t k = 0; k < file.objects.size(); ++k) {
    const AnnotatedObject& object = file.objects[k];
    const int number = int(k);
    if (object.box) {
      y.boxes.push_back(*object.box);
      y.boxes.back().label = object.category, y.boxes.back().object = number;
    }
    for (const Polygon& polygon : object.polygons) y.polygons.push_back({polygon.points, object.category, number});
    for (const ObjectKeypoint& keypoint : object.keypoints) y.keypoints.push_back({keypoint.at, keypoint.name, number});
    if (object.mask) masks.add(*object.mask, number + 1);
  }
  y.segmentation_maps = std::move(masks).maps();
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
  std::map<std::pair<size_t, std::string>, int> visibilities;  // of keypoints by object and name
  for (size_t k = 0; k < objects.size(); ++k) {
    for (const ObjectKeypoint& keypoint : file.objects[k].keypoints) {
      visibilities[{k, keypoint.name}] = keypoint.visibility;
    }
  }
  for (const Keypoint& keypoint : changed.keypoints) {
    const size_t k = owner(keypoint.object, "keypoint");
    const auto before = visibilities.find({k, keypoint.label});
    objects[k].keypoints.push_back({keypoint.label, keypoint.at, before == visibilities.end() ? 2 : before->second});
  }
  for (const SegmentationMap& map : changed.segmentation_maps) {
    for (auto& [label, mask] : runs_of(map)) {
      objects[owner(int64_t{label} - 1, "label of a segmentation map")].mask = std::move(mask);
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

void exchange_left_right(AnnotatedFile& file, const std::vector<Category>& categories) {
  std::map<int64_t, std::map<std::string, std::string>> others;
  for (const Category& category : categories) {
    const std::set<std::string> names(category.keypoints.begin(), category.keypoints.end());
    for (const std::string& name : names) {
      const std::string other = other_side(name);
      if (names.count(other)) others[category.id][name] = other;
    }
  }
  for (AnnotatedObject& object : file.objects) {
    const std::map<std::string, std::string>& pairs = others[object.category_id];
    for (ObjectKeypoint& keypoint : object.keypoints) {
      const auto pair = pairs.find(keypoint.name);
      if (pair != pairs.end()) keypoint.name = pair->second;
    }
  }
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
