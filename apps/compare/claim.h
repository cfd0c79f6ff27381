// A claim on a file: at most one process holds it, on one machine or on several that share the folder. It is a lock
// (flock), which the system gives up when its holder ends, however it ends. A child process can inherit it, and then it
// lasts until both have given it up: a training whose parent was killed keeps its claim.
//
// On a file system without locks the claim is a second file FILE.held, which exists as long as the claim. One that a
// killed process left is taken over on the same machine; of another machine it must be deleted by hand: it holds the
// names of machine and process.
//
// A claim belongs to one thread.
#pragma once

#include <string>

#include "core/io/file.h"

namespace counterpoise {

class Claim {
 public:
  enum When { now, wait };  // whether another holder is waited for
  Claim() = default;        // holds nothing
  // Takes the claim on the file, which is made if it is missing. Throws Error(failure) if it cannot be opened.
  Claim(const std::string& path, When when, bool use_locks = true);
  Claim(Claim&& other) noexcept;
  Claim& operator=(Claim&& other) noexcept;
  ~Claim();

  // Whether this object has it; else another process does.
  bool held() const { return held_; }
  // What a child process inherits; closed by exec() unless FD_CLOEXEC is cleared.
  int descriptor() const { return file_.get(); }

 private:
  void take_without_locks(const std::string& path);

  FileDescriptor file_;
  std::string held_file_;  // without locks
  bool held_ = false;
};

}  // namespace counterpoise
