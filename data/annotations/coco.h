// COCO's detection files (https://cocodataset.org/#format-data): images, annotations and categories in one JSON file.
//
//   AnnotatedDataset set = read_coco("annotations/instances_val2017.json");
//   for (const AnnotatedFile& file : set.files) std::cout << file.path << " has " << file.objects.size() << "
//   objects\n"; write_coco(set, "same.json");
//
// What becomes what:
//   bbox          AnnotatedObject::box: [x, y, width, height] in pixel edges, as here.
//   segmentation  A list of polygons [x, y, x, y, ...], also in pixel edges: the object's polygons, all of which are
//                 written back to its list. Or a mask in RLE, as a list of counts or as pycocotools' compressed string:
//                 the object's mask, which is written back as a list of counts.
//   keypoints     [x, y, v, ...] in the order of the category's names. They are indices of pixels, so that half a pixel
//                 is added when they are read, and subtracted again (as in Detectron2). Those of v = 0 are absent, and
//                 written as 0, 0, 0. num_keypoints is counted. After a flip, exchange_left_right() gives each the
//                 name of the other side.
//   iscrowd, id, category_id, area, file_name and the fields of categories are kept as they are. An area that is not
//                 stated is the mask's, else that of the polygons, else the box's.
// A field that is null is as if it were not there. Everything else, such as licenses, captions and attributes, is left
// out. `difficult`, `truncated` and `pose`, which Pascal VOC has, are written where they are set, and read again.
//
// Boxes and points beyond the image are read as they are, as pycocotools does it; AnnotatedFile::note says so.
// All functions are safe to call from several threads.
#pragma once

#include <string>

#include "data/annotations/annotated_file.h"

namespace counterpoise::augment {

// Images are in the order of the file, and so are the objects of each. Reads files of at most 1 GiB, in memory that is
// proportional to their size. Throws Error(bad_data), one line with the path, the object and what is valid, for a file
// that is not such JSON: also where ids repeat, an annotation names an image or category that is not there, or an
// annotation has neither bbox, segmentation nor keypoints (an empty segmentation is none).
AnnotatedDataset read_coco(const std::string& path);

// Writes the dataset so that read_coco() returns it, coordinates rounded to a millionth of a pixel, with a line for
// each image, annotation and category. The file is replaced as a whole (core/io/file.h). Throws Error(bad_data) for
// what read_coco() would refuse, where an object has both polygons and a mask, or a keypoint that is not one of its
// category; Error(failure) if it cannot be written.
void write_coco(const AnnotatedDataset& dataset, const std::string& path);

}  // namespace counterpoise::augment
