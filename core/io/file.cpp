#include "core/io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <functional>

#include "kernels/error.h"

namespace counterpoise {

using detail::reason;

namespace {

// Linux transfers at most 2 GiB in one call; with smaller pieces a large transfer can be interrupted.
constexpr size_t largest_piece = size_t{64} << 20;

// What a user can do about a failed read or write.
std::string advice(int error) {
  switch (error) {
    case ENOSPC:
      return "the disk is full: free some space";
    case EDQUOT:
      return "your quota is used up: free some space";
    case EFBIG:
      return "the file is too large for this file system or `ulimit -f`: raise the limit";
    case EROFS:
      return "the file system is read-only: choose another place";
    case EACCES:
    case EPERM:
      return "permission is missing: change it or choose another place";
    case ENOENT:
      return "it does not exist: check the spelling, or create it";
    case ENOTDIR:
      return "a part of the path is a file: choose another path";
    case ENAMETOOLONG:
      return "choose a shorter name";
    case EMFILE:
    case ENFILE:
      return "too many files are open: raise `ulimit -n`";
    case ENOMEM:
      return "the machine has no memory left: end other programs";
    case EIO:
    case ESTALE:
    case ETIMEDOUT:
    case ENOTCONN:
      return "the disk reports an error, or the network to it: check it, or choose another one";
    default:
      return "check the path and the disk";
  }
}

[[noreturn]] void fail_writing(const char* what, const std::string& path, int error) {
  throw Error(ErrorKind::failure, "cannot ", what, " ", path, ": ", reason(error),
              "; an earlier file of that name is untouched");
}

// Whether an errno says something of the file. The many others are of the machine at this moment: file systems, and
// the programs and networks behind them, return nearly any.
bool is_of_file(int error) {
  for (const int one : {ENOENT, EACCES, EPERM, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG, ENXIO, EFBIG, EOVERFLOW, EILSEQ}) {
    if (error == one) return true;
  }
  return false;
}

[[noreturn]] void fail_reading(const char* what, const std::string& path, int error) {
  throw Error(is_of_file(error) ? ErrorKind::bad_data : ErrorKind::failure, "cannot ", what, " ", path, ": ",
              reason(error));
}

// The name of the temporary beside a file of this name: with the beginning of the name, and for a long name with a hash
// of it, since a name has at most NAME_MAX bytes.
std::string temporary_name(const std::string& name) {
  const std::string end = detail::text(".tmp-", getpid());
  if (1 + name.size() + end.size() <= NAME_MAX) return "." + name + end;
  const std::string hash = detail::text("~", std::hash<std::string>()(name));
  return "." + name.substr(0, NAME_MAX - 1 - hash.size() - end.size()) + hash + end;
}

// The directory that holds `path`, and the last component.
std::pair<std::string, std::string> split(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {path.substr(0, std::max<size_t>(slash, 1)), path.substr(slash + 1)};
}

bool is_directory(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

std::string detail::reason(int error) { return text(std::strerror(error), " (", advice(error), ")"); }

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

InputFile::InputFile(const std::string& path)
    : path_(path),
      // O_NONBLOCK, or a named pipe would wait here for its writer instead of being refused below.
      fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (fd_.get() < 0) fail_reading("open", path, errno);
  struct stat info;
  if (fstat(fd_.get(), &info) != 0) fail_reading("examine", path, errno);
  CP_ENSURE_AS(bad_data, !S_ISDIR(info.st_mode), "cannot read ", path, ": it is a directory: name a file in it");
  CP_ENSURE_AS(bad_data, S_ISREG(info.st_mode), "cannot read ", path,
               ": it is not a regular file: copy its content to one");
  size_ = static_cast<uint64_t>(info.st_size);
}

size_t InputFile::read_at(uint64_t offset, void* to, size_t bytes) const {
  size_t done = 0;
  while (done < bytes) {
    const ssize_t n =
        pread(fd_.get(), static_cast<char*>(to) + done, std::min(bytes - done, largest_piece), offset + done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_reading("read", path_, errno);
    if (n == 0) break;
    done += n;
  }
  return done;
}

std::string read_file(const std::string& path, size_t limit) {
  const InputFile file(path);
  // Read to the end rather than to size(), which is 0 under /proc and outdated for a file that grows.
  std::string content;
  char piece[1 << 16];
  while (const size_t n = file.read_at(content.size(), piece, sizeof piece)) {
    CP_ENSURE_AS(bad_data, n <= limit - content.size(), "cannot read ", path, ": it is larger than ", limit,
                 " bytes, the most such a file may have: is it the right one?");
    content.append(piece, n);
  }
  return content;
}

void detail::write_all(int fd, const void* data, size_t bytes, const std::string& path) {
  for (size_t done = 0; done < bytes;) {
    const ssize_t n = ::write(fd, static_cast<const char*>(data) + done, std::min(bytes - done, largest_piece));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_writing("write", path, errno);
    done += n;
  }
}

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  const auto [directory, name] = split(path);
  name_ = name;
  temporary_ = temporary_name(name);
  CP_ENSURE(!name.empty() && name != "." && name != "..", "cannot write \"", path,
            "\": it names no file: add a file name");

  struct stat info;
  CP_ENSURE(stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode), "cannot write ", path,
            S_ISDIR(info.st_mode) ? ": it is a directory" : ": it is not a regular file", ": choose another name");

  // Everything below is relative to the open directory, so it survives a chdir.
  directory_ = FileDescriptor(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CP_ENSURE(directory_.get() >= 0, "cannot write ", path, ": the directory ", directory, ": ", reason(errno));
  // Remove what a killed run with our process number left; in containers such numbers repeat.
  unlinkat(directory_.get(), temporary_.c_str(), 0);
  file_ = FileDescriptor(openat(directory_.get(), temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file_.get() < 0) fail_writing("create", path_, errno);
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) unlinkat(directory_.get(), temporary_.c_str(), 0);
}

void AtomicFile::write(const void* data, size_t bytes) {
  CP_ENSURE(file_.get() >= 0, "cannot write ", path_, ": it is committed, or an earlier write failed");
  FileDescriptor file = std::move(file_);  // moved back below, so that half a file is never committed
  detail::write_all(file.get(), data, bytes, path_);
  file_ = std::move(file);
}

void AtomicFile::commit() {
  CP_ENSURE(file_.get() >= 0, "cannot write ", path_, ": it is committed, or an earlier write failed");
  if (fsync(file_.get()) != 0) fail_writing("flush to the disk", path_, errno);
  // On Linux close() has closed even when a signal interrupted it.
  if (close(file_.release()) != 0 && errno != EINTR) fail_writing("close", path_, errno);
  const int at = directory_.get();
  if (renameat(at, temporary_.c_str(), at, name_.c_str()) != 0)
    fail_writing("rename the finished file to", path_, errno);
  temporary_.clear();
  // EINVAL is how a file system says that its directories need no fsync.
  CP_ENSURE(fsync(at) == 0 || errno == EINVAL, "cannot flush the directory of ", path_, " to the disk: ", reason(errno),
            "; the file is complete, but a power cut may undo it");
}

bool is_there(const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) == 0) return true;
  CP_ENSURE(errno == ENOENT || errno == ENOTDIR, "cannot find out whether ", path,
            " is there: ", detail::reason(errno));
  return false;
}

void write_file(const std::string& path, const std::string& content) {
  AtomicFile out(path);
  out.write(content.data(), content.size());
  out.commit();
}

void remove_file(const std::string& path) {
  CP_ENSURE(unlink(path.c_str()) == 0 || errno == ENOENT, "cannot remove ", path, ": ", detail::reason(errno));
}

void make_directories(const std::string& path) {
  CP_ENSURE(!path.empty(), "cannot make a directory: its name is empty: name one");
  for (size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    if (is_directory(part)) continue;
    if (mkdir(part.c_str(), 0777) == 0) continue;
    const int error = errno;
    if (is_directory(part)) continue;  // another process was faster
    CP_ENSURE(error != EEXIST, "cannot make the directory ", path, ": ", part,
              " exists and is a file: move it away or choose another name");
    throw Error(ErrorKind::failure, "cannot make the directory ", part, ": ", reason(error));
  }
  CP_ENSURE(access(path.c_str(), W_OK | X_OK) == 0, "cannot write into the directory ", path, ": ", reason(errno));
}

}  // namespace counterpoise
