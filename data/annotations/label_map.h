// Segmentation maps as PNG files whose pixels are labels, such as Pascal VOC's SegmentationClass and Cityscapes'
// labelIds.
//
//   SegmentationMap map = read_label_map("SegmentationClass/2007_000032.png");   // labels 0, 1, 15, 255, ...
//   write_label_map(map, "again.png");
//
// In a PNG with a palette the label is the index, whatever the colors; in a gray one it is the value. Nothing is said
// about labels that mean "to be ignored", such as VOC's 255.
// All functions are safe to call from several threads.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "data/augment/annotations.h"

namespace counterpoise::augment {

// Reads palettes and gray of 1, 2, 4 and 8 bits, and gray of 16 bits, interlaced or not; sizes are limited as those of
// decode_image(). Throws Error(bad_data), one line with the path, for other files: damaged ones, photographs and other
// PNGs in color or with transparency for each pixel, an index that is not in the palette.
SegmentationMap read_label_map(const std::string& path);

// Writes labels up to 255 as 8 bits with Pascal VOC's palette, in which neighboring labels differ much, and those up to
// 65535 as gray of 16 bits, in which people see little. The file is replaced as a whole (core/io/file.h). Throws
// Error(bad_data) for other labels or a map whose labels do not match its size; Error(failure) if it cannot be written.
void write_label_map(const SegmentationMap& map, const std::string& path);

// Pascal VOC's color for a label from 0 to 255: red, green and blue. The lowest three bits of the label are the highest
// bits of red, green and blue, the next three the second highest, and so on (VOC2012 development kit,
// VOClabelcolormap).
std::array<uint8_t, 3> voc_color(int label);

}  // namespace counterpoise::augment
