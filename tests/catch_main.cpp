// SPDX-License-Identifier: Apache-2.0
// The main function of every Catch2 test program.

#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

// Catch2's own status is the count of failures, which could be 77, our sign for "skipped".
int main(int argument_count, char** arguments) {
  return Catch::Session().run(argument_count, arguments) == 0 ? 0 : 1;
}
