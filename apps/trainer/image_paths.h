// The paths of images that a command line names: files, folders that are searched, and a list on standard input. They
// come one by one, so that a million of them need little memory. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace counterpoise {

class ImagePaths {
 public:
  // What could not be found or searched, and why.
  using Complain = std::function<void(const std::string& path, const std::string& reason)>;

  // `names` are files, folders, and at most one "-": a path per line of `input`. In a folder, at any depth, files are
  // found by their extensions .jpg, .jpeg, .png, .bmp in any case, in natural order (cat.2 before cat.10), and so are
  // images in formats that are not read, such as .webp, so that whoever reads them names them; names that begin with a
  // dot are skipped, and symbolic links are followed, but not in circles. Throws Error(invalid_argument) for a second
  // "-".
  ImagePaths(std::vector<std::string> names, Complain complain, int input = 0);

  // The next path; false at the end, and after a stop signal while it waits for the input. A folder without images is
  // complained about, as is one that cannot be read.
  bool next(std::string& path);

  // False if next() would wait for more input.
  bool ready() const;

 private:
  // A folder that is being searched.
  struct Level {
    std::string directory;
    std::vector<std::string> names;  // of what it holds, in reverse order
    std::pair<dev_t, ino_t> identity;
  };

  bool next_name(std::string& name);
  bool next_line(std::string& line);
  bool next_in_folder(std::string& path);
  void enter(const std::string& directory);

  std::vector<std::string> names_;
  const Complain complain_;
  const int input_;
  size_t at_ = 0;       // in names_
  std::string lines_;   // read from the input
  size_t line_at_ = 0;  // where the next line begins
  bool in_list_ = false, ended_ = false;
  bool begun_ = false;  // whether a line of the input has been read
  std::vector<Level> levels_;
  std::string top_;     // the folder that a name stands for, while it is searched
  bool found_ = false;  // an image in it
};

}  // namespace counterpoise
