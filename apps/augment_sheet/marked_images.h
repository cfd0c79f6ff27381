// Images with what files of annotations say of them, and the same after augmentation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/annotations/annotated_file.h"

namespace counterpoise {

struct MarkedImage {
  std::string path;  // as it was given
  augment::Annotated annotated;
  std::optional<augment::AnnotatedFile> file = {};  // where objects have been read from a file
  bool has_label_map = false;                       // the segmentation map is from a label map
  std::vector<std::string> notes = {};              // lines to print, about what was read

  // The path on one line, for headings.
  std::string name() const;
  // What the labels 1, 2, ... of its segmentation maps are called: the categories of the file's objects.
  std::vector<std::string> segment_names() const;
};

// An augmented copy of one.
struct Copy {
  augment::Annotated annotated;
  uint64_t number;        // from 1 on
  bool mirrored = false;  // Plan::mirrors()
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

// Throws Error(invalid_argument), which names the files, unless a CopyWriter can write `copies` copies of each of these
// images without replacing a file: where two images have the same name, apart from folder and ending, where a file that
// it would write exists, and where it would write `output`. To be called before any work; `annotations` as above.
void check_new_copies(const std::string& folder, const std::vector<std::string>& files, uint64_t copies,
                      const std::string& annotations, const std::string& output);

// Writes augmented copies as folder/NAME-1.png and so on; the segmentation maps of label maps as NAME-1-labels.png;
// where objects are known, annotations.json as a COCO file. Throws Error(failure) for what cannot be written. Not safe
// to use from several threads at once.
class CopyWriter {
 public:
  // Creates the folder where it is missing. Categories keep their ids; without any they are those of the objects.
  CopyWriter(const std::string& folder, const std::vector<augment::Category>& categories);
  // Targets are cut at the edges of the image, and those outside are left out. In a mirror image the keypoints of the
  // left and the right side exchange their names. Existing files are replaced; see check_new_copies().
  void add(const MarkedImage& original, Copy copy);
  // Writes the annotations. Returns the number of files.
  size_t finish();

 private:
  std::string folder_;
  augment::AnnotatedDataset dataset_;
  size_t files_ = 0;
};

}  // namespace counterpoise
