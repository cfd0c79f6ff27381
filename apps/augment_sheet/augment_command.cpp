#include "apps/augment_sheet/augment_command.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "apps/augment_sheet/augment_sheets.h"
#include "apps/augment_sheet/marked_animal.h"
#include "apps/trainer/flags.h"
#include "apps/trainer/version.h"
#include "core/io/file.h"
#include "data/augment/augmenters.h"

namespace counterpoise {

namespace {

struct AugmentOptions {
  std::vector<std::string> files;
  std::string augment, gallery, grid, annotations, write, animal = "cat", output = "augment.png";
  uint64_t seed = 0;
  int image_size = 0, tile = 192;
  bool list = false;
};

void add_options(CLI::App& app, AugmentOptions& o) {
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.set_version_flag("--version", version_text(), "Print what this program was built with and exit");
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("FILE", o.files, "Images, as JPEG, PNG or BMP files; without one a synthetic animal, with targets")
      ->type_name("")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--augment", o.augment,
                 "How the images are augmented: steps with commas in between, as the trainer's --augment; --list "
                 "explains them")
      ->type_name("SPEC");
  app.add_option(
         "--gallery", o.gallery,
         "Another sheet, of the first image: lecture, the lecture's slide, with a row for each augmenter and a "
         "column for each kind of target; all, every augmenter of the table; resize, the wrong and the right way "
         "to resize targets")
      ->type_name("NAME");
  app.add_flag("--list", o.list, "Print all augmenters with their parameters, ranges and defaults, and exit");
  app.add_option("--grid", o.grid, "Rows and columns of each image's sheet [5x5; 1x5 for several images]")
      ->type_name("RxC");
  app.add_option("--annotations", o.annotations,
                 "What is marked on the images: a COCO file (.json), or of one image a Pascal VOC file (.xml) or a "
                 "label map (.png)")
      ->type_name("FILE");
  app.add_option("--write", o.write,
                 "Also write the augmented copies, as DIR/NAME-1.png and so on, and the objects of --annotations, cut "
                 "at the edges of the image, as DIR/annotations.json (COCO)")
      ->type_name("DIR");
  app.add_option("--animal", o.animal, "The synthetic animal: cat or dog")->type_name("NAME")->capture_default_str();
  app.add_option("--image-size", o.image_size,
                 "Resize the images to N x N pixels before, as a training does; 0: as they are, and a synthetic animal "
                 "of 192")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--seed", o.seed, "Of the random numbers; another seed draws other copies")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--tile", o.tile, "The side of an image on the sheet, in pixels")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("-o,--output", o.output, "The file to write, a .png or .jpg; one that exists is replaced")
      ->type_name("FILE")
      ->capture_default_str();
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

SheetLook look_of(const AugmentOptions& o) {
  SheetLook look{o.seed, o.files.size() > 1 ? 1 : 5, 5, o.tile};
  if (!o.grid.empty()) {
    char x = 0, more = 0;
    std::istringstream in(o.grid);
    const bool read = in >> look.rows >> x >> look.columns && x == 'x' && !(in >> more);
    CP_ENSURE_AS(invalid_argument, read && 1 <= look.rows && look.rows <= 32 && 1 <= look.columns && look.columns <= 32,
                 "--grid: \"", o.grid, "\" is not ROWSxCOLUMNS, from 1x1 to 32x32, such as 5x5");
  }
  constexpr size_t widest = 8192, highest = 16384;  // pixels
  const size_t rows = size_t(look.rows) * std::max<size_t>(1, o.files.size()), tile = size_t(o.tile);
  CP_ENSURE_AS(invalid_argument, size_t(look.columns) * tile <= widest && rows * tile <= highest, "a sheet of ", rows,
               " x ", look.columns, " tiles of ", tile, " pixels is too large; ", highest / tile, " x ", widest / tile,
               " are possible");
  return look;
}

void check(const AugmentOptions& o, const std::set<std::string>& given) {
  for (const auto& [flag, value] :
       {std::pair("--augment", o.augment), std::pair("--gallery", o.gallery), std::pair("--output", o.output),
        std::pair("--grid", o.grid), std::pair("--annotations", o.annotations), std::pair("--write", o.write)}) {
    CP_ENSURE_AS(invalid_argument, !given.count(flag) || !value.empty(), flag,
                 ": nothing was given; an unset variable?");
  }
  CP_ENSURE_AS(invalid_argument, !o.augment.empty() || !o.gallery.empty(),
               "what is to be shown? Give --augment SPEC, such as --augment flip,rotate=0.2, or --gallery lecture");
  CP_ENSURE_AS(invalid_argument, o.augment.empty() || o.gallery.empty(),
               "--gallery has augmenters of its own; give it without --augment");
  CP_ENSURE_AS(invalid_argument, o.gallery.empty() || !given.count("--grid") || o.gallery == "all",
               "--grid has no effect with --gallery ", o.gallery);
  CP_ENSURE_AS(invalid_argument, o.animal == "cat" || o.animal == "dog", "--animal: \"", o.animal,
               "\" is unknown; valid are cat and dog");
  CP_ENSURE_AS(invalid_argument, o.files.empty() || !given.count("--animal"),
               "--animal has no effect where image files are given");
  CP_ENSURE_AS(invalid_argument, o.annotations.empty() || !o.files.empty(),
               "--annotations: of which images? Give their files");
  CP_ENSURE_AS(invalid_argument, o.write.empty() || o.gallery.empty(), "--write has no effect with --gallery");
  CP_ENSURE_AS(invalid_argument, o.image_size == 0 || (8 <= o.image_size && o.image_size <= 2048), "--image-size ",
               o.image_size, " is out of range: 8 to 2048, or 0");
  CP_ENSURE_AS(invalid_argument, 32 <= o.tile && o.tile <= 1024, "--tile ", o.tile, " is out of range: 32 to 1024");
  CP_ENSURE_AS(invalid_argument,
               ends_with(o.output, ".png") || ends_with(o.output, ".jpg") || ends_with(o.output, ".jpeg"), "--output ",
               o.output, ": give a name that ends with .png or .jpg");
}

MarkedImages read_images(const AugmentOptions& o) {
  if (o.files.empty()) {
    const Animal animal = o.animal == "cat" ? Animal::cat : Animal::dog;
    return {{{"synthetic " + o.animal, marked_animal(animal, o.image_size ? o.image_size : 192)}}};
  }
  MarkedImages all = read_marked_images(o.files, o.annotations);
  for (MarkedImage& image : all.images) {
    if (image.file && !image.file->note.empty()) std::cerr << image.name << ": " << image.file->note << "\n";
    if (o.image_size == 0) continue;
    image.annotated = augmented_copy(augment::ResizeTo{o.image_size, o.image_size}, image.annotated, o.seed, 0, 0);
  }
  return all;
}

// The copies of a sheet, as files. Returns what was written.
std::string write_copies(const AugmentOptions& o, const MarkedImages& all, const augment::Augmenter& augmenter,
                         const SheetLook& look) {
  CopyWriter writer(o.write, all.categories);
  const auto copies = uint64_t(look.rows) * uint64_t(look.columns) - 1;
  for (size_t i = 0; i < all.images.size(); ++i) {
    for (uint64_t epoch = 0; epoch < copies; ++epoch) {
      const MarkedImage& image = all.images[i];
      writer.add(image, augmented_copy(augmenter, image.annotated, o.seed, epoch, i), epoch + 1);
    }
  }
  const size_t files = writer.finish();
  return text(printable(o.write), ": ", files, files == 1 ? " file\n" : " files\n");
}

using Gallery = contact_sheet::Sheet (*)(const MarkedImage&, const SheetLook&);
const std::vector<std::pair<std::string, Gallery>> galleries = {
    {"lecture", lecture_sheet}, {"all", table_sheet}, {"resize", resize_sheet}};

Gallery gallery_named(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [known, gallery] : galleries) {
    if (known == name) return gallery;
    names.push_back(known);
  }
  throw Error(ErrorKind::invalid_argument, "--gallery: \"", name, "\" is unknown; valid are ", join(names));
}

}  // namespace

Exit augment_command(int argc, char** argv) {
  CLI::App app(
      "Shows what augmentation does to images, and to the keypoints, boxes, polygons, line strings, heat maps and "
      "segmentation maps that are marked on them, as a contact sheet. For example\n\n"
      "  ./apps/augment photo.jpg --augment resized-crop=0.3..1,flip,blur=3@0.5 -o sheet.png\n"
      "  ./apps/augment --augment affine=25/scale:0.8..1.2 --grid 3x6 --animal dog\n"
      "  ./apps/augment --gallery lecture -o gallery.png\n"
      "  ./apps/augment --list\n",
      "./apps/" + program_name());
  AugmentOptions o;
  add_options(app, o);
  const std::set<std::string> given = parse_command_line(app, argc, argv);
  if (o.list) {
    std::cout << augment::augment_table();
    return Exit::ok;
  }
  check(o, given);
  const SheetLook look = look_of(o);
  contact_sheet::Sheet sheet;
  std::string more;
  if (o.gallery.empty()) {
    const augment::Policy policy = with_flag("--augment", [&] { return augment::parse_policy(o.augment); });
    const augment::Augmenter augmenter = with_flag("--augment", [&] { return policy.pipeline(); });
    const MarkedImages all = read_images(o);
    sheet = copies_sheet(all.images, policy, look);
    if (!o.write.empty()) more = write_copies(o, all, augmenter, look);
  } else {
    const Gallery gallery = gallery_named(o.gallery);
    CP_ENSURE_AS(invalid_argument, o.files.size() <= 1, "--gallery shows one image, and ", o.files.size(),
                 " files are given");
    sheet = gallery(read_images(o).images[0], look);
  }
  const Image image = draw(sheet);
  write_file(o.output, ends_with(o.output, ".png") ? contact_sheet::png(image) : contact_sheet::jpeg(image));
  std::cout << printable(o.output) << ": " << sheet.title << "\n" << more;
  return Exit::ok;
}

}  // namespace counterpoise
