// Which images a data set has, with label, group and split, before any image is read.
//
//   ImageListing listing = list_images("data/xrays.csv");    // or a folder
//   add_groups(listing, "patients.csv");
//   add_split(listing, "runs/a/split.csv");
//
// open_image_sets() (data/images/image_sets.h) makes datasets of them. The functions are safe to call from several
// threads for different listings.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace counterpoise {

enum class DataSplit { none = -1, training = 0, validation = 1, test = 2 };

// "training", "validation" or "test"; "" for none.
const char* split_name(DataSplit split);

struct ListedImage {
  std::string path;   // as it is opened
  std::string name;   // its path relative to ImageListing::root, as "train/cat/1.jpg"; absolute if it lies elsewhere
  std::string label;  // the name of its class
  std::string group;  // for example the patient or the camera that it comes from; "" if groups are not known
  DataSplit split = DataSplit::none;
};

struct ImageListing {
  std::string source;  // the folder or CSV file
  std::string root;    // the folder, or that of the CSV file, as an absolute path
  std::vector<ListedImage> images;
  bool has_groups = false;  // all images have a group; otherwise none has
  // Of each class, the files in its folders that are not read: their numbers by extension, as in FileCounts.
  std::map<std::string, std::map<std::string, size_t>> others = {};

  // The number of images in a split.
  size_t count(DataSplit split) const;
};

// A line for each class with files that are not read, as "cat: 10 .tif, 11 .webp"; with `images` of those alone whose
// extension says that they are images.
std::vector<std::string> unread_files(const ImageListing& listing, bool images = false);

// Lists the images of a folder, or of a CSV file if the path ends in ".csv", in upper or lower case.
//
// A folder has one of these layouts. CLASS is the name of a class; its files are found as ImageFolder finds them.
//
//   DIR/train/CLASS/*.jpg  DIR/validation/CLASS/*.jpg  DIR/test/CLASS/*.jpg    each image is in a split
//   DIR/train/CLASS/*.jpg  DIR/test/CLASS/*.jpg                                none is in validation
//   DIR/CLASS/*.jpg                                                            no image is in a split
//
// The folder of a split is named train or training; validation, valid or val; test or testing, in upper or lower case.
// It holds folders of classes: a folder "test" that holds images, among others that do, is a class of that name.
// Other folders beside train/ and a second split are ignored. Throws Error(bad_data) for a layout that is ambiguous:
// two folders of one split, "val" with folders in it beside folders that are not splits but without "train", "train"
// alone beside other folders with images, "test" that holds images beside "train" that holds folders.
//
// A CSV file has the columns path and label, and optionally group and split; others are ignored. Paths are absolute or
// relative to the file's folder. The split is one of the names above. Images keep the order of the file. Throws
// Error(bad_data) with the file and the line for an image that does not exist, an empty label, an empty group where
// others are not, and an unknown split.
ImageListing list_images(const std::string& data);

// Sets the groups by a CSV file with the columns path and group. Paths are absolute, or relative to the listing's root
// or to the CSV file's folder; further images do not matter. Throws Error(bad_data) for an image without a group or
// with two, and Error(invalid_argument) if the groups are known already.
void add_groups(ImageListing& listing, const std::string& csv);

// Sets the splits by a CSV file with the columns path and split, such as a split.csv; and the groups by its column
// "group" if they are not known yet. Throws Error(bad_data) unless the file names each image of the listing once and no
// other, and where its column "label" disagrees.
void add_split(ImageListing& listing, const std::string& csv);

// Throws Error(bad_data) if an image is listed twice, or a group has images in two splits.
void check_listing(const ImageListing& listing);

}  // namespace counterpoise
