// That an exercise can be solved, and that its check notices what is wrong: the stub must be unsolved, with a hint; the
// library's own functions (TWIN), or the answer in their place, must pass; three wrong solutions (MUTANTS) must fail.
// Compiled for each lesson by tests/house/exercises.sh, which defines STUB, TWIN, MUTANTS, CHECK and TYPES as the
// files' names.
#include <counterpoise/counterpoise.h>

#include "apps/lessons/checks/checker.h"
#if __has_include(TYPES)
#include TYPES
#endif

using namespace counterpoise;

namespace stub {
#include STUB
#include CHECK
}  // namespace stub
namespace twin {
#include TWIN
#include CHECK
}  // namespace twin
#define MUTANT 1
namespace mutant_1 {
#include MUTANTS
#include CHECK
}  // namespace mutant_1
#undef MUTANT
#define MUTANT 2
namespace mutant_2 {
#include MUTANTS
#include CHECK
}  // namespace mutant_2
#undef MUTANT
#define MUTANT 3
namespace mutant_3 {
#include MUTANTS
#include CHECK
}  // namespace mutant_3

int main() {
#ifdef CP_SLOW_CHECK  // by TYPES, for a check that takes seconds
  constexpr unsigned repetitions = 1;
#else
  constexpr unsigned repetitions = 3;
#endif
  int wrong = 0;
  const auto expect = [&](const char* what, const auto& check, Verdict expected) {
    for (unsigned seed = 1; seed <= repetitions; ++seed) {
      std::string message;
      if (verdict(check, seed, message) == expected) continue;
      std::cout << STUB << ", " << what << ": " << (message.empty() ? "it passes" : message) << "\n";
      ++wrong;
      return;
    }
  };
  expect("the stub", stub::check, Verdict::unsolved);
  expect("the library's functions, or the answer", twin::check, Verdict::solved);
  expect("mutant 1", mutant_1::check, Verdict::wrong);
  expect("mutant 2", mutant_2::check, Verdict::wrong);
  expect("mutant 3", mutant_3::check, Verdict::wrong);
  std::cout << STUB << ": " << 5 - wrong << " as they should be, " << wrong << " not\n";
  return wrong == 0 ? 0 : 1;
}
