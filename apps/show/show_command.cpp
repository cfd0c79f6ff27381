#include "apps/show/show_command.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "apps/show/sheets.h"
#include "apps/trainer/count_bars.h"
#include "apps/trainer/flags.h"
#include "core/io/file.h"
#include "kernels/cpu/parallel.h"

namespace counterpoise {

namespace {

std::string help_text(const ProgramDefaults& defaults) {
  const std::string show = usage("show"), data = defaults.lectures ? "" : " --data DIR";
  return text(
      "Show what a network would be trained on, as images: the command line of a training, with `show` in front of its "
      "options. It writes\n\n"
      "  images.png      training images of each class, as they are\n"
      "  epoch.png       the first images of an epoch, in the order of the sampler\n"
      "  augmented.png   single images, augmented again and again\n"
      "  mixed.png       pairs of images with their mixture and its label, with --mix\n"
      "  most-wrong.png  the most confident wrong predictions, with --run\n"
      "  counts.svg      the number of images of each class, before and after every sampler\n\n"
      "For example\n\n  ",
      show, data, " --count cat=100,dog=1000 --augment flip,rotate=0.2\n  ", show, data,
      " --mix cutmix=1 --sampler oversample\n  ", show, " --run runs/2026-05-04-093000-focal\n");
}

// The epoch of every sampler.
std::vector<SampledCounts> all_samplers(const Options& o, const TrainingData& data) {
  std::vector<SampledCounts> all;
  DataLoaderOptions options = data.training_loader(o, cpu_backend());
  for (const Sampler& sampler : samplers()) {
    options.sampler = sampler.name;
    all.push_back(sampled_counts(DataLoader(*data.training, options)));
  }
  return all;
}

struct File {
  std::string name, content, title;
};

// The options of a run in a folder.
std::string config_in(const std::string& run) {
  std::error_code ignored;
  for (const char* name : {"/config.json", "/result.json"}) {
    if (std::filesystem::exists(run + name, ignored)) return run + name;
  }
  throw Error(ErrorKind::bad_data, "--run ", run, ": holds neither config.json nor result.json, so it is not a run");
}

std::vector<std::string> paths_of(const TrainingData& data) {
  std::vector<std::string> paths;
  for (const ImageDataset* set : {data.training.get(), data.validation.get(), data.test.get()}) {
    for (size_t i = 0; set && i < set->size(); ++i) paths.push_back(set->samples()[i].path);
  }
  return paths;
}

}  // namespace

Exit show_command(const ProgramDefaults& defaults, int argc, char** argv) {
  CLI::App app(help_text(defaults), usage(argv[0]));
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.allow_extras();
  std::string output = "show", run_folder, format = "png";
  size_t columns = 8;
  app.add_option("--output", output, "Folder for the files; existing files of the same names are replaced")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--run", run_folder,
                 "The folder of a run: its images with its options, and those that it got wrong with the most "
                 "confidence")
      ->type_name("DIR");
  app.add_option("--columns", columns, "Images in a row")->type_name("N")->capture_default_str();
  app.add_option("--format", format, "Of the images: png, or jpg, which is smaller")
      ->type_name("NAME")
      ->capture_default_str();
  app.footer(
      "All options of `train` may follow. These make a difference: --data, --split, --groups, --folds, --count, "
      "--imbalance, --subset, --image-size, --resize, --augment, --mix, --sampler, --no-shuffle, --batch-size and "
      "--seed; `" +
      usage("train --help-all") + "` explains them.");
  const std::set<std::string> given = parse_command_line(app, argc, argv);
  CP_ENSURE_AS(invalid_argument, !output.empty(), "--output: nothing was given; an unset variable?");
  CP_ENSURE_AS(invalid_argument, output != "none", "--output none: `show` does nothing but write files");
  CP_ENSURE_AS(invalid_argument, columns >= 2 && columns <= 32, "--columns ", columns, " is out of range: 2 to 32");
  CP_ENSURE_AS(invalid_argument, format == "png" || format == "jpg", "--format: \"", format,
               "\" is unknown; valid are png and jpg");
  CP_ENSURE_AS(invalid_argument, !given.count("--run") || !run_folder.empty(),
               "--run: nothing was given; an unset variable?");

  const std::vector<std::string> rest = app.remaining();
  CP_ENSURE_AS(invalid_argument, rest.empty() || rest[0].rfind('-', 0) == 0, "unexpected argument \"", rest[0],
               "\"; see ", usage("show --help"));
  for (const std::string& word : rest) {
    const std::string flag = word.substr(0, word.find('='));
    CP_ENSURE_AS(invalid_argument, flag != "--summary" && flag != "--check" && flag != "--resume", flag,
                 " is an option of `train`; `show` only writes images");
  }
  std::vector<std::string> words = {"train"};
  if (!run_folder.empty()) words.insert(words.end(), {"--config", config_in(run_folder)});
  words.insert(words.end(), rest.begin(), rest.end());
  Options o = parse_options(defaults, words);
  set_cpu_threads(o.threads);
  const TrainingData data(o);
  const contact_sheet::Look look = {o, data, columns};

  const std::vector<SampledCounts> counts = all_samplers(o, data);
  std::vector<File> files = {{"counts.svg", count_bars_svg(data.classes(), data.counts, counts),
                              "Images of each class in an epoch of every sampler"}};
  const auto add = [&](const std::string& name, const std::optional<contact_sheet::Sheet>& sheet) {
    if (!sheet) return;
    const Image image = draw(*sheet);
    files.push_back(
        {name + "." + format, format == "png" ? contact_sheet::png(image) : contact_sheet::jpeg(image), sheet->title});
  };
  add("images", images_sheet(look));
  add("epoch", epoch_sheet(look));
  add("augmented", augmented_sheet(look));
  add("mixed", mixed_sheet(look));
  if (!run_folder.empty()) add("most-wrong", contact_sheet::wrong_sheet(html_report::read_run(run_folder), columns));
  const std::vector<std::string> inputs = paths_of(data);
  for (const File& file : files) check_output("--output", output + "/" + file.name, inputs);

  std::cout << printable(data.description()) << "\n";
  for (const SampledCounts& sampled : counts) {
    if (sampled.sampler == o.sampler) std::cout << count_bars(data.classes(), data.counts, sampled);
  }
  make_directories(output);
  for (const File& file : files) {
    const std::string path = output + "/" + file.name;
    write_file(path, file.content);
    std::cout << printable(path) << ": " << file.title << "\n";
  }
  if (!run_folder.empty() && files.back().name.rfind("most-wrong", 0) != 0) {
    std::cout << "There are no wrong predictions to show, or their images cannot be read.\n";
  }
  const size_t unreadable = data.training->unreadable().size();
  if (unreadable) std::cout << plural(unreadable, "image") << " could not be read\n";
  return Exit::ok;
}

}  // namespace counterpoise
