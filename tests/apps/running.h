// A program of ours that runs beside the test, which watches it and sends it signals.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/program.h"

namespace counterpoise {

class Running {
 public:
  Running(const std::string& name, const std::string& arguments) : program_(program(name)) {
    const std::string command = std::string(hide_gpus) + "exec " + program_ + " " + arguments + " >" +
                                (scratch_ / "out") + " 2>" + (scratch_ / "err") + " </dev/null";
    child_ = fork();
    if (child_ == 0) {
      execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
  }
  ~Running() {
    if (!ended_) kill(child_, SIGKILL), code();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  // Waits until the program has written `part` to stderr.
  void wait_for(const std::string& part) const {
    for (int i = 0; i < 3000 && !contains(err(), part); ++i) usleep(10000);
    REQUIRE(contains(err(), part));
  }
  // Waits until the program handles SIGTERM, which a training does before it looks for images.
  void wait_for_handler() const {
    for (int i = 0; i < 300000 && !handles(SIGTERM); ++i) usleep(100);
    REQUIRE(handles(SIGTERM));
  }
  void send(int signal) const { kill(child_, signal); }
  // Waits for the end: the exit code, or minus the signal that ended it.
  int code() {
    ended_ = true;
    int status = 0;
    waitpid(child_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  std::string err() const { return std::filesystem::exists(scratch_ / "err") ? slurp(scratch_ / "err") : ""; }

 private:
  bool handles(int signal) const {
    std::error_code ignored;
    const std::string self = std::filesystem::read_symlink("/proc/" + std::to_string(child_) + "/exe", ignored);
    if (self != program_) return false;  // the shell, or the tests, whose framework has a handler
    std::istringstream status(slurp_if_there("/proc/" + std::to_string(child_) + "/status"));
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("SigCgt:", 0) == 0) return std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1;
    }
    return false;
  }
  static std::string slurp_if_there(const std::string& path) {
    std::ifstream in(path);
    std::ostringstream all;
    all << in.rdbuf();
    return all.str();
  }

  const std::string program_;
  const TemporaryFolder scratch_;
  pid_t child_;
  bool ended_ = false;
};

// A training into `output` that a signal stops as soon as it can, most often before its first step. Returns whether it
// was stopped before its end.
inline bool stop_at_once(const std::string& name, const std::string& arguments, const std::string& output) {
  for (int attempt = 0; attempt < 20; ++attempt) {  // on a busy machine a short training may end first
    Running run(name, arguments + " --output " + output);
    run.wait_for_handler();
    run.send(SIGTERM);
    const int code = run.code();
    if (code != 0) return code == 128 + SIGTERM;
    std::filesystem::remove_all(output);
  }
  return false;
}

}  // namespace counterpoise
