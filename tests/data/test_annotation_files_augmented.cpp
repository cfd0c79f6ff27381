// Annotation files of augmented images: what becomes of keypoints' names, of many masks, and of rounding. The rest is
// in test_annotation_files.cpp.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "core/io/file.h"
#include "data/annotations/coco.h"
#include "tests/data/augmented.h"
#include "tests/golden.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

using namespace augment;
using Json = nlohmann::json;

std::string text_of(const std::string& path) { return read_file(path, size_t(1) << 20); }

}  // namespace

TEST_CASE("annotation files: in a mirror image, left and right keypoints exchange their names") {
  AnnotatedFile file{"a.jpg", 4, 6};
  const std::vector<std::pair<const char*, const char*>> names = {{"left_eye", "right_eye"},
                                                                  {"right_eye", "left_eye"},
                                                                  {"Left hand", "Right hand"},
                                                                  {"Right hand", "Left hand"},
                                                                  {"left_ear", "left_ear"},  // there is no right one
                                                                  {"leftover", "leftover"},
                                                                  {"rightover", "rightover"},
                                                                  {"nose", "nose"},
                                                                  {"leftKnee", "rightKnee"},
                                                                  {"rightKnee", "leftKnee"},
                                                                  {"L_F_paw", "R_F_paw"},
                                                                  {"R_F_paw", "L_F_paw"},
                                                                  {"hip.l", "hip.r"},
                                                                  {"hip.r", "hip.l"},
                                                                  {"footL", "footR"},
                                                                  {"footR", "footL"},
                                                                  {"lap", "lap"},
                                                                  {"rap", "rap"},
                                                                  {"PAUL", "PAUL"},
                                                                  {"PAUR", "PAUR"}};
  Category category{7, "cat"};
  file.objects = {{"cat", 7}, {"dog", 8}};
  file.objects[1].keypoints = {{"left_eye", {0, 0}}, {"right_eye", {1, 0}}};  // not in its category
  for (const auto& [name, other] : names) {
    category.keypoints.push_back(name);
    file.objects[0].keypoints.push_back({name, {double(category.keypoints.size()), 0}, 1});
  }
  exchange_left_right(file, {category, {8, "dog"}});
  for (size_t k = 0; k < names.size(); ++k) {
    CHECK(file.objects[0].keypoints[k].name == names[k].second);
    CHECK(file.objects[0].keypoints[k].at.x == double(k + 1));
  }
  CHECK(file.objects[1].keypoints[0].name == "left_eye");

  Random rng(1, Stream::test);
  const auto mirrors = [&](const Augmenter& augmenter) { return augmenter.plan({20, 30}, rng).mirrors(); };
  CHECK(mirrors(HorizontalFlip{1}));
  CHECK(mirrors(VerticalFlip{1}));
  CHECK_FALSE(mirrors(Sequential{{HorizontalFlip{1}, VerticalFlip{1}}}));
  CHECK_FALSE(mirrors(Augmenter()));
}

TEST_CASE("annotation files: many masks over each other, and many labels in a map, take linear time") {
  // 400 masks that share a pixel, and as many beside each other: the first go to a map each, the others to the first.
  constexpr uint32_t masks = 400, width = 2 * masks + 1;
  AnnotatedFile file{"a.jpg", 1, int(width)};
  for (uint32_t k = 0; k < 2 * masks; ++k) {
    file.objects.push_back({"cat"});
    const uint32_t at = 1 + k;
    file.objects.back().mask = k >= masks ? RunLengths{1, int(width), {at, 1, width - 1 - at}}
                               : at == 1  ? RunLengths{1, int(width), {0, 2, width - 2}}
                                          : RunLengths{1, int(width), {0, 1, at - 1, 1, width - 1 - at}};
    if (k + 1 == 2 * masks) file.objects.back().mask->counts.pop_back();
  }
  const Annotated a = annotated(file, black(1, int(width)));
  REQUIRE(a.segmentation_maps.size() == masks);
  CHECK(a.segmentation_maps[0].labels[width - 1] == 2 * masks);
  CHECK(a.segmentation_maps[99].labels[100] == 100);
  AnnotatedFile again = file;
  update(again, a);
  for (size_t k = 0; k < file.objects.size(); ++k) CHECK(again.objects[k].mask == file.objects[k].mask);
}

TEST_CASE("annotation files: the maps of masks over each other move as each alone") {
  const Size sizes[] = {{12, 15}, {12, 15}, {12, 15}, {6, 5}, {12, 15}};
  Annotated a;
  a.image = black(12, 15);
  int32_t label = 0;
  for (const Size size : sizes) {
    SegmentationMap map{size.height, size.width, {}};
    for (int i = 0; i < size.height * size.width; ++i) map.labels.push_back(++label % 7);
    a.segmentation_maps.push_back(map);
  }
  const auto turned = [](const Annotated& annotated) {
    Random rng(1, Stream::test);
    Affine affine;
    affine.rotate = 30, affine.scale = 1.2;
    return Augmenter(affine)(annotated, rng).segmentation_maps;
  };
  const std::vector<SegmentationMap> together = turned(a);
  REQUIRE(together.size() == 5);
  for (size_t i = 0; i < 5; ++i) {
    Annotated alone;
    alone.image = a.image;
    alone.segmentation_maps = {a.segmentation_maps[i]};
    CHECK(together[i].labels == turned(alone)[0].labels);
    CHECK(together[i].labels != a.segmentation_maps[i].labels);
  }
}

TEST_CASE("annotation files: an annotation whose lists are empty is refused when it is read") {
  const TemporaryFolder folder;
  write_file(folder / "a.json", R"({"images":[{"id":1,"file_name":"a.jpg","height":6,"width":8}],"annotations":[
      {"id":5,"image_id":1,"category_id":2,"segmentation":[],"keypoints":[]}],"categories":[{"id":2,"name":"cat"}]})");
  CHECK(contains(error_of([&] { read_coco(folder / "a.json"); }, ErrorKind::bad_data),
                 "annotations[0], id 5: it has an empty list, and no bbox, segmentation or keypoints"));
}

TEST_CASE("annotation files: coordinates are written without the noise of computing") {
  const TemporaryFolder folder;
  AnnotatedDataset set{{{1, "cat"}}, {{"a.jpg", 40, 60, 1}}};
  set.files[0].objects = {{"cat", 1, 1}};
  set.files[0].objects[0].box = Box{1.22e-15, 0.1 + 0.2, 10.12345678, 20};
  set.files[0].objects[0].polygons = {{{{-1e-15, 1}, {5.0000000001, 1}, {3, 9.25}}}};
  write_coco(set, folder / "a.json");
  const Json object = parse_json(text_of(folder / "a.json"))["annotations"][0];
  CHECK(object["bbox"].dump() == "[0,0.3,10.123457,19.7]");
  CHECK(object["segmentation"].dump() == "[[0,1,5,1,3,9.25]]");
}
