// Images with what files of annotations say of them, and the same after augmentation.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data/annotations/annotated_file.h"

namespace counterpoise {

struct MarkedImage {
  std::string name;  // for headings
  augment::Annotated annotated;
  std::optional<augment::AnnotatedFile> file = {};  // where objects have been read from a file
};

struct MarkedImages {
  std::vector<MarkedImage> images;
  std::vector<augment::Category> categories = {};  // of a COCO file
};

// Reads image files and, unless `annotations` is empty, what is marked on them: from a COCO file (.json), which is
// searched for their paths or names, or for one image from a Pascal VOC file (.xml) or a label map (.png). Throws
// Error(bad_data) for a file that cannot be read or does not belong to the images, Error(invalid_argument) for another
// ending or several images with one image's annotations.
MarkedImages read_marked_images(const std::vector<std::string>& files, const std::string& annotations);

// Writes augmented copies as folder/NAME-1.png and so on and, where their objects are known, annotations.json as a COCO
// file. Throws Error(failure) for what cannot be written. Not safe to use from several threads at once.
class CopyWriter {
 public:
  // Creates the folder where it is missing. Categories keep their ids; without any they are those of the objects.
  CopyWriter(const std::string& folder, const std::vector<augment::Category>& categories);
  // Targets are cut at the edges of the image, and those outside are left out. Throws Error(invalid_argument) for a
  // copy that would have the name of another.
  void add(const MarkedImage& original, augment::Annotated copy, size_t number);
  // Writes the annotations. Returns the number of files.
  size_t finish();

 private:
  std::string folder_;
  augment::AnnotatedDataset dataset_;
  std::set<std::string> names_;
};

}  // namespace counterpoise
