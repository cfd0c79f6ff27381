// Reads a COCO file element by element: nlohmann's parser hands over each image, annotation and category when it is
// complete, and drops it then, so that only one of them is in memory as JSON. A hostile file gains nothing by depth,
// by long lists or by fields that nobody reads.
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/io/file.h"
#include "core/text.h"
#include "data/annotations/coco.h"
#include "kernels/error.h"

namespace counterpoise::augment {

using detail::in_quotes;
using Json = nlohmann::json;

namespace {

constexpr size_t largest_file = size_t{1} << 30;
constexpr int deepest = 8;                       // a file has no more than 5 levels that are read
constexpr size_t most_values = size_t{1} << 22;  // of one image, annotation or category

// The fields that are read, and no others.
const std::map<std::string, std::set<std::string>> sections = {
    {"images", {"id", "file_name", "width", "height"}},
    {"annotations",
     {"id", "image_id", "category_id", "bbox", "segmentation", "keypoints", "iscrowd", "area", "difficult", "truncated",
      "pose"}},
    {"categories", {"id", "name", "supercategory", "keypoints", "skeleton"}},
};

// An element of a section, and how messages call it.
struct Element {
  const Json& json;
  const std::string place;

  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    CP_ENSURE_AS(bad_data, condition, place, ": ", parts...);
  }
  const Json& operator[](const char* field) const {
    require(json.contains(field), "it has no ", field);
    return json[field];
  }
  int64_t integer(const char* field) const {
    const Json& value = (*this)[field];
    require(value.is_number_integer() && (!value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t(INT64_MAX)),
            "its ", field, " is not an integer of 64 bits");
    return value.get<int64_t>();
  }
  std::string text(const char* field) const {
    const Json& value = (*this)[field];
    require(value.is_string() && !value.get_ref<const std::string&>().empty(), "its ", field,
            " is not a string of one character or more");
    return value.get<std::string>();
  }
  bool flag(const char* field) const {
    if (!json.contains(field)) return false;
    const Json& value = json[field];
    require(value.is_boolean() || value == 0 || value == 1, "its ", field, " is neither 0 nor 1");
    return value == 1 || value == true;
  }
  std::vector<double> numbers(const Json& list, const char* field) const {
    require(list.is_array(), "its ", field, " is not a list of numbers");
    std::vector<double> y;
    y.reserve(list.size());
    for (const Json& value : list) {
      require(value.is_number(), "its ", field, " holds what is not a number: ", value.type_name());
      y.push_back(value.get<double>());
    }
    return y;
  }
};

// An annotation until all categories and images are known. Of its keypoints, `visibility` is 0 for those to be left
// out.
struct Annotation {
  AnnotatedObject object;
  int64_t image;
  std::string place;
};

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  AnnotatedDataset read() {
    parse(read_file(path_, largest_file));
    for (const auto& [section, fields] : sections) {
      CP_ENSURE_AS(bad_data, seen_.count(section), path_, ": not a COCO file of detections: it has no list \"", section,
                   "\"; valid is an object with images, annotations and categories");
    }
    for (Annotation& annotation : annotations_) finish(annotation);
    for (AnnotatedFile& file : dataset_.files) file.note = beyond_image(file);
    return std::move(dataset_);
  }

 private:
  void parse(const std::string& content) {
    CP_ENSURE_AS(bad_data, content.find('\0') == std::string::npos, path_,
                 ": not valid JSON: a byte is 0, which no text has");
    const auto event = [this](int depth, Json::parse_event_t kind, Json& json) { return take(depth, kind, json); };
    try {
      const Json nothing = Json::parse(content, event);
    } catch (const Json::exception& error) {
      // "[json.exception.parse_error.101] parse error at line 1, column 5: ..."
      const std::string what = error.what();
      std::string reason = what.substr(std::min(what.find("] ") + 2, what.size())).substr(0, 200);
      std::replace_if(
          reason.begin(), reason.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
      throw Error(ErrorKind::bad_data, path_, ": not valid JSON: ", reason);
    }
  }

  // What the parser found; false drops it.
  bool take(int depth, Json::parse_event_t kind, Json& json) {
    using Event = Json::parse_event_t;
    CP_ENSURE_AS(bad_data, depth < deepest, path_, ": nested too deeply: a COCO file has fewer than ", deepest,
                 " levels");
    if (depth == 0) {
      CP_ENSURE_AS(bad_data, kind == Event::object_start || kind == Event::object_end, path_,
                   ": not a COCO file of detections: valid is an object with images, annotations and categories");
    } else if (depth == 1 && kind == Event::key) {
      section_ = json.get<std::string>();
      reads_ = sections.count(section_) > 0;
      index_ = 0;
      CP_ENSURE_AS(bad_data, !reads_ || seen_.insert(section_).second, path_, ": it has \"", section_, "\" twice");
      return reads_;
    } else if (reads_ && depth == 1) {
      CP_ENSURE_AS(bad_data, kind == Event::array_start || kind == Event::array_end, path_, ": its \"", section_,
                   "\" is not a list");
    } else if (reads_ && depth == 2) {
      CP_ENSURE_AS(bad_data, kind == Event::object_start || kind == Event::object_end, path_, ": ", section_, "[",
                   index_, "] is not an object");
      fields_.clear(), values_ = 0;
      if (kind == Event::object_start) return true;
      // What other tools do not know they write as null.
      for (auto it = json.begin(); it != json.end();) it = it->is_null() ? json.erase(it) : std::next(it);
      add(json);
      return false;
    } else if (reads_ && depth == 3 && kind == Event::key) {
      const std::string field = json.get<std::string>();
      if (!sections.at(section_).count(field)) return false;
      CP_ENSURE_AS(bad_data, fields_.insert(field).second, path_, ": ", section_, "[", index_, "] has \"", field,
                   "\" twice");
    } else if (reads_) {
      CP_ENSURE_AS(bad_data, ++values_ <= most_values, path_, ": ", section_, "[", index_,
                   "] is too large: valid are at most ", most_values, " values");
    }
    return true;
  }

  void add(const Json& json) {
    std::string place = detail::text(path_, ": ", section_, "[", index_++, "]");
    if (json.contains("id") && json["id"].is_number_integer()) place += ", id " + json["id"].dump();
    const Element element{json, place};
    if (section_ == "images") add_image(element);
    else if (section_ == "categories") add_category(element);
    else add_annotation(element);
  }

  void add_image(const Element& from) {
    AnnotatedFile file;
    file.id = from.integer("id");
    file.path = from.text("file_name");
    const int64_t height = from.integer("height"), width = from.integer("width");
    check_size(height, width, from.place);
    file.height = int(height), file.width = int(width);
    from.require(image_of_.emplace(file.id, dataset_.files.size()).second, "another image has the same id");
    dataset_.files.push_back(std::move(file));
  }

  void add_category(const Element& from) {
    Category category;
    category.id = from.integer("id");
    category.name = from.text("name");
    const Json& json = from.json;
    if (json.contains("supercategory")) {
      from.require(json["supercategory"].is_string(), "its supercategory is not a string");
      category.supercategory = json["supercategory"].get<std::string>();
    }
    if (json.contains("keypoints")) {
      from.require(json["keypoints"].is_array(), "its keypoints are not a list of names");
      for (const Json& name : json["keypoints"]) {
        from.require(name.is_string(), "its keypoints are not a list of names");
        category.keypoints.push_back(name.get<std::string>());
      }
      const std::set<std::string> different(category.keypoints.begin(), category.keypoints.end());
      from.require(different.size() == category.keypoints.size(), "two of its keypoints have the same name");
    }
    if (json.contains("skeleton")) {
      const char* pairs = "its skeleton is not a list of pairs of its keypoints, which are counted from 1";
      const int64_t most = int64_t(category.keypoints.size());
      from.require(json["skeleton"].is_array(), pairs);
      for (const Json& pair : json["skeleton"]) {
        const std::vector<double> ends = from.numbers(pair, "skeleton");
        from.require(ends.size() == 2, pairs);
        for (const double end : ends) from.require(1 <= end && end <= double(most) && end == std::floor(end), pairs);
        category.skeleton.emplace_back(int(ends[0]), int(ends[1]));
      }
    }
    from.require(category_of_.emplace(category.id, dataset_.categories.size()).second,
                 "another category has the same id");
    dataset_.categories.push_back(std::move(category));
  }

  void add_annotation(const Element& from) {
    Annotation annotation{{}, from.integer("image_id"), from.place};
    AnnotatedObject& object = annotation.object;
    const Json& json = from.json;
    object.id = from.integer("id");
    object.category_id = from.integer("category_id");
    from.require(annotation_ids_.insert(object.id).second, "another annotation has the same id");
    object.crowd = from.flag("iscrowd");
    object.difficult = from.flag("difficult"), object.truncated = from.flag("truncated");
    if (json.contains("pose")) object.pose = from.text("pose");
    if (json.contains("area")) {
      from.require(json["area"].is_number() && json["area"] >= 0, "its area is not a number of 0 or more");
      object.area = json["area"].get<double>();
    }
    if (json.contains("bbox")) {
      const std::vector<double> box = from.numbers(json["bbox"], "bbox");
      from.require(box.size() == 4, "its bbox has ", box.size(), " numbers; valid are 4: x, y, width and height");
      from.require(box[2] >= 0 && box[3] >= 0, "its bbox has the size ", box[2], " x ", box[3],
                   "; valid are 0 and more");
      object.box = Box{box[0], box[1], box[0] + box[2], box[1] + box[3]};
    }
    if (json.contains("segmentation")) add_segmentation(from, object);
    if (json.contains("keypoints")) {
      const std::vector<double> triples = from.numbers(json["keypoints"], "keypoints");
      from.require(triples.size() % 3 == 0, "its keypoints have ", triples.size(),
                   " numbers; valid are three for each: x, y and v");
      for (size_t i = 0; i < triples.size(); i += 3) {
        const double v = triples[i + 2];
        from.require(v == 0 || v == 1 || v == 2, "its keypoint ", i / 3, " has v = ", v,
                     "; valid are 0, absent, 1, hidden, and 2, visible");
        object.keypoints.push_back({"", {triples[i] + 0.5, triples[i + 1] + 0.5}, int(v)});
      }
    }
    from.require(json.contains("bbox") || json.contains("segmentation") || json.contains("keypoints"),
                 "it has neither bbox, segmentation nor keypoints");
    annotations_.push_back(std::move(annotation));
  }

  void add_segmentation(const Element& from, AnnotatedObject& object) {
    const Json& json = from.json["segmentation"];
    if (json.is_object()) {
      from.require(json.contains("size") && json.contains("counts"),
                   "the RLE of its segmentation lacks size or counts");
      const std::vector<double> size = from.numbers(json["size"], "size"), counts = counts_of(from, json["counts"]);
      from.require(size.size() == 2, "the size of its segmentation has ", size.size(),
                   " numbers; valid are 2: height and width");
      for (const double side : size) {
        from.require(0 < side && side <= 1e6 && side == std::floor(side), "the size of its segmentation is ", size[0],
                     " x ", size[1]);
      }
      object.mask = RunLengths{int(size[0]), int(size[1]), {counts.begin(), counts.end()}};
      return;
    }
    from.require(json.is_array(), "its segmentation is neither a list of polygons nor RLE");
    for (const Json& list : json) {
      from.require(list.is_array(), "its segmentation is not a list of polygons, each a list x, y, x, y, ...");
      const std::vector<double> numbers = from.numbers(list, "segmentation");
      from.require(numbers.size() % 2 == 0 && numbers.size() >= 6, "a polygon of its segmentation has ", numbers.size(),
                   " numbers; valid are x, y of three points or more");
      Polygon polygon;
      for (size_t i = 0; i < numbers.size(); i += 2) polygon.points.push_back({numbers[i], numbers[i + 1]});
      object.polygons.push_back(std::move(polygon));
    }
  }

  static std::vector<double> counts_of(const Element& from, const Json& json) {
    if (json.is_string()) {
      const std::vector<uint32_t> counts = decompressed(json.get_ref<const std::string&>(), from.place);
      return {counts.begin(), counts.end()};
    }
    std::vector<double> counts = from.numbers(json, "counts");
    for (const double count : counts) {
      from.require(0 <= count && count <= UINT32_MAX && count == std::floor(count), "its counts hold ", count,
                   "; a count is from 0 to the number of pixels");
    }
    return counts;
  }

  // Everything that needs the annotation's category and image.
  void finish(Annotation& annotation) {
    AnnotatedObject& object = annotation.object;
    const Element from{Json(), annotation.place};
    const auto image = image_of_.find(annotation.image);
    from.require(image != image_of_.end(), "its image_id ", annotation.image, " is not one of the ", image_of_.size(),
                 " images");
    const auto found = category_of_.find(object.category_id);
    if (found == category_of_.end()) from.require(false, "its category_id ", object.category_id, valid_categories());
    const Category& category = dataset_.categories[found->second];
    object.category = category.name;
    const std::vector<std::string>& names = category.keypoints;
    std::vector<ObjectKeypoint>& keypoints = object.keypoints;
    from.require(keypoints.empty() || keypoints.size() == names.size(), "it has ", keypoints.size(),
                 " keypoints, but its category ", in_quotes(category.name), " has ", names.size());
    for (size_t k = 0; k < keypoints.size(); ++k) keypoints[k].name = names[k];
    keypoints.erase(std::remove_if(keypoints.begin(), keypoints.end(),
                                   [](const ObjectKeypoint& keypoint) { return keypoint.visibility == 0; }),
                    keypoints.end());
    from.require(object.box || !object.polygons.empty() || object.mask || !names.empty(),
                 "it has an empty list, and no bbox, segmentation or keypoints");
    AnnotatedFile& file = dataset_.files[image->second];
    check(object, {file.height, file.width}, annotation.place);
    file.objects.push_back(std::move(object));
  }

  std::string valid_categories() const {
    std::string all;
    size_t named = 0;
    for (const auto& [id, index] : category_of_) {
      if (++named > 10) break;
      all += detail::text(named > 1 ? ", " : "", id);
    }
    return " is not one of the categories" + (all.empty() ? ", of which there are none" : ": " + all) +
           (named > 10 ? ", ..." : "");
  }

  const std::string path_;
  AnnotatedDataset dataset_;
  std::vector<Annotation> annotations_;
  std::map<int64_t, size_t> image_of_, category_of_;  // from ids to positions
  std::set<int64_t> annotation_ids_;
  // Where the parser is: the section, whether it is read, the element, the element's fields and its number of values.
  std::string section_;
  bool reads_ = false;
  size_t index_ = 0, values_ = 0;
  std::set<std::string> seen_, fields_;
};

}  // namespace

AnnotatedDataset read_coco(const std::string& path) { return Reader(path).read(); }

}  // namespace counterpoise::augment
