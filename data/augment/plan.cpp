#include "data/augment/plan.h"

#include <algorithm>
#include <numeric>

#include "data/augment/pixels.h"
#include "kernels/error.h"

namespace counterpoise::augment {

namespace {

constexpr int largest_side = 16384;

// Where several maps have the same size, as those of masks that lie over each other, it is computed once for all which
// pixel goes where.
std::vector<SegmentationMap> moved_maps(const std::vector<SegmentationMap>& maps, Size image, const Warp& by) {
  std::vector<SegmentationMap> y;
  SegmentationMap positions, from;  // in a map of that size, counted from 1
  for (size_t i = 0; i < maps.size(); ++i) {
    const SegmentationMap& map = maps[i];
    const auto same_size = [&](const SegmentationMap& a) { return a.height == map.height && a.width == map.width; };
    if (!same_size(positions)) {
      if (i + 1 == maps.size() || !same_size(maps[i + 1])) {
        y.push_back(warp(map, image, by));
        continue;
      }
      positions = {map.height, map.width, std::vector<int32_t>(map.labels.size())};
      std::iota(positions.labels.begin(), positions.labels.end(), 1);
      from = warp(positions, image, by);
    }
    y.push_back(from);
    for (int32_t& label : y.back().labels) label = label == 0 ? 0 : map.labels[size_t(label) - 1];
  }
  return y;
}

Annotated warped(const Annotated& a, const Warp& by) {
  const Size image = a.size();
  Annotated y;
  y.image = warp(a.image, by);
  for (const Keypoint& keypoint : a.keypoints) {
    if (const auto p = moved(by.transform, keypoint.at)) y.keypoints.push_back({*p, keypoint.label, keypoint.object});
  }
  for (const Box& box : a.boxes) {
    if (auto moved_box = moved(by.transform, box)) y.boxes.push_back(std::move(*moved_box));
  }
  for (const Polygon& polygon : a.polygons) {
    if (auto moved_polygon = moved(by.transform, polygon)) y.polygons.push_back(std::move(*moved_polygon));
  }
  for (const LineString& line : a.lines) {
    for (LineString& piece : moved(by.transform, line)) y.lines.push_back(std::move(piece));
  }
  for (const HeatMap& map : a.heat_maps) y.heat_maps.push_back(warp(map, image, by));
  y.segmentation_maps = moved_maps(a.segmentation_maps, image, by);
  return y;
}

}  // namespace

// The sign of the determinant is that of the Jacobian wherever w > 0, that is, of everything that is seen.
bool Plan::mirrors() const { return determinant(transform_) < 0; }

int Plan::resamplings() const {
  return int(std::count_if(steps_.begin(), steps_.end(),
                           [](const Step& step) { return step.warp.has_value() || step.displaces; }));
}

void Plan::move(const Transform& transform, Size to, Border border, Color fill) {
  CP_ENSURE(0 < to.height && to.height <= largest_side && 0 < to.width && to.width <= largest_side,
            "an augmented image would have ", to.width, " x ", to.height, " pixels; from 1 to ", largest_side,
            " a side are possible");
  if (transform == Transform{} && to == size_) return;
  const bool exposes = shows_outside(transform, size_, to);
  const auto constant = [](const Warp& warp) { return warp.border == Border::constant; };
  Step* last = steps_.empty() || !steps_.back().warp ? nullptr : &steps_.back();
  // A result that shows only what the image has is read through it. Else what the image does not have is filled; and if
  // it had been filled before, then with the same color.
  const bool composes = last && (!exposes || (border == Border::constant &&
                                              (!last->exposes || (constant(*last->warp) && last->warp->fill == fill))));
  if (composes) {
    Warp& warp = *last->warp;
    const Transform back = inverse(transform);
    for (Window& window : warp.windows) window.from_output = window.from_output * back;
    if (exposes) {
      // What had been moved out is not to come back. (Where nothing had been, the window would change nothing.)
      if (shows_outside(inverse(warp.transform), size_, last->from)) warp.windows.push_back({back, size_});
      warp.border = border;
      warp.fill = fill;
    }
    warp.transform = transform * warp.transform;
    warp.to = to;
    last->exposes = last->exposes || exposes;
  } else {
    Step& step = steps_.emplace_back();
    step.warp = Warp{transform, to, Interpolation::bilinear, border, fill, {}};
    step.from = size_;
    step.exposes = exposes;
  }
  transform_ = transform * transform_;
  size_ = to;
}

void Plan::displace(Displacement field, Border border, Color fill) {
  change([field = std::move(field), border, fill](Annotated& annotated) {
    annotated = displaced(annotated, field, border, fill);
  });
  steps_.back().displaces = true;
}

void Plan::color(ColorFormula formula, float a, float b) {
  if (formula == ColorFormula::none) return;
  if (steps_.empty() || steps_.back().colors.empty()) steps_.emplace_back();
  steps_.back().colors.push_back({formula, a, b});
}

void Plan::erase(int left, int top, int right, int bottom, Color fill) {
  steps_.emplace_back().erased = ImageTransform::Rectangle{left, top, right, bottom, {fill[0], fill[1], fill[2]}};
}

void Plan::change_image(std::function<void(Image&)> change) {
  this->change([change = std::move(change)](Annotated& annotated) { change(annotated.image); });
}

void Plan::change(std::function<void(Annotated&)> change) { steps_.emplace_back().change = std::move(change); }

std::optional<ImageTransform> Plan::image_transform() const {
  ImageTransform y;
  if (size_ != from_) return {};
  size_t i = 0;
  if (i < steps_.size() && steps_[i].warp) {
    const auto warped = augment::image_transform(*steps_[i++].warp, from_);
    if (!warped) return {};
    y = *warped;
  }
  if (i < steps_.size() && !steps_[i].colors.empty()) {
    const std::vector<ColorChange>& colors = steps_[i++].colors;
    const auto is_contrast = [](const ColorChange& change) { return change.formula == ColorFormula::contrast; };
    if (colors.size() > ImageTransform::max_colors || std::count_if(colors.begin(), colors.end(), is_contrast) > 1)
      return {};
    std::copy(colors.begin(), colors.end(), y.colors);
  }
  if (i < steps_.size() && steps_[i].erased) y.erased = *steps_[i++].erased;
  if (i < steps_.size()) return {};
  return y;
}

Annotated Plan::operator()(const Annotated& annotated) const {
  check(annotated);
  CP_ENSURE_AS(bad_data, annotated.size() == from_, "the augmentation of an image of ", from_.width, " x ",
               from_.height, " pixels cannot be applied to one of ", annotated.image.width, " x ",
               annotated.image.height);
  // A first resampling reads the image itself, which need not be copied.
  const size_t done = !steps_.empty() && steps_[0].warp ? 1 : 0;
  Annotated y = done ? warped(annotated, *steps_[0].warp) : annotated;
  for (size_t i = done; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    if (step.warp) y = warped(y, *step.warp);
    else if (!step.colors.empty()) change_colors(y.image, step.colors);
    else if (step.erased) fill_rectangle(y.image, *step.erased);
    else step.change(y);
  }
  return y;
}

}  // namespace counterpoise::augment
