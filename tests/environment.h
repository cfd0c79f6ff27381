// What is otherwise until the end of a scope: a variable of the environment, and where warnings go.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "kernels/warning.h"

namespace counterpoise {

// Sets a variable of the environment until the end of the scope.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before, was_set_ = true;
    setenv(name, value.c_str(), 1);
  }
  ~Environment() { was_set_ ? setenv(name_, before_.c_str(), 1) : unsetenv(name_); }

 private:
  const char* name_;
  std::string before_;
  bool was_set_ = false;
};

// Collects the warnings, which are not printed, until the end of the scope.
struct Warnings {
  std::vector<std::string> all;
  Warnings() {
    set_warning_handler([this](const std::string& message) { all.push_back(message); });
  }
  ~Warnings() { set_warning_handler({}); }
};

}  // namespace counterpoise
