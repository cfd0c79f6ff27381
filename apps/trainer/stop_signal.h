// SIGINT, SIGTERM and SIGHUP (the terminal was closed) ask for an orderly end: the step is finished, what was learned
// is saved, and the program ends with 128 + the signal's number. A second one ends it at once.
#pragma once

namespace counterpoise {

void catch_stop_signals();
// The signal that has come in, or 0. Asked after each step of every long loop.
int stop_signal();

}  // namespace counterpoise
