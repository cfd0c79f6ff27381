#include "apps/augment_sheet/marked_images.h"

#include <filesystem>
#include <map>

#include "apps/show/sheet.h"
#include "apps/trainer/format.h"
#include "core/io/file.h"
#include "data/annotations/coco.h"
#include "data/annotations/label_map.h"
#include "data/annotations/voc.h"
#include "data/images/image_folder.h"

namespace counterpoise {

using namespace augment;

namespace {

std::string name_in(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Whether the paths may be the same, one of them relative to a folder of the other.
bool may_agree(const std::string& a, const std::string& b) {
  const std::string x = "/" + std::filesystem::path(a).lexically_normal().string();
  const std::string y = "/" + std::filesystem::path(b).lexically_normal().string();
  const size_t n = std::min(x.size(), y.size());
  return x.compare(x.size() - n, n, y, y.size() - n, n) == 0;
}

// The entry of an image: with its path, else the only one with its name.
const AnnotatedFile& entry(const AnnotatedDataset& set, const std::string& path, const std::string& annotations) {
  std::vector<const AnnotatedFile*> named;
  for (const AnnotatedFile& file : set.files) {
    if (file.path == path) return file;
    if (name_in(file.path) == name_in(path)) named.push_back(&file);
  }
  CP_ENSURE_AS(bad_data, !set.files.empty(), printable(annotations), " has no images");
  CP_ENSURE_AS(bad_data, !named.empty(), printable(annotations), " has no image ", printable(name_in(path)), ", but ",
               set.files.size(), set.files.size() == 1 ? " other: " : " others, such as ",
               printable(shortened(set.files[0].path)));
  CP_ENSURE_AS(bad_data, named.size() == 1, printable(annotations), " has ", named.size(), " images ",
               printable(name_in(path)), " in different folders; give the path as it is there");
  return *named[0];
}

// Where an image has another size than its annotations say, both files are named.
void require_size(const MarkedImage& image, Size size, const std::string& annotations, const std::string& of) {
  CP_ENSURE_AS(bad_data, size == image.annotated.size(), printable(annotations), of, " has ", size.width, " x ",
               size.height, " pixels, but ", image.name(), " has ", image.annotated.image.width, " x ",
               image.annotated.image.height);
}

std::string stem(const std::string& path) { return std::filesystem::path(path).stem().string(); }
std::string copy_name(const std::string& path, uint64_t number) { return text(stem(path), "-", number, ".png"); }
std::string labels_name(const std::string& path, uint64_t number) {
  return text(stem(path), "-", number, "-labels.png");
}
const char* const annotations_name = "annotations.json";

}  // namespace

std::string MarkedImage::name() const { return printable(path); }

std::vector<std::string> MarkedImage::segment_names() const {
  std::vector<std::string> names;
  if (!file) return names;
  for (const AnnotatedObject& object : file->objects) names.push_back(object.category);
  return names;
}

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
    MarkedImage image{path, {}};
    image.annotated.image = decode_image(path);
    if (ending == ".json") image.file = entry(set, path, annotations);
    if (ending == ".xml") image.file = read_voc(annotations);
    if (image.file) {
      const std::string of = ": its image " + printable(shortened(image.file->path));
      require_size(image, {image.file->height, image.file->width}, annotations, of);
      if (name_in(image.file->path) != name_in(path)) {
        image.notes.push_back(printable(annotations) + of + " has another name than " + image.name());
      } else if (ending == ".json" && !may_agree(image.file->path, path)) {
        image.notes.push_back(printable(annotations) + of + " is in another folder than " + image.name());
      }
      if (!image.file->note.empty()) image.notes.push_back(image.file->note);
      image.annotated = augment::annotated(*image.file, std::move(image.annotated.image));
    }
    if (ending == ".png") {
      const SegmentationMap map = read_label_map(annotations);
      require_size(image, {map.height, map.width}, annotations, "");
      image.annotated.segmentation_maps = {map};
      image.has_label_map = true;
    }
    all.images.push_back(std::move(image));
  }
  return all;
}

void check_new_copies(const std::string& folder, const std::vector<std::string>& files, uint64_t copies,
                      const std::string& annotations, const std::string& output) {
  namespace fs = std::filesystem;
  const auto whole = [](const std::string& path) { return fs::absolute(path).lexically_normal(); };
  const auto require_new = [&](const std::string& name) {
    const std::string path = folder + "/" + name;
    std::error_code error;
    CP_ENSURE_AS(invalid_argument, !fs::exists(fs::symlink_status(path, error)), printable(path),
                 " exists and would be replaced; choose another folder");
    CP_ENSURE_AS(invalid_argument, whole(path) != whole(output), printable(output),
                 " is also one of the copies; give the sheet another name");
  };
  std::map<std::string, std::string> stems;
  for (const std::string& path : files) {
    const auto [other, added] = stems.emplace(stem(path), path);
    CP_ENSURE_AS(invalid_argument, added, printable(other->second), " and ", printable(path), " share the name ",
                 printable(other->first), ", so that their copies would replace each other");
  }
  const auto ends = [&](const std::string& ending) { return fs::path(annotations).extension() == ending; };
  for (const std::string& path : files) {
    for (uint64_t number = 1; number <= copies; ++number) {
      require_new(copy_name(path, number));
      if (ends(".png")) require_new(labels_name(path, number));
    }
  }
  if (!ends(".json") && !ends(".xml")) return;
  require_new(annotations_name);
  for (const std::string& path : files) {
    CP_ENSURE_AS(invalid_argument, detail::is_utf8(stem(path)), printable(path), ": the name is not UTF-8, so that ",
                 annotations_name, " cannot have it; rename the file");
  }
}

CopyWriter::CopyWriter(const std::string& folder, const std::vector<Category>& categories) : folder_(folder) {
  make_directories(folder);
  dataset_.categories = categories;
}

void CopyWriter::add(const MarkedImage& original, Copy copy) {
  clip_to_image(copy.annotated);
  const std::string name = copy_name(original.path, copy.number);
  write_file(folder_ + "/" + name, contact_sheet::png(copy.annotated.image));
  ++files_;
  if (original.has_label_map) {
    write_label_map(copy.annotated.segmentation_maps.at(0), folder_ + "/" + labels_name(original.path, copy.number));
    ++files_;
  }
  if (!original.file) return;
  AnnotatedFile file = *original.file;
  update(file, copy.annotated);
  if (copy.mirrored) exchange_left_right(file, dataset_.categories);
  file.path = name;
  dataset_.files.push_back(std::move(file));
}

size_t CopyWriter::finish() {
  if (dataset_.files.empty()) return files_;
  if (dataset_.categories.empty()) number(dataset_);
  int64_t images = 0, objects = 0;
  for (AnnotatedFile& file : dataset_.files) {
    file.id = ++images;
    for (AnnotatedObject& object : file.objects) object.id = ++objects;
  }
  write_coco(dataset_, folder_ + "/" + annotations_name);
  return files_ + 1;
}

}  // namespace counterpoise
