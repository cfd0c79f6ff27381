// Images in folders, one folder per class, as Keras's image_dataset_from_directory reads them:
//
//   DIR/cat/cat.0.jpg   DIR/cat/more/cat.1.jpg   DIR/dog/dog.0.jpg
//
// Everything here is safe to use from several threads.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/images/image_list.h"

namespace counterpoise {

// Classes are the sub-directories of `directory` in bytewise order; names that begin with a dot are skipped. Files
// are found at any depth, by extension: .jpg, .jpeg, .png, .bmp in any case; their order is natural (cat.2 before
// cat.10). Symbolic links are followed, and each folder of a class is read once. Images are stretched to image_size x
// image_size (bilinear, antialiased). Throws Error(bad_data) if the directory is missing or has no sub-directory, one
// of them holds no image or has a name that is not UTF-8, or any folder cannot be read.
class ImageFolder : public ImageList {
 public:
  ImageFolder(const std::string& directory, int image_size);
};

// True if a comes before b where runs of digits count as numbers: "cat.2" before "cat.10".
bool natural_less(const std::string& a, const std::string& b);

// The first of root/NAME, for the names given, that is a folder: DIR/validation or else DIR/val. If none is, throws
// Error(bad_data), which says how to lay a data set out.
std::string split_directory(const std::string& root, const std::vector<std::string>& names);

namespace detail {
// Numbers of files by their extensions in lower case, as ".webp"; "(none)" is that of a file without one.
using FileCounts = std::map<std::string, size_t>;

struct ClassFolders : LabeledFiles {
  std::vector<FileCounts> others;  // of each class, the files that are not read
};

// What ImageFolder reads, with the same errors; with `may_be_empty` a class without images is none.
ClassFolders list_classes(const std::string& directory, bool may_be_empty = false);
// The names of the sub-directories in bytewise order, those that begin with a dot apart.
std::vector<std::string> folders_in(const std::string& directory);
// Whether the path leads to a folder; false if there is nothing.
bool is_folder(const std::string& path);
// Whether files with this extension are images in a format that is not read.
bool is_unread_format(const std::string& extension);
// Whether a file's extension says that it is an image, in whatever format.
bool is_image_name(const std::string& file);
// Whether an image lies in the folder, at any depth.
bool holds_images(const std::string& directory);
// Whether the bytes are UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(const std::string& text);
}  // namespace detail

}  // namespace counterpoise
