#include "apps/augment_sheet/draw_targets.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "apps/show/sheet.h"
#include "data/augment/augmenters.h"
#include "data/augment/geometry.h"
#include "data/images/canvas.h"

namespace counterpoise {

using namespace augment;

namespace {

using detail::Canvas;

const char* const keypoint = "keypoint";
const char* const box = "box";
const char* const polygon = "polygon";
const char* const line_string = "line string";
const char* const heat_map = "heat map";

std::string segment_name(int32_t label, const SegmentNames& names) {
  return label > 0 && size_t(label) <= names.size() ? names[size_t(label) - 1] : "segment " + std::to_string(label);
}

constexpr size_t longest_legend = 12;

// Of the palette without black and gray, which are hardly seen in a blend.
constexpr int colors_used[] = {0, 1, 2, 3, 4, 5, 7, 9};
int color_index(size_t i) { return colors_used[i % std::size(colors_used)]; }

detail::Color color_of(int index) {
  const contact_sheet::Rgb c = contact_sheet::class_color(size_t(index));
  return {float(c.red) / 255, float(c.green) / 255, float(c.blue) / 255};
}

class Painter {
 public:
  Painter(const Image& image) : side_(image.width), canvas_(image.width, 0) {
    canvas_.each_pixel([&, i = size_t(0)](detail::Color, detail::Point) mutable {
      const uint8_t* p = image.rgb.data() + 3 * i++;
      return detail::Color{float(p[0]) / 255, float(p[1]) / 255, float(p[2]) / 255};
    });
  }

  void path(const std::vector<Point>& points, bool closed, detail::Color color) {
    // Dark beside the line, so that it is seen before any background.
    for (const bool outer : {true, false}) {
      for (size_t i = closed ? 0 : 1; i < points.size(); ++i) {
        const float width = (outer ? 4.5f : 2.5f) / float(side_);
        canvas_.stroke(at(points[(i + points.size() - 1) % points.size()]), at(points[i]), width, width,
                       outer ? black : color, outer ? 0.3f : 1);
      }
    }
  }

  void dot(Point p, detail::Color color) {
    for (const auto& [radius, fill] : {std::pair(5.5f, black), std::pair(4.5f, white), std::pair(3.2f, color)}) {
      const float r = radius / float(side_);
      canvas_.ellipse(at(p), {r, r}, fill, radius > 5 ? 0.3f : 1);
    }
  }

  // pixel = change(pixel, row, column), in parts of the height and width.
  template <class Change>
  void change(const Change& change) {
    canvas_.each_pixel([&](detail::Color under, detail::Point p) { return change(under, p.y, p.x); });
  }

  Image image() const { return {side_, side_, canvas_.bytes()}; }

 private:
  detail::Point at(Point p) const { return {float(p.x / side_), float(p.y / side_)}; }

  static constexpr detail::Color black{0, 0, 0}, white{1, 1, 1};
  int side_;
  Canvas canvas_;
};

constexpr float segment_alpha = 0.35f;

// All segmentation maps of one size as one: what blending one after the other does to each pixel, so that many maps
// take no longer to draw than their labels to look at. Maps are reduced to the pixels that the image has in its tile.
class SegmentOverlay {
 public:
  SegmentOverlay(Size maps, Size in_tile)
      : height_(std::min(maps.height, in_tile.height)), width_(std::min(maps.width, in_tile.width)), size_(maps) {
    blends_.resize(size_t(height_) * size_t(width_));
  }

  Size size() const { return size_; }
  // `color_of(label)` is asked where the label changes.
  template <class ColorOf>
  void add(const SegmentationMap& map, const ColorOf& color_of) {
    int32_t last = 0;
    detail::Color color{};
    for (int i = 0; i < height_; ++i) {
      const int32_t* row =
          map.labels.data() + size_t((2 * int64_t{i} + 1) * map.height / (2 * height_)) * size_t(map.width);
      for (int j = 0; j < width_; ++j) {
        const int32_t label = row[(2 * int64_t{j} + 1) * map.width / (2 * width_)];
        if (label == 0) continue;
        if (label != last) last = label, color = color_of(label);
        Blend& blend = blends_[size_t(i) * size_t(width_) + size_t(j)];
        blend.color = mix(blend.color, color, segment_alpha);
        blend.clear *= 1 - segment_alpha;
      }
    }
  }

  // A map whose labels are positions in the overlay, from 1 on, so that it can be resized as a segmentation map.
  SegmentationMap positions() const {
    SegmentationMap map{height_, width_, std::vector<int32_t>(blends_.size())};
    for (size_t i = 0; i < blends_.size(); ++i) map.labels[i] = blends_[i].clear < 1 ? int32_t(i + 1) : 0;
    return map;
  }
  detail::Color over(detail::Color under, int32_t position) const {
    if (position == 0) return under;
    const auto& [color, clear] = blends_[size_t(position) - 1];
    return {color.r + clear * under.r, color.g + clear * under.g, color.b + clear * under.b};
  }

 private:
  struct Blend {
    detail::Color color{0, 0, 0};
    float clear = 1;  // the part of what is below that is still seen
  };
  int height_, width_;
  Size size_;
  std::vector<Blend> blends_;
};

std::vector<SegmentOverlay> overlays_of(const Annotated& a, const LabelColors& colors, const SegmentNames& segments,
                                        int side) {
  const Size image = a.size();
  const double scale = double(side) / std::max({image.height, image.width, 1});
  const auto in_tile = [&](int length) { return std::max(1, int(std::lround(scale * length))); };
  std::vector<SegmentOverlay> overlays;  // of different sizes, mostly one
  std::unordered_map<int32_t, detail::Color> known;
  const auto color = [&](int32_t label) {
    const auto found = known.find(label);
    return found != known.end() ? found->second
                                : known.emplace(label, color_of(colors.of_segment(label, segments))).first->second;
  };
  for (const SegmentationMap& map : a.segmentation_maps) {
    const Size size{map.height, map.width};
    if (overlays.empty() || overlays.back().size() != size)
      overlays.emplace_back(size, Size{in_tile(image.height), in_tile(image.width)});
    overlays.back().add(map, color);
  }
  return overlays;
}

}  // namespace

void LabelColors::add(const Annotated& a, const SegmentNames& segments) {
  const auto add = [&](const std::string& label, const char* kind) {
    const std::string& name = label.empty() ? std::string(kind) : label;
    if (index_.emplace(name, names_.size()).second) names_.push_back(name);
  };
  for (const Box& b : a.boxes) add(b.label, box);
  for (const Polygon& p : a.polygons) add(p.label, polygon);
  for (const LineString& l : a.lines) add(l.label, line_string);
  for (const Keypoint& k : a.keypoints) add(k.label, keypoint);
  for (const HeatMap& h : a.heat_maps) add(h.label, heat_map);
  std::set<int32_t> labels;
  for (const SegmentationMap& map : a.segmentation_maps) {
    int32_t last = 0;
    for (const int32_t label : map.labels) {
      if (label != last && label != 0) labels.insert(label);
      last = label;
    }
  }
  for (const int32_t label : labels) add(segment_name(label, segments), "");
}

int LabelColors::of(const std::string& label, const char* kind) const {
  const auto found = index_.find(label.empty() ? kind : label);
  return color_index(found == index_.end() ? names_.size() : found->second);
}

int LabelColors::of_segment(int32_t label, const SegmentNames& segments) const {
  return of(segment_name(label, segments), "");
}

std::vector<std::pair<int, std::string>> LabelColors::legend() const {
  std::vector<std::pair<int, std::string>> all;
  for (size_t i = 0; i < std::min(longest_legend, names_.size()); ++i) all.emplace_back(color_index(i), names_[i]);
  return all;
}

size_t LabelColors::beyond_legend() const { return names_.size() - std::min(longest_legend, names_.size()); }

Image drawn(const Annotated& annotated, const LabelColors& colors, int side, const Shown& shown,
            const SegmentNames& segments) {
  std::vector<SegmentOverlay> overlays;
  if (shown.segmentation_maps) overlays = overlays_of(annotated, colors, segments, side);
  Annotated seen{annotated.image, annotated.keypoints, annotated.boxes, annotated.polygons, annotated.lines};
  clip_to_image(seen);
  if (shown.heat_maps) seen.heat_maps = annotated.heat_maps;
  for (const SegmentOverlay& overlay : overlays) seen.segmentation_maps.push_back(overlay.positions());
  Random unused(0, Stream::augment);
  const Annotated a = Augmenter(ResizeTo{side, side, ResizeTo::Fit::letterbox, {235, 235, 235}})(seen, unused);
  Painter painter(a.image);
  const auto place = [](const auto& map, float y, float x) {
    return size_t(std::min(int(y * float(map.height)), map.height - 1)) * size_t(map.width) +
           size_t(std::min(int(x * float(map.width)), map.width - 1));
  };
  for (size_t i = 0; i < overlays.size(); ++i) {
    const SegmentationMap& map = a.segmentation_maps[i];
    painter.change(
        [&](detail::Color under, float y, float x) { return overlays[i].over(under, map.labels[place(map, y, x)]); });
  }
  for (const HeatMap& map : a.heat_maps) {
    // Blends up to the largest value of the map.
    const float most =
        map.values.empty() ? 1 : std::max(1e-6f, *std::max_element(map.values.begin(), map.values.end()));
    painter.change([&, color = color_of(colors.of(map.label, heat_map))](detail::Color under, float y, float x) {
      return mix(under, color, 0.75f * std::clamp(map.values[place(map, y, x)] / most, 0.f, 1.f));
    });
  }
  if (shown.boxes)
    for (const Box& b : a.boxes) painter.path(corners(b), true, color_of(colors.of(b.label, box)));
  if (shown.polygons)
    for (const Polygon& p : a.polygons) painter.path(p.points, true, color_of(colors.of(p.label, polygon)));
  if (shown.lines)
    for (const LineString& l : a.lines) painter.path(l.points, false, color_of(colors.of(l.label, line_string)));
  if (shown.keypoints)
    for (const Keypoint& k : a.keypoints) painter.dot(k.at, color_of(colors.of(k.label, keypoint)));
  return painter.image();
}

}  // namespace counterpoise
