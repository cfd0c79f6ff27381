// Progress on stderr: on a terminal one line that is rewritten, elsewhere a plain line every ten seconds. After twenty
// steps it says how long all of them will take. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace counterpoise {

// A line at the end of a terminal that is rewritten, until the object ends.
class StatusLine {
 public:
  ~StatusLine() { clear(); }
  void show(const std::string& line);
  // Prints a line of its own, which stays.
  void say(const std::string& line);

 private:
  void clear();
  bool shown_ = false;
};

class Progress {
 public:
  // For a run of `total_steps` steps.
  explicit Progress(int64_t total_steps);

  // Reports a step; `what` begins the line: "epoch 2/8". `done_steps` counts this step, `images` are those of its
  // batch.
  void step(const std::string& what, int64_t done_steps, size_t images, double loss);
  // Reports an evaluation: `done` of `all` images.
  void evaluating(size_t done, size_t all);
  // The run is continued: so many steps were done before.
  void start_at(int64_t steps) { first_ = steps; }
  // Prints a separate line.
  void say(const std::string& line) { line_.say(line); }

 private:
  bool is_time(bool last);
  void show(double fraction, const std::string& line);

  using Clock = std::chrono::steady_clock;
  const int64_t total_;
  const bool terminal_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_shown_ = start_;
  int64_t images_ = 0, first_ = 0;
  bool estimated_ = false;
  StatusLine line_;
};

// 75 seconds as "1:15".
std::string clock_text(double seconds);
inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace counterpoise
