// COCO files, Pascal VOC files and label maps: what Python's libraries write and read
// (golden/make_annotation_files.py), round trips, and the targets of an augmented image. Bad files are in
// test_annotation_files_bad.cpp.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "core/io/file.h"
#include "data/annotations/coco.h"
#include "data/annotations/label_map.h"
#include "data/annotations/voc.h"
#include "tests/data/augmented.h"
#include "tests/golden.h"

using namespace counterpoise;

namespace {

using namespace augment;
using Json = nlohmann::json;

const Json& golden() { return read_golden("data/golden/annotation_files.json"); }

std::string text_of(const std::string& path) { return read_file(path, size_t(1) << 20); }

AnnotatedDataset golden_coco(const TemporaryFolder& folder) {
  write_file(folder / "coco.json", golden()["coco"].dump());
  return read_coco(folder / "coco.json");
}

std::vector<double> numbers(const Box& box) { return {box.left, box.top, box.right, box.bottom}; }

void check_same(const AnnotatedObject& a, const AnnotatedObject& b) {
  CAPTURE(a.id);
  CHECK(a.id == b.id);
  CHECK(a.category == b.category);
  CHECK(a.category_id == b.category_id);
  CHECK(a.crowd == b.crowd);
  CHECK(a.area == b.area);
  CHECK(a.difficult == b.difficult);
  CHECK(a.truncated == b.truncated);
  CHECK(a.pose == b.pose);
  CHECK(a.mask == b.mask);
  REQUIRE(a.box.has_value() == b.box.has_value());
  if (a.box) CHECK(numbers(*a.box) == numbers(*b.box));
  REQUIRE(a.polygons.size() == b.polygons.size());
  for (size_t i = 0; i < a.polygons.size(); ++i) {
    REQUIRE(a.polygons[i].points.size() == b.polygons[i].points.size());
    for (size_t k = 0; k < a.polygons[i].points.size(); ++k) {
      CHECK(a.polygons[i].points[k].x == b.polygons[i].points[k].x);
      CHECK(a.polygons[i].points[k].y == b.polygons[i].points[k].y);
    }
  }
  REQUIRE(a.keypoints.size() == b.keypoints.size());
  for (size_t i = 0; i < a.keypoints.size(); ++i) {
    CHECK(a.keypoints[i].name == b.keypoints[i].name);
    CHECK(a.keypoints[i].visibility == b.keypoints[i].visibility);
    CHECK(a.keypoints[i].at.x == b.keypoints[i].at.x);
    CHECK(a.keypoints[i].at.y == b.keypoints[i].at.y);
  }
}

void check_same(const AnnotatedFile& a, const AnnotatedFile& b) {
  CHECK(a.path == b.path);
  CHECK(a.id == b.id);
  CHECK(a.height == b.height);
  CHECK(a.width == b.width);
  CHECK(a.note == b.note);
  REQUIRE(a.objects.size() == b.objects.size());
  for (size_t i = 0; i < a.objects.size(); ++i) check_same(a.objects[i], b.objects[i]);
}

void check_same(const AnnotatedDataset& a, const AnnotatedDataset& b) {
  REQUIRE(a.categories.size() == b.categories.size());
  for (size_t i = 0; i < a.categories.size(); ++i) {
    CHECK(a.categories[i].id == b.categories[i].id);
    CHECK(a.categories[i].name == b.categories[i].name);
    CHECK(a.categories[i].supercategory == b.categories[i].supercategory);
    CHECK(a.categories[i].keypoints == b.categories[i].keypoints);
    CHECK(a.categories[i].skeleton == b.categories[i].skeleton);
  }
  REQUIRE(a.files.size() == b.files.size());
  for (size_t i = 0; i < a.files.size(); ++i) check_same(a.files[i], b.files[i]);
}

Annotated flipped(const Annotated& image) {
  Random rng(1, Stream::test);
  return Augmenter(HorizontalFlip{1})(image, rng);
}

const char* const voc_text = R"(<annotation>
  <folder>VOC2012</folder>
  <filename>2007_000032.jpg</filename>
  <source><database>The VOC2007 Database</database></source>
  <size><width>500</width><height>281</height><depth>3</depth></size>
  <segmented>1</segmented>
  <object>
    <name>aeroplane</name><pose>Frontal</pose><truncated>0</truncated><difficult>1</difficult>
    <bndbox><xmin>104</xmin><ymin>78</ymin><xmax>375</xmax><ymax>183</ymax></bndbox>
    <part><name>wing</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>
  </object>
  <object><name> A &amp; B </name><truncated>1</truncated>
    <bndbox><ymin>1</ymin><xmin>1</xmin><ymax>281</ymax><xmax>500</xmax></bndbox></object>
  <object><name>dot</name><bndbox><xmin>10.5</xmin><ymin>20</ymin><xmax>12.25</xmax><ymax>20</ymax></bndbox></object>
</annotation>)";

}  // namespace

TEST_CASE("annotation files: a field of a COCO file that is null is absent") {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& category, const std::string& annotation) {
    write_file(folder / "coco.json",
               R"({"images":[{"id":1,"file_name":"a.jpg","height":6,"width":8}],"categories":[{"id":2,"name":"cat")" +
                   category + R"(}],"annotations":[{"id":3,"image_id":1,"category_id":2)" + annotation + "}]}");
    return read_coco(folder / "coco.json");
  };
  const std::string box = R"(,"bbox":[1,2,3,4])", polygon = R"(,"segmentation":[[1,1,5,1,5,5]])";
  const std::string nothing = R"(,"keypoints":null,"iscrowd":null,"area":null,"difficult":null,"pose":null)";
  const std::string no_names = R"(,"supercategory":null,"keypoints":null,"skeleton":null)";
  check_same(read(no_names, box + nothing + R"(,"segmentation":null)"), read("", box));
  check_same(read(no_names, polygon + nothing + R"(,"bbox":null)"), read("", polygon));
  CHECK(contains(error_of([&] { read("", R"(,"bbox":null)"); }, ErrorKind::bad_data),
                 "it has neither bbox, segmentation nor keypoints"));
}

TEST_CASE("annotation files: COCO objects are read as pycocotools reads them") {
  const TemporaryFolder folder;
  const AnnotatedDataset set = golden_coco(folder);
  REQUIRE(set.categories.size() == 2);
  CHECK(set.categories[0].name == "cat");
  CHECK(set.categories[0].supercategory == "animal");
  CHECK(set.categories[1].id == 3);
  CHECK(set.categories[1].keypoints == std::vector<std::string>{"nose", "left_eye", "right_eye"});
  CHECK(set.categories[1].skeleton == std::vector<std::pair<int, int>>{{1, 2}, {1, 3}});
  REQUIRE(set.files.size() == 2);
  CHECK(set.files[0].path == "b/\u00e4.jpg");
  CHECK(set.files[0].id == 2);
  CHECK(set.files[1].width == 300);
  REQUIRE(set.files[0].objects.size() == 4);
  REQUIRE(set.files[1].objects.size() == 1);

  int compared = 0;
  for (const AnnotatedFile& file : set.files) {
    CHECK(file.note.empty());
    for (const AnnotatedObject& object : file.objects) {
      CAPTURE(object.id);
      if (!object.mask) continue;
      const Json& expected = golden()["expected"][std::to_string(object.id)];
      CHECK(area(*object.mask) == expected["pixels"]);
      SegmentationMap map{file.height, file.width, std::vector<int32_t>(size_t(file.height * file.width))};
      draw(*object.mask, 1, map);
      std::string bits;
      for (const int32_t label : map.labels) bits += char('0' + label);
      if (expected["bits"] != "") CHECK(bits == expected["bits"]);
      CHECK(runs_of(map).at(1) == *object.mask);
      ++compared;
    }
  }
  CHECK(compared == 3);

  const AnnotatedObject& parts = set.files[0].objects[0];
  CHECK(parts.category == "cat");
  CHECK(parts.id == 11);
  CHECK(numbers(*parts.box) == std::vector<double>{2, 3, 30, 20});
  REQUIRE(parts.polygons.size() == 2);
  CHECK(parts.polygons[1].points.size() == 5);
  CHECK(parts.polygons[1].points[2].y == 17.25);
  CHECK(set.files[0].objects[1].crowd);

  const AnnotatedObject& person = set.files[0].objects[3];
  CHECK(person.category == "person");
  CHECK(*person.area == 392.35);
  CHECK(numbers(*person.box) == std::vector<double>{4, 2.5, 4 + 20.65, 21.5});
  REQUIRE(person.keypoints.size() == 2);
  CHECK(person.keypoints[0].name == "nose");
  CHECK(person.keypoints[0].at.x == 10.5);  // the center of pixel 10
  CHECK(person.keypoints[0].at.y == 4.5);
  CHECK(person.keypoints[0].visibility == 2);
  CHECK(person.keypoints[1].name == "right_eye");
  CHECK(person.keypoints[1].at.x == 12.75);
  CHECK(person.keypoints[1].visibility == 1);
}

TEST_CASE("annotation files: a COCO file that is written is read as the same, and has the same numbers") {
  const TemporaryFolder folder;
  const AnnotatedDataset set = golden_coco(folder);
  write_coco(set, folder / "again.json");
  check_same(set, read_coco(folder / "again.json"));
  const Json written = parse_json(text_of(folder / "again.json"));
  CHECK(written["annotations"].size() == 5);
  for (const Json& annotation : written["annotations"]) {
    for (const Json& before : golden()["coco"]["annotations"]) {
      if (before["id"] != annotation["id"]) continue;
      for (const char* field : {"bbox", "area", "iscrowd", "image_id", "category_id"}) {
        CAPTURE(field);
        CHECK(annotation[field] == before[field]);
      }
      if (before["segmentation"].is_array()) CHECK(annotation["segmentation"] == before["segmentation"]);
      if (before.contains("keypoints")) {
        CHECK(annotation["keypoints"] == before["keypoints"]);
        CHECK(annotation["num_keypoints"] == 2);
      }
    }
  }
  CHECK(written["categories"][1] == golden()["coco"]["categories"][1]);
  CHECK(difference(473.07 + 38.65, 473.07) == 38.65);
  CHECK(473.07 + 38.65 - 473.07 != 38.65);
  CHECK(difference(0.1, 1e-12) == 0.1 - 1e-12);  // only where nothing is lost
}

TEST_CASE("annotation files: an augmented image goes back into its file, each part to its object") {
  const TemporaryFolder folder;
  AnnotatedDataset set = golden_coco(folder);
  AnnotatedFile& file = set.files[0];
  const AnnotatedFile before = file;
  const Annotated photo = annotated(file, black(24, 32));
  check(photo);
  CHECK(photo.boxes.size() == 4);
  CHECK(photo.boxes[3].label == "person");
  CHECK(photo.polygons.size() == 2);
  CHECK(photo.polygons[1].object == 0);
  CHECK(photo.keypoints[1].label == "right_eye");
  CHECK(photo.segmentation_maps.size() == 2);  // the masks of objects 1 and 2 overlap

  update(file, photo);  // as it was, except for the areas
  for (AnnotatedObject& object : file.objects) CHECK_FALSE(object.area.has_value());
  for (size_t k = 0; k < 4; ++k) file.objects[k].area = before.objects[k].area;
  check_same(file, before);

  update(file, flipped(photo));
  REQUIRE(file.objects.size() == 4);
  CHECK(numbers(*file.objects[0].box) == std::vector<double>{2, 3, 30, 20});
  CHECK(file.objects[0].polygons[0].points[0].x == 30);
  CHECK(file.objects[3].keypoints[1].at.x == 32 - 12.75);
  CHECK(file.objects[3].keypoints[1].visibility == 1);
  CHECK(file.objects[1].crowd);
  const auto mirrored = [](std::string bits) {
    for (size_t row = 0; row < 24; ++row)
      std::reverse(bits.begin() + long(row) * 32, bits.begin() + long(row + 1) * 32);
    return bits;
  };
  for (const size_t k : {1u, 2u}) {
    SegmentationMap map{24, 32, std::vector<int32_t>(24 * 32)};
    draw(*file.objects[k].mask, 1, map);
    std::string bits;
    for (const int32_t label : map.labels) bits += char('0' + label);
    CHECK(bits == mirrored(golden()["expected"][std::to_string(file.objects[k].id)]["bits"]));
  }
  write_coco(set, folder / "flipped.json");
  const Json written = parse_json(text_of(folder / "flipped.json"));
  CHECK(written["annotations"][0]["area"] == 12.5 * 8 + 10 * 12.25 + 10 * 2.75 / 2);
  CHECK(written["annotations"][2]["area"] == 173);
  CHECK(written["annotations"][3]["keypoints"] == Json({21, 4, 2, 0, 0, 0, 18.75, 7, 1}));

  // Objects of which nothing is left are removed; the others keep their ids.
  Annotated cut = annotated(file, black(24, 32));
  for (Keypoint& keypoint : cut.keypoints) keypoint.at.x += 100;
  cut.boxes.back().left += 100, cut.boxes.back().right += 100;
  drop_outside(cut);
  update(file, cut);
  REQUIRE(file.objects.size() == 3);
  CHECK(file.objects[2].id == 13);
}

TEST_CASE("annotation files: what belongs to no object, or twice to one, is refused") {
  AnnotatedFile file{"a.jpg", 4, 6};
  file.objects.push_back({"cat"});
  file.objects[0].box = Box{1, 1, 3, 3};
  const Annotated photo = annotated(file, black(4, 6));
  const auto error = [&](const Annotated& changed) {
    return error_of([&] { update(file, changed); }, ErrorKind::invalid_argument);
  };
  Annotated changed = photo;
  changed.boxes[0].object = -1;
  CHECK(error(changed) == "a.jpg: a box belongs to object -1; valid are the numbers of its 1 objects, from 0 on");
  changed = photo;
  changed.boxes.push_back(changed.boxes[0]);
  CHECK(error(changed) == "a.jpg: object 0 has two boxes; it may have one");
  changed = photo;
  changed.segmentation_maps.push_back({4, 6, std::vector<int32_t>(24, 2)});
  CHECK(contains(error(changed), "a label of a segmentation map belongs to object 1"));
  CHECK(file.objects[0].box.has_value());  // nothing has changed
  CHECK(error_of([&] { annotated(file, black(6, 4)); }, ErrorKind::bad_data) ==
        "a.jpg: the image has 4 x 6 pixels, but its annotations are for 6 x 4");
  // Masks that are small in a file and large in memory.
  AnnotatedFile large{"a.jpg", 10000, 10000};
  for (int i = 0; i < 9; ++i) {
    large.objects.push_back({"cat"});
    large.objects.back().mask = RunLengths{10000, 10000, {100, 1, 99999899}};
  }
  CHECK(error_of(
            [&] {
              annotated(large, {10000, 10000, {}});
            },
            ErrorKind::bad_data) ==
        "a.jpg: more than 2 masks lie over each other, which takes over 1 GiB as segmentation maps");
}

TEST_CASE("annotation files: Pascal VOC's boxes are converted from pixels that are counted from 1") {
  const TemporaryFolder folder;
  write_file(folder / "a.xml", voc_text);
  const AnnotatedFile file = read_voc(folder / "a.xml");
  CHECK(file.path == "2007_000032.jpg");
  CHECK(file.height == 281);
  CHECK(file.width == 500);
  CHECK(file.note.empty());
  REQUIRE(file.objects.size() == 3);
  CHECK(file.objects[0].category == "aeroplane");
  CHECK(file.objects[0].pose == "Frontal");
  CHECK(file.objects[0].difficult);
  CHECK_FALSE(file.objects[0].truncated);
  CHECK(numbers(*file.objects[0].box) == std::vector<double>{103, 77, 375, 183});
  CHECK(file.objects[1].category == "A & B");
  CHECK(file.objects[1].truncated);
  CHECK(numbers(*file.objects[1].box) == std::vector<double>{0, 0, 500, 281});  // the whole image
  CHECK(numbers(*file.objects[2].box) == std::vector<double>{9.5, 19, 12.25, 20});
  write_voc(file, folder / "b.xml");
  check_same(file, read_voc(folder / "b.xml"));
  const std::string text = text_of(folder / "b.xml");
  CHECK(contains(text, "<xmin>104</xmin>"));  // whole numbers as such: many programs read no others
  CHECK(contains(text, "<xmin>10.5</xmin>"));
  CHECK(contains(text, "<name>A &amp; B</name>"));
}

TEST_CASE("annotation files: files of Pascal VOC become a COCO file, and nothing is lost") {
  const TemporaryFolder folder;
  write_file(folder / "a.xml", voc_text);
  AnnotatedDataset set;
  set.files = {read_voc(folder / "a.xml"), read_voc(folder / "a.xml")};
  set.files[1].path = "other.jpg";
  set.files[1].objects[0].keypoints = {{"nose", {3, 4}}};
  number(set);
  REQUIRE(set.categories.size() == 3);
  CHECK(set.categories[0].name == "A & B");
  CHECK(set.categories[1].keypoints == std::vector<std::string>{"nose"});
  CHECK(set.files[1].objects[2].id == 6);
  CHECK(set.files[1].objects[2].category_id == 3);
  write_coco(set, folder / "coco.json");
  AnnotatedDataset again = read_coco(folder / "coco.json");
  CHECK(*again.files[0].objects[0].area == 272 * 106);
  for (AnnotatedFile& file : again.files) {
    for (AnnotatedObject& object : file.objects) object.area.reset();
  }
  check_same(set, again);
}

TEST_CASE("annotation files: what reaches beyond the image is kept, and a line says so") {
  const TemporaryFolder folder;
  Json coco = golden()["coco"];
  coco["annotations"][3]["bbox"] = {28, 20, 4.03, 4};  // rounded
  write_file(folder / "a.json", coco.dump());
  CHECK(read_coco(folder / "a.json").files[0].note.empty());
  coco["annotations"][3]["bbox"] = {28, 20, 4.5, 4};
  coco["annotations"][3]["keypoints"][0] = -2;
  write_file(folder / "a.json", coco.dump());
  const AnnotatedDataset set = read_coco(folder / "a.json");
  CHECK(set.files[0].note ==
        "'b/\u00e4.jpg': 2 of 8 targets reach beyond the image of 32 x 24 pixels and are kept as they are, such as the "
        "box of 'person' from (28, 20) to (32.5, 24)");
  CHECK(numbers(*set.files[0].objects[3].box) == std::vector<double>{28, 20, 32.5, 24});
  CHECK(set.files[1].note.empty());
  write_file(folder / "a.xml", std::string(voc_text).replace(std::string(voc_text).find("375"), 3, "575"));
  CHECK(contains(read_voc(folder / "a.xml").note, "1 of 3 targets reach beyond the image of 500 x 281 pixels"));
}

TEST_CASE("annotation files: label maps with palettes and in gray have the labels that Pillow reads") {
  const TemporaryFolder folder;
  for (const auto& [name, file] : golden()["pngs"].items()) {
    CAPTURE(name);
    write_file(folder / "a.png", from_hex<std::string>(file["bytes"]));
    const SegmentationMap map = read_label_map(folder / "a.png");
    CHECK(map.height == file["size"][0]);
    CHECK(map.width == file["size"][1]);
    CHECK(map.labels == file["labels"].get<std::vector<int32_t>>());
    write_label_map(map, folder / "b.png");
    CHECK(read_label_map(folder / "b.png").labels == map.labels);
  }
}

TEST_CASE("annotation files: label maps are written with Pascal VOC's palette, or with 16 bits") {
  for (size_t i = 0; i < golden()["palette"].size(); ++i) {
    CHECK(voc_color(golden()["palette of"][i]) == golden()["palette"][i].get<std::array<uint8_t, 3>>());
  }
  const TemporaryFolder folder;
  SegmentationMap map{2, 3, {0, 1, 15, 255, 2, 128}};
  write_label_map(map, folder / "a.png");
  const Image shown = decode_image(folder / "a.png");
  for (size_t i = 0; i < 6; ++i) {
    const auto color = voc_color(map.labels[i]);
    CHECK(std::equal(color.begin(), color.end(), shown.rgb.begin() + long(i) * 3));
  }
  map.labels[1] = 256, map.labels[2] = 65535;
  write_label_map(map, folder / "a.png");
  CHECK(read_label_map(folder / "a.png").labels == map.labels);
  const std::string png = text_of(folder / "a.png");
  CHECK(png[24] == 16);  // bits
  CHECK(png[25] == 0);   // gray
  CHECK(contains(png, "IDAT"));
  CHECK_FALSE(contains(png, "PLTE"));
}
