#include "data/images/image_listing.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <unordered_map>

#include "core/text.h"
#include "data/images/image_folder.h"
#include "data/tables/csv.h"
#include "kernels/error.h"

namespace counterpoise {

namespace fs = std::filesystem;

namespace {

using detail::trimmed;
using Names = std::vector<std::string>;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

constexpr const char* split_words = "train or training; validation, valid or val; test or testing";

DataSplit split_of(const std::string& word) {
  static const std::map<std::string, DataSplit> words = {
      {"train", DataSplit::training}, {"training", DataSplit::training}, {"validation", DataSplit::validation},
      {"val", DataSplit::validation}, {"valid", DataSplit::validation},  {"test", DataSplit::test},
      {"testing", DataSplit::test}};
  const auto it = words.find(lower(word));
  return it == words.end() ? DataSplit::none : it->second;
}

// Whether the name is that of a split, or one with a number, such as Kaggle's "test1".
bool resembles_split(std::string name) {
  while (!name.empty() && std::isdigit(static_cast<unsigned char>(name.back()))) name.pop_back();
  return split_of(name) != DataSplit::none;
}

// {"train", "val"} as "train/, val/".
std::string folders_text(const Names& names) {
  std::string y;
  for (const std::string& name : names) y += (y.empty() ? "" : ", ") + name + "/";
  return y;
}

// An absolute path without "." and "..", so that two spellings of a path can be compared. Links are not resolved.
std::string absolute_path(const fs::path& path) {
  std::string y = (path.empty() ? fs::current_path() : fs::absolute(path)).lexically_normal().string();
  if (y.size() > 1 && y.back() == '/') y.pop_back();
  return y;
}

std::string folder_of(const std::string& file) { return fs::path(file).parent_path().string(); }

// The path relative to the listing's root; an absolute path where it lies elsewhere.
std::string name_of(const ImageListing& listing, const std::string& file) {
  const std::string path = absolute_path(file), start = listing.root == "/" ? "/" : listing.root + "/";
  return path.rfind(start, 0) == 0 ? path.substr(start.size()) : path;
}

// -- folders --

void append(ImageListing& listing, const std::string& directory, DataSplit split) {
  detail::ClassFolders found =
      detail::list_classes(directory, split == DataSplit::validation || split == DataSplit::test);
  for (ImageDataset::Sample& sample : found.samples) {
    const std::string name = name_of(listing, sample.path);
    listing.images.push_back({std::move(sample.path), name, found.classes[sample.label], "", split});
  }
  for (size_t c = 0; c < found.classes.size(); ++c) {
    for (const auto& [extension, count] : found.others[c]) listing.others[found.classes[c]][extension] += count;
  }
}

void list_folder(ImageListing& listing) {
  const std::string& dir = listing.source;
  const auto in = [&](const std::string& name) { return (fs::path(dir) / name).string(); };
  std::map<DataSplit, Names> splits;  // folders of splits that hold folders
  Names others, flat;                 // the other folders; those of them that have a split's name
  for (const std::string& name : detail::folders_in(dir)) {
    const DataSplit split = split_of(name);
    if (split != DataSplit::none && !detail::folders_in(in(name)).empty()) {
      splits[split].push_back(name);
      continue;
    }
    others.push_back(name);
    if (split != DataSplit::none) flat.push_back(name);
  }
  for (const auto& [split, names] : splits) {
    CP_ENSURE_AS(bad_data, names.size() == 1, dir, ": ", folders_text(names), " are two folders of the same split (",
                 split_name(split), "); rename or merge them");
  }
  if (splits.empty()) {
    const bool only_splits = !others.empty() && std::all_of(others.begin(), others.end(), resembles_split);
    CP_ENSURE_AS(bad_data, !only_splits, dir, ": ", folders_text(others),
                 " in it hold no folders of classes; put the images of each class into a folder of its own, as in ",
                 in(others[0]), "/cat/1.jpg, or list images and labels in a CSV file");
    append(listing, dir, DataSplit::none);
    return;
  }
  if (!splits.count(DataSplit::training)) {
    const std::string& first = splits.begin()->second[0];
    CP_ENSURE_AS(bad_data, others.empty(), dir, ": ", first,
                 "/ holds folders, as a split does, but there is no train/; ", "put ", folders_text(others),
                 " into train/, or rename ", first, "/ if it is a class");
  }
  const std::string sorted = in(splits.begin()->second[0]);  // a folder of classes
  for (const std::string& name : flat) {
    CP_ENSURE_AS(bad_data, !detail::holds_images(in(name)), in(name), ": holds images but no folders of classes, as ",
                 sorted, " does; sort them by class, or move the folder out of ", dir, " if they have no labels");
  }
  if (splits.size() == 1 && splits.count(DataSplit::training)) {
    for (const std::string& name : others) {
      CP_ENSURE_AS(bad_data, !detail::holds_images(in(name)), dir, ": ", splits[DataSplit::training][0],
                   "/ holds folders of classes, but ", name,
                   "/ beside it holds images, too. Put all classes into train/, or move ", name,
                   "/ elsewhere; a validation split is named validation, valid or val, a test split test");
    }
  }
  for (const auto& [split, names] : splits) append(listing, in(names[0]), split);
}

// -- tables --

// The rows of a CSV file, of which some columns are read by name.
class Rows {
 public:
  Rows(const std::string& path, const Names& required, const Names& optional) : reader_(path) {
    const Names& header = reader_.header();
    Names all = required;
    all.insert(all.end(), optional.begin(), optional.end());
    for (const std::string& column : all) {
      const auto times = std::count(header.begin(), header.end(), column);
      const bool must = std::find(required.begin(), required.end(), column) != required.end();
      CP_ENSURE_AS(bad_data, times > 0 || !must, path, ": its first line must name the columns ",
                   detail::join(required), ", but is: ", detail::join(header));
      CP_ENSURE_AS(bad_data, times < 2, path, ": two columns are named \"", column, "\"; rename one");
      if (times == 1) columns_[column] = reader_.find(column);
    }
  }

  bool next() { return reader_.next(row_); }
  bool has(const std::string& column) const { return columns_.count(column) > 0; }
  // The field without spaces around it, except for a path; "" if there is no such column.
  std::string at(const std::string& column) const {
    const auto it = columns_.find(column);
    if (it == columns_.end()) return "";
    return column == "path" ? row_[it->second] : std::string(trimmed(row_[it->second]));
  }
  // The same for a field that must not be empty.
  std::string filled(const std::string& column) const {
    std::string field = at(column);
    CP_ENSURE_AS(bad_data, !field.empty(), place(), ": the ", column, " is empty; fill it in, or remove the row");
    CP_ENSURE_AS(bad_data, column == "path" || detail::is_utf8(field), place(), ": the ", column,
                 " is not UTF-8; save the file in UTF-8");
    return field;
  }
  DataSplit split() const {
    const std::string word = filled("split");
    const DataSplit split = split_of(word);
    CP_ENSURE_AS(bad_data, split != DataSplit::none, place(), ": the split \"", word, "\" is none of ", split_words);
    return split;
  }
  std::string place() const { return reader_.place(); }

 private:
  CsvReader reader_;
  std::map<std::string, size_t> columns_;
  Names row_;
};

// Finds the images that a CSV file names.
class Finder {
 public:
  Finder(const ImageListing& listing, const std::string& csv)
      : listing_(listing), folder_(absolute_path(folder_of(csv))) {
    for (size_t i = 0; i < listing.images.size(); ++i) places_.emplace(absolute_path(path_of(i)), i);
  }
  // The index of the image; `none` if the listing does not have it.
  size_t find(const std::string& path) {
    for (const std::string& folder : {listing_.root, folder_}) {
      const auto it = places_.find(absolute_path(fs::path(folder) / path));  // an absolute path stays as it is
      if (it != places_.end()) return it->second;
    }
    // The same file by way of a link: this reads the file system, so it comes last.
    if (real_places_.empty()) {
      for (size_t i = 0; i < listing_.images.size(); ++i) real_places_.emplace(real_path(path_of(i)), i);
    }
    for (const std::string& folder : {listing_.root, folder_}) {
      const auto it = real_places_.find(real_path(fs::path(folder) / path));
      if (it != real_places_.end()) return it->second;
    }
    return none;
  }
  static constexpr size_t none = ~size_t(0);

 private:
  fs::path path_of(size_t i) const { return fs::path(listing_.root) / listing_.images[i].name; }
  // Without links; the path itself where nothing is.
  static std::string real_path(const fs::path& path) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    return error ? path.string() : real.string();
  }

  const ImageListing& listing_;
  const std::string folder_;
  std::unordered_map<std::string, size_t> places_, real_places_;
};

// Groups of a table's rows: all have one, or none has.
class Groups {
 public:
  void add(ListedImage& image, const Rows& rows) {
    image.group = rows.at("group");
    if (image.group.empty() && first_without_.empty()) first_without_ = rows.place();
    if (!image.group.empty()) rows.filled("group"), any_ = true;
  }
  bool complete() const {
    CP_ENSURE_AS(bad_data, !any_ || first_without_.empty(), first_without_,
                 ": the group is empty, but other images have one; give each image a group");
    return any_;
  }

 private:
  bool any_ = false;
  std::string first_without_;
};

void list_csv(ImageListing& listing) {
  Rows rows(listing.source, {"path", "label"}, {"group", "split"});
  Groups groups;
  while (rows.next()) {
    ListedImage image;
    image.path = (fs::path(folder_of(listing.source)) / rows.filled("path")).string();
    image.name = name_of(listing, image.path);
    image.label = rows.filled("label");
    std::error_code unused;
    CP_ENSURE_AS(bad_data, fs::is_regular_file(image.path, unused), rows.place(), ": ", image.path,
                 ": no such file; paths are relative to the folder of ", listing.source);
    groups.add(image, rows);
    if (rows.has("split")) image.split = rows.split();
    listing.images.push_back(std::move(image));
  }
  CP_ENSURE_AS(bad_data, !listing.images.empty(), listing.source, ": holds no rows below the names of its columns");
  listing.has_groups = groups.complete();
}

}  // namespace

const char* split_name(DataSplit split) {
  constexpr const char* names[] = {"", "training", "validation", "test"};
  return names[static_cast<int>(split) + 1];
}

size_t ImageListing::count(DataSplit split) const {
  return static_cast<size_t>(
      std::count_if(images.begin(), images.end(), [&](const ListedImage& image) { return image.split == split; }));
}

std::vector<std::string> unread_files(const ImageListing& listing, bool images) {
  std::vector<std::string> lines;
  for (const auto& [label, counts] : listing.others) {
    std::string line;
    for (const auto& [extension, count] : counts) {
      if (images && !detail::is_unread_format(extension)) continue;
      line += detail::text(line.empty() ? label + ": " : ", ", count, " ", extension);
    }
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

ImageListing list_images(const std::string& data) {
  ImageListing listing;
  listing.source = data;
  if (detail::ends_with(lower(data), ".csv") && !detail::is_folder(data)) {
    listing.root = absolute_path(folder_of(data));
    list_csv(listing);
  } else {
    CP_ENSURE_AS(bad_data, detail::is_folder(data), data, ": no such folder; a data set is a folder DIR/CLASS/*.jpg, ",
                 "or DIR/train/CLASS/*.jpg with DIR/validation/CLASS/*.jpg, or a file NAME.csv");
    listing.root = absolute_path(data);
    list_folder(listing);
  }
  return listing;
}

void add_groups(ImageListing& listing, const std::string& csv) {
  CP_ENSURE_AS(invalid_argument, !listing.has_groups, csv, ": ", listing.source, " has groups already");
  Finder finder(listing, csv);
  Rows rows(csv, {"path", "group"}, {});
  while (rows.next()) {
    const size_t i = finder.find(rows.filled("path"));
    const std::string group = rows.filled("group");
    if (i == Finder::none) continue;
    std::string& known = listing.images[i].group;
    CP_ENSURE_AS(bad_data, known.empty() || known == group, rows.place(), ": ", rows.at("path"), " is in group ", group,
                 ", but in group ", known, " above");
    known = group;
  }
  size_t missing = 0;
  const ListedImage* first = nullptr;
  for (const ListedImage& image : listing.images) {
    if (image.group.empty() && missing++ == 0) first = &image;
  }
  CP_ENSURE_AS(bad_data, missing == 0, csv, ": has no group for ", missing, " of the ", listing.images.size(),
               " images of ", listing.source, "; the first is ", first->name);
  listing.has_groups = true;
}

void add_split(ImageListing& listing, const std::string& csv) {
  Finder finder(listing, csv);
  Rows rows(csv, {"path", "split"}, {"label", "group"});
  std::vector<bool> named(listing.images.size());
  size_t unknown = 0;
  std::string first;
  Groups groups;
  while (rows.next()) {
    const std::string path = rows.filled("path");
    const DataSplit split = rows.split();
    const size_t i = finder.find(path);
    if (i == Finder::none) {
      if (unknown++ == 0) first = path;
      continue;
    }
    ListedImage& image = listing.images[i];
    CP_ENSURE_AS(bad_data, !named[i], rows.place(), ": ", path, " is named for the second time");
    CP_ENSURE_AS(bad_data, !rows.has("label") || rows.at("label") == trimmed(image.label), rows.place(), ": ", path,
                 " has the label \"", rows.at("label"), "\", but \"", image.label, "\" in ", listing.source);
    named[i] = true;
    image.split = split;
    if (!listing.has_groups) groups.add(image, rows);
  }
  CP_ENSURE_AS(bad_data, unknown == 0, csv, ": names ", unknown, " images that ", listing.source,
               " does not have; the first is ", first);
  const auto missing = std::count(named.begin(), named.end(), false);
  if (missing > 0) {
    const auto at = std::find(named.begin(), named.end(), false) - named.begin();
    throw Error(ErrorKind::bad_data, csv, ": does not name ", missing, " of the ", named.size(), " images of ",
                listing.source, "; the first is ", listing.images[static_cast<size_t>(at)].name);
  }
  if (!listing.has_groups) listing.has_groups = groups.complete();
}

void check_listing(const ImageListing& listing) {
  std::map<std::string, const ListedImage*> paths, groups;
  for (const ListedImage& image : listing.images) {
    CP_ENSURE_AS(bad_data, paths.emplace(image.name, &image).second, listing.source, ": ", image.name,
                 " is listed twice");
    if (!listing.has_groups) continue;
    const ListedImage& other = *groups.emplace(image.group, &image).first->second;
    CP_ENSURE_AS(bad_data, other.split == image.split, listing.source, ": group ", image.group,
                 " is in two splits: ", other.name, " in ", split_name(other.split), ", ", image.name, " in ",
                 split_name(image.split));
  }
}

}  // namespace counterpoise
