#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/io/file.h"
#include "core/text.h"
#include "data/annotations/coco.h"
#include "data/augment/geometry.h"
#include "data/images/image_folder.h"
#include "kernels/error.h"

namespace counterpoise::augment {

using detail::in_quotes;
using Json = nlohmann::ordered_json;  // fields in the order of the standard

namespace {

// To a millionth of a pixel, below which there is only the noise of computing, such as 1.22e-15 for 0.
double rounded(double x) { return std::fabs(x) <= 1e9 ? std::round(x * 1e6) / 1e6 : x; }

// (Whole numbers as such: 12 instead of 12.0.)
Json number(double unrounded) {
  const double x = rounded(unrounded);
  return std::fabs(x) < 1e9 && x == std::floor(x) ? Json(int64_t(x)) : Json(x);
}

double area_of(const AnnotatedObject& object) {
  if (object.area) return *object.area;
  if (object.mask) return double(area(*object.mask));
  double sum = 0;
  for (const Polygon& polygon : object.polygons) sum += area(polygon);
  return object.polygons.empty() && object.box ? area(*object.box) : sum;
}

class Writer {
 public:
  Writer(const AnnotatedDataset& dataset, const std::string& path) : dataset_(dataset), path_(path) {
    for (const Category& category : dataset.categories) {
      const std::string place = detail::text("category ", category.id);
      require(categories_.emplace(category.id, &category).second, place, "another category has the same id");
      check_name(category.name, place, "name");
      for (const std::string& keypoint : category.keypoints) check_name(keypoint, place, "keypoint");
      const std::set<std::string> different(category.keypoints.begin(), category.keypoints.end());
      require(different.size() == category.keypoints.size(), place, "two of its keypoints have the same name");
    }
  }

  std::string written() {
    std::string images, annotations, categories;
    for (const AnnotatedFile& file : dataset_.files) {
      const std::string place = detail::text("image ", file.id, " (", in_quotes(file.path), ")");
      require(image_ids_.insert(file.id).second, place, "another image has the same id");
      check_name(file.path, place, "path");
      check_size(file.height, file.width, detail::text("cannot write ", path_, ": ", place));
      add({{"id", file.id}, {"file_name", file.path}, {"height", file.height}, {"width", file.width}}, images);
      for (const AnnotatedObject& object : file.objects) add(annotation(object, file), annotations);
    }
    for (const Category& category : dataset_.categories) {
      Json json = {{"id", category.id}, {"name", category.name}};
      if (!category.supercategory.empty()) json["supercategory"] = category.supercategory;
      if (!category.keypoints.empty()) json["keypoints"] = category.keypoints;
      for (const auto& [from, to] : category.skeleton) json["skeleton"].push_back({from, to});
      add(json, categories);
    }
    return "{\"images\": [" + images + "\n],\n\"annotations\": [" + annotations + "\n],\n\"categories\": [" +
           categories + "\n]}\n";
  }

 private:
  template <class... Parts>
  void require(bool condition, const std::string& place, const Parts&... parts) const {
    CP_ENSURE_AS(bad_data, condition, "cannot write ", path_, ": ", place, ": ", parts...);
  }
  void check_name(const std::string& name, const std::string& place, const char* what) const {
    require(!name.empty() && detail::is_utf8(name) && name.find('\0') == std::string::npos, place, "its ", what, " is ",
            in_quotes(name), "; valid is text in UTF-8 of one character or more");
  }

  Json annotation(const AnnotatedObject& object, const AnnotatedFile& file) {
    const std::string place = detail::text("annotation ", object.id, " of image ", file.id);
    require(annotation_ids_.insert(object.id).second, place, "another annotation has the same id");
    const auto found = categories_.find(object.category_id);
    require(found != categories_.end(), place, "its category_id ", object.category_id,
            " is not one of the categories'");
    const Category& category = *found->second;
    require(object.category == category.name, place, "it is a ", in_quotes(object.category), ", but category ",
            category.id, " is ", in_quotes(category.name));
    require(object.polygons.empty() || !object.mask, place,
            "it has polygons and a mask; a COCO file holds one of them");
    require(object.box || !object.polygons.empty() || object.mask || !category.keypoints.empty(), place,
            "it has neither a box, polygons, a mask nor keypoints");
    require(!object.area || (*object.area >= 0 && std::isfinite(*object.area)), place,
            "its area is not a number of 0 or more");
    check(object, {file.height, file.width}, detail::text("cannot write ", path_, ": ", place));

    Json json = {{"id", object.id}, {"image_id", file.id}, {"category_id", object.category_id}};
    if (object.box) {
      const Box box{rounded(object.box->left), rounded(object.box->top), rounded(object.box->right),
                    rounded(object.box->bottom)};
      json["bbox"] = {number(box.left), number(box.top), number(difference(box.right, box.left)),
                      number(difference(box.bottom, box.top))};
    }
    json["segmentation"] = Json::array();
    if (object.mask) {
      json["segmentation"] = {{"size", {object.mask->height, object.mask->width}}, {"counts", object.mask->counts}};
    }
    for (const Polygon& polygon : object.polygons) {
      Json list = Json::array();
      for (const Point p : polygon.points) list.push_back(number(p.x)), list.push_back(number(p.y));
      json["segmentation"].push_back(std::move(list));
    }
    if (!category.keypoints.empty()) {
      json["keypoints"] = triples(object, category, place);
      json["num_keypoints"] = object.keypoints.size();
    } else {
      require(object.keypoints.empty(), place, "it has keypoints, but its category ", in_quotes(category.name),
              " none");
    }
    json["area"] = number(area_of(object));
    json["iscrowd"] = int(object.crowd);
    if (object.difficult) json["difficult"] = 1;
    if (object.truncated) json["truncated"] = 1;
    if (!object.pose.empty()) {
      check_name(object.pose, place, "pose");
      json["pose"] = object.pose;
    }
    return json;
  }

  Json triples(const AnnotatedObject& object, const Category& category, const std::string& place) const {
    const std::set<std::string> names(category.keypoints.begin(), category.keypoints.end());
    std::map<std::string, const ObjectKeypoint*> by_name;
    for (const ObjectKeypoint& keypoint : object.keypoints) {
      require(names.count(keypoint.name), place, "its keypoint ", in_quotes(keypoint.name),
              " is not one of its category ", in_quotes(category.name));
      require(by_name.emplace(keypoint.name, &keypoint).second, place, "its keypoint ", in_quotes(keypoint.name),
              " is there twice");
    }
    Json json = Json::array();
    for (const std::string& name : category.keypoints) {
      const auto it = by_name.find(name);
      const Point at = it == by_name.end() ? Point{0.5, 0.5} : it->second->at;
      json.push_back(number(difference(at.x, 0.5))), json.push_back(number(difference(at.y, 0.5)));
      json.push_back(it == by_name.end() ? 0 : it->second->visibility);
    }
    return json;
  }

  // A line of a list.
  static void add(const Json& json, std::string& list) { list += (list.empty() ? "\n" : ",\n") + json.dump(); }

  const AnnotatedDataset& dataset_;
  const std::string& path_;
  std::map<int64_t, const Category*> categories_;
  std::set<int64_t> image_ids_, annotation_ids_;
};

}  // namespace

void write_coco(const AnnotatedDataset& dataset, const std::string& path) {
  write_file(path, Writer(dataset, path).written());
}

}  // namespace counterpoise::augment
