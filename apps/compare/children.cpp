#include "apps/compare/children.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "apps/trainer/format.h"
#include "core/io/file.h"

namespace counterpoise {

namespace {

// The path of this program. It is read once: /proc/self/exe of the child would be right, too, but `ps` would show it.
const std::string& this_program() {
  static const std::string path = [] {
    char self[4096];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self);
    CP_ENSURE(length > 0, "cannot read /proc/self/exe: ", detail::reason(errno));
    return std::string(self, static_cast<size_t>(length));
  }();
  return path;
}

// The last line of a log that says anything, without the program's name before it.
std::string last_line(const std::string& log) {
  std::string end;
  try {
    const InputFile file(log);
    const uint64_t start = file.size() > 4096 ? file.size() - 4096 : 0;
    end.resize(file.size() - start);
    end.resize(file.read_at(start, end.data(), end.size()));
  } catch (const Error&) {
    return "";
  }
  const size_t last = end.find_last_not_of(" \r\n");
  if (last == std::string::npos) return "";
  const size_t first = end.find_last_of("\r\n", last) + 1;
  std::string line = end.substr(first, last + 1 - first);
  for (const std::string name : {"counterpoise", "catdog"}) {
    if (line.rfind(name + ": ", 0) == 0) line = line.substr(name.size() + 2);
  }
  return printable(shortened(line));
}

// Runs in the child, where only calls that are safe after fork() may be made.
[[noreturn]] void become(const char* program, char** argv, int log, int kept, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(1);  // it ended before that
  const int empty = open("/dev/null", O_RDONLY);
  dup2(empty, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  if (kept >= 0) fcntl(kept, F_SETFD, 0);
  execv(program, argv);
  const char* reason = std::strerror(errno);
  const ssize_t unused = write(STDERR_FILENO, reason, std::strlen(reason));
  static_cast<void>(unused);
  _exit(127);
}

}  // namespace

pid_t start_child(const std::vector<std::string>& arguments, const std::string& log, int kept) {
  const FileDescriptor file(open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  CP_ENSURE(file.get() >= 0, "cannot write ", log, ": ", detail::reason(errno));
  std::vector<std::string> words = {this_program()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = getpid(), child = fork();
  CP_ENSURE(child >= 0, "cannot start another process: ", detail::reason(errno));
  if (child == 0) become(words[0].c_str(), argv.data(), file.get(), kept, parent);
  return child;
}

bool has_ended(pid_t child, int& status) {
  const pid_t ended = waitpid(child, &status, WNOHANG);
  CP_ENSURE(ended >= 0 || errno == EINTR, "cannot wait for the process ", child, ": ", detail::reason(errno));
  return ended == child;
}

std::string failure_of(int status, const std::string& log) {
  const std::string line = last_line(log);
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return text("ended by signal ", signal, " (", strsignal(signal), signal == SIGKILL ? "; was memory used up?" : "",
                ")", line.empty() ? "" : "; its last line: " + line);
  }
  if (WEXITSTATUS(status) == 0) return "";
  return line.empty() ? text("exit code ", WEXITSTATUS(status)) : line;
}

}  // namespace counterpoise
