#include "apps/compare/claim.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "kernels/error.h"

namespace counterpoise {

namespace {

std::string machine() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string holder() { return detail::text(machine(), " ", getpid(), "\n"); }

// Whether the file names a process of this machine that has ended.
bool is_left_behind(const std::string& path) {
  try {
    const std::string text = read_file(path, 1000), start = machine() + " ";
    const pid_t process = text.rfind(start, 0) == 0 ? std::stoi(text.substr(start.size())) : 0;
    return process > 0 && kill(process, 0) != 0 && errno == ESRCH;
  } catch (const std::exception&) {
    return false;  // given up meanwhile, or being written
  }
}

bool is_at(int file, const std::string& path) {
  struct stat mine, there;
  return fstat(file, &mine) == 0 && stat(path.c_str(), &there) == 0 && mine.st_dev == there.st_dev &&
         mine.st_ino == there.st_ino;
}

}  // namespace

Claim::Claim(const std::string& path, When when, bool use_locks) {
  int error = ENOLCK;
  do {
    file_ = FileDescriptor(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    CP_ENSURE(file_.get() >= 0, "cannot open ", path, ": ", detail::reason(errno));
    if (!use_locks) break;
    do error = flock(file_.get(), LOCK_EX | (when == now ? LOCK_NB : 0)) == 0 ? 0 : errno;
    while (error == EINTR);
  } while (error == 0 && !is_at(file_.get(), path));  // else its holder removed it meanwhile
  held_ = error == 0;
  if (error != 0 && error != EWOULDBLOCK) {
    take_without_locks(path);
    while (when == wait && !held_) usleep(20000), take_without_locks(path);
  }
  // For a person who looks; nothing depends on it.
  const std::string text = holder();
  if (held_ && ftruncate(file_.get(), 0) == 0 && pwrite(file_.get(), text.data(), text.size(), 0) < 0) return;
}

void Claim::take_without_locks(const std::string& path) {
  const std::string name = path + ".held";
  for (int attempt = 0; attempt < 2; ++attempt) {
    const FileDescriptor created(open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (created.get() >= 0) {
      const std::string text = holder();
      detail::write_all(created.get(), text.data(), text.size(), name);
      held_file_ = name, held_ = true;
      return;
    }
    CP_ENSURE(errno == EEXIST, "cannot create ", name, ": ", detail::reason(errno));
    // Renamed before it is removed, so that of two processes that find it only one goes on.
    const std::string mine = detail::text(name, ".", machine(), ".", getpid());
    if (!is_left_behind(name) || rename(name.c_str(), mine.c_str()) != 0) return;
    unlink(mine.c_str());
  }
}

Claim::Claim(Claim&& other) noexcept
    : file_(std::move(other.file_)),
      held_file_(std::exchange(other.held_file_, "")),
      held_(std::exchange(other.held_, false)) {}

Claim& Claim::operator=(Claim&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(held_file_, other.held_file_);
  std::swap(held_, other.held_);
  return *this;
}

Claim::~Claim() {
  if (!held_file_.empty()) unlink(held_file_.c_str());
}

}  // namespace counterpoise
