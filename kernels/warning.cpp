#include "kernels/warning.h"

#include <cstdio>
#include <mutex>
#include <utility>

namespace counterpoise {

namespace {

std::mutex mutex;
std::function<void(const std::string&)> current;

}  // namespace

void warn(const std::string& message) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (current) return current(message);
  std::fprintf(stderr, "counterpoise: warning: %s\n", message.c_str());
}

std::function<void(const std::string&)> set_warning_handler(std::function<void(const std::string&)> handler) {
  const std::lock_guard<std::mutex> lock(mutex);
  std::swap(current, handler);
  return handler;
}

}  // namespace counterpoise
