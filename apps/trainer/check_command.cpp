#include "apps/trainer/check_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/trainer/flags.h"
#include "apps/trainer/metrics_json.h"
#include "apps/trainer/progress.h"
#include "core/io/file.h"
#include "data/tables/csv.h"
#include "kernels/cpu/parallel.h"

namespace counterpoise {

namespace {

using Json = nlohmann::ordered_json;
using Images = ImageCheck::Images;

// The number of images of each class in each split.
using ClassCounts = std::map<std::string, std::map<DataSplit, int64_t>>;

ClassCounts count_classes(const ImageListing& listing) {
  ClassCounts counts;
  for (const ListedImage& image : listing.images) ++counts[image.label][image.split];
  return counts;
}

std::set<DataSplit> splits_of(const ImageListing& listing) {
  std::set<DataSplit> splits;
  for (const ListedImage& image : listing.images) splits.insert(image.split);
  return splits;
}

std::string heading(DataSplit split) { return split == DataSplit::none ? "images" : split_name(split); }

int64_t count_of(const std::map<DataSplit, int64_t>& counts, DataSplit split) {
  const auto it = counts.find(split);
  return it == counts.end() ? 0 : it->second;
}

// The largest class of a split by the smallest one that has an image there.
double ratio(const ClassCounts& counts, DataSplit split) {
  int64_t most = 0, least = 0;
  for (const auto& [label, of_class] : counts) {
    const int64_t n = count_of(of_class, split);
    most = std::max(most, n);
    if (n > 0 && (least == 0 || n < least)) least = n;
  }
  return least ? static_cast<double>(most) / static_cast<double>(least) : 0;
}

// "…: reason" without the path, which stands beside it.
std::string reason_of(const ListedImage& image, const ImageFacts& facts) {
  const std::string start = image.path + ": ";
  return facts.error.rfind(start, 0) == 0 ? facts.error.substr(start.size()) : facts.error;
}

// Writes the findings of one kind after another.
class Report {
 public:
  Report(const ImageListing& listing, size_t most) : listing_(listing), most_(most) {}

  // `line` makes the text of each finding.
  template <class Findings, class Line>
  void add(const Findings& findings, const std::string& what, const Line& line) {
    if (findings.empty()) return;
    text_ += text("\n", what, ": ", findings.size(), "\n");
    for (size_t k = 0; k < std::min(most_, findings.size()); ++k) text_ += "  " + printable(line(findings[k])) + "\n";
    if (findings.size() > most_) text_ += text("  ... and ", findings.size() - most_, " more\n");
  }
  // The names of a set of images, with `sign` between them; labels where they differ.
  std::string set_line(const Images& images, const char* sign) const {
    const std::string& label = listing_.images[images[0]].label;
    const bool differ =
        std::any_of(images.begin(), images.end(), [&](size_t i) { return listing_.images[i].label != label; });
    constexpr size_t shown = 4;
    std::string y;
    for (size_t k = 0; k < std::min(shown, images.size()); ++k) {
      const ListedImage& image = listing_.images[images[k]];
      y += (y.empty() ? "" : sign) + image.name + (differ ? " (" + image.label + ")" : "");
    }
    return images.size() > shown ? text(y, sign, images.size() - shown, " more") : y;
  }
  const std::string& all() const { return text_; }

 private:
  const ImageListing& listing_;
  const size_t most_;
  std::string text_;
};

// A table of the classes and splits, of at most `most` classes.
std::string class_table(const ClassCounts& counts, const std::set<DataSplit>& splits, size_t most) {
  const auto shown_name = [](const std::string& label) { return fitted(printable(label), 40); };
  size_t width = std::string("largest / smallest").size();
  for (const auto& entry : counts) width = std::max(width, letters(shown_name(entry.first)));
  const auto row = [&](const std::string& name, const auto& cell) {
    std::string y = name + std::string(width - letters(name), ' ');
    for (const DataSplit split : splits) y += formatted("  %10s", cell(split).c_str());
    return y + "\n";
  };
  std::string y = row("", heading);
  size_t shown = 0;
  for (const auto& [label, of_class] : counts) {
    if (shown++ == most) break;
    y += row(shown_name(label), [&, &n = of_class](DataSplit split) { return text(count_of(n, split)); });
  }
  if (counts.size() > most) y += text("... and ", counts.size() - most, " more classes\n");
  return y + row("largest / smallest", [&](DataSplit split) { return formatted("%.2f", ratio(counts, split)); });
}

Json names_json(const ImageListing& listing, const Images& images) {
  Json y = Json::array();
  for (const size_t i : images) y.push_back(listing.images[i].name);
  return y;
}

Json sets_json(const ImageListing& listing, const std::vector<Images>& sets) {
  Json y = Json::array();
  for (const Images& images : sets) y.push_back(names_json(listing, images));
  return y;
}

// Whether a model would be trained or judged wrongly.
bool has_errors(const ImageListing& listing, const ImageCheck& check) {
  return check.has_errors() || !unread_files(listing, /*images=*/true).empty();
}

// Progress on stderr: on a terminal a line that is rewritten, elsewhere a line every ten seconds. Called by one thread
// at a time.
class ReadingProgress {
 public:
  explicit ReadingProgress(size_t total) : total_(total), terminal_(isatty(STDERR_FILENO)) {}
  void show(size_t done) {
    if (seconds_since(shown_) < (terminal_ ? 0.2 : 10)) return;
    shown_ = Clock::now();
    const double left = seconds_since(start_) / static_cast<double>(done) * static_cast<double>(total_ - done);
    const std::string line = text(done, "/", total_, " images read, ", clock_text(left), " left");
    terminal_ ? line_.show(line) : line_.say(line);
  }

 private:
  using Clock = std::chrono::steady_clock;
  const size_t total_;
  const bool terminal_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = start_;
  StatusLine line_;
};

}  // namespace

std::string check_text(const ImageListing& listing, const std::vector<ImageFacts>& facts, const ImageCheck& check,
                       size_t most) {
  const ClassCounts counts = count_classes(listing);
  const std::set<DataSplit> splits = splits_of(listing);
  std::string all = text(printable(listing.source), ": ", listing.images.size(), " images of ", counts.size(),
                         counts.size() == 1 ? " class" : " classes", ", median size ", check.median_width, " x ",
                         check.median_height, "\n\n", class_table(counts, splits, std::max<size_t>(2 * most, 20)));
  Report report(listing, most);
  const auto exact = [&](const Images& images) { return report.set_line(images, " = "); };
  const auto near = [&](const Images& images) { return report.set_line(images, " ~ "); };
  const auto size = [&](size_t i) {
    return text(listing.images[i].name, ": ", facts[i].width, " x ", facts[i].height);
  };
  const auto name = [&](size_t i) { return listing.images[i].name; };

  const auto others = [](const std::vector<Images>& all, std::vector<std::vector<Images>> shown) {
    std::vector<Images> rest;
    for (const Images& images : all) {
      const bool known = std::any_of(shown.begin(), shown.end(), [&](const std::vector<Images>& sets) {
        return std::find(sets.begin(), sets.end(), images) != sets.end();
      });
      if (!known) rest.push_back(images);
    }
    return rest;
  };

  report.add(check.leaks, "Sets of duplicates in two splits, where a model is judged on images it has seen", exact);
  report.add(check.group_leaks, "Groups in two splits", [&](const Images& firsts) {
    return listing.images[firsts[0]].group + ": " + report.set_line(firsts, ", ");
  });
  report.add(check.conflicts, "Sets of duplicates with two labels", exact);
  report.add(check.unreadable, "Unreadable images, which are left out",
             [&](size_t i) { return listing.images[i].name + ": " + reason_of(listing.images[i], facts[i]); });
  const auto line = [](const std::string& text) { return text; };
  report.add(unread_files(listing),
             "Classes with files that are not read, because they are no .jpg, .jpeg, .png or .bmp", line);
  report.add(check.similar_leaks, "Sets of near-duplicates in two splits", near);
  report.add(check.similar_conflicts, "Sets of near-duplicates with two labels", near);
  std::vector<std::string> missing;
  for (const auto& [label, of_class] : counts) {
    for (const DataSplit split : splits) {
      if (count_of(of_class, split) == 0) missing.push_back(label + ": no " + heading(split) + " images");
    }
  }
  report.add(missing, "Classes that a split lacks", line);
  report.add(check.constant, "Images of one color", name);
  report.add(others(check.identical, {check.leaks, check.conflicts}), "Other sets of duplicates", exact);
  report.add(others(check.similar, {check.similar_leaks, check.similar_conflicts}), "Other sets of near-duplicates",
             near);
  report.add(check.tiny, "Images that are much smaller than the others", size);
  report.add(check.elongated, "Images with one side more than three times the other, which are stretched to a square",
             size);
  return all + (report.all().empty() ? "\nNothing was found.\n" : report.all());
}

Json check_json(const ImageListing& listing, const std::vector<ImageFacts>& facts, const ImageCheck& check) {
  const ClassCounts counts = count_classes(listing);
  Json json = {{"data", listing.source},
               {"images", listing.images.size()},
               {"median_size", {check.median_width, check.median_height}},
               {"errors", has_errors(listing, check)}};
  for (const DataSplit split : splits_of(listing)) {
    Json& classes = json["classes"][heading(split)] = Json::object();
    for (const auto& [label, of_class] : counts) classes[label] = count_of(of_class, split);
    json["ratio"][heading(split)] = ratio(counts, split);
  }
  json["unreadable"] = Json::array();
  for (const size_t i : check.unreadable) {
    json["unreadable"].push_back(
        {{"path", listing.images[i].name}, {"reason", reason_of(listing.images[i], facts[i])}});
  }
  json["not_read"] = listing.others;
  json["leaks"] = sets_json(listing, check.leaks);
  json["near_leaks"] = sets_json(listing, check.similar_leaks);
  json["group_leaks"] = Json::array();
  for (const Images& firsts : check.group_leaks) {
    json["group_leaks"].push_back(
        {{"group", listing.images[firsts[0]].group}, {"images", names_json(listing, firsts)}});
  }
  json["label_conflicts"] = sets_json(listing, check.conflicts);
  json["near_label_conflicts"] = sets_json(listing, check.similar_conflicts);
  json["duplicates"] = sets_json(listing, check.identical);
  json["near_duplicates"] = sets_json(listing, check.similar);
  json["one_color"] = names_json(listing, check.constant);
  json["tiny"] = names_json(listing, check.tiny);
  json["elongated"] = names_json(listing, check.elongated);
  return json;
}

Exit check_command(int argc, char** argv) {
  CLI::App app(
      "Check a data set of images: unreadable files, duplicates and near-duplicates, leaks between splits, "
      "contradicting labels, odd sizes, and the number of images of each class.\n\n"
      "Near-duplicates are the same photograph at another size, compressed again, mirrored, brighter or slightly "
      "cropped.",
      usage(argv[0]));
  std::string data, groups, split_file, write_groups;
  bool as_json = false, strict = false;
  int workers = std::min(cpu_threads(), 256);
  size_t most = 5;
  app.add_option("DATA", data, "A folder, or a CSV file with the columns path, label, and optionally group and split")
      ->required();
  app.add_option("--groups", groups, "A CSV file with the columns path and group; a group in two splits is a leak")
      ->type_name("FILE");
  app.add_option("--split-file", split_file, "A CSV file with the columns path and split, such as a run's split.csv")
      ->type_name("FILE");
  app.add_option("--write-groups", write_groups,
                 "Write path,group such that duplicates, near-duplicates and given groups share a group; training with "
                 "--groups FILE keeps them in one split")
      ->type_name("FILE");
  app.add_option("--most", most, "How many findings of a kind are printed")->type_name("N")->capture_default_str();
  app.add_flag("--json", as_json, "Print all findings as JSON");
  app.add_flag("--strict", strict,
               "Exit with 3 if images are unreadable or in a format that is not read, leak or have two labels, or a "
               "group is in two splits");
  app.add_option("--workers", workers, "Threads that read images")->type_name("N")->default_str("cores");
  app.footer("Exit codes: 0 whatever is found, 2 wrong command line, 3 unusable data set, or findings with --strict.");
  parse_command_line(app, argc, argv);
  CP_ENSURE_AS(invalid_argument, workers >= 1 && workers <= 256, "--workers ", workers, " is out of range: 1 to 256");
  check_output("--write-groups", write_groups, {data, groups, split_file});

  ImageListing listing = list_images(data);
  for (const ListedImage& image : listing.images) check_output("--write-groups", write_groups, {image.path});
  if (!groups.empty()) add_groups(listing, groups);
  if (!split_file.empty()) add_split(listing, split_file);
  std::vector<ImageFacts> facts;
  {
    ReadingProgress progress(listing.images.size());
    facts = read_facts(listing, workers, [&](size_t done) { progress.show(done); });
  }
  const ImageCheck check = compare_images(listing, facts, workers);
  if (!write_groups.empty()) {
    const std::vector<std::string> names = duplicate_groups(listing, check);
    std::string csv = "path,group\n";
    for (size_t i = 0; i < names.size(); ++i) {
      csv += csv_field(listing.images[i].name) + "," + csv_field(names[i]) + "\n";
    }
    write_file(write_groups, csv);
  }
  if (as_json) {
    std::cout << json_text(check_json(listing, facts, check));
  } else {
    const std::string report = check_text(listing, facts, check, most);
    for (size_t begin = 0, end; begin < report.size(); begin = end + 1) {
      end = report.find('\n', begin);
      std::cout << printable(report.substr(begin, end - begin)) << "\n";
    }
  }
  return strict && has_errors(listing, check) ? Exit::bad_data : Exit::ok;
}

}  // namespace counterpoise
