// The entry point of the tests. Run all with `make test`, some with `make test TEST_ARGS="-tc='focal*'"`.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cstdlib>

// Nothing that a test or a program of it finds out about a GPU is kept in the user's folder. (Before other
// initializers, of which some look for a GPU.)
__attribute__((constructor(101))) static void keep_no_cache() { setenv("COUNTERPOISE_CACHE", "", 1); }
