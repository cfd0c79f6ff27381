// Targets that read files of annotations: COCO, Pascal VOC, label maps. What was read is written and read again.
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/io/file.h"
#include "data/annotations/coco.h"
#include "data/annotations/label_map.h"
#include "data/annotations/voc.h"
#include "tests/fuzz/fuzz.h"

namespace counterpoise::fuzz {

namespace {

using namespace augment;

nlohmann::json golden() {
  const char* moved = std::getenv("COUNTERPOISE_SOURCE");
  const std::string root = moved ? moved : SOURCE_DIR;
  return nlohmann::json::parse(std::ifstream(root + "/tests/data/golden/annotation_files.json"));
}

// (Sums and differences of large and small numbers are rounded.)
void require_near(double a, double b) {
  require(std::fabs(a - b) <= 1e-6, "a coordinate is read otherwise than it was written");
}

void require_same(const AnnotatedFile& a, const AnnotatedFile& b) {
  require(a.path == b.path && a.height == b.height && a.width == b.width && a.objects.size() == b.objects.size(),
          "a file is read otherwise than it was written");
  for (size_t k = 0; k < a.objects.size(); ++k) {
    const AnnotatedObject &x = a.objects[k], &y = b.objects[k];
    require(x.category == y.category && x.crowd == y.crowd && x.difficult == y.difficult &&
                x.truncated == y.truncated && x.pose == y.pose && x.mask == y.mask && x.id == y.id &&
                x.box.has_value() == y.box.has_value() && x.polygons.size() == y.polygons.size() &&
                x.keypoints.size() == y.keypoints.size(),
            "an object is read otherwise than it was written");
    if (!x.box) continue;
    require_near(x.box->left, y.box->left), require_near(x.box->top, y.box->top);
    require_near(x.box->right, y.box->right), require_near(x.box->bottom, y.box->bottom);
  }
}

std::string again_coco(const Bytes& input) {
  const AnnotatedDataset set = read_coco(memory_file(input));
  const std::string path = work_folder() + "/coco.json";
  write_coco(set, path);
  const AnnotatedDataset again = read_coco(path);
  require(set.files.size() == again.files.size() && set.categories.size() == again.categories.size(), "a list is lost");
  size_t objects = 0;
  for (size_t i = 0; i < set.files.size(); ++i) {
    require_same(set.files[i], again.files[i]);
    objects += set.files[i].objects.size();
    const AnnotatedFile& file = set.files[i];
    const size_t pixels = size_t(file.height) * size_t(file.width);
    if (pixels > size_t(1) << 16) continue;
    AnnotatedFile same = file;
    update(same, annotated(file, {file.height, file.width, std::vector<uint8_t>(pixels * 3)}));
  }
  return std::to_string(std::min<size_t>(objects, 4)) + " objects";
}

std::string again_voc(const Bytes& input) {
  const AnnotatedFile file = read_voc(memory_file(input));
  const std::string path = work_folder() + "/voc.xml";
  write_voc(file, path);
  require_same(file, read_voc(path));
  return std::to_string(std::min<size_t>(file.objects.size(), 4)) + " objects";
}

std::string again_label_map(const Bytes& input) {
  const SegmentationMap map = read_label_map(memory_file(input));
  if (map.labels.size() > size_t(1) << 16) return "large";
  const std::string path = work_folder() + "/labels.png";
  write_label_map(map, path);
  const SegmentationMap again = read_label_map(path);
  require(again.height == map.height && again.labels == map.labels, "labels are read otherwise than they were written");
  return "";
}

std::vector<Bytes> label_maps() {
  std::vector<Bytes> all;
  const nlohmann::json files = golden()["pngs"];
  for (const auto& [name, file] : files.items()) {
    const std::string hex = file["bytes"];
    Bytes bytes;
    for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes.push_back(uint8_t(std::stoi(hex.substr(i, 2), nullptr, 16)));
    all.push_back(bytes);
  }
  return all;
}

}  // namespace

std::vector<Target> annotation_targets() {
  // clang-format off
  std::vector<Target> all = {
      {"coco", [] { return std::vector<Bytes>{bytes_of(golden()["coco"].dump()),
          bytes_of(R"({"images":[{"id":1,"file_name":"a","height":6,"width":8}],"annotations":[{"id":7,"image_id":1,)"
                   R"("category_id":2,"bbox":[1,2,3,4],"pose":"x","truncated":1}],"categories":[{"id":2,"name":"cat"}]})")}; },
       again_coco, {ErrorKind::bad_data},
       {"{", "}", "[", "]", "\"", ",", ":", "-", "1e400", "1e308", "0.5", "null", "true", "\\ud800", "NaN", "\"images\":[",
        "\"annotations\":[", "\"categories\":[", "\"id\":", "\"bbox\":[1,2,3,4],", "\"segmentation\":[[1,2,3,4,5,6]],",
        "\"segmentation\":{\"size\":[6,8],\"counts\":[3,45]},", "\"counts\":\"oo`0\"", "\"size\":[24,32]", "\"keypoints\":[",
        "\"iscrowd\":1,", "\"area\":2,", "16384", "9223372036854775807"}},
      {"voc", [] { return std::vector<Bytes>{bytes_of(
          "<?xml version=\"1.0\"?><annotation><folder>VOC</folder><filename>a.jpg</filename><size><width>8</width>"
          "<height>6</height><depth>3</depth></size><object><name>cat</name><pose>Left</pose><truncated>1</truncated>"
          "<difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2.5</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object>"
          "</annotation>")}; },
       again_voc, {ErrorKind::bad_data},
       {"<", ">", "</", "/>", "&amp;", "&#10;", "&#x0;", "&#xd800;", "<![CDATA[", "]]>", "<!--", "-->", "<?", "<!DOCTYPE a>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]>", "&b;", "<object>", "</object>", "<bndbox>", "<a>", "</a>", "\xff\xfe", "\xef\xbb\xbf",
        "encoding=\"latin1\"", "1e400", "-1", "nan", "1e9", "\xff", "\xc3\xa9"}},
      {"labels", label_maps, again_label_map, {ErrorKind::bad_data},
       {"IHDR", "IDAT", "PLTE", "tRNS", "IEND", std::string("\0\0\0\0PLTE", 8), std::string("\0\0\0\3PLTE", 8)}},
  };
  // clang-format on
  all[0].text = all[1].text = true;
  all[2].repair = repair_png;
  return all;
}

}  // namespace counterpoise::fuzz
