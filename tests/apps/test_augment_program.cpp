// The program augment: what it draws of targets, its sheets, and the files it writes.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "apps/augment_sheet/augment_sheets.h"
#include "apps/augment_sheet/marked_animal.h"
#include "data/annotations/coco.h"
#include "data/annotations/label_map.h"
#include "data/augment/augmenters.h"
#include "data/augment/geometry.h"
#include "data/augment/spec_table.h"
#include "tests/program.h"

using namespace counterpoise;
using namespace counterpoise::augment;

namespace {

Result augment_program(const std::string& arguments) { return shell(program("augment") + " " + arguments); }

Image white(int height, int width) {
  return {height, width, std::vector<uint8_t>(size_t(height) * size_t(width) * 3, 255)};
}

using contact_sheet::Rgb;

Rgb pixel(const Image& image, int row, int column) {
  const uint8_t* p = image.rgb.data() + (row * image.width + column) * 3;
  return {p[0], p[1], p[2]};
}

bool near(Rgb a, Rgb b) {
  return std::abs(a.red - b.red) < 3 && std::abs(a.green - b.green) < 3 && std::abs(a.blue - b.blue) < 3;
}

}  // namespace

TEST_CASE("augment program: every kind of target is drawn in its place and color") {
  // 50 x 100 pixels in the middle of a tile of 200: twice as large, from row 50 on.
  Annotated a;
  a.image = white(50, 100);
  a.boxes = {{10, 10, 40, 40, "b"}};
  a.polygons = {{{{60, 10}, {90, 10}, {90, 40}, {60, 40}}, "p"}};
  a.lines = {{{{0, 47}, {50, 47}, {100, 37}}, "l"}};
  a.keypoints = {{{25, 25}, "k"}};
  a.heat_maps = {{1, 2, {0, 2}, "h"}};
  a.segmentation_maps = {{1, 2, {7, 0}}};
  LabelColors colors;
  colors.add(a);
  REQUIRE(colors.legend().size() == 6);
  CHECK(colors.legend()[5].second == "segment 7");
  const auto color = [&](const char* label) { return contact_sheet::class_color(size_t(colors.of(label, ""))); };

  const Image lines = drawn(a, colors, 200, {true, true, true, true, false, false});
  CHECK(near(pixel(lines, 50 + 50, 20), color("b")));   // the left side of the box
  CHECK(near(pixel(lines, 50 + 20, 150), color("p")));  // the upper side of the polygon
  CHECK(near(pixel(lines, 50 + 50, 180), color("p")));
  CHECK(near(pixel(lines, 50 + 94, 60), color("l")));
  CHECK(near(pixel(lines, 50 + 84, 100), {255, 255, 255}));  // between the ends of the line string
  CHECK(near(pixel(lines, 50 + 50, 50), color("k")));
  CHECK(near(pixel(lines, 50 + 50, 150), {255, 255, 255}));  // inside the polygon
  CHECK(near(pixel(lines, 10, 100), {235, 235, 235}));       // above the image
  const Image none = drawn(a, colors, 200, {false, false, false, false, false, false});
  for (const int column : {20, 50, 150}) CHECK(near(pixel(none, 50 + 50, column), {255, 255, 255}));

  const Image maps = drawn(a, colors, 200, {false, false, false, false, true, true});
  const auto blended = [&](const char* label, double alpha) {
    const Rgb c = color(label);
    const auto over = [&](uint8_t level) { return uint8_t(255 + alpha * (level - 255)); };
    return Rgb{over(c.red), over(c.green), over(c.blue)};
  };
  CHECK(near(pixel(maps, 100, 20), blended("segment 7", 0.35)));
  CHECK(near(pixel(maps, 100, 180), blended("h", 0.75)));
}

TEST_CASE(
    "augment program: maps over each other are blended in order; a label has the color of its object's category") {
  Annotated a;
  a.image = white(2, 3);
  a.boxes = {{0, 0, 1, 1, "cat"}};
  const SegmentNames segments = {"cat", "dog", "cat"};
  a.segmentation_maps = {{2, 3, {3, 3, 0, 3, 3, 0}}, {2, 3, {2, 0, 0, 2, 0, 0}}};
  LabelColors colors;
  colors.add(a, segments);
  CHECK(colors.legend().size() == 2);
  const auto over = [&](Rgb under, const char* label) {
    const Rgb c = contact_sheet::class_color(size_t(colors.of(label, "")));
    const auto mixed = [](uint8_t x, uint8_t y) { return uint8_t(std::lround(0.65 * x + 0.35 * y)); };
    return Rgb{mixed(under.red, c.red), mixed(under.green, c.green), mixed(under.blue, c.blue)};
  };
  const Image image = drawn(a, colors, 90, {false, false, false, false, false, true}, segments);
  const Rgb cat = over({255, 255, 255}, "cat");
  CHECK(near(pixel(image, 45, 45), cat));
  CHECK(near(pixel(image, 45, 15), over(cat, "dog")));
  CHECK(near(pixel(image, 45, 75), {255, 255, 255}));

  // As many labels and maps as a file may have: quadratic time would take minutes.
  Annotated many;
  many.image = white(256, 256);
  many.segmentation_maps = {{256, 256, {}}};
  for (int32_t label = 0; label < 65536; ++label) many.segmentation_maps[0].labels.push_back(label);
  many.segmentation_maps.resize(1 + 2000, {1, 1, {5}});
  LabelColors more;
  more.add(many);
  CHECK(more.legend().size() == 12);
  CHECK(more.beyond_legend() == 65535 - 12);
  CHECK(near(pixel(drawn(many, more, 64), 5, 5), contact_sheet::class_color(size_t(more.of("segment 5", "")))));
}

TEST_CASE("augment program: the synthetic animals have valid targets, the nose where the heat map says") {
  for (const Animal animal : {Animal::cat, Animal::dog}) {
    const Annotated a = marked_animal(animal, 96);
    check(a);
    REQUIRE(a.keypoints.size() == 3);
    for (const Keypoint& k : a.keypoints) CHECK(contains(a.polygons[0], k.at));
    // The heat map is largest at the nose.
    const HeatMap& map = a.heat_maps[0];
    const auto most = std::max_element(map.values.begin(), map.values.end()) - map.values.begin();
    CHECK(std::abs(double(most % map.width) * 2 + 1 - a.keypoints[2].at.x) <= 1);
    CHECK(std::abs(double(most / map.width) * 2 + 1 - a.keypoints[2].at.y) <= 1);
    CHECK(a.boxes[0].label == (animal == Animal::cat ? "cat" : "dog"));
  }
}

TEST_CASE("augment program: sheets") {
  const MarkedImage cat{"cat", marked_animal(Animal::cat, 48), {}};
  SheetLook look{3, 2, 3, 48};
  const contact_sheet::Sheet copies = copies_sheet({cat, cat}, parse_policy("rotate=0.5"), look);
  REQUIRE(copies.rows.size() == 4);
  CHECK(copies.rows[1].tiles.size() == 3);
  // The first is the original; copies differ from it, from each other and between samples, but not when repeated.
  LabelColors colors;
  colors.add(cat.annotated);
  CHECK(copies.rows[0].tiles[0].image.rgb == drawn(cat.annotated, colors, 48).rgb);
  CHECK(copies.rows[2].tiles[0].image.rgb == copies.rows[0].tiles[0].image.rgb);
  CHECK(copies.rows[0].tiles[1].image.rgb != copies.rows[0].tiles[2].image.rgb);
  CHECK(copies.rows[0].tiles[1].image.rgb != copies.rows[2].tiles[1].image.rgb);
  std::vector<uint64_t> numbers;
  std::vector<Annotated> used;
  const contact_sheet::Sheet again =
      copies_sheet({cat, cat}, parse_policy("rotate=0.5"), look, [&](const MarkedImage&, Copy copy) {
        numbers.push_back(copy.number);
        used.push_back(std::move(copy.annotated));
        CHECK_FALSE(copy.mirrored);
      });
  CHECK(numbers == std::vector<uint64_t>{1, 2, 3, 4, 5, 1, 2, 3, 4, 5});
  // What a training augments the second sample to in its first epoch.
  CHECK(used[5].image.rgb == augmented_copy(parse_policy("rotate=0.5").pipeline(), cat.annotated, 3, 1, 1).image.rgb);
  CHECK(drawn(used[5], colors, 48).rgb == again.rows[2].tiles[1].image.rgb);
  CHECK(again.rows[3].tiles[2].image.rgb == copies.rows[3].tiles[2].image.rgb);

  CHECK(lecture_sheet(cat, look).rows.size() == 5);
  CHECK(lecture_sheet(cat, look).rows[0].tiles.size() == 5);
  MarkedImage bare = cat;
  bare.annotated = {cat.annotated.image};
  CHECK(lecture_sheet(bare, look).rows[0].tiles.size() == 1);
  CHECK(resize_sheet(cat, look).notes.size() == 1);
  CHECK(contains(resize_sheet(bare, look).notes.at(1), "show no difference"));
  size_t tiles = 0;
  for (const contact_sheet::Row& row : table_sheet(cat, look).rows) tiles += row.tiles.size();
  CHECK(tiles == 1 + rows().size() + presets().size());
  CHECK(tiles == table_tiles());
  CHECK(resize_sheet(cat, look).rows[0].tiles.size() == 4);
}

TEST_CASE("augment program: writes a sheet, and copies with their annotations") {
  const TemporaryFolder folder;
  // The image of a dog with a box, as COCO has it.
  const Result made = augment_program("--animal dog --augment none --grid 1x2 --write " + (folder / "dog") + " -o " +
                                      (folder / "dog.png"));
  CHECK(made.err == "");
  CHECK(made.out == (folder / "dog.png") + ": Augmentation: none\n" + (folder / "dog") + ": 1 file\n");
  const std::string photo = folder / "dog/synthetic dog-1.png";
  REQUIRE(decode_image(photo).width == 192);
  std::ofstream(folder / "coco.json") << R"({"images": [{"id": 5, "file_name": "elsewhere/synthetic dog-1.png",
    "height": 192, "width": 192}], "categories": [{"id": 4, "name": "dog"}], "annotations": [{"id": 1, "image_id": 5,
    "category_id": 4, "bbox": [20, 40, 100, 100], "area": 10000, "iscrowd": 0}]})";
  const Result r = must_succeed(augment_program("'" + photo + "' --annotations " + (folder / "coco.json") +
                                                " --augment flip=1 --grid 1x3 --seed 4 --write " + (folder / "copies") +
                                                " -o " + (folder / "sheet.jpg")));
  CHECK(r.err ==
        (folder / "coco.json") + ": its image elsewhere/synthetic dog-1.png is in another folder than " + photo + "\n");
  CHECK(decode_image(folder / "sheet.jpg").width > 3 * 192);
  const AnnotatedDataset set = read_coco(folder / "copies/annotations.json");
  REQUIRE(set.files.size() == 2);
  CHECK(set.categories[0].id == 4);
  CHECK(set.files[1].path == "synthetic dog-1-2.png");
  REQUIRE(set.files[1].objects.size() == 1);
  CHECK(set.files[1].objects[0].box->left == 192 - 120);
  CHECK(set.files[1].objects[0].box->top == 40);
  const Image original = decode_image(photo), copy = decode_image(folder / "copies/synthetic dog-1-2.png");
  CHECK(near(pixel(copy, 30, 191 - 50), pixel(original, 30, 50)));

  CHECK(contains(augment_program("--list").out, "trivialaugment"));
  CHECK(contains(augment_program("--help").out, "--gallery"));
  const std::pair<const char*, const char*> wrong[] = {
      {"", "--augment SPEC"},
      {"--augment blurr", "--augment: augmentation \"blurr\": \"blurr\" is no augmenter; did you mean blur?"},
      {"--augment cat:flip", "differs between classes"},
      {"--augment flip --gallery all", "give it without --augment"},
      {"--gallery every", "valid are lecture, all, resize"},
      {"--augment flip --grid 5", "such as 5x5"},
      {"--augment flip --grid 32x32 --tile 1024", "14 x 7 are possible"},
      {"--augment flip -o sheet.gif", ".png or .jpg"},
      {"--augment flip -o .png", ".png or .jpg"},
      {"--augment flip --annotations a.json", "of which images"},
      {"--list --seed 1", "give it alone"},
      {"--gallery all --tile 1024 --grid 1x1", "14 x 7 are possible"},
      {"--augment flip --grid 1x1 --write d", "no copies"},
      {"--augment flip --animal emu", "valid are cat and dog"},
      {"--augment flip --seed -1", "--seed -1 is out of range: 0 to 4611686018427387904"},
  };
  for (const auto& [arguments, part] : wrong) check_program_fails(program("augment"), arguments, 2, part);
  check_program_fails(program("augment"), "no.jpg --augment flip", 3, "no.jpg");
  write_label_map({1, 2, {0, 1}}, folder / "map.png");
  check_program_fails(program("augment"), "'" + photo + "' --augment flip --annotations " + (folder / "map.png"), 3,
                      "map.png has 2 x 1 pixels, but " + photo + " has 192 x 192");
  std::ofstream(folder / "one.json") << R"({"images": [{"id": 5, "file_name": "a.jpg", "height": 1, "width": 1}],
    "categories": [], "annotations": []})";
  check_program_fails(program("augment"), "'" + photo + "' --augment flip --annotations " + (folder / "one.json"), 3,
                      "has no image synthetic dog-1.png, but 1 other: a.jpg");
}

TEST_CASE("augment program: writes label maps, names of the other side, and replaces no file") {
  const TemporaryFolder folder;
  const std::string photo = folder / "a\nb.png", copies = folder / "copies", sheet = " -o " + (folder / "sheet.png");
  std::ofstream(photo) << contact_sheet::png(white(2, 3));
  write_label_map({2, 3, {1, 2, 3, 4, 5, 300}}, folder / "map.png");
  const std::string labels =
      "'" + photo + "' --annotations " + (folder / "map.png") + " --augment flip=1 --grid 1x2" + sheet;
  CHECK(contains(augment_program(labels + " --write " + copies).out, "2 files"));
  CHECK(std::filesystem::exists(copies + "/a\nb-1.png"));
  CHECK(read_label_map(copies + "/a\nb-1-labels.png").labels == std::vector<int32_t>{3, 2, 1, 300, 5, 4});

  std::ofstream(folder / "annotations.json") << R"({"images": [{"id": 1, "file_name": "a\nb.png", "height": 2,
    "width": 3}], "categories": [{"id": 4, "name": "cat", "keypoints": ["left_eye", "right_eye"]}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 4, "keypoints": [0, 1, 2, 2, 1, 1]}]})";
  const std::string keypoints =
      "'" + photo + "' --annotations " + (folder / "annotations.json") + " --augment flip=1 --grid 1x2";
  CHECK(augment_program(keypoints + sheet + " --write " + (folder / "mirrored")).err == "");  // the path agrees
  const AnnotatedObject cat = read_coco(folder / "mirrored/annotations.json").files[0].objects[0];
  CHECK(cat.keypoints[0].name == "left_eye");
  CHECK(cat.keypoints[0].at.x == 0.5);  // the right one before
  CHECK(cat.keypoints[0].visibility == 1);

  std::filesystem::remove(folder / "sheet.png");
  const auto refused = [&](const std::string& arguments, const std::string& part) {
    check_program_fails(program("augment"), arguments, 2, part);
    CHECK_FALSE(std::filesystem::exists(folder / "sheet.png"));
  };
  refused(labels + " --write " + copies, "-1.png exists and would be replaced; choose another folder");
  refused(keypoints + sheet + " --write " + (folder / ""), "annotations.json exists and would be replaced");
  refused(keypoints + " -o '" + (folder / "./a\nb.png") + "'", "is one of the inputs");
  std::filesystem::create_directory(folder / "other");
  std::ofstream(folder / "other/x.png") << contact_sheet::png(white(2, 3));
  std::ofstream(folder / "x.png") << contact_sheet::png(white(2, 3));
  refused((folder / "x.png") + " " + (folder / "other/x.png") + " --augment flip --write " + (folder / "new") + sheet,
          "x.png and " + (folder / "other/x.png") + " share the name x");
  const std::string latin = folder / "\xe4.png";  // which a JSON file cannot name
  std::filesystem::copy(folder / "x.png", latin);
  std::ofstream(folder / "x.xml") << "<annotation><filename>x.png</filename><size><width>2</width><height>3</height>"
                                     "<depth>3</depth></size></annotation>";
  refused(latin + " --annotations " + (folder / "x.xml") + " --augment flip --write " + (folder / "new") + sheet,
          "xe4.png: the name is not UTF-8, so that annotations.json cannot have it");
  CHECK_FALSE(std::filesystem::exists(folder / "new"));
  // Where the sheet cannot be written no copies are, so that the same can be tried again.
  const std::string copied = latin + " --augment flip --grid 1x2 --write " + (folder / "new") + " -o ";
  check_program_fails(program("augment"), copied + (folder / "none/sheet.png"), 1, "none: No such file or directory");
  must_succeed(augment_program(copied + (folder / "new/sheet.png")));
}
