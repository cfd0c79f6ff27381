#include "apps/trainer/progress.h"

#include <sys/ioctl.h>
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
  if (s < 3600) return formatted("%lld:%02lld", s / 60, s % 60);
  return formatted("%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

Progress::Progress(int64_t total_steps) : total_(total_steps), terminal_(stderr_is_a_terminal()) {}

// Whether to show something now.
bool Progress::is_time(bool last) {
  if (seconds_since(last_shown_) < (terminal_ ? 0.1 : 10) && !(terminal_ && last)) return false;
  last_shown_ = Clock::now();
  return true;
}

void Progress::step(const std::string& what, int64_t done, size_t images, double loss) {
  images_ += static_cast<int64_t>(images);
  const double elapsed = seconds_since(start_);
  const double each = elapsed / static_cast<double>(done - first_);
  constexpr int64_t enough = 20;
  constexpr double worth_telling = 30;  // seconds
  if (!estimated_ && done - first_ == enough) {
    estimated_ = true;
    const double all = each * static_cast<double>(total_ - first_);
    if (all > worth_telling)
      say(formatted("About %s for all %lld steps", clock_text(all).c_str(), static_cast<long long>(total_ - first_)));
  }
  if (!is_time(done == total_)) return;
  show(static_cast<double>(done) / static_cast<double>(total_ ? total_ : 1),
       formatted("%s  step %lld/%lld  loss %.4f  %.0f images/s  %s left", what.c_str(), static_cast<long long>(done),
                 static_cast<long long>(total_), loss, static_cast<double>(images_) / elapsed,
                 clock_text(each * static_cast<double>(total_ - done)).c_str()));
}

void Progress::evaluating(size_t done, size_t all) {
  if (done < all && is_time(false)) {
    show(static_cast<double>(done) / static_cast<double>(all), formatted("evaluating: %zu/%zu images", done, all));
  }
}

void Progress::show(double fraction, const std::string& line) {
  if (!terminal_) return line_.say(line);
  constexpr int width = 20;
  const int filled = static_cast<int>(width * fraction);
  std::string bar = "[";
  for (int i = 0; i < width; ++i) bar += i < filled ? '#' : '.';
  // A line that is wider than the terminal could not be rewritten.
  winsize window = {};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1;
  line_.show((bar + "] " + line).substr(0, known ? window.ws_col - 1u : std::string::npos));
}

void StatusLine::show(const std::string& line) {
  std::fprintf(stderr, "\r%s\033[K", line.c_str());
  shown_ = true;
}

void StatusLine::say(const std::string& line) {
  clear();
  std::fprintf(stderr, "%s\n", printable(line).c_str());
}

void StatusLine::clear() {
  if (shown_) std::fprintf(stderr, "\r\033[K");
  shown_ = false;
}

}  // namespace counterpoise
