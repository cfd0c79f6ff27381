// Images with their objects, as files of annotations have them: ids, categories, boxes, polygons, masks, keypoints.
//
//   AnnotatedDataset set = read_coco("instances.json");
//   for (AnnotatedFile& file : set.files) {
//     const Annotated photo = annotated(file, decode_image("images/" + file.path));
//     const Plan plan = pipeline.plan(photo.size(), rng);
//     update(file, plan(photo));
//     if (plan.mirrors()) exchange_left_right(file, set.categories);
//   }
//   write_coco(set, "augmented.json");
//
// coco.h and voc.h read and write them. All coordinates here are those of data/augment/annotations.h, pixel edges; the
// files' own are converted there. What lies outside of an image is no error, as in augmentation.
//
// Everything here is plain data; functions are pure unless they say what they change, and safe to call from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/annotations/run_lengths.h"

namespace counterpoise::augment {

struct Category {
  int64_t id = 0;  // unique in its dataset
  std::string name;
  std::string supercategory = "";                  // COCO only, as all below
  std::vector<std::string> keypoints = {};         // "nose", "left_eye"; none twice
  std::vector<std::pair<int, int>> skeleton = {};  // pairs of keypoints that are connected, counted from 1
};

struct ObjectKeypoint {
  std::string name;
  Point at;
  int visibility = 2;  // 1: hidden, but marked; 2: visible. Keypoints that are not marked are absent
};

// What is marked of one object; any part may be missing. The labels and numbers of `box` and `polygons` mean nothing
// here: the category is the object's.
struct AnnotatedObject {
  std::string category;     // its name
  int64_t category_id = 0;  // what COCO files know it by; two categories may have the same name
  int64_t id = 0;           // COCO's, unique in the dataset
  std::optional<Box> box = {};
  std::vector<Polygon> polygons = {};  // the parts of one object, several where something is in front of it
  std::optional<RunLengths> mask = {};
  std::vector<ObjectKeypoint> keypoints = {};
  bool crowd = false;               // COCO's iscrowd: a group of objects, which evaluation ignores
  std::optional<double> area = {};  // COCO's, as the file states it; write_coco() computes what is missing
  bool difficult = false;           // Pascal VOC's, as those below: evaluation ignores it
  bool truncated = false;           // the box does not hold the whole object
  std::string pose = "";            // "Frontal"
};

struct AnnotatedFile {
  std::string path;  // as the file has it, mostly relative to a folder of images
  int height = 0, width = 0;
  int64_t id = 0;  // COCO's, unique in the dataset
  std::vector<AnnotatedObject> objects = {};
  // Empty, or a line to print: targets reach beyond the image, and were read as they are.
  std::string note = "";
};

struct AnnotatedDataset {
  std::vector<Category> categories;
  std::vector<AnnotatedFile> files;
};

// An image with the targets of its objects. The label of a box or polygon is the category, of a keypoint its name, and
// `object` is the position in file.objects. Masks become segmentation maps in which the pixels of objects[k] have the
// label k + 1: one map where no masks overlap, else several. Throws Error(bad_data) where the image has another size
// than the file states, or the masks overlap so much that their maps take over 1 GiB.
Annotated annotated(const AnnotatedFile& file, Image image);

// Takes the size and the targets of an image that was made by annotated() and augmented since. An object that had
// targets and has none left is removed. The areas are no longer stated. Throws Error(invalid_argument) for a target
// whose object is not one of the file's, and where two boxes belong to one. Keypoints keep their names: for a mirror
// image, call exchange_left_right() after it.
void update(AnnotatedFile& file, const Annotated& changed);

// For an image that has become its mirror image (Plan::mirrors()), after update(): the left eye looks like a right one
// now, so the names of keypoints are exchanged in pairs that differ in the word left or right ("left_eye" and
// "right_eye", "Left hand" and "Right hand", "leftEye" and "rightEye") or in its first letter ("L_ear" and "R_ear"),
// where the category of an object has both. Detectron2 does the same.
void exchange_left_right(AnnotatedFile& file, const std::vector<Category>& categories);

// Gives images and objects new ids from 1 on and makes the list of categories from the objects' names, sorted, with ids
// from 1 on: for a dataset that is not from a COCO file. Keypoints' names are kept in the order of their appearance.
void number(AnnotatedDataset& dataset);

// How files of annotations are checked, when they are read and before they are written: positive sizes that
// decode_image() can read; finite coordinates of at most 1e9; boxes whose sides are not exchanged; polygons of three
// points or more. Throws Error(bad_data), which begins with `place`.
void check_size(int64_t height, int64_t width, const std::string& place);
void check(const AnnotatedObject& object, Size image, const std::string& place);

// a - b without the digits that rounding leaves, where b plus that is a: 38.65 rather than 38.65000000000003.
double difference(double a, double b);

// What AnnotatedFile::note says, empty if all targets lie inside. A twentieth of a pixel is rounding.
std::string beyond_image(const AnnotatedFile& file);

}  // namespace counterpoise::augment
