#include "apps/augment_sheet/augment_command.h"

#include <CLI/CLI.hpp>
#include <filesystem>
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
  int64_t seed = 0;
  int image_size = 0, tile = 192;
  bool list = false;
};

void add_options(CLI::App& app, AugmentOptions& o) {
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
  app.add_flag("--list", o.list,
               "Print all augmenters with their parameters, ranges and defaults, and exit; to be given alone");
  app.add_option(
         "--grid", o.grid,
         "Rows and columns of each image's sheet [5x5; 1x5 for several images]; --gallery all has as many rows as "
         "it needs")
      ->type_name("RxC");
  app.add_option("--annotations", o.annotations,
                 "What is marked on the images: a COCO file (.json), or of one image a Pascal VOC file (.xml) or a "
                 "label map (.png)")
      ->type_name("FILE");
  app.add_option(
         "--write", o.write,
         "Also write the augmented copies, as DIR/NAME-1.png and so on, and what --annotations says of them, cut "
         "at the edges of the image: objects as DIR/annotations.json (COCO), a label map as "
         "DIR/NAME-1-labels.png. No file is replaced: where one of them exists, nothing is written")
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
  app.add_option("-o,--output", o.output,
                 "The file to write, a .png or .jpg; one that exists is replaced, unless it is one of the inputs")
      ->type_name("FILE")
      ->capture_default_str();
}

SheetLook look_of(const AugmentOptions& o) {
  SheetLook look{uint64_t(o.seed), o.files.size() > 1 ? 1 : 5, 5, o.tile};
  if (!o.grid.empty()) {
    char x = 0, more = 0;
    std::istringstream in(o.grid);
    const bool read = in >> look.rows >> x >> look.columns && x == 'x' && !(in >> more);
    CP_ENSURE_AS(invalid_argument, read && 1 <= look.rows && look.rows <= 32 && 1 <= look.columns && look.columns <= 32,
                 "--grid: \"", o.grid, "\" is not ROWSxCOLUMNS, from 1x1 to 32x32, such as 5x5");
  }
  if (o.gallery == "all") look.rows = int((table_tiles() + size_t(look.columns) - 1) / size_t(look.columns));
  // With gaps, headings and captions, and with room for the title and the legend below the 16384 pixels that can be
  // read.
  constexpr size_t widest = 8192, highest = 16000, gap = 10, texts = 38;
  const size_t rows = size_t(look.rows) * std::max<size_t>(1, o.files.size());
  const size_t height = size_t(o.tile) + gap + texts, width = size_t(o.tile) + gap;
  CP_ENSURE_AS(invalid_argument, size_t(look.columns) * width <= widest && rows * height <= highest, "a sheet of ",
               rows, " x ", look.columns, " tiles of ", o.tile, " pixels is too large; ", highest / height, " x ",
               widest / width, " are possible");
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
  constexpr int64_t largest_seed = int64_t{1} << 62;  // as the trainer's
  CP_ENSURE_AS(invalid_argument, 0 <= o.seed && o.seed <= largest_seed, "--seed ", o.seed, " is out of range: 0 to ",
               largest_seed);
  CP_ENSURE_AS(invalid_argument, o.image_size == 0 || (8 <= o.image_size && o.image_size <= 2048), "--image-size ",
               o.image_size, " is out of range: 8 to 2048, or 0");
  CP_ENSURE_AS(invalid_argument, 32 <= o.tile && o.tile <= 1024, "--tile ", o.tile, " is out of range: 32 to 1024");
  const std::string type = std::filesystem::path(o.output).extension();
  CP_ENSURE_AS(invalid_argument, type == ".png" || type == ".jpg" || type == ".jpeg", "--output ", o.output,
               ": give a name that ends with .png or .jpg");
  std::vector<std::string> inputs = o.files;
  inputs.push_back(o.annotations);
  check_output("--output", o.output, inputs);
}

std::string synthetic_name(const AugmentOptions& o) { return "synthetic " + o.animal; }

MarkedImages read_images(const AugmentOptions& o) {
  if (o.files.empty()) {
    const Animal animal = o.animal == "cat" ? Animal::cat : Animal::dog;
    return {{{synthetic_name(o), marked_animal(animal, o.image_size ? o.image_size : 192)}}};
  }
  MarkedImages all = read_marked_images(o.files, o.annotations);
  for (MarkedImage& image : all.images) {
    for (const std::string& note : image.notes) std::cerr << note << "\n";
    if (o.image_size == 0) continue;
    image.annotated =
        augmented_copy(augment::ResizeTo{o.image_size, o.image_size}, image.annotated, uint64_t(o.seed), 0, 0);
  }
  return all;
}

uint64_t copies_of_each(const SheetLook& look) { return uint64_t(look.rows) * uint64_t(look.columns) - 1; }

// Before any work.
void check_write(const AugmentOptions& o, const SheetLook& look) {
  CP_ENSURE_AS(invalid_argument, copies_of_each(look) > 0,
               "--write: a grid of 1x1 has only the original and no copies; give --grid 1x2 or more");
  const std::vector<std::string> files = o.files.empty() ? std::vector<std::string>{synthetic_name(o)} : o.files;
  with_flag("--write", [&] { check_new_copies(o.write, files, copies_of_each(look), o.annotations, o.output); });
}

// The sheet of copies, which --write writes, too: then with what was written.
contact_sheet::Sheet copies(const AugmentOptions& o, const augment::Policy& policy, const SheetLook& look,
                            std::string& written) {
  if (!o.write.empty()) check_write(o, look);
  const MarkedImages all = read_images(o);
  if (o.write.empty()) return copies_sheet(all.images, policy, look);
  CopyWriter writer(o.write, all.categories);
  AtomicFile(o.output);  // throws where the sheet could not be written after the copies, which a second try finds there
  const contact_sheet::Sheet sheet = copies_sheet(
      all.images, policy, look, [&](const MarkedImage& original, Copy copy) { writer.add(original, std::move(copy)); });
  const size_t files = writer.finish();
  written = text(printable(o.write), ": ", plural(files, "file"), "\n");
  return sheet;
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
  const std::string augment = program_command();
  CLI::App app(
      text("Shows what augmentation does to images, and to the keypoints, boxes, polygons, line strings, heat maps and "
           "segmentation maps that are marked on them, as a contact sheet. For example\n\n  ",
           augment, " photo.jpg --augment resized-crop=0.3..1,flip,blur=3@0.5 -o sheet.png\n  ", augment,
           " --augment affine=25/scale:0.8..1.2 --grid 3x6 --animal dog\n  ", augment,
           " --gallery lecture -o gallery.png\n  ", augment, " --list\n"),
      augment);
  AugmentOptions o;
  add_options(app, o);
  const std::set<std::string> given = parse_command_line(app, argc, argv);
  if (o.list) {
    CP_ENSURE_AS(invalid_argument, given.size() == 1 && o.files.empty(),
                 "--list prints the augmenters and nothing else; give it alone");
    std::cout << augment::augment_table();
    return Exit::ok;
  }
  check(o, given);
  const SheetLook look = look_of(o);
  contact_sheet::Sheet sheet;
  std::string more;
  if (o.gallery.empty()) {
    const augment::Policy policy = with_flag("--augment", [&] { return augment::parse_policy(o.augment); });
    with_flag("--augment", [&] { return policy.pipeline(); });  // refuses what cannot be shown
    sheet = copies(o, policy, look, more);
  } else {
    const Gallery gallery = gallery_named(o.gallery);
    if (o.gallery == "all" && given.count("--grid")) {
      std::cerr << "--grid: of --gallery all it sets the columns, " << look.columns
                << "; the rows are as many as needed\n";
    }
    CP_ENSURE_AS(invalid_argument, o.files.size() <= 1, "--gallery shows one image, and ", o.files.size(),
                 " files are given");
    sheet = gallery(read_images(o).images[0], look);
  }
  const Image image = draw(sheet);
  write_file(o.output, std::filesystem::path(o.output).extension() == ".png" ? contact_sheet::png(image)
                                                                             : contact_sheet::jpeg(image));
  std::cout << printable(o.output) << ": " << sheet.title << "\n" << more;
  return Exit::ok;
}

}  // namespace counterpoise
