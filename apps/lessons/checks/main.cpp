// `make exercise N=01` compiles this with a solution, EXERCISE, its check, CHECK, and what both are given, TYPES.
#include <counterpoise/counterpoise.h>

#include "apps/lessons/checks/checker.h"
#if __has_include(TYPES)
#include TYPES
#endif

namespace exercise {
using namespace counterpoise;
#include EXERCISE
#include CHECK
}  // namespace exercise

int main() {
  std::string message;
  const counterpoise::Verdict verdict = counterpoise::verdict(exercise::check, std::random_device()(), message);
  if (verdict == counterpoise::Verdict::solved) {
    std::cout << "Solved: " << EXERCISE << "\n";
    return 0;
  }
  std::cout << EXERCISE << ": " << message << "\n";
  return 1;
}
