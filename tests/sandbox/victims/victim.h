// SPDX-License-Identifier: Apache-2.0
// What a confined process tries in the tests. Each command prints what happened to stdout, one word
// per line where it can: "ok" or the name of an errno.
#pragma once

#include <string>
#include <vector>

namespace victim {

using Arguments = std::vector<std::string>;

const char* error_word(int error_number);  // "ok" for 0
void say(const std::string& line);

// Runs the command `arguments[0]`; its result is the exit status.
int run(const Arguments& arguments);

int look(const Arguments& arguments);    // look.cpp: what it sees and may open
int burden(const Arguments& arguments);  // burden.cpp: memory, files, output, processes
int perish(const Arguments& arguments);  // perish.cpp: ways to end, or not to
inline constexpr int kUnknown = 99;

}  // namespace victim
