#include "apps/trainer/progress.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "apps/trainer/format.h"

namespace counterpoise {

namespace {

bool stderr_is_a_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) && !(term && std::strcmp(term, "dumb") == 0);
}

}  // namespace

std::string clock_text(double seconds) {
  const long long s = std::llround(seconds);
  char out[32];
  if (s < 3600) std::snprintf(out, sizeof out, "%lld:%02lld", s / 60, s % 60);
  else std::snprintf(out, sizeof out, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  return out;
}

Progress::Progress(int64_t total_steps) : total_(total_steps), terminal_(stderr_is_a_terminal()) {}

void Progress::step(const std::string& what, int64_t done, size_t images, double loss) {
  images_ += static_cast<int64_t>(images);
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - last_shown_).count();
  if (since < (terminal_ ? 0.1 : 10) && !(terminal_ && done == total_)) return;
  last_shown_ = now;

  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double left = elapsed / static_cast<double>(done) * static_cast<double>(total_ - done);
  char line[256];
  std::snprintf(line, sizeof line, "%s  step %lld/%lld  loss %.4f  %.0f images/s  %s left", what.c_str(),
                static_cast<long long>(done), static_cast<long long>(total_), loss,
                static_cast<double>(images_) / elapsed, clock_text(left).c_str());
  if (!terminal_) {
    std::fprintf(stderr, "%s\n", line);
    return;
  }
  constexpr int width = 20;
  const int filled = static_cast<int>(width * done / (total_ ? total_ : 1));
  char bar[width + 1];
  for (int i = 0; i < width; ++i) bar[i] = i < filled ? '#' : '.';
  bar[width] = 0;
  std::fprintf(stderr, "\r[%s] %s\033[K", bar, line);
  std::fflush(stderr);
  on_line_ = true;
}

void Progress::say(const std::string& line) {
  clear();
  std::fprintf(stderr, "%s\n", printable(line).c_str());
}

void Progress::clear() {
  if (on_line_) std::fprintf(stderr, "\r\033[K");
  on_line_ = false;
}

}  // namespace counterpoise
