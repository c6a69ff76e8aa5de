// SPDX-License-Identifier: Apache-2.0
#include "victims/victim.h"

int main(int count, char** values) {
  return victim::run({values + 1, values + count});
}
