// Child processes of this program: each is the program itself with other arguments. Not thread-safe: all calls come
// from the main thread, with whose end the children are told to stop.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace counterpoise {

// Starts the program with these arguments, in a process group of its own, so that a Ctrl-C reaches this process alone.
// Its standard output and error go to the file `log`, which is replaced; its input is empty. It inherits the descriptor
// `kept`, if that is not -1. If this process is killed, the child gets SIGTERM. Throws Error(failure) if it cannot be
// started.
pid_t start_child(const std::vector<std::string>& arguments, const std::string& log, int kept = -1);

// Whether a child has ended, and then its wait status.
bool has_ended(pid_t child, int& status);

// Why a child with this status failed: the last line of its log, or the signal that ended it. "" if it did not fail.
std::string failure_of(int status, const std::string& log);

}  // namespace counterpoise
