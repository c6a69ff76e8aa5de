// SPDX-License-Identifier: Apache-2.0
// Runs one program to its end and keeps what it printed.
#pragma once

#include <string>
#include <vector>

#include "schemas/result.h"

namespace assay::engine {

struct ChildEnd {
  int status = 0;      // its exit status, or 128 + the signal that ended it
  std::string output;  // of both streams, the first `max_output_bytes`
};

// `arguments[0]` is the program's path. The environment is our own; no standard input. Blocks for
// as long as the program runs: whoever confined us ends it with us. Error: internal where it cannot
// be started.
schemas::Result<ChildEnd> run_child(const std::vector<std::string>& arguments,
                                    const std::string& directory, std::size_t max_output_bytes);

}  // namespace assay::engine
