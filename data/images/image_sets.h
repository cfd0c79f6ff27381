// The training, validation and test images of a data set, as they are given or split here.
//
//   ImageSource source;
//   source.data = "data/xrays";                 // DIR/CLASS/*.jpg, no split given
//   source.groups = "patients.csv";
//   const ImageSets sets = open_image_sets(source);
//   write_file("split.csv", split_csv(sets));   // source.split_file = "split.csv" gives the same split again
//
// The functions are safe to call from several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/images/image.h"
#include "data/images/image_dataset.h"
#include "data/images/image_listing.h"

namespace counterpoise {

struct ImageSource {
  std::string data;  // a folder or CSV file, as list_images() reads it
  int image_size = 160;
  Resize resize = Resize::antialias;
  std::vector<double> shares = {};  // of training and validation, or of training, validation and test; empty: default
  std::string groups = "";          // a CSV file of path,group: a group is never split
  std::string split_file = "";      // a CSV file of path,split, which replaces any other split
  int folds = 0;                    // for cross-validation, at least 2; or 0
  int fold = 0;                     // the fold that is the validation set, 0 to folds - 1
  uint64_t seed = 0;                // of the split
};

struct ImageSets {
  std::unique_ptr<ImageDataset> training, validation, test;  // test: null if there is none
  bool drawn = false;                                        // whether validation images were chosen here, by the seed
  std::string origin;    // where the split comes from, in a few words: "split 0.8/0.1/0.1 by seed 7"
  ImageListing listing;  // all images with their final splits
};

// Opens the datasets. The split is, in this order:
//
//   split_file given               as the file says
//   data gives a validation split  as it is given; `shares` must be empty
//   data gives training, no more   training images are split into training and validation, by default 0.8/0.2; or into
//                                  three parts if `shares` has three numbers and the data gives no test split
//   data gives no split            0.8/0.1/0.1 into training, validation and test; or as `shares` says
//
// Parts that are drawn are stratified, as stratified_parts() (data/split.h) does it, and depend on the seed and on the
// order of the images. With `folds`, the training and validation images of that split are then divided into
// as many stratified folds, of which one is the validation set and the others are the training set; the test set stays
// the same for every fold.
//
// Classes are the labels of the training images in bytewise order. A class may be missing in the validation or test
// images. The samples of each set are sorted by class, and within a class in the order of list_images().
//
// Throws Error(invalid_argument) for shares, folds or fold that are out of range or do not fit what the data gives; and
// Error(bad_data) for what list_images(), add_groups(), add_split() and check_listing() refuse, if there are no
// training or no validation images, fewer than two classes, or a class with validation or test images but no training
// image.
ImageSets open_image_sets(const ImageSource& source);

// The images of one split, or those in none, with these classes: for data that a trained model is judged by, which may
// lack some of its classes and all of its training images. Null if there are none. Throws Error(bad_data) for an image
// of another class.
std::unique_ptr<ImageDataset> open_images(const ImageListing& listing, DataSplit split,
                                          const std::vector<std::string>& classes, int image_size,
                                          Resize resize = Resize::antialias);

// All images as CSV with the columns path, label, group and split. Paths are relative to the data's folder (absolute
// for an image elsewhere), so that the file can be read as ImageSource::split_file from any working directory, also
// after the data has moved.
std::string split_csv(const ImageSets& sets);

// "0.8/0.1/0.1" as two or three positive numbers that add up to 1. Throws Error(invalid_argument) for another text.
std::vector<double> parse_shares(const std::string& text);

}  // namespace counterpoise
