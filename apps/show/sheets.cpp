#include "apps/show/sheets.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "apps/report/sections.h"
#include "apps/report/wrong_images.h"
#include "apps/trainer/count_bars.h"
#include "apps/trainer/format.h"
#include "layers/summary.h"

namespace counterpoise::contact_sheet {

namespace {

constexpr size_t most_classes = 20, augmented_per_class = 2, mixture_rows = 4, most_batches = 200;

// The images of a batch x [N, S, S, 3], from [-1, 1] to bytes.
std::vector<Image> images_in(const Tensor& x) {
  const int size = static_cast<int>(x.shape()[1]);
  const std::vector<float> all = x.to_vector<float>();
  const size_t bytes = static_cast<size_t>(size) * size * 3;
  std::vector<Image> images;
  for (size_t k = 0; k < all.size(); ++k) {
    if (k % bytes == 0) images.push_back({size, size, {}});
    images.back().rgb.push_back(static_cast<uint8_t>(std::clamp(std::lround((all[k] + 1) * 127.5f), 0L, 255L)));
  }
  return images;
}

// Image n of a batch as a batch of one.
Tensor one_of(const Tensor& x, size_t n) {
  const Shape one = {1, x.shape()[1], x.shape()[2], x.shape()[3]};
  const std::vector<float> all = x.to_vector<float>();
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(n) * one.size();
  return Tensor::from(cpu_backend(), one, std::vector<float>(first, first + one.size()));
}

Image original(const ImageDataset& set, const ImageDataset::Bytes& bytes) {
  return {set.image_size(), set.image_size(), *bytes};
}

// The loader of a training, without the mixing, and in f32 whatever the precision.
DataLoaderOptions training_options(const Look& look) {
  DataLoaderOptions options = look.data.training_loader(look.options, cpu_backend());
  options.mix = {};
  options.dtype = DType::f32;
  return options;
}

std::string share_text(int64_t part, int64_t all) {
  return formatted("%.1f%%", all ? 100. * static_cast<double>(part) / static_cast<double>(all) : 0.);
}

// The first training images of a class that can be read, at most `most`.
std::vector<std::pair<size_t, ImageDataset::Bytes>> images_of(const Look& look, size_t label, size_t most) {
  std::vector<std::pair<size_t, ImageDataset::Bytes>> images;
  for (const size_t i : look.data.chosen) {
    if (images.size() == most) break;
    if (static_cast<size_t>(look.data.training->label(i)) != label) continue;
    if (auto bytes = look.data.training->load(i)) images.emplace_back(i, std::move(bytes));
  }
  return images;
}

std::string source_of(const Look& look) {
  const std::string& data = look.options.data;
  return data.empty() ? "synthetic cats and dogs" : printable(shortened(data));
}

// The weights of a mixture's label.
std::string label_text(const std::string& own, const std::string& other, double weight) {
  if (weight == 0 || weight == 1) return (weight == 1 ? own : other) + " 100%";
  return formatted("%.0f : %.0f", 100 * weight, 100 * (1 - weight));
}

std::string size_text(const Look& look) {
  return text(look.options.image_size, " x ", look.options.image_size, " pixels");
}

std::vector<std::pair<int, std::string>> class_legend(const Look& look, const std::vector<int64_t>& counts) {
  std::vector<std::pair<int, std::string>> legend;
  const int64_t all = std::accumulate(counts.begin(), counts.end(), int64_t(0));
  for (const size_t c : shown_classes(counts, most_classes)) {
    legend.emplace_back(static_cast<int>(c),
                        text(look.data.classes()[c], " ", counts[c], " (", share_text(counts[c], all), ")"));
  }
  return legend;
}

}  // namespace

Sheet images_sheet(const Look& look) {
  Sheet sheet;
  const std::vector<int64_t>& counts = look.data.counts;
  const int64_t all = std::accumulate(counts.begin(), counts.end(), int64_t(0));
  sheet.title = "Training images as they are";
  sheet.notes = {text(source_of(look), ", ", size_text(look))};
  const std::vector<size_t> shown = shown_classes(counts, most_classes);
  if (shown.size() < counts.size()) {
    sheet.notes.push_back(text("The ", shown.size() / 2, " most frequent of ", counts.size(), " classes and the ",
                               shown.size() / 2, " rarest"));
  }
  sheet.tile_size = tile_size_for(look.options.image_size);
  for (const size_t c : shown) {
    Row row = {text(look.data.classes()[c], ": ", with_commas(counts[c]), " images (", share_text(counts[c], all), ")"),
               {}};
    for (const auto& [sample, bytes] : images_of(look, c, look.columns)) {
      row.tiles.push_back({original(*look.data.training, bytes)});
    }
    sheet.rows.push_back(std::move(row));
  }
  return sheet;
}

Sheet epoch_sheet(const Look& look) {
  Sheet sheet;
  DataLoader loader(*look.data.training, training_options(look));
  const size_t wanted = 12 * look.columns;
  std::vector<int64_t> counts(look.data.classes().size());
  sheet.tile_size = std::min(tile_size_for(look.options.image_size) / 2, 96);
  std::vector<Tile> tiles;
  for (Batch batch; tiles.size() < wanted && loader.next(batch);) {
    std::vector<Image> images = images_in(batch.x);
    for (size_t i = 0; i < batch.size() && tiles.size() < wanted; ++i) {
      Tile tile = {std::move(images[i])};
      tile.frame = batch.labels[i];
      ++counts[static_cast<size_t>(batch.labels[i])];
      tiles.push_back(std::move(tile));
    }
  }
  const size_t columns = look.columns * 3 / 2, shown = tiles.size();
  for (size_t i = 0; i < tiles.size(); ++i) {
    if (i % columns == 0) sheet.rows.emplace_back();
    sheet.rows.back().tiles.push_back(std::move(tiles[i]));
  }
  sheet.title = "An epoch as the network sees it";
  sheet.notes = {text("The first ", shown, " images of the first epoch, in the order of ",
                      look.options.shuffle ? "--sampler " + look.options.sampler : "--no-shuffle",
                      ", augmented by --augment ", to_string(look.options.augment))};
  sheet.legend = class_legend(look, counts);
  return sheet;
}

std::optional<Sheet> augmented_sheet(const Look& look) {
  if (to_string(look.options.augment) == "none") return {};
  Sheet sheet;
  sheet.title = "The same images, augmented";
  sheet.notes = {text("--augment ", to_string(look.options.augment),
                      ": on the left each image as it is, then as it is seen in one epoch after another")};
  sheet.tile_size = tile_size_for(look.options.image_size);
  for (const size_t c : shown_classes(look.data.counts, most_classes)) {
    const auto images = images_of(look, c, look.data.classes().size() <= 4 ? augmented_per_class : 1);
    for (const auto& [sample, bytes] : images) {
      Row row;
      row.tiles.push_back({original(*look.data.training, bytes), look.data.classes()[c]});
      // Several times in one epoch, since each repetition of an image is augmented differently.
      DataLoaderOptions options = training_options(look);
      options.samples = std::vector<size_t>(look.columns - 1, sample);
      options.sampler = "";
      DataLoader loader(*look.data.training, options);
      for (Batch batch; loader.next(batch);) {
        for (Image& image : images_in(batch.x)) row.tiles.push_back({std::move(image)});
      }
      sheet.rows.push_back(std::move(row));
    }
  }
  return sheet;
}

std::optional<Sheet> mixed_sheet(const Look& look) {
  const Mix& mix = look.options.mix;
  if (mix.kind == Mix::none) return {};
  Sheet sheet;
  sheet.title = "Mixed images and their labels";
  std::string kind =
      mix.kind == Mix::cutmix ? "a box of the second image is pasted into the first" : "both images are blended";
  kind += mix.kind == Mix::remix ? "; where one class is much rarer, the label may be the rarer class's alone"
                                 : "; the bar is the label";
  sheet.notes = {text("--mix ", to_string(mix), ": ", kind)};
  sheet.tile_size = tile_size_for(look.options.image_size);
  const auto& classes = look.data.classes();
  for (size_t c = 0; c < std::min(classes.size(), most_classes); ++c)
    sheet.legend.emplace_back(static_cast<int>(c), classes[c]);
  DataLoader loader(*look.data.training, training_options(look));
  size_t mixtures = 0, batches = 0;
  const size_t per_row = std::max<size_t>(1, look.columns / 4);
  for (Batch batch; mixtures < mixture_rows * per_row && batches < most_batches && loader.next(batch); ++batches) {
    // The plan of a training's batch.
    Random rng(static_cast<uint64_t>(look.options.seed), Stream::mix, batches);
    const MixPlan plan = plan_mix(mix, rng, batch.size(), look.options.image_size);
    const MixedLabels mixed = mix_labels(mix, plan, batch.labels, look.data.counts);
    size_t i = 0;
    while (i < batch.size() && batch.labels[i] == mixed.other[i]) ++i;
    if (i == batch.size()) continue;
    const Tensor own = one_of(batch.x, i), partner = one_of(batch.x, plan.partner[i]);
    const double weight = mixed.own_weight[i];
    const int32_t label = batch.labels[i], other = mixed.other[i];
    if (mixtures++ % per_row == 0) sheet.rows.emplace_back();
    std::vector<Tile>& tiles = sheet.rows.back().tiles;
    Tile first = {images_in(own)[0], text(classes[label], formatted(" %.0f%%", 100 * plan.own))};
    first.frame = label;
    if (!tiles.empty()) first.sign = " ";
    Tile second = {images_in(partner)[0], text(classes[other], formatted(" %.0f%%", 100 * (1 - plan.own)))};
    second.frame = other, second.sign = "+";
    Tile third = {images_in(mix_tensors(plan, own, partner))[0], label_text(classes[label], classes[other], weight)};
    third.sign = "=", third.shares = {{label, weight}, {other, 1 - weight}};
    for (Tile* tile : {&first, &second, &third}) tiles.push_back(std::move(*tile));
  }
  CP_ENSURE_AS(invalid_argument, mixtures > 0,
               "--mix: no batch holds images of two classes to mix; try a larger --batch-size");
  return sheet;
}

std::optional<Sheet> wrong_sheet(const html_report::Run& run, size_t columns) {
  using html_report::WrongImage;
  constexpr int size = 96;
  Sheet sheet;
  sheet.title = "Most wrong images";
  sheet.notes = {text("The ", run.split(), " images with the most confident wrong predictions of ",
                      printable(shortened(run.folder)))};
  sheet.tile_size = size;
  const auto add = [&](const std::string& heading, const std::vector<WrongImage>& wrong, size_t most) {
    Row row = {heading, {}};
    size_t shown = 0;
    for (const WrongImage& w : wrong) {
      if (shown == most) break;
      const std::string& path = run.reported.paths[w.sample];
      Tile tile;
      try {
        tile.image = html_report::image_of(path, run.split(), size);
      } catch (const Error&) {
        continue;  // it may have been moved since
      }
      tile.caption = text(run.classes[w.predicted], formatted(" %.0f%%", 100 * w.probability));
      tile.frame = run.reported.labels[w.sample];
      if (shown++ % columns == 0 && shown > 1) sheet.rows.push_back(std::move(row)), row = {};
      row.tiles.push_back(std::move(tile));
    }
    if (!row.tiles.empty()) sheet.rows.push_back(std::move(row));
  };
  if (run.two_classes()) {
    const html_report::TwoClasses two(run);
    for (const int32_t actual : {run.positive, 1 - run.positive}) {
      const std::vector<WrongImage> wrong = html_report::wrong_images(run, two.kept, actual);
      add(text(run.classes[actual], " predicted as ", run.classes[1 - actual], ": ", wrong.size(),
               actual == run.positive ? " missed" : " false alarms"),
          wrong, 2 * columns);
    }
  } else {
    const std::vector<WrongImage> wrong = html_report::wrong_images(run);
    add(text(wrong.size(), " wrong; below each the predicted class"), wrong, 4 * columns);
  }
  if (sheet.rows.empty()) return {};
  for (size_t c = 0; c < std::min(run.count(), most_classes); ++c)
    sheet.legend.emplace_back(static_cast<int>(c), run.classes[c]);
  return sheet;
}

}  // namespace counterpoise::contact_sheet
