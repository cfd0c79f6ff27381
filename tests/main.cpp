// The entry point of the tests. Run all with `make test`, some with `make test TEST_ARGS="-tc='focal*'"`.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
