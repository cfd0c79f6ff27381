// Bad files of annotations: each is refused with one line that names the file, the object and what is valid.
#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "core/io/file.h"
#include "data/annotations/coco.h"
#include "data/annotations/label_map.h"
#include "data/annotations/voc.h"
#include "tests/golden.h"

using namespace counterpoise;

namespace {

using namespace augment;
using Json = nlohmann::json;

// The message for a file with this content, without its path.
template <class Read>
std::string refusal(const TemporaryFolder& folder, const std::string& content, const Read& read) {
  const std::string path = folder / "file";
  write_file(path, content);
  std::string message = error_of([&] { read(path); }, ErrorKind::bad_data);
  CHECK(message.find('\n') == std::string::npos);
  CHECK(message.size() < 400);
  const size_t at = message.find(path);
  REQUIRE(at != std::string::npos);
  return message.erase(at, path.size() + (at == 0 ? 2 : 0));
}

// A COCO file with one image, one annotation with these fields, which replace others of the same name, and a category.
std::string coco(const std::string& fields = "{}") {
  Json annotation = {{"id", 7}, {"image_id", 1}, {"category_id", 2}, {"bbox", {1, 2, 3, 4}}};
  const Json given = parse_json(fields);
  for (const auto& [name, value] : given.items()) {
    if (value == "absent") annotation.erase(name);
    else annotation[name] = value;
  }
  return R"({"images":[{"id":1,"file_name":"a.jpg","height":6,"width":8}],"annotations":[)" + annotation.dump() +
         R"(],"categories":[{"id":2,"name":"cat","keypoints":["nose","tail"]}]})";
}

std::string repeated(const std::string& text, int times) {
  std::string y;
  for (int i = 0; i < times; ++i) y += text;
  return y;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

using Table = std::vector<std::pair<std::string, std::string>>;

}  // namespace

TEST_CASE("annotation files: annotations that COCO does not have are refused with what is valid") {
  const TemporaryFolder folder;
  const Table table = {
      {R"({"bbox":[1,2,-3,4]})", "its bbox has the size -3 x 4; valid are 0 and more"},
      {R"({"bbox":[1,2,3]})", "its bbox has 3 numbers; valid are 4: x, y, width and height"},
      {R"({"bbox":[1,2,3,"4"]})", "its bbox holds what is not a number: string"},
      {R"({"bbox":[1,2,3,null]})", "its bbox holds what is not a number: null"},
      {R"({"bbox":{}})", "its bbox is not a list of numbers"},
      {R"({"bbox":[1e300,2,3,4]})", "its box has the point (1e+300, 2); valid are coordinates from -1e9 to 1e9"},
      {R"({"bbox":[1,1e308,3,1.7e308]})", "its box has the point (1, 1e+308); valid are coordinates from -1e9 to 1e9"},
      {R"({"bbox":"absent"})", "it has neither bbox, segmentation nor keypoints"},
      {R"({"id":"absent"})", "it has no id"},
      {R"({"id":"x"})", "its id is not an integer of 64 bits"},
      {R"({"id":1.5})", "its id is not an integer of 64 bits"},
      {R"({"id":9223372036854775808})", "its id is not an integer of 64 bits"},
      {R"({"image_id":3})", "its image_id 3 is not one of the 1 images"},
      {R"({"category_id":1})", "its category_id 1 is not one of the categories: 2"},
      {R"({"iscrowd":2})", "its iscrowd is neither 0 nor 1"},
      {R"({"area":-1})", "its area is not a number of 0 or more"},
      {R"({"segmentation":[[1,2,3,4]]})",
       "a polygon of its segmentation has 4 numbers; valid are x, y of three points or more"},
      {R"({"segmentation":[[1,2,3,4,5,6,7]]})",
       "a polygon of its segmentation has 7 numbers; valid are x, y of three points or more"},
      {R"({"segmentation":[1,2,3,4,5,6]})", "its segmentation is not a list of polygons, each a list x, y, x, y, ..."},
      {R"({"segmentation":"x"})", "its segmentation is neither a list of polygons nor RLE"},
      {R"({"segmentation":[[0,0,1,1,2,1e10]]})",
       "its polygon has the point (2, 1e+10); valid are coordinates from -1e9 to 1e9"},
      {R"({"segmentation":{"counts":[48]}})", "the RLE of its segmentation lacks size or counts"},
      {R"({"segmentation":{"counts":[48],"size":[6]}})",
       "the size of its segmentation has 1 numbers; valid are 2: height and width"},
      {R"({"segmentation":{"counts":[48],"size":[0,8]}})", "the size of its segmentation is 0 x 8"},
      {R"({"segmentation":{"counts":[48],"size":[8,6]}})", "its mask has 6 x 8 pixels, but its image 8 x 6"},
      {R"({"segmentation":{"counts":[47],"size":[6,8]}})",
       "the counts of its mask have 47 pixels, but its size is 8 x 6"},
      {R"({"segmentation":{"counts":[50,-2],"size":[6,8]}})",
       "its counts hold -2; a count is from 0 to the number of pixels"},
      {R"({"segmentation":{"counts":[0.5,47.5],"size":[6,8]}})",
       "its counts hold 0.5; a count is from 0 to the number of pixels"},
      {R"({"segmentation":{"counts":"`","size":[6,8]}})", "the compressed counts of its mask end within a number"},
      {R"({"segmentation":{"counts":"@","size":[6,8]}})",
       "the compressed counts of its mask hold -16; a count is from 0 to the number of pixels"},
      {R"({"segmentation":{"counts":"0 0","size":[6,8]}})",
       "the compressed counts of its mask have an impossible number that ends at character 1"},
      {R"({"segmentation":{"counts":"oooooooooo","size":[6,8]}})",
       "the compressed counts of its mask have an impossible number that ends at character 8"},
      {R"({"keypoints":[1,2,2]})", "it has 1 keypoints, but its category 'cat' has 2"},
      {R"({"keypoints":[1,2,2,3]})", "its keypoints have 4 numbers; valid are three for each: x, y and v"},
      {R"({"keypoints":[1,2,2,3,4,3]})", "its keypoint 1 has v = 3; valid are 0, absent, 1, hidden, and 2, visible"},
      {R"({"keypoints":[1,2,2,3,4e9,1]})",
       "its keypoint 'tail' has the point (3.5, 4e+09); valid are coordinates from -1e9 to 1e9"},
  };
  for (const auto& [fields, message] : table) {
    CAPTURE(fields);
    std::string refused = refusal(folder, coco(fields), read_coco);
    const std::string place = contains(fields, "\"id\":\"") || contains(fields, "\"id\":1.5") ? "annotations[0]: "
                              : contains(fields, "\"id\":922") ? "annotations[0], id 9223372036854775808: "
                                                               : "annotations[0], id 7: ";
    CHECK(refused == place + message);
  }
  write_file(folder / "file", coco());
  CHECK(read_coco(folder / "file").files[0].objects.size() == 1);
}

TEST_CASE("annotation files: JSON that is no COCO file is refused") {
  const TemporaryFolder folder;
  const std::string good = coco();
  const std::string bad_json = "not valid JSON: ", no_coco = "not a COCO file of detections: ";
  const Table table = {
      {good + std::string(1, '\0'), bad_json + "a byte is 0, which no text has"},
      {"[]", no_coco + "valid is an object with images, annotations and categories"},
      {"3", no_coco + "valid is an object with images, annotations and categories"},
      {"{}", no_coco + "it has no list \"annotations\"; valid is an object with images, annotations and categories"},
      {R"({"images":[],"annotations":[]})",
       no_coco + "it has no list \"categories\"; valid is an object with images, annotations and categories"},
      {R"({"images":{}})", "its \"images\" is not a list"},
      {R"({"images":3})", "its \"images\" is not a list"},
      {R"({"images":[3]})", "images[0] is not an object"},
      {R"({"images":[[]]})", "images[0] is not an object"},
      {R"({"images":[],"images":[]})", "it has \"images\" twice"},
      {R"({"images":[{"id":1,"id":2}]})", "images[0] has \"id\" twice"},
      {repeated("{\"a\":", 50), "nested too deeply: a COCO file has fewer than 8 levels"},
      {R"({"info":)" + repeated("[", 100000), "nested too deeply: a COCO file has fewer than 8 levels"},
      {R"({"annotations":[{"segmentation":[)" + repeated("[],", 1 << 22),
       "annotations[0] is too large: valid are at most 4194304 values"},
      {replaced(good, R"("images":[)", R"("images":[{"id":1,"file_name":"b.jpg","height":6,"width":8},)"),
       "images[1], id 1: another image has the same id"},
      {replaced(good, R"("annotations":[)",
                R"("annotations":[{"id":7,"image_id":1,"category_id":2,"bbox":[0,0,1,1]},)"),
       "annotations[1], id 7: another annotation has the same id"},
      {replaced(good, R"("categories":[)", R"("categories":[{"id":2,"name":"dog"},)"),
       "categories[1], id 2: another category has the same id"},
      {replaced(good, R"("nose")", R"("tail")"), "categories[0], id 2: two of its keypoints have the same name"},
      {replaced(good, R"(["nose","tail"])", "3"), "categories[0], id 2: its keypoints are not a list of names"},
      {replaced(good, R"("name":"cat")", R"("name":"cat","skeleton":[[1,3]])"),
       "categories[0], id 2: its skeleton is not a list of pairs of its keypoints, which are counted from 1"},
      {replaced(good, R"("name":"cat")", R"("name":"")"),
       "categories[0], id 2: its name is not a string of one character or more"},
      {replaced(good, R"("file_name":"a.jpg",)", ""), "images[0], id 1: it has no file_name"},
      {replaced(good, R"("height":6)", R"("height":"6")"), "images[0], id 1: its height is not an integer of 64 bits"},
      {replaced(good, R"("height":6)", R"("height":0)"),
       "images[0], id 1: an image of 8 x 0 pixels; valid are 1 to 16384 a side and at most 100 million in all"},
      {replaced(good, R"("height":6,"width":8)", R"("height":16384,"width":16384)"),
       "images[0], id 1: an image of 16384 x 16384 pixels; valid are 1 to 16384 a side and at most 100 million in all"},
  };
  for (const auto& [content, message] : table) {
    CAPTURE(content.substr(0, 200));
    CHECK(refusal(folder, content, read_coco) == message);
  }
  // (The reason is the parser's.)
  const Table broken = {{"", "unexpected end of input"},
                        {good.substr(0, 100), "column 101"},
                        {replaced(good, "\"width\":8", "\"width\":NaN"), "invalid literal; last read: '\"width\":N'"},
                        {replaced(good, "\"width\":8", "\"width\":1e400"), "number overflow parsing '1e400'"},
                        {replaced(good, "a.jpg", "\xff.jpg"), "ill-formed UTF-8 byte; last read: '\"?'"},
                        {replaced(good, "a.jpg", "\nb.jpg"), "control character U+000A"},
                        {"\"" + std::string(100000, 'x'), "missing closing quote"}};
  for (const auto& [content, message] : broken) {
    CAPTURE(content.substr(0, 200));
    const std::string refused = refusal(folder, content, read_coco);
    CHECK(refused.rfind(bad_json, 0) == 0);
    CHECK(contains(refused, message));
  }
  // What nobody reads may be of any size.
  write_file(folder / "file",
             replaced(good, "{\"images\"", R"({"info":[)" + repeated("[],", 1 << 22) + R"(0],"images")"));
  CHECK(read_coco(folder / "file").files.size() == 1);
  CHECK(contains(error_of([&] { read_coco(folder / "none"); }, ErrorKind::bad_data), "cannot open"));
}

TEST_CASE("annotation files: XML that is no file of Pascal VOC is refused") {
  const TemporaryFolder folder;
  const std::string good =
      "<annotation><filename>a.jpg</filename><size><width>8</width><height>6</height></size>"
      "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object>"
      "</annotation>";
  write_file(folder / "file", good);
  CHECK(read_voc(folder / "file").objects.size() == 1);
  const std::string corners = good.substr(good.find("<bndbox>"), good.find("</object>") - good.find("<bndbox>"));
  const Table table = {
      {"", "empty file; valid is Pascal VOC's XML"},
      {"<svg/>", "its root is <svg>; that of Pascal VOC's files is <annotation>"},
      {"<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" + good,
       "it has a document type, which is refused because it can name other files; remove it"},
      {repeated("<a>", 1000) + repeated("</a>", 1000), "nested too deeply: valid are fewer than 16 levels"},
      {"<annotation/>", "it has no <filename>"},
      {replaced(good, "a.jpg", ""),
       "its <filename> is ''; valid is text in UTF-8 of one character or more on one line"},
      {replaced(good, "a.jpg", "a\xff"),
       "its <filename> is 'a\xff'; valid is text in UTF-8 of one character or more on one line"},
      {replaced(good, "<width>8</width>", ""), "its <size>: it has no <width>"},
      {replaced(good, "<width>8", "<width>8.5"), "its <size>: its <width> is 8.5; valid is a number of pixels"},
      {replaced(good, "<width>8", "<width>0"),
       "an image of 0 x 6 pixels; valid are 1 to 16384 a side and at most 100 million in all"},
      {replaced(good, "<width>8", "<width>1e8"),
       "an image of 100000000 x 6 pixels; valid are 1 to 16384 a side and at most 100 million in all"},
      {replaced(good, "</size>", "</size><size/>"), "it has more than one <size>"},
      {replaced(good, corners, ""), "object 0: it has no <bndbox>"},
      {replaced(good, corners, corners + corners), "object 0: it has more than one <bndbox>"},
      {replaced(good, "<name>cat</name>", ""), "object 0: it has no <name>"},
      {replaced(good, "<xmin>1", "<xmin>one"), "object 0: its <bndbox>: its <xmin> is 'one'; valid is a number"},
      {replaced(good, "<xmin>1", "<xmin>nan"), "object 0: its <bndbox>: its <xmin> is 'nan'; valid is a number"},
      {replaced(good, "<xmin>1", "<xmin>1e400"), "object 0: its <bndbox>: its <xmin> is '1e400'; valid is a number"},
      {replaced(good, "<xmin>1", "<xmin>9"), "object 0: its box has the size -5 x 3; valid are 0 and more"},
      {replaced(good, "<xmax>3", "<xmax>1e99"),
       "object 0: its box has the point (1e+99, 1); valid are coordinates from -1e9 to 1e9"},
      {replaced(good, "<bndbox>", "<difficult>yes</difficult><bndbox>"),
       "object 0: its <difficult> is 'yes'; valid is a number"},
      {replaced(good, "<bndbox>", "<truncated>2</truncated><bndbox>"),
       "object 0: its <truncated> is 2; valid are 0 and 1"},
  };
  for (const auto& [content, message] : table) {
    CAPTURE(content.substr(0, 200));
    const std::string refused = refusal(folder, content, read_voc);
    CHECK(refused == message);
  }
}

TEST_CASE("annotation files: broken XML is refused with the place and the parser's reason") {
  const TemporaryFolder folder;
  for (const char* content :
       {"{}", "<annotation><filename>a", "<annotation><", "<a></b>", "<a b=c/>", "\xff\xfe\xff"}) {
    CAPTURE(content);
    CHECK(refusal(folder, content, read_voc).rfind("not valid XML at byte ", 0) == 0);
  }
}

TEST_CASE("annotation files: PNGs that are no label maps are refused") {
  const TemporaryFolder folder;
  const Json& golden = read_golden("data/golden/annotation_files.json");
  const auto bytes = from_hex<std::string>;
  const std::string good = bytes(golden["pngs"]["voc"]["bytes"]);
  const auto refused = [&](const std::string& content) { return refusal(folder, content, read_label_map); };
  CHECK(refused("") == "not a PNG file; label maps are PNGs");
  CHECK(refused("BM") == "not a PNG file; label maps are PNGs");
  CHECK(refused(bytes(golden["refused"]["rgb"])) ==
        "a PNG in color, whose pixels are no labels; valid are those in gray or with a palette");
  CHECK(refused(bytes(golden["refused"]["gray and alpha"])) ==
        "a PNG with transparency, whose pixels are no labels; valid are those in gray or with a palette");
  CHECK(refused(good.substr(0, good.size() - 20)) == "truncated PNG: it stops before its IEND chunk");
  std::string damaged = good;
  damaged[damaged.size() - 20] ^= 1;
  CHECK(contains(refused(damaged), "damaged PNG: wrong checksum"));
  // A palette of 4 colors whose pixels have the indices of one with 256: the chunk is shortened, with its checksum.
  const std::string small = bytes(golden["pngs"]["4 bits"]["bytes"]), other = bytes(golden["pngs"]["2 bits"]["bytes"]);
  const auto palette = [](const std::string& png) {
    const size_t at = png.find("PLTE") - 4;
    return png.substr(at, 12 + size_t(uint8_t(png[at + 3])));
  };
  CHECK(contains(refused(replaced(small, palette(small), palette(other))), "but the palette has 4 colors"));
  CHECK(refused(replaced(small, palette(small), "")) == "bad PNG: it has no palette, although its header says so");
}

TEST_CASE("annotation files: what could not be read again is not written") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  write_file(path, coco());
  const AnnotatedDataset good = read_coco(path);
  using Change = std::function<void(AnnotatedDataset&, AnnotatedObject&)>;
  const std::vector<std::pair<Change, std::string>> changes = {
      {[](auto&, auto& object) { object.category_id = 9; },
       "annotation 7 of image 1: its category_id 9 is not one of the categories'"},
      {[](auto&, auto& object) { object.category = "dog"; },
       "annotation 7 of image 1: it is a 'dog', but category 2 is 'cat'"},
      {[](auto&, auto& object) { object.box->left = 9; },
       "annotation 7 of image 1: its box has the size -5 x 4; valid are 0 and more"},
      {[](auto&, auto& object) { object.box->top = std::numeric_limits<double>::quiet_NaN(); },
       "annotation 7 of image 1: its box has the point (1, nan); valid are coordinates from -1e9 to 1e9"},
      {[](auto&, auto& object) {
         object.polygons = {{{{1, 1}, {2, 2}}}};
       },
       "annotation 7 of image 1: a polygon of it has 2 points; valid are 3 and more"},
      {[](auto&, auto& object) {
         object.polygons = {{{{1, 1}, {2, 2}, {1, 2}}}};
         object.mask = RunLengths{6, 8, {48}};
       },
       "annotation 7 of image 1: it has polygons and a mask; a COCO file holds one of them"},
      {[](auto&, auto& object) {
         object.mask = RunLengths{6, 8, {47}};
       },
       "annotation 7 of image 1: the counts of its mask have 47 pixels, but its size is 8 x 6"},
      {[](auto&, auto& object) {
         object.keypoints = {{"ear", {1, 1}}};
       },
       "annotation 7 of image 1: its keypoint 'ear' is not one of its category 'cat'"},
      {[](auto&, auto& object) {
         object.keypoints = {{"nose", {1, 1}}, {"nose", {1, 1}}};
       },
       "annotation 7 of image 1: its keypoint 'nose' is there twice"},
      {[](auto&, auto& object) {
         object.keypoints = {{"nose", {1, 1}, 0}};
       },
       "annotation 7 of image 1: its keypoint 'nose' has the visibility 0; valid are 1, hidden, and 2, visible"},
      {[](auto&, auto& object) { object.area = -1; }, "annotation 7 of image 1: its area is not a number of 0 or more"},
      {[](auto& set, auto& object) { object.box.reset(), set.categories[0].keypoints.clear(); },
       "annotation 7 of image 1: it has neither a box, polygons, a mask nor keypoints"},
      {[](auto& set, auto&) { set.files.push_back(set.files[0]); }, "image 1 ('a.jpg'): another image has the same id"},
      {[](auto& set, auto& object) { set.files[0].objects.push_back(AnnotatedObject(object)); },
       "annotation 7 of image 1: another annotation has the same id"},
      {[](auto& set, auto&) { set.files[0].height = 0; },
       "image 1 ('a.jpg'): an image of 8 x 0 pixels; valid are 1 to 16384 a side and at most 100 million in all"},
      {[](auto& set, auto&) { set.categories[0].name = "\xff"; },
       "category 2: its name is '\xff'; valid is text in UTF-8 of one character or more"},
  };
  write_file(path, "before");
  for (const auto& [change, message] : changes) {
    CAPTURE(message);
    AnnotatedDataset set = good;
    change(set, set.files[0].objects[0]);
    CHECK(error_of([&] { write_coco(set, path); }, ErrorKind::bad_data) == "cannot write " + path + ": " + message);
  }
  AnnotatedFile file = good.files[0];
  const auto voc_error = [&] {
    const std::string error = error_of([&] { write_voc(file, path); }, ErrorKind::bad_data);
    return error.substr(error.find(path) + path.size());
  };
  file.objects[0].crowd = true;
  CHECK(voc_error() ==
        ": object 0: it has polygons, a mask, keypoints or the mark of a crowd, which Pascal VOC's files "
        "cannot hold");
  file.objects[0].crowd = false, file.objects[0].box.reset();
  CHECK(voc_error() == ": object 0: it has no box, which Pascal VOC's files need");
  file.objects[0].category = "a\nb";
  CHECK(voc_error() ==
        ": object 0: its category is 'a?b'; valid is text in UTF-8 of one character or more on one line");
  const auto map_error = [&](const SegmentationMap& map) {
    const std::string error = error_of([&] { write_label_map(map, path); }, ErrorKind::bad_data);
    return error.substr(error.find(path) + path.size());
  };
  CHECK(map_error({1, 2, {3, -1}}) == ": the label in row 0, column 1 is -1; valid are 0 to 65535");
  CHECK(map_error({1, 2, {65536, 1}}) == ": the label in row 0, column 0 is 65536; valid are 0 to 65535");
  CHECK(map_error({1, 2, {1}}) == ": the segmentation map has 1 labels but says 2 x 1");
  CHECK(read_file(path, 100) == "before");
}
