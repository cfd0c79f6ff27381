#include "apps/trainer/image_paths.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "apps/trainer/stop_signal.h"
#include "core/io/file.h"
#include "core/text.h"
#include "data/images/image_folder.h"
#include "kernels/error.h"

namespace counterpoise {

namespace {

namespace fs = std::filesystem;

constexpr size_t read_at_once = size_t(1) << 16;  // bytes
constexpr int look_for_signal = 100;              // milliseconds

bool is_directory(const std::string& path, struct stat& info) {
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

ImagePaths::ImagePaths(std::vector<std::string> names, Complain complain, int input)
    : names_(std::move(names)), complain_(std::move(complain)), input_(input) {
  CP_ENSURE_AS(invalid_argument, std::count(names_.begin(), names_.end(), "-") <= 1,
               "- stands for standard input, and is given twice");
}

bool ImagePaths::next(std::string& path) {
  for (;;) {
    if (next_in_folder(path)) return true;
    std::string name;
    if (!next_name(name)) return false;
    struct stat info;
    if (!is_directory(name, info)) return path = name, true;  // if it is missing, reading it says so
    top_ = name, found_ = false;
    enter(name);
  }
}

bool ImagePaths::ready() const {
  if (!levels_.empty() || !in_list_ || lines_.find('\n', line_at_) != std::string::npos) return true;
  pollfd in = {input_, POLLIN, 0};
  return ended_ || poll(&in, 1, 0) != 0;
}

bool ImagePaths::next_name(std::string& name) {
  for (;;) {
    if (in_list_) {
      if (next_line(name)) return true;
      in_list_ = false;
    }
    if (at_ == names_.size() || stop_signal()) return false;
    name = names_[at_++];
    if (name != "-") return true;
    in_list_ = true;
  }
}

// Empty lines are skipped, and so are the CR of a line that ends with CR LF, and a byte order mark.
bool ImagePaths::next_line(std::string& line) {
  for (;;) {
    size_t end = lines_.find('\n', line_at_);
    if (end == std::string::npos && ended_) end = lines_.size();
    if (end != std::string::npos) {
      if (line_at_ >= lines_.size()) return false;
      line = lines_.substr(line_at_, end - line_at_);
      line_at_ = end + 1;
      if (!std::exchange(begun_, true)) line.erase(0, detail::byte_order_mark(line));
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (!line.empty()) return true;
      continue;
    }
    lines_.erase(0, line_at_), line_at_ = 0;
    pollfd in = {input_, POLLIN, 0};
    while (poll(&in, 1, look_for_signal) == 0 && !stop_signal()) {
    }
    if (stop_signal()) return false;
    const size_t before = lines_.size();
    lines_.resize(before + read_at_once);
    const ssize_t n = read(input_, lines_.data() + before, read_at_once);
    const int error = errno;
    lines_.resize(before + static_cast<size_t>(std::max<ssize_t>(n, 0)));
    CP_ENSURE_AS(bad_data, n >= 0 || error == EINTR, "cannot read the list on standard input: ", detail::reason(error));
    ended_ = n == 0;
  }
}

bool ImagePaths::next_in_folder(std::string& path) {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.names.empty()) {
      levels_.pop_back();
      if (levels_.empty() && !found_) complain_(top_, "holds no .jpg, .jpeg, .png or .bmp file");
      continue;
    }
    const std::string name = std::move(level.names.back());
    level.names.pop_back();
    const std::string full = level.directory + (level.directory.back() == '/' ? "" : "/") + name;
    struct stat info;
    errno = 0;
    if (is_directory(full, info)) {
      enter(full);
    } else if (!detail::is_image_name(name) && errno != 0 && errno != ENOENT && errno != ENOTDIR) {
      complain_(full, detail::reason(errno));  // it may be a folder; only a link to nothing is none
      found_ = true;
    } else if (detail::is_image_name(name)) {
      found_ = true;
      path = full;
      return true;
    }
  }
  return false;
}

void ImagePaths::enter(const std::string& directory) {
  struct stat info;
  std::error_code error;
  Level level;
  level.directory = directory;
  if (stat(directory.c_str(), &info) == 0) level.identity = {info.st_dev, info.st_ino};
  for (const Level& above : levels_) {
    if (above.identity == level.identity) return;  // a link back
  }
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name[0] != '.') level.names.push_back(name);
  }
  if (error) {
    complain_(directory, detail::reason(error.value()));
    found_ = true;
    return;
  }
  std::sort(level.names.begin(), level.names.end(),
            [](const std::string& a, const std::string& b) { return natural_less(b, a); });
  levels_.push_back(std::move(level));
}

}  // namespace counterpoise
