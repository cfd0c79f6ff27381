// An image with what is marked on it, for a contact sheet.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/augment/annotations.h"

namespace counterpoise {

// Which kinds of targets are drawn.
struct Shown {
  bool keypoints = true, boxes = true, polygons = true, lines = true, heat_maps = true, segmentation_maps = true;
};

// A color for each label, as an index into contact_sheet::class_color(), in the order of their first appearance.
class LabelColors {
 public:
  // The labels of an image and, after them, of others.
  void add(const augment::Annotated& annotated);
  // Of a label that was added; a target without a label has the color of its kind.
  int of(const std::string& label, const char* kind) const;
  // The colors with their texts.
  std::vector<std::pair<int, std::string>> legend() const;

 private:
  std::vector<std::string> names_;
};

// side x side pixels: the image as large as fits, in the middle before gray. Segmentation and heat maps are blended
// over it, boxes, polygons and line strings drawn as antialiased lines, and keypoints as discs with a white edge.
Image drawn(const augment::Annotated& annotated, const LabelColors& colors, int side, const Shown& shown = {});

}  // namespace counterpoise
