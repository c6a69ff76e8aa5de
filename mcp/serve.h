// SPDX-License-Identifier: Apache-2.0
// `assay serve` and `assay stdio`: the parts are made and joined here, and taken down in order.
#pragma once

#include "mcp/options.h"

namespace assay::mcp {

// Both block until SIGTERM, SIGINT or (stdio) the end of input, and return the exit status. They
// end within 10 s: no new jobs, running ones get kStopPatience, then they are cancelled.
int serve(const Options& options);
int serve_on_stdio(const Options& options);

}  // namespace assay::mcp
