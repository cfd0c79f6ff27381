#include "apps/augment_sheet/marked_images.h"

#include <filesystem>

#include "apps/show/sheet.h"
#include "apps/trainer/format.h"
#include "core/io/file.h"
#include "data/annotations/coco.h"
#include "data/annotations/label_map.h"
#include "data/annotations/voc.h"

namespace counterpoise {

using namespace augment;

namespace {

std::string name_in(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The entry of an image: with its path, else the only one with its name.
const AnnotatedFile& entry(const AnnotatedDataset& set, const std::string& path, const std::string& annotations) {
  std::vector<const AnnotatedFile*> named;
  for (const AnnotatedFile& file : set.files) {
    if (file.path == path) return file;
    if (name_in(file.path) == name_in(path)) named.push_back(&file);
  }
  CP_ENSURE_AS(bad_data, !named.empty(), printable(annotations), " has no image ", printable(name_in(path)), ", but ",
               set.files.size(), " others",
               set.files.empty() ? "" : ", such as " + printable(shortened(set.files[0].path)));
  CP_ENSURE_AS(bad_data, named.size() == 1, printable(annotations), " has ", named.size(), " images ",
               printable(name_in(path)), " in different folders; give the path as it is there");
  return *named[0];
}

}  // namespace

MarkedImages read_marked_images(const std::vector<std::string>& files, const std::string& annotations) {
  const std::string ending = annotations.substr(std::min(annotations.rfind('.'), annotations.size()));
  CP_ENSURE_AS(invalid_argument, annotations.empty() || ending == ".json" || ending == ".xml" || ending == ".png",
               printable(annotations),
               ": annotations are a COCO file, .json, a Pascal VOC file, .xml, or a label map, .png");
  CP_ENSURE_AS(invalid_argument, annotations.empty() || ending == ".json" || files.size() == 1, printable(annotations),
               " belongs to one image, and ", files.size(), " are given");
  AnnotatedDataset set;
  if (ending == ".json") set = read_coco(annotations);
  MarkedImages all{{}, set.categories};
  for (const std::string& path : files) {
    MarkedImage image{printable(path), {}, {}};
    image.annotated.image = decode_image(path);
    if (ending == ".json") image.file = entry(set, path, annotations);
    if (ending == ".xml") image.file = read_voc(annotations);
    if (image.file) image.annotated = augment::annotated(*image.file, std::move(image.annotated.image));
    if (ending == ".png") {
      const SegmentationMap map = read_label_map(annotations);
      CP_ENSURE_AS(bad_data, Size({map.height, map.width}) == image.annotated.size(), printable(annotations), " has ",
                   map.width, " x ", map.height, " pixels, but the image has ", image.annotated.image.width, " x ",
                   image.annotated.image.height);
      image.annotated.segmentation_maps = {map};
    }
    all.images.push_back(std::move(image));
  }
  return all;
}

CopyWriter::CopyWriter(const std::string& folder, const std::vector<Category>& categories) : folder_(folder) {
  make_directories(folder);
  dataset_.categories = categories;
}

void CopyWriter::add(const MarkedImage& original, Annotated copy, size_t number) {
  const std::string name = text(std::filesystem::path(original.name).stem().string(), "-", number, ".png");
  CP_ENSURE_AS(invalid_argument, names_.insert(name).second, "two of the images are called ", original.name,
               ", so that their copies would replace each other");
  clip_to_image(copy);
  write_file(folder_ + "/" + name, contact_sheet::png(copy.image));
  if (!original.file) return;
  AnnotatedFile file = *original.file;
  update(file, copy);
  file.path = name;
  dataset_.files.push_back(std::move(file));
}

size_t CopyWriter::finish() {
  if (dataset_.files.empty()) return names_.size();
  if (dataset_.categories.empty()) number(dataset_);
  int64_t images = 0, objects = 0;
  for (AnnotatedFile& file : dataset_.files) {
    file.id = ++images;
    for (AnnotatedObject& object : file.objects) object.id = ++objects;
  }
  write_coco(dataset_, folder_ + "/annotations.json");
  return names_.size() + 1;
}

}  // namespace counterpoise
