// Targets with faults, which the self-test must find: one of each kind, and one behind branches that only an input that
// is built up step by step reaches.
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <new>

#include "tests/fuzz/fuzz.h"

namespace counterpoise::fuzz {

namespace {

// Not folded away by the compiler.
volatile int zero = 0;

std::vector<Bytes> one_seed() { return {bytes_of("abcdefgh")}; }

Target planted(const char* name, const std::function<std::string(const Bytes&)>& run) {
  return {name, one_seed, run, {ErrorKind::bad_data}};
}

bool begins_with(const Bytes& input, char c) { return !input.empty() && input[0] == uint8_t(c); }

}  // namespace

std::vector<Target> planted_targets() {
  std::vector<Target> all = {
      planted("planted-overrun",
              [](const Bytes& input) {
                std::unique_ptr<char[]> text(new char[8]);
                return std::string(1, text[input.size() - 1 > 7 ? size_t(8 + zero) : 0] ? 'a' : 'b');
              }),
      planted("planted-undefined",
              [](const Bytes& input) { return std::to_string(begins_with(input, 'a') ? 1 : 1 << (32 + zero)); }),
      planted("planted-leak",
              [](const Bytes& input) -> std::string {
                if (!begins_with(input, 'a')) static_cast<void>(new std::string(100, 'x'));
                return "";
              }),
      planted("planted-hang",
              [](const Bytes& input) -> std::string {
                while (!begins_with(input, 'a') && zero == 0) {
                }
                return "";
              }),
      planted("planted-memory",
              [](const Bytes& input) -> std::string {
                static std::vector<std::string> all;
                while (!begins_with(input, 'a') && zero == 0) all.emplace_back(1 << 20, 'x');
                return "";
              }),
      planted("planted-bad-alloc",
              [](const Bytes& input) -> std::string {
                if (!begins_with(input, 'a')) throw std::bad_alloc();
                return "";
              }),
      planted("planted-kind",
              [](const Bytes& input) -> std::string {
                CP_ENSURE(begins_with(input, 'a'), "a wrong kind");
                return "";
              }),
      planted("planted-exit",
              [](const Bytes& input) -> std::string {
                if (!begins_with(input, 'a')) std::exit(0);
                return "";
              }),
      planted("planted-violation",
              [](const Bytes& input) -> std::string {
                require(begins_with(input, 'a'), "not a");
                return "";
              }),
      // Found only if inputs that reach a new branch are kept: 2^40 tries otherwise.
      planted("planted-deep",
              [](const Bytes& input) -> std::string {
                if (input.size() > 4 && input[0] == 'D') {
                  if (input[1] == 'E') {
                    if (input[2] == 'E') {
                      if (input[3] == 'P') {
                        if (input[4] == '!') std::abort();
                      }
                    }
                  }
                }
                return "";
              }),
  };
  for (Target& target : all) target.megabytes = 512;
  return all;
}

}  // namespace counterpoise::fuzz
