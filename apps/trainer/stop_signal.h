// Clean shutdown on SIGINT, SIGTERM and SIGHUP (the terminal was closed): the program finishes its step, saves the
// weights and exits with 128 + the signal's number. A second signal ends it at once, and so does the first one once the
// work is done. A SIGHUP that is ignored, as under nohup, stays ignored.
#pragma once

namespace counterpoise {

// The handlers are installed, for the whole process, while the object lives. Then the signals' default actions apply:
// what is left to do, such as ending threads, has nothing to save.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
};

// The signal that has been received, or 0. Every long loop reads it after each step. Safe to call from any thread.
int stop_signal();

}  // namespace counterpoise
