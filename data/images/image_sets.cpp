#include "data/images/image_sets.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "data/images/image_list.h"
#include "data/split.h"
#include "data/tables/csv.h"
#include "kernels/error.h"

namespace counterpoise {

namespace {

// Images that were there when they were listed. Where even the folder of one is gone, a disk was unmounted or moved
// away, and what it holds must not be left out of a training as if it could not be read.
class ListedImages : public ImageList {
 public:
  using ImageList::ImageList;

 protected:
  std::vector<uint8_t> read(const Sample& sample, size_t i) const override {
    try {
      return ImageList::read(sample, i);
    } catch (const Error& error) {
      const std::filesystem::path folder = std::filesystem::path(sample.path).parent_path();
      std::error_code unknown;
      if (error.kind() != ErrorKind::bad_data || folder.empty() || std::filesystem::exists(folder, unknown)) throw;
      if (unknown) throw Error(ErrorKind::failure, error.what());
      throw Error(ErrorKind::failure, "cannot read ", sample.path,
                  ": its folder is not there any more; was it moved, or its disk unmounted? Put it back");
    }
  }
};

constexpr DataSplit all_splits[] = {DataSplit::training, DataSplit::validation, DataSplit::test};

void check_shares(const std::vector<double>& shares) {
  CP_ENSURE_AS(invalid_argument, shares.size() == 2 || shares.size() == 3, "the shares of a split are two numbers ",
               "(training/validation) or three (training/validation/test), as 0.8/0.1/0.1, not ", shares.size());
  double sum = 0;
  for (const double share : shares) {
    CP_ENSURE_AS(invalid_argument, share > 0 && share < 1, "the share ", share, " of a split is not between 0 and 1");
    sum += share;
  }
  CP_ENSURE_AS(invalid_argument, std::fabs(sum - 1) < 1e-6, "the shares of a split add up to ", sum, ", not to 1");
}

std::string shares_text(const std::vector<double>& shares) {
  std::string y;
  for (const double share : shares) y += (y.empty() ? "" : "/") + detail::text(share);
  return y;
}

// Calls part_of(labels, groups) for some images of the listing, and puts each into the split that it returns.
template <class PartOf, class SplitOf>
void draw(ImageListing& listing, const std::vector<size_t>& images, const PartOf& part_of, const SplitOf& split_of) {
  std::map<std::string, int32_t> classes;
  for (const size_t i : images) classes[listing.images[i].label] = 0;
  int32_t next = 0;
  for (auto& entry : classes) entry.second = next++;
  std::vector<int32_t> labels;
  std::vector<std::string> groups;
  for (const size_t i : images) {
    labels.push_back(classes.at(listing.images[i].label));
    if (listing.has_groups) groups.push_back(listing.images[i].group);
  }
  std::vector<int> part;
  try {
    part = part_of(labels, groups);
  } catch (const Error& error) {
    throw Error(error.kind(), listing.source, ": ", error.what());
  }
  for (size_t k = 0; k < images.size(); ++k) listing.images[images[k]].split = split_of(part[k]);
}

std::vector<size_t> all_but_test(const ImageListing& listing) {
  std::vector<size_t> images;
  for (size_t i = 0; i < listing.images.size(); ++i) {
    if (listing.images[i].split != DataSplit::test) images.push_back(i);
  }
  return images;
}

// Splits off what the data does not give. Returns where the split comes from.
std::string complete_split(ImageListing& listing, const ImageSource& source) {
  CP_ENSURE_AS(bad_data, !all_but_test(listing).empty(), listing.source, ": has no training images");
  const bool given = listing.count(DataSplit::validation) > 0;
  if (given || !source.split_file.empty()) {
    CP_ENSURE_AS(invalid_argument, source.shares.empty(), source.split_file.empty() ? source.data : source.split_file,
                 ": says which images are for validation, so shares do not apply");
    return source.split_file.empty() ? "split as given" : "split as in " + source.split_file;
  }
  const bool has_test = listing.count(DataSplit::test) > 0,
             none = listing.count(DataSplit::none) == listing.images.size();
  std::vector<double> shares = source.shares;
  if (shares.empty()) shares = none ? std::vector<double>{0.8, 0.1, 0.1} : std::vector<double>{0.8, 0.2};
  CP_ENSURE_AS(invalid_argument, !has_test || shares.size() == 2, source.data, ": has test images, so there are two ",
               "shares, of training and validation, not ", shares_text(shares));
  draw(
      listing, all_but_test(listing),
      [&](const auto& labels, const auto& groups) { return stratified_parts(labels, shares, source.seed, groups); },
      [](int part) { return all_splits[part]; });
  return detail::text(none ? "split " : "training images split ", shares_text(shares), " by seed ", source.seed);
}

void choose_fold(ImageListing& listing, const ImageSource& source) {
  draw(
      listing, all_but_test(listing),
      [&](const auto& labels, const auto& groups) { return k_folds(labels, source.folds, source.seed, groups); },
      [&](int part) { return part == source.fold ? DataSplit::validation : DataSplit::training; });
}

// The names of the training images' classes, in bytewise order.
std::vector<std::string> classes_of(const ImageListing& listing) {
  std::set<std::string> names;
  for (const ListedImage& image : listing.images) {
    if (image.split == DataSplit::training) names.insert(image.label);
  }
  return {names.begin(), names.end()};
}

void check_classes(const ImageListing& listing, const std::vector<std::string>& classes, bool drawn) {
  for (const DataSplit split : {DataSplit::training, DataSplit::validation}) {
    CP_ENSURE_AS(bad_data, listing.count(split) > 0, listing.source, ": has no ", split_name(split), " images",
                 !drawn               ? ""
                 : listing.has_groups ? "; its classes are in too few groups to be split"
                                      : "; its classes have too few images to be split");
  }
  for (const ListedImage& image : listing.images) {
    if (std::binary_search(classes.begin(), classes.end(), image.label)) continue;
    throw Error(ErrorKind::bad_data, listing.source, ": class ", image.label, " has ", split_name(image.split),
                " images, such as ", image.name, ", but no training image",
                !drawn               ? ""
                : listing.has_groups ? "; its images are in too few groups to be split"
                                     : "; it has too few images to be split");
  }
  CP_ENSURE_AS(bad_data, classes.size() >= 2, listing.source, ": all images are of one class, ", classes[0],
               "; at least two are needed. Classes are the folders in ", listing.source,
               " or in its train/, or the labels of a CSV file");
}

}  // namespace

ImageSets open_image_sets(const ImageSource& source) {
  if (!source.shares.empty()) check_shares(source.shares);
  CP_ENSURE_AS(invalid_argument, source.folds == 0 || source.folds >= 2, source.folds,
               " folds were requested, but there are at least 2");
  CP_ENSURE_AS(invalid_argument, source.fold >= 0 && source.fold < std::max(source.folds, 1), "fold ", source.fold,
               source.folds == 0 ? " was requested, but not the number of folds"
                                 : detail::text(" is not one of 0 to ", source.folds - 1));
  ImageSets sets;
  ImageListing& listing = sets.listing = list_images(source.data);
  if (!source.groups.empty()) add_groups(listing, source.groups);
  if (!source.split_file.empty()) add_split(listing, source.split_file);
  sets.drawn = source.folds > 0 || (source.split_file.empty() && listing.count(DataSplit::validation) == 0);
  sets.origin = complete_split(listing, source);
  if (source.folds > 0) {
    choose_fold(listing, source);
    sets.origin = detail::text("fold ", source.fold + 1, " of ", source.folds, " by seed ", source.seed,
                               listing.count(DataSplit::test) ? ", test images: " + sets.origin : "");
  }
  if (sets.drawn && listing.has_groups) sets.origin += ", groups kept whole";
  check_listing(listing);
  const std::vector<std::string> classes = classes_of(listing);
  check_classes(listing, classes, sets.drawn);
  sets.training = open_images(listing, DataSplit::training, classes, source.image_size, source.resize);
  sets.validation = open_images(listing, DataSplit::validation, classes, source.image_size, source.resize);
  sets.test = open_images(listing, DataSplit::test, classes, source.image_size, source.resize);
  return sets;
}

std::unique_ptr<ImageDataset> open_images(const ImageListing& listing, DataSplit split,
                                          const std::vector<std::string>& classes, int image_size, Resize resize) {
  LabeledFiles files;
  files.classes = classes;
  for (const ListedImage& image : listing.images) {
    if (image.split != split) continue;
    const auto at = std::find(classes.begin(), classes.end(), image.label);
    CP_ENSURE_AS(bad_data, at != classes.end(), listing.source, ": ", image.name, " is of class ", image.label,
                 ", which is none of ", detail::join(classes));
    files.samples.push_back({image.path, static_cast<int32_t>(at - classes.begin())});
  }
  if (files.samples.empty()) return nullptr;
  std::stable_sort(files.samples.begin(), files.samples.end(),
                   [](const auto& a, const auto& b) { return a.label < b.label; });
  return std::make_unique<ListedImages>(std::move(files), image_size, resize);
}

std::string split_csv(const ImageSets& sets) {
  std::string csv = "path,label,group,split\n";
  for (const ListedImage& image : sets.listing.images) {
    csv += csv_field(image.name) + "," + csv_field(image.label) + "," + csv_field(image.group) + "," +
           split_name(image.split) + "\n";
  }
  return csv;
}

std::vector<double> parse_shares(const std::string& text) {
  std::vector<double> shares;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('/', begin), text.size());
    double share = 0;
    CP_ENSURE_AS(invalid_argument, parse_csv_number(text.substr(begin, end - begin), share), "\"", text,
                 "\" is not the shares of a split, such as 0.8/0.1/0.1");
    shares.push_back(share);
    begin = end + 1;
  }
  check_shares(shares);
  return shares;
}

}  // namespace counterpoise
