// The claims that the example program makes hold.
#include "tests/program.h"

using namespace counterpoise;

TEST_CASE("terminal phase: weights and shifts of logits end where cross-entropy does, scaled logits do not" * slow()) {
  const Result r = must_succeed(shell(program("examples/terminal_phase") + " --draws 3 --steps 1500"));
  CHECK(contains(r.out, "CDT, gamma 0.2"));
  CHECK(contains(r.out, "Weights and logit adjustment end where cross-entropy does"));
}

TEST_CASE("terminal phase: a claim that does not hold is an error") {
  const Result r =
      shell(program("examples/terminal_phase") + " --draws 2 --steps 3");  // nothing is learned in three steps
  CHECK(r.code == 1);
  CHECK(contains(r.err, "should"));
}
