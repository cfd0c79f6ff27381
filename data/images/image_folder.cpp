#include "data/images/image_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>
#include <system_error>

#include "kernels/error.h"

namespace counterpoise {

namespace fs = std::filesystem;

namespace {

constexpr const char* accepted = ".jpg .jpeg .png .bmp";
constexpr const char* unread_formats = ".webp .tif .tiff .gif .heic .heif .avif .jp2 .jxl .jfif";

std::string extension_of(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

bool is_in(const std::string& extension, const std::string& list) {
  return !extension.empty() && (list + " ").find(extension + " ") != std::string::npos;
}

bool hidden(const fs::path& path) { return path.filename().string().rfind('.', 0) == 0; }

[[noreturn]] void fail_to_read(const std::string& path, const std::error_code& error) {
  throw Error(ErrorKind::bad_data, path, ": cannot be read: ", error.message(),
              error == std::errc::permission_denied ? "; change its permissions, or move it out of the data set" : "");
}

// What the path leads to, through links. Throws unless that can be found out; a link to nothing is `not_found`.
fs::file_type type_of(const fs::path& path) {
  std::error_code error;
  const fs::file_type type = fs::status(path, error).type();
  if (type == fs::file_type::none || type == fs::file_type::unknown) fail_to_read(path.string(), error);
  return type;
}

// What is in a folder, hidden entries apart, sorted by the bytes of the names.
std::vector<fs::path> entries(const fs::path& directory) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (!hidden(it->path())) paths.push_back(it->path());
  }
  if (error) fail_to_read(directory.string(), error);
  std::sort(paths.begin(), paths.end(), [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  return paths;
}

// The name with every byte outside of ASCII's printable characters as \xE9.
std::string escaped(const std::string& name) {
  std::string text;
  for (const char c : name) {
    char hex[5];
    std::snprintf(hex, sizeof hex, "\\x%02X", static_cast<unsigned char>(c));
    text += c >= ' ' && c <= '~' ? std::string(1, c) : hex;
  }
  return text;
}

// The classes: names of the sub-directories of `directory`, sorted by their bytes.
std::vector<std::string> class_names(const std::string& directory) {
  const std::vector<std::string> names = detail::folders_in(directory);
  for (const std::string& name : names) {
    CP_ENSURE_AS(bad_data, detail::is_utf8(name), directory, ": the name of the class's folder \"", escaped(name),
                 "\" is not UTF-8; rename it");
  }
  CP_ENSURE_AS(bad_data, !names.empty(), directory,
               ": holds no folders; put the images of each class into a folder of its own, as in ", directory,
               "/cat/1.jpg");
  return names;
}

// Adds the images at any depth below `directory` to `files`, in no order, and counts the other files by extension.
// `seen` holds the folders that were read, because a link may lead back to one.
void add_images(const fs::path& directory, std::set<std::pair<dev_t, ino_t>>& seen, std::vector<std::string>& files,
                detail::FileCounts& others) {
  struct stat info;
  if (stat(directory.c_str(), &info) != 0) fail_to_read(directory.string(), {errno, std::generic_category()});
  if (!seen.insert({info.st_dev, info.st_ino}).second) return;
  for (const fs::path& path : entries(directory)) {
    const fs::file_type type = type_of(path);
    if (type == fs::file_type::directory) {
      add_images(path, seen, files, others);
      continue;
    }
    // A link to nothing is listed: it is then counted and named as an image that cannot be read.
    if (type != fs::file_type::regular && type != fs::file_type::not_found) continue;
    const std::string extension = extension_of(path);
    if (is_in(extension, accepted)) files.push_back(path.string());
    else ++others[extension.empty() ? "(none)" : extension];
  }
}

// The images at any depth below `directory`, in natural order. `others` counts the other files.
std::vector<std::string> image_files(const fs::path& directory, detail::FileCounts& others) {
  std::set<std::pair<dev_t, ino_t>> seen;
  std::vector<std::string> files;
  add_images(directory, seen, files, others);
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

namespace detail {

bool is_utf8(const std::string& text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0; };
    const int first = byte(i++);
    if (first < 0x80) continue;
    const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    int code = first & (0x3F >> more);
    for (int k = 0; k < more; ++k) {
      if ((byte(i) & 0xC0) != 0x80) return false;
      code = code << 6 | (byte(i++) & 0x3F);
    }
    const int least[] = {0, 0x80, 0x800, 0x10000};
    if (first < 0xC0 || first > 0xF4 || code < least[more] || code > 0x10FFFF || code >> 11 == 0xD800 >> 11)
      return false;
  }
  return true;
}

std::vector<std::string> folders_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const fs::path& path : entries(directory)) {
    if (type_of(path) == fs::file_type::directory) names.push_back(path.filename().string());
  }
  return names;
}

bool is_folder(const std::string& path) { return type_of(path) == fs::file_type::directory; }

bool is_unread_format(const std::string& extension) { return is_in(extension, unread_formats); }

bool is_image_name(const std::string& file) {
  const std::string extension = extension_of(file);
  return is_in(extension, accepted) || is_unread_format(extension);
}

bool holds_images(const std::string& directory) {
  FileCounts others;
  return !image_files(directory, others).empty();
}

ClassFolders list_classes(const std::string& directory, bool may_be_empty) {
  ClassFolders found;
  found.classes = class_names(directory);
  for (size_t c = 0; c < found.classes.size(); ++c) {
    FileCounts& others = found.others.emplace_back();
    const fs::path folder = fs::path(directory) / found.classes[c];
    const std::vector<std::string> files = image_files(folder, others);
    for (const std::string& file : files) found.samples.push_back({file, static_cast<int32_t>(c)});
    if (!files.empty() || may_be_empty) continue;
    std::string seen;
    for (const auto& other : others) seen += " " + other.first;
    throw Error(ErrorKind::bad_data, folder.string(), ": no images in this class's folder; accepted are ", accepted,
                seen.empty() ? ", and it is empty" : ", found only" + seen);
  }
  return found;
}

}  // namespace detail

ImageFolder::ImageFolder(const std::string& directory, int image_size)
    : ImageList(detail::list_classes(directory), image_size) {}

std::string split_directory(const std::string& root, const std::vector<std::string>& names) {
  CP_ENSURE_AS(bad_data, type_of(root) == fs::file_type::directory, root,
               ": no such folder; a data set has train/CLASS/*.jpg and validation/CLASS/*.jpg in it");
  std::string wanted;
  for (const std::string& name : names) {
    const fs::path path = fs::path(root) / name;
    if (type_of(path) == fs::file_type::directory) return path.string();
    wanted += (wanted.empty() ? "" : " or ") + path.string();
  }
  throw Error(ErrorKind::bad_data, wanted, ": no such folder; lay the images out as ", root, "/train/CLASS/*.jpg and ",
              root, "/validation/CLASS/*.jpg");
}

}  // namespace counterpoise
