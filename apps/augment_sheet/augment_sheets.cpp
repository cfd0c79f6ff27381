#include "apps/augment_sheet/augment_sheets.h"

#include "apps/trainer/format.h"
#include "data/augment/augmenters.h"
#include "data/augment/spec_table.h"

namespace counterpoise {

using namespace augment;
using contact_sheet::Sheet;

namespace {

Sheet titled(const std::string& title, const LabelColors& colors, const SheetLook& look) {
  Sheet sheet;
  sheet.title = title;
  sheet.legend = colors.legend();
  const size_t more = colors.beyond_legend();
  if (more > 0)
    sheet.notes.push_back(text("The colors are those of ", sheet.legend.size(), " labels and ", more, " more."));
  sheet.tile_size = look.tile_size;
  return sheet;
}

LabelColors colors_of(const std::vector<MarkedImage>& images) {
  LabelColors colors;
  for (const MarkedImage& image : images) colors.add(image.annotated, image.segment_names());
  return colors;
}

// Kinds of targets, and what is drawn of each.
struct Kind {
  const char* name;
  Shown shown;
  bool (*has)(const Annotated&);
};
const Kind kinds[] = {
    {"heat maps", {false, false, false, false, true, false}, [](const Annotated& a) { return !a.heat_maps.empty(); }},
    {"segments",
     {false, false, false, false, false, true},
     [](const Annotated& a) { return !a.segmentation_maps.empty(); }},
    {"keypoints", {true, false, false, false, false, false}, [](const Annotated& a) { return !a.keypoints.empty(); }},
    {"outlines",
     {false, true, true, true, false, false},
     [](const Annotated& a) { return !a.boxes.empty() || !a.polygons.empty() || !a.lines.empty(); }},
};
// Maps would cover most of an image.
MarkedImage without_maps(MarkedImage image) {
  image.annotated.heat_maps.clear();
  image.annotated.segmentation_maps.clear();
  return image;
}

constexpr Shown nothing = {false, false, false, false, false, false};

}  // namespace

Annotated augmented_copy(const Augmenter& augmenter, const Annotated& a, uint64_t seed, uint64_t epoch,
                         uint64_t sample) {
  Random rng(seed, Stream::augment, epoch, sample);
  return augmenter(a, rng);
}

Sheet copies_sheet(const std::vector<MarkedImage>& images, const Policy& policy, const SheetLook& look,
                   const UseCopy& use) {
  const LabelColors colors = colors_of(images);
  Sheet sheet = titled("Augmentation: " + to_string(policy), colors, look);
  sheet.notes.insert(sheet.notes.begin(), text("The first image of each is as it was. Seed ", look.seed, "."));
  const Augmenter augmenter = policy.pipeline();
  for (size_t i = 0; i < images.size(); ++i) {
    const Annotated& original = images[i].annotated;
    const SegmentNames segments = images[i].segment_names();
    const auto tile = [&](const Annotated& shown) {
      return contact_sheet::Tile{drawn(shown, colors, look.tile_size, {}, segments)};
    };
    uint64_t epoch = 0;
    for (int r = 0; r < look.rows; ++r) {
      contact_sheet::Row row;
      if (r == 0 && images.size() > 1) row.heading = images[i].name();
      for (int c = 0; c < look.columns; ++c) {
        if (r + c == 0) {
          row.tiles.push_back(tile(original));
          continue;
        }
        Random rng(look.seed, Stream::augment, ++epoch, i);
        const Plan plan = augmenter.plan(original.size(), rng);
        Copy copy{plan(original), epoch, plan.mirrors()};
        row.tiles.push_back(tile(copy.annotated));
        if (use) use(images[i], std::move(copy));
      }
      sheet.rows.push_back(row);
    }
  }
  return sheet;
}

Sheet lecture_sheet(const MarkedImage& image, const SheetLook& look) {
  const char* const all[] = {"none", "noise=5..10,linear-contrast=1.2..1.5,sharpen=0.1..0.2",
                             "affine=-25..-15/scale:0.8..0.9/shear:-15..-10", "crop-pad=0.2",
                             "flip=1,perspective=0.15..0.2"};
  const LabelColors colors = colors_of({image});
  const SegmentNames segments = image.segment_names();
  Sheet sheet = titled("One draw moves the image and everything that is marked on it", colors, look);
  for (const char* spec : all) {
    const Annotated y = augmented_copy(parse_policy(spec).pipeline(), image.annotated, look.seed, sheet.rows.size(), 0);
    contact_sheet::Row row = {sheet.rows.empty() ? "original" : spec, {}};
    row.tiles.push_back({drawn(y, colors, look.tile_size, nothing), "image"});
    for (const Kind& kind : kinds) {
      if (kind.has(image.annotated))
        row.tiles.push_back({drawn(y, colors, look.tile_size, kind.shown, segments), kind.name});
    }
    sheet.rows.push_back(row);
  }
  return sheet;
}

Sheet table_sheet(const MarkedImage& image, const SheetLook& look) {
  const MarkedImage plain = without_maps(image);
  const LabelColors colors = colors_of({plain});
  Sheet sheet = titled("Every augmenter of --augment", colors, look);
  const auto add = [&](const std::string& spec, uint64_t sample) {
    if (sheet.rows.empty() || int(sheet.rows.back().tiles.size()) >= look.columns) sheet.rows.emplace_back();
    const Annotated y = augmented_copy(parse_policy(spec).pipeline(), plain.annotated, look.seed, 0, sample);
    std::string caption = spec;
    if (int(spec.size()) * 2 * contact_sheet::letter_width > look.tile_size && spec.find('=') != std::string::npos) {
      caption.insert(spec.find('='), " ");  // where a second line begins
    }
    sheet.rows.back().tiles.push_back({drawn(y, colors, look.tile_size), caption});
  };
  add("none", 0);
  uint64_t sample = 0;
  for (const Row& row : rows()) add(row.example, sample++);
  for (const Preset& preset : presets()) add(preset.name, sample++);
  return sheet;
}

size_t table_tiles() { return 1 + rows().size() + presets().size(); }

Sheet resize_sheet(const MarkedImage& image, const SheetLook& look) {
  const MarkedImage plain = without_maps(image);
  const LabelColors colors = colors_of({plain});
  Sheet sheet = titled("When an image is resized, its targets are resized, too", colors, look);
  // A portrait, which becomes a small square.
  const Size size = plain.annotated.size();
  const int side = std::min(size.height, size.width), width = std::max(1, side * 2 / 3), small = std::max(1, side / 2);
  Plan cut(size);
  cut.move(translation((width - size.width) / 2, (side - size.height) / 2), {side, width});
  Annotated portrait = cut(plain.annotated);
  clip_to_image(portrait);
  const Annotated stretched = augmented_copy(ResizeTo{small, small}, portrait, look.seed, 0, 0);
  const Annotated boxed = augmented_copy(ResizeTo{small, small, ResizeTo::Fit::letterbox}, portrait, look.seed, 0, 0);
  // The small image in a frame of the portrait's size, in which every target can be seen where it was left.
  Annotated left = portrait;
  Plan frame(stretched.size());
  frame.move(Transform{}, portrait.size(), Border::constant, {235, 235, 235});
  left.image = frame({stretched.image}).image;
  const auto tile = [&](const Annotated& a, const char* caption) {
    return contact_sheet::Tile{drawn(a, colors, look.tile_size), caption};
  };
  sheet.rows = {{"",
                 {tile(portrait, "center crop"), tile(left, "wrong: targets left"), tile(stretched, "right: stretched"),
                  tile(boxed, "right: letterbox")}}};
  sheet.notes.push_back(text("From ", width, " x ", side, " to ", small, " x ", small,
                             " pixels: a target at x belongs at x times the new width over the old one, and with bars "
                             "beside the image at that and the width of a bar."));
  if (portrait.keypoints.empty() && portrait.boxes.empty() && portrait.polygons.empty() && portrait.lines.empty()) {
    sheet.notes.push_back(
        "No keypoint, box, polygon or line is marked on this part of the image, so that wrong and "
        "right show no difference; --annotations says what is marked.");
  }
  return sheet;
}

}  // namespace counterpoise
