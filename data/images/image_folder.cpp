#include "data/images/image_folder.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include "data/images/image.h"
#include "kernels/error.h"

namespace counterpoise {

namespace fs = std::filesystem;

namespace {

constexpr const char* accepted = ".jpg .jpeg .png .bmp";

std::string extension_of(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

bool hidden(const fs::path& path) { return path.filename().string().rfind('.', 0) == 0; }

// The classes: names of the sub-directories of `directory`, sorted by their bytes.
std::vector<std::string> class_names(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (it->is_directory(error) && !hidden(it->path())) names.push_back(it->path().filename().string());
  }
  CP_ENSURE_AS(bad_data, !error, directory, ": cannot be read as a folder: ", error.message());
  CP_ENSURE_AS(bad_data, !names.empty(), directory,
               ": holds no folders; put the images of each class into a folder of its own, as in ", directory,
               "/cat/1.jpg");
  std::sort(names.begin(), names.end());
  return names;
}

// The images at any depth below `directory`, in natural order. `others` collects the other extensions seen.
std::vector<std::string> image_files(const fs::path& directory, std::set<std::string>& others) {
  std::error_code error;
  std::vector<std::string> files;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator it(directory, options, error), end; !error && it != end; it.increment(error)) {
    if (hidden(it->path())) {
      if (it->is_directory(error)) it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file(error)) continue;
    const std::string extension = extension_of(it->path());
    if (!extension.empty() && (std::string(accepted) + " ").find(extension + " ") != std::string::npos) {
      files.push_back(it->path().string());
    } else {
      others.insert(extension.empty() ? "(none)" : extension);
    }
  }
  CP_ENSURE_AS(bad_data, !error, directory.string(), ": cannot be read: ", error.message());
  std::sort(files.begin(), files.end(), natural_less);
  return files;
}

}  // namespace

bool natural_less(const std::string& a, const std::string& b) {
  const auto digit = [](char c) { return '0' <= c && c <= '9'; };
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      const auto end_of_run = [&](const std::string& s, size_t at) {
        while (at < s.size() && digit(s[at])) ++at;
        return at;
      };
      size_t end_a = end_of_run(a, i), end_b = end_of_run(b, j);
      while (i + 1 < end_a && a[i] == '0') ++i;
      while (j + 1 < end_b && b[j] == '0') ++j;
      if (end_a - i != end_b - j) return end_a - i < end_b - j;  // the longer number is the larger
      const int order = a.compare(i, end_a - i, b, j, end_b - j);
      if (order != 0) return order < 0;
      i = end_a, j = end_b;
    } else {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i, ++j;
    }
  }
  if (a.size() - i != b.size() - j) return a.size() - i < b.size() - j;
  return a < b;  // the same but for leading zeros
}

ImageFolder::ImageFolder(const std::string& directory, int image_size)
    : ImageDataset(class_names(directory), image_size) {
  for (size_t c = 0; c < classes().size(); ++c) {
    std::set<std::string> others;
    const fs::path folder = fs::path(directory) / classes()[c];
    for (const std::string& file : image_files(folder, others)) {
      samples_.push_back({file, static_cast<int32_t>(c)});
    }
    if (!samples_.empty() && samples_.back().label == static_cast<int32_t>(c)) continue;
    std::string seen;
    for (const std::string& extension : others) seen += " " + extension;
    throw Error(ErrorKind::bad_data, folder.string(), ": no images in this class's folder; accepted are ", accepted,
                seen.empty() ? ", and it is empty" : ", found only" + seen);
  }
}

std::vector<uint8_t> ImageFolder::read(const Sample& sample, size_t) const {
  Image image = decode_image(sample.path);
  if (image.height != image_size() || image.width != image_size()) {
    image = resize_bilinear(image, image_size(), image_size());
  }
  return std::move(image.rgb);
}

std::string split_directory(const std::string& root, const std::vector<std::string>& names) {
  std::error_code error;
  CP_ENSURE_AS(bad_data, fs::is_directory(root, error), root,
               ": no such folder; a data set has train/CLASS/*.jpg and validation/CLASS/*.jpg in it");
  std::string wanted;
  for (const std::string& name : names) {
    const fs::path path = fs::path(root) / name;
    if (fs::is_directory(path, error)) return path.string();
    wanted += (wanted.empty() ? "" : " or ") + path.string();
  }
  throw Error(ErrorKind::bad_data, wanted, ": no such folder; lay the images out as ", root, "/train/CLASS/*.jpg and ",
              root, "/validation/CLASS/*.jpg");
}

}  // namespace counterpoise
