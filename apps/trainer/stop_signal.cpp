#include "apps/trainer/stop_signal.h"

#include <unistd.h>

#include <csignal>

namespace counterpoise {

namespace {

volatile std::sig_atomic_t received = 0;

void on_signal(int signal) {
  if (received) _exit(128 + signal);
  received = signal;
}

constexpr int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};

}  // namespace

StopSignals::StopSignals() {
  struct sigaction action {
  }, before{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int signal : stop_signals) {
    sigaction(signal, nullptr, &before);
    if (signal == SIGHUP && before.sa_handler == SIG_IGN) continue;  // nohup
    sigaction(signal, &action, nullptr);
  }
}

StopSignals::~StopSignals() {
  for (const int signal : stop_signals) {
    struct sigaction now {};
    sigaction(signal, nullptr, &now);
    if (now.sa_handler == on_signal) std::signal(signal, SIG_DFL);
  }
}

int stop_signal() { return received; }

}  // namespace counterpoise
