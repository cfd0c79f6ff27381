// Pascal VOC's annotations: an XML file for each image, with a box for each object.
//
//   AnnotatedFile photo = read_voc("Annotations/000005.xml");
//   for (const AnnotatedObject& object : photo.objects) std::cout << object.category << " " << object.box->left <<
//   "\n"; write_voc(photo, "again.xml");
//
// xmin, ymin, xmax and ymax are indices of pixels, counted from 1, and the last pixel belongs to the box (VOC2012
// development kit, 4.1.1). So left = xmin - 1, top = ymin - 1, right = xmax and bottom = ymax here, as in Detectron2: a
// box from 1 to the width covers the image. Numbers with a fraction, which some tools write, are converted likewise.
// (Tools that count from 0 write boxes which are one pixel too far to the left here.)
//
// `pose`, `truncated` and `difficult` may be missing. What else such files hold, parts of objects, the source and
// whether there is a segmentation, is left out. Boxes beyond the image are read as they are; AnnotatedFile::note says
// so. All functions are safe to call from several threads.
#pragma once

#include <string>

#include "data/annotations/annotated_file.h"

namespace counterpoise::augment {

// Reads a file of at most 8 MiB. It may be in UTF-8 or what its declaration says of UTF-16, UTF-32 and Latin-1; names
// become UTF-8. Document types are refused, so that no entity is ever expanded or loaded. Throws Error(bad_data), one
// line with the path, the object and what is valid.
AnnotatedFile read_voc(const std::string& path);

// Writes the file so that read_voc() returns it, ids apart. It is replaced as a whole (core/io/file.h). Throws
// Error(bad_data) for what read_voc() would refuse and for what such a file cannot hold: an object without a box, or
// with polygons, a mask, keypoints or the mark of a crowd; Error(failure) if it cannot be written.
void write_voc(const AnnotatedFile& file, const std::string& path);

}  // namespace counterpoise::augment
