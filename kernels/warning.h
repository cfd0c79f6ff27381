// Warnings: what a program can go on after, but its user should know, as that a convolution runs on a slow path.
#pragma once

#include <functional>
#include <string>

namespace counterpoise {

// Prints "counterpoise: warning: MESSAGE" and a newline to stderr, or passes the message to the handler that is set.
// The caller decides how often it repeats itself. Thread-safe.
void warn(const std::string& message);

// Warnings go to `handler`, one at a time, until another one is set; an empty one restores the output to stderr. The
// handler must not call warn() or this function. Returns the handler before it. Thread-safe.
std::function<void(const std::string&)> set_warning_handler(std::function<void(const std::string&)> handler);

}  // namespace counterpoise
