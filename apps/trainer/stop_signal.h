// Clean shutdown on SIGINT, SIGTERM and SIGHUP (the terminal was closed): the program finishes its step, saves the
// weights and exits with 128 + the signal's number. A second signal ends it at once.
#pragma once

namespace counterpoise {

// Installs the handlers, for the whole process.
void catch_stop_signals();
// The signal that has been received, or 0. Every long loop reads it after each step. Safe to call from any thread.
int stop_signal();

}  // namespace counterpoise
