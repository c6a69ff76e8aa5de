// SPDX-License-Identifier: Apache-2.0
// Strict decoding of what runners answer. Failure: bad_reply with role and request for anything
// that does not fit; memory when honest-looking tensors are larger than allowed.
#pragma once

#include <string>
#include <vector>

#include "engine/judge/runner_client.h"

namespace assay::engine::judge {

// The judge's own copy of the memfd that came with an answer, so that the runner can neither change
// nor share what is passed on; not valid when none came.
sandbox::SharedMemory reply_buffer(std::vector<sandbox::UniqueFd> descriptors,
                                   std::size_t max_bytes, schemas::RunnerRole role, const char* at);

std::vector<schemas::Value> values_in(const schemas::Json& body,
                                      const sandbox::SharedMemory& buffer, std::size_t max_bytes,
                                      schemas::RunnerRole role, const char* at);
Loaded read_loaded(const schemas::Json& body, schemas::RunnerRole role, const char* at);
std::vector<NamedTensor> read_weights(const schemas::Json& body,
                                      const sandbox::SharedMemory& buffer, std::size_t max_bytes,
                                      schemas::RunnerRole role, const char* at);
std::vector<std::string> read_skipped(const schemas::Json& body, schemas::RunnerRole role,
                                      const char* at);
WeightsCopied read_weights_copied(const schemas::Json& body, schemas::RunnerRole role,
                                  const char* at);
// A time longer than what the judge measured is cut to that.
Probed read_probed(const schemas::Json& body, std::int64_t elapsed_ns, schemas::RunnerRole role,
                   const char* at);
// "stream", or the mode asked for.
std::string read_ready_mode(const schemas::Json& body, const std::string& asked,
                            schemas::RunnerRole role, const char* at);
// One figure per call, or one for all of them; none larger than the judge's `elapsed_ns`.
PassDone read_pass_done(const schemas::Json& body, std::size_t calls, std::int64_t elapsed_ns,
                        schemas::RunnerRole role, const char* at);

}  // namespace assay::engine::judge
