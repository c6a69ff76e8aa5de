// SPDX-License-Identifier: Apache-2.0
// The published JSON Schemas (2020-12) of the five tools: a flat object at the root, no unions and
// no references, because hosts drop or rewrite those; each under 5,000 bytes serialised. The
// readers of requests.h decide what is accepted; these say the same to an agent, and a test holds
// them together.
#pragma once

#include "schemas/json_reader.h"

namespace assay::schemas {

inline constexpr std::size_t kMaxToolSchemaBytes = 5'000;

Json evaluate_kernel_input();
Json compare_kernels_input();
Json validate_kernel_input();
Json get_server_stats_input();
Json get_job_status_input();

// Of evaluate_kernel, compare_kernels and validate_kernel: an evaluation or the handle of a job
// still running.
Json evaluation_output();
Json server_stats_output();
Json job_status_output();

}  // namespace assay::schemas
