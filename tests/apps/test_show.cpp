// The `show` command: contact sheets as PNG files, and the bars of class counts.
#include <filesystem>
#include <numeric>

#include "apps/show/sheet.h"
#include "apps/trainer/count_bars.h"
#include "apps/trainer/format.h"
#include "core/io/file.h"
#include "data/images/image.h"
#include "data/sampler.h"
#include "tests/apps/small_data.h"

using namespace counterpoise;
using namespace counterpoise::contact_sheet;

namespace {

Image plain(int side, Rgb color) {
  Image image = {side, side, {}};
  for (int i = 0; i < side * side; ++i) image.rgb.insert(image.rgb.end(), {color.red, color.green, color.blue});
  return image;
}

// The number of pixels of a color.
size_t count(const Image& image, Rgb color) {
  size_t n = 0;
  for (size_t i = 0; i < image.rgb.size(); i += 3) {
    n += image.rgb[i] == color.red && image.rgb[i + 1] == color.green && image.rgb[i + 2] == color.blue;
  }
  return n;
}

bool exists(const std::string& path) { return std::filesystem::exists(path); }

}  // namespace

TEST_CASE("show: letters are drawn within the image, and texts are cut between letters") {
  constexpr Rgb black = {0, 0, 0}, white = {255, 255, 255};
  Image image = plain(20, white);
  write_text(image, 2, 2, "I", black);
  CHECK(count(image, black) == 11);  // seven of the stem, and two beside each of its ends
  const Image small = image;
  write_text(image, 2, 2, "I", black, 2);
  CHECK(count(image, black) > 40);
  image = plain(20, white);
  write_text(image, -3, -2, "WWWWWWWW", black, 3);  // clipped on all sides
  write_text(image, 18, 18, "W", black, 3);
  image = plain(20, white);
  write_text(image, 2, 2, " ", black);
  CHECK(count(image, black) == 0);
  Image unknown = image;
  write_text(image, 2, 2, "?", black), write_text(unknown, 2, 2, "\u00e9", black);
  CHECK(image.rgb == unknown.rgb);

  CHECK(letters("\u00e9t\u00e9") == 3);
  CHECK(fitted("\u00e9t\u00e9", 3) == "\u00e9t\u00e9");
  CHECK(fitted("\u00e9t\u00e9s longs", 5) == "\u00e9t\u00e9..");
  CHECK(fitted("abc", 1) == ".");
}

TEST_CASE("show: a sheet holds its images whole, frames and the shares of labels in the classes' colors") {
  constexpr Rgb red = {250, 10, 10}, green = {10, 250, 10};
  Sheet sheet;
  sheet.title = "A title that is so long that it does not fit into one line of a sheet with two small images";
  sheet.tile_size = 96;
  Tile first = {plain(48, red), "cat"}, second = {plain(32, green), "a caption that is longer than the image is wide"};
  first.frame = 0, second.sign = "+";
  second.shares = {{0, 0.25}, {1, 0.75}};
  sheet.rows.push_back({"heading", {first, second}});
  const Image image = draw(sheet);
  CHECK(image.rgb.size() == size_t(image.width) * image.height * 3);
  CHECK(count(image, red) == 96 * 96);
  CHECK(count(image, green) == 96 * 96);
  const size_t frame = 104 * 104 - 96 * 96, bar = 96 * 8;
  CHECK(count(image, class_color(0)) == frame + bar / 4);
  CHECK(count(image, class_color(1)) == bar * 3 / 4);
  sheet.legend = {{1, "dog"}};
  CHECK(count(draw(sheet), class_color(1)) == bar * 3 / 4 + 14 * 14);
  CHECK(contains(error_of([] { draw(Sheet()); }), "no images"));

  // Each pixel becomes a square where that is possible.
  Image two = {2, 2, {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4}};
  const Image four = enlarged(two, 4);
  CHECK(four.rgb[0] == 1);
  CHECK(four.rgb[3] == 1);
  CHECK(four.rgb[6] == 2);
  CHECK(four.rgb[3 * 15] == 4);
  CHECK(enlarged(two, 5).rgb == resize_bilinear(two, 5, 5).rgb);
  CHECK(tile_size_for(48) == 96);
  CHECK(tile_size_for(64) == 128);
  CHECK(tile_size_for(160) == 160);
  CHECK(tile_size_for(224) == 192);

  const std::string file = png(image);
  const Image read = decode_image(reinterpret_cast<const uint8_t*>(file.data()), file.size(), "sheet.png");
  CHECK(read.rgb == image.rgb);
  const std::string small = jpeg(image);
  CHECK(decode_image(reinterpret_cast<const uint8_t*>(small.data()), small.size(), "sheet.jpg").width == image.width);
}

TEST_CASE("show: bars of class counts, in a terminal and as SVG") {
  const std::vector<std::string> classes = {"cat", "dog"};
  CHECK(count_bars(classes, {400, 4400}, {"shuffle", {400, 4400}}) ==
        "  cat   400 ##\n"
        "  dog  4400 ########################\n");
  CHECK(count_bars(classes, {400, 4400}, {"oversample", {4400, 4400}}) ==
        "  cat   400 ##                       -> oversample  4400 ########################\n"
        "  dog  4400 ######################## ->             4400 ########################\n");
  CHECK(count_bars(classes, {1, 4400}, {"shuffle", {1, 4400}}).substr(0, 15) == "  cat     1 #\n ");
  CHECK(count_bars(classes, {0, 5}, {"shuffle", {0, 5}}).substr(0, 12) == "  cat  0\n  d");
  CHECK(count_bars(classes, {7, 7}, {"shuffle", {7, 7}}) == "");
  CHECK(contains(error_of([&] { count_bars(classes, {7}, {"shuffle", {7, 7}}); }), "2 classes, but 1 and 2 counts"));

  std::vector<std::string> many;
  std::vector<int64_t> counts;
  for (int c = 0; c < 30; ++c) many.push_back("class" + std::to_string(c)), counts.push_back(1000 - 30 * c);
  const std::string bars = count_bars(many, counts, {"shuffle", counts});
  CHECK(contains(bars, "class4 "));
  CHECK(contains(bars, "... 20 more classes"));
  CHECK(!contains(bars, "class5 "));
  CHECK(contains(bars, "class29"));
  CHECK(contains(count_bars_svg(many, counts, {{"shuffle", counts}}), "16,950 images in an epoch"));
}

TEST_CASE("show: the sheets of synthetic images, and of a run" * slow()) {
  const TemporaryFolder folder;
  const std::string run = folder / "run", sheets = folder / "new/sheets";
  const Result trained = must_succeed(
      catdog("--count cat=6,dog=20 --epochs 1 --image-size 32 --width 0.03125 --sampler oversample --output " + run));
  CHECK(contains(trained.err, "  cat   6 #######                  -> oversample  20 ########################\n"));
  const Result r = must_succeed(catdog("show --run " + run +
                                       " --augment flip,rotate=0.1 --mix remix=1 --batch-size 8 --columns 4 "
                                       "--output " +
                                       sheets));
  CHECK(contains(r.out, "-> oversample  20 ####"));  // the run's sampler and images
  for (const char* name : {"images", "epoch", "augmented", "mixed", "most-wrong"}) {
    const std::string path = sheets + "/" + name + ".png";
    CAPTURE(path);
    CHECK(contains(r.out, path));
    REQUIRE(exists(path));
    const Image image = decode_image(path);
    CHECK(image.width > 300);
    CHECK(image.height > 150);
  }
  const std::string counts = slurp(sheets + "/counts.svg");
  for (const std::string& sampler : sampler_names()) CHECK_MESSAGE(contains(counts, ">" + sampler + "<"), sampler);
  CHECK(contains(counts, "40 images in an epoch"));

  // Only what there is to show; the same bytes again.
  must_succeed(catdog("show --count cat=3,dog=5 --image-size 32 --augment none --output " + (folder / "plain")));
  CHECK(exists(folder / "plain/images.png"));
  CHECK(!exists(folder / "plain/augmented.png"));
  CHECK(!exists(folder / "plain/mixed.png"));
  CHECK(!exists(folder / "plain/most-wrong.png"));
  const std::string first = slurp(folder / "plain/images.png");
  must_succeed(catdog("show --count cat=3,dog=5 --image-size 32 --augment none --output " + (folder / "plain")));
  CHECK(slurp(folder / "plain/images.png") == first);
}

TEST_CASE("show: photographs, ten classes, and what cannot be shown" * slow()) {
  const DataSet data;
  write_file(data.folder / "train/cat/broken.png", "no image");
  const TemporaryFolder folder;
  const Result r =
      must_succeed(catdog("show --data " + data.folder.path() + " --image-size 32 --output " + (folder / "a")));
  CHECK(contains(r.out, "1 image could not be read"));
  must_succeed(shell(program("counterpoise") +
                     " show --data synthetic:10 --imbalance exp:100 --image-size 32 --output " + (folder / "b") +
                     " --format jpg"));
  CHECK(exists(folder / "b/epoch.jpg"));

  check_fails("show --columns 1", 2, "--columns 1 is out of range");
  check_fails("show --format gif", 2, "valid are png and jpg");
  check_fails("show --colums 4", 2, "unknown option --colums");
  check_fails("show --output ''", 2, "--output: nothing was given");
  check_fails("show --run " + (folder / "nowhere"), 3, "holds neither config.json nor result.json");
  check_fails("show --data " + (folder / "nowhere"), 3, "nowhere");
  check_fails("show --mix mixup=1 --batch-size 1 --output " + (folder / "c"), 2,
              "no batch holds images of two classes");
  const Result help = must_succeed(catdog("show --help"));
  for (const char* part : {"most-wrong.png", "--columns", "--augment", "show --mix"}) CHECK(contains(help.out, part));
}
