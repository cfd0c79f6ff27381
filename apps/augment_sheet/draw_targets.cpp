#include "apps/augment_sheet/draw_targets.h"

#include <algorithm>
#include <cmath>
#include <iterator>

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

std::string segment_name(int32_t label) { return "segment " + std::to_string(label); }

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

  // Blends a color over the pixels: alpha(row, column), in parts of the height and width.
  template <class Over>
  void blend(const Over& over) {
    canvas_.each_pixel([&](detail::Color under, detail::Point p) {
      const auto [color, alpha] = over(p.y, p.x);
      return mix(under, color, alpha);
    });
  }

  Image image() const { return {side_, side_, canvas_.bytes()}; }

 private:
  detail::Point at(Point p) const { return {float(p.x / side_), float(p.y / side_)}; }

  static constexpr detail::Color black{0, 0, 0}, white{1, 1, 1};
  int side_;
  Canvas canvas_;
};

}  // namespace

void LabelColors::add(const Annotated& a) {
  const auto add = [&](const std::string& label, const char* kind) {
    const std::string& name = label.empty() ? std::string(kind) : label;
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.push_back(name);
  };
  for (const Box& b : a.boxes) add(b.label, box);
  for (const Polygon& p : a.polygons) add(p.label, polygon);
  for (const LineString& l : a.lines) add(l.label, line_string);
  for (const Keypoint& k : a.keypoints) add(k.label, keypoint);
  for (const HeatMap& h : a.heat_maps) add(h.label, heat_map);
  for (const SegmentationMap& map : a.segmentation_maps) {
    std::vector<int32_t> labels = map.labels;
    std::sort(labels.begin(), labels.end());
    labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
    for (const int32_t label : labels) {
      if (label != 0) add(segment_name(label), "");
    }
  }
}

int LabelColors::of(const std::string& label, const char* kind) const {
  return color_index(size_t(std::find(names_.begin(), names_.end(), label.empty() ? kind : label) - names_.begin()));
}

std::vector<std::pair<int, std::string>> LabelColors::legend() const {
  constexpr size_t most = 12;
  std::vector<std::pair<int, std::string>> all;
  for (size_t i = 0; i < std::min(most, names_.size()); ++i) all.emplace_back(color_index(i), names_[i]);
  return all;
}

Image drawn(const Annotated& annotated, const LabelColors& colors, int side, const Shown& shown) {
  Random unused(0, Stream::augment);
  const Annotated a = Augmenter(ResizeTo{side, side, ResizeTo::Fit::letterbox, {235, 235, 235}})(annotated, unused);
  Painter painter(a.image);
  const auto place = [](const auto& map, float y, float x) {
    return size_t(std::min(int(y * float(map.height)), map.height - 1)) * size_t(map.width) +
           size_t(std::min(int(x * float(map.width)), map.width - 1));
  };
  for (const SegmentationMap& map : a.segmentation_maps) {
    if (!shown.segmentation_maps) break;
    painter.blend([&](float y, float x) {
      const int32_t label = map.labels[place(map, y, x)];
      return label == 0 ? std::pair(detail::Color{}, 0.f)
                        : std::pair(color_of(colors.of(segment_name(label), "")), .35f);
    });
  }
  for (const HeatMap& map : a.heat_maps) {
    if (!shown.heat_maps) break;
    // Blends up to the largest value of the map.
    const float most =
        map.values.empty() ? 1 : std::max(1e-6f, *std::max_element(map.values.begin(), map.values.end()));
    painter.blend([&, color = color_of(colors.of(map.label, heat_map))](float y, float x) {
      return std::pair(color, 0.75f * std::clamp(map.values[place(map, y, x)] / most, 0.f, 1.f));
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
