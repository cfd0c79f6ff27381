// An image with what is marked on it, for a contact sheet.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/augment/annotations.h"

namespace counterpoise {

// Which kinds of targets are drawn.
struct Shown {
  bool keypoints = true, boxes = true, polygons = true, lines = true, heat_maps = true, segmentation_maps = true;
};

// What the labels 1, 2, ... of segmentation maps are called; a label beyond is "segment 7".
using SegmentNames = std::vector<std::string>;

// A color for each label, as an index into contact_sheet::class_color(), in the order of their first appearance.
class LabelColors {
 public:
  // The labels of an image and, after them, of others.
  void add(const augment::Annotated& annotated, const SegmentNames& segments = {});
  // Of a label that was added; a target without a label has the color of its kind.
  int of(const std::string& label, const char* kind) const;
  // Of a label of a segmentation map, likewise.
  int of_segment(int32_t label, const SegmentNames& segments) const;
  // The colors with their texts, of the first labels; how many others there are.
  std::vector<std::pair<int, std::string>> legend() const;
  size_t beyond_legend() const;

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, size_t> index_;  // in names_
};

// side x side pixels: the image as large as fits, in the middle before gray. Segmentation and heat maps are blended
// over it, boxes, polygons and line strings drawn as antialiased lines, and keypoints as discs with a white edge.
// Targets are cut at the edges of the image (clip_to_image()).
Image drawn(const augment::Annotated& annotated, const LabelColors& colors, int side, const Shown& shown = {},
            const SegmentNames& segments = {});

}  // namespace counterpoise
