// Files on disk: reading with errors that name the cause, and writing that never damages the previous file.
//
// A file is written under another name in the same directory and renamed once every byte is on the disk, so a program
// that is killed, or a full disk, leaves the previous file as it was:
//
//   AtomicFile out("runs/last.safetensors");
//   out.write(header.data(), header.size());
//   out.write(weights.data(), weights.size() * sizeof(float));
//   out.commit();
//
// An Error is one line with the path, the cause and what to do. Its kind is bad_data if a file cannot be read; failure
// if that is because of the machine and not of the file (too many open files, no memory, an error of the disk), or if a
// file cannot be written. Different objects may be used by different threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace counterpoise {

// Owns a file descriptor, -1 for none.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// A regular file that is open for reading. Throws an Error as above if it cannot be opened or read. Several threads may
// read from it at once.
class InputFile {
 public:
  explicit InputFile(const std::string& path);

  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }  // in bytes, when it was opened

  // Reads up to `bytes` bytes at `offset` into `to` and returns their number, which is smaller only at the end of the
  // file.
  size_t read_at(uint64_t offset, void* to, size_t bytes) const;

 private:
  std::string path_;
  FileDescriptor fd_;
  uint64_t size_ = 0;
};

// The content of a file of at most `limit` bytes. Throws Error(bad_data) if it is larger, and what InputFile throws.
std::string read_file(const std::string& path, size_t limit);

// A file that appears at `path` complete or not at all. Until commit() its bytes are in `.NAME.tmp-PID` in the same
// directory (with a hash in the place of a long name's end), which the destructor removes; a killed program leaves it
// there, and it may be deleted. A symbolic link at `path` is replaced; anything else that is not a regular file is
// refused. REQUIRES: one AtomicFile per path at a time. Every function throws Error(failure) if a system call fails.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends; there is no buffer, so a full disk is reported here.
  void write(const void* data, size_t bytes);
  // Flushes the bytes to the disk and renames the file to its target. The last call on the object.
  void commit();

 private:
  std::string path_, name_, temporary_;  // the target, its last component, and the temporary's name
  FileDescriptor directory_, file_;
};

// Whether there is something of this name, be it a link to nothing. Throws Error(failure) where that cannot be found
// out: what a disk or a network does not show for a moment must not be taken for missing, and be made again.
bool is_there(const std::string& path);

// Replaces the content of a file, through an AtomicFile.
void write_file(const std::string& path, const std::string& content);

// Creates a writable directory and its parents; does nothing if it exists. Throws Error(failure) if a file has its name
// or permission is missing.
void make_directories(const std::string& path);

// Removes a file; does nothing if there is none. Throws Error(failure) if it cannot be removed.
void remove_file(const std::string& path);

namespace detail {
// Writes every byte to `fd`; `path` is its name in an Error(failure).
void write_all(int fd, const void* data, size_t bytes, const std::string& path);
// What an errno means and what to do: "No space left on device (the disk is full: free some space)".
std::string reason(int error);
}  // namespace detail

}  // namespace counterpoise
