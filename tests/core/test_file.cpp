// core/io/file.h: the previous file survives everything that can go wrong while a new one is written.
#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "core/io/file.h"
#include "kernels/error.h"
#include "tests/core/gradcheck.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

std::atomic<int> failing_reads{0};  // the errno of every pread(), unless it is 0

}  // namespace

// Replaces the C library's function in this program.
extern "C" ssize_t pread(int fd, void* to, size_t bytes, off_t offset) {
  if (failing_reads) return errno = failing_reads, -1;
  return syscall(SYS_pread64, fd, to, bytes, offset);
}

namespace {

size_t files(const TemporaryFolder& folder) {
  const std::filesystem::directory_iterator all(folder.path());
  return std::distance(begin(all), end(all));
}

// No file may grow beyond `bytes`; write() then fails with EFBIG instead of ending the program.
struct FileSizeLimit {
  rlimit before;
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit lower{bytes, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
  }
};

// No further file can be opened.
struct NoMoreFiles {
  rlimit before;
  NoMoreFiles() {
    getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{0, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before); }
};

}  // namespace

TEST_CASE("file: what is written is read, and replaces what was there") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.txt";
  const std::string bytes("zero \0 byte", 11);
  write_file(path, "an earlier and longer content");
  write_file(path, bytes);
  CHECK(read_file(path, 100) == bytes);
  CHECK(files(folder) == 1);
  write_file(path, "");
  CHECK(read_file(path, 0) == "");
}

TEST_CASE("file: a path without a directory is in the current one") {
  const TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  AtomicFile out("b.txt");
  out.write("b", 1);
  std::filesystem::current_path(before);  // the file stays where it was begun
  out.commit();
  CHECK(read_file(folder / "b.txt", 1) == "b");
}

TEST_CASE("file: an abandoned write leaves the earlier content and no temporary") {
  const TemporaryFolder folder;
  write_file(folder / "a", "earlier");
  {
    AtomicFile out(folder / "a");
    out.write("half", 4);
    CHECK(files(folder) == 2);
  }
  CHECK(read_file(folder / "a", 100) == "earlier");
  CHECK(files(folder) == 1);
}

TEST_CASE("file: a temporary that a killed run left is replaced") {
  const TemporaryFolder folder;
  const std::string left = folder / detail::text(".a.tmp-", getpid());
  std::filesystem::create_symlink("/dev/full", left);
  write_file(folder / "a", "new");
  CHECK(read_file(folder / "a", 100) == "new");
  CHECK(files(folder) == 1);
}

TEST_CASE("file: no space left") {
  const int full = open("/dev/full", O_WRONLY);
  REQUIRE(full >= 0);
  CHECK(fails(ErrorKind::failure, {"runs/a", "No space left", "free some space", "untouched"},
              [&] { detail::write_all(full, "x", 1, "runs/a"); }));
  close(full);
}

TEST_CASE("file: a write that fails half-way harms nothing, and cannot be committed") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  write_file(path, "earlier");
  {
    AtomicFile out(path);
    const std::string large(10000, 'x');
    {
      FileSizeLimit limit(4096);
      CHECK(fails(ErrorKind::failure, {path, "File too large", "ulimit -f"},
                  [&] { out.write(large.data(), large.size()); }));
    }
    CHECK(fails(ErrorKind::failure, {path, "earlier write failed"}, [&] { out.commit(); }));
  }
  CHECK(read_file(path, 100) == "earlier");
  CHECK(files(folder) == 1);
}

TEST_CASE("file: a rename that fails leaves no temporary") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  {
    AtomicFile out(path);
    out.write("x", 1);
    std::filesystem::create_directory(path);  // somebody else was faster
    CHECK(fails(ErrorKind::failure, {"rename", path}, [&] { out.commit(); }));
  }
  CHECK(files(folder) == 1);
}

TEST_CASE("file: a committed file takes no more") {
  const TemporaryFolder folder;
  AtomicFile out(folder / "a");
  out.commit();
  CHECK(fails(ErrorKind::failure, {"committed"}, [&] { out.write("x", 1); }));
  CHECK(fails(ErrorKind::failure, {"committed"}, [&] { out.commit(); }));
  CHECK(read_file(folder / "a", 1) == "");
}

TEST_CASE("file: places where nothing can be written") {
  const TemporaryFolder folder;
  const auto write = [](const std::string& path) { return [path] { write_file(path, "x"); }; };
  write_file(folder / "plain", "x");
  CHECK(fails(ErrorKind::failure, {"none", "No such file", "create it"}, write(folder / "none/a")));
  CHECK(fails(ErrorKind::failure, {"plain", "Not a directory"}, write(folder / "plain/a")));
  CHECK(fails(ErrorKind::failure, {"directory", "choose another"}, write(folder.path())));
  CHECK(fails(ErrorKind::failure, {"names no file"}, write(folder / "")));
  CHECK(fails(ErrorKind::failure, {"names no file"}, write("")));
  CHECK(fails(ErrorKind::failure, {"too long", "shorter"}, write(folder / std::string(256, 'n'))));
  CHECK(fails(ErrorKind::failure, {"/dev/null", "not a regular file"}, write("/dev/null")));
  CHECK(files(folder) == 1);
}

TEST_CASE("file: what cannot be read is bad data") {
  const TemporaryFolder folder;
  const auto read = [](const std::string& path, size_t limit = 100) { return [=] { read_file(path, limit); }; };
  write_file(folder / "a", "12345");
  CHECK(read_file(folder / "a", 5) == "12345");
  CHECK(fails(ErrorKind::bad_data, {folder / "a", "larger than 4"}, read(folder / "a", 4)));
  CHECK(fails(ErrorKind::bad_data, {"larger than 0"}, read(folder / "a", 0)));
  CHECK(fails(ErrorKind::bad_data, {folder / "b", "No such file", "spelling"}, read(folder / "b")));
  CHECK(fails(ErrorKind::bad_data, {folder.path(), "is a directory"}, read(folder.path())));
  CHECK(fails(ErrorKind::bad_data, {"/dev/null", "not a regular file"}, read("/dev/null")));
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(fails(ErrorKind::bad_data, {"not a regular file"}, read(folder / "pipe")));  // and does not wait
}

TEST_CASE("file: too many open files are a failure of the machine, not bad data") {
  const TemporaryFolder folder;
  write_file(folder / "a", "x");
  {
    const NoMoreFiles limit;
    CHECK(fails(ErrorKind::failure, {folder / "a", "Too many open files", "ulimit -n"},
                [&] { read_file(folder / "a", 9); }));
  }
  CHECK(read_file(folder / "a", 9) == "x");
}

TEST_CASE("file: any error of a disk, of a network or of the machine is a failure, not bad data") {
  const TemporaryFolder folder;
  write_file(folder / "a", "x");
  for (const int error : {EIO, ESTALE, ETIMEDOUT, ENOTCONN, EHOSTDOWN, ENODEV, EREMOTEIO, ENOMEM, EAGAIN, ECONNRESET}) {
    failing_reads = error;
    CHECK(fails(ErrorKind::failure, {folder / "a", std::strerror(error)}, [&] { read_file(folder / "a", 9); }));
  }
  failing_reads = EACCES;
  CHECK(fails(ErrorKind::bad_data, {folder / "a", "Permission denied"}, [&] { read_file(folder / "a", 9); }));
  failing_reads = 0;
  CHECK(read_file(folder / "a", 9) == "x");
}

TEST_CASE("file: what cannot be looked at does not count as missing") {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("loop", folder / "loop");
  std::filesystem::create_symlink("nothing", folder / "link");
  write_file(folder / "file", "");
  CHECK(is_there(folder / "link"));
  CHECK(!is_there(folder / "nothing"));
  CHECK(!is_there(folder / "file/below"));
  CHECK(contains(error_of([&] { is_there(folder / "loop/below"); }), "loop/below is there: Too many levels"));
}

TEST_CASE("file: names as long as a file system takes them") {
  const TemporaryFolder folder;
  const std::string one = folder / (std::string(254, 'n') + "1"), two = folder / (std::string(254, 'n') + "2");
  AtomicFile out(one), other(two);  // at the same time: their temporaries differ
  out.write("1", 1);
  other.write("2", 1);
  CHECK(files(folder) == 2);
  out.commit();
  other.commit();
  CHECK(read_file(one, 9) + read_file(two, 9) == "12");
  CHECK(files(folder) == 2);
}

TEST_CASE("file: directories are made with those above them") {
  const TemporaryFolder folder;
  make_directories(folder / "a/b//c/");
  CHECK(std::filesystem::is_directory(folder / "a/b/c"));
  make_directories(folder / "a/b/c");
  make_directories("/");
  write_file(folder / "plain", "x");
  CHECK(fails(ErrorKind::failure, {"plain", "exists and is a file"}, [&] { make_directories(folder / "plain"); }));
  CHECK(
      fails(ErrorKind::failure, {"plain", "exists and is a file"}, [&] { make_directories(folder / "plain/below"); }));
  CHECK(fails(ErrorKind::failure, {"empty"}, [&] { make_directories(""); }));
  CHECK(fails(ErrorKind::failure, {"File name too long", "shorter"},
              [&] { make_directories(folder / std::string(300, 'n')); }));
  if (access("/proc/self", F_OK) == 0)  // where even root may not
    CHECK(fails(ErrorKind::failure, {"/proc/counterpoise"}, [&] { make_directories("/proc/counterpoise"); }));
}
