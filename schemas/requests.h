// SPDX-License-Identifier: Apache-2.0
// The requests of the five tools, as an MCP caller (flat fields) or a REST caller (nested
// KernelCode) writes them. Both forms become the same structs here, so that nothing behind this
// header knows which one was used.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "schemas/kernel.h"

namespace assay::schemas {

inline constexpr std::int64_t kMinTrials = 1, kMaxTrials = 10'000, kDefaultTrials = 100;
inline constexpr std::int64_t kMaxWarmup = 1'000, kDefaultWarmup = 10;
inline constexpr std::int64_t kMinTimeoutSeconds = 1, kMaxTimeoutSeconds = 600;
inline constexpr std::int64_t kDefaultTimeoutSeconds = 120, kDefaultValidateTimeoutSeconds = 60;
inline constexpr std::int64_t kMaxWaitSeconds = 600, kDefaultWaitSeconds = 45;

inline constexpr std::size_t kMaxIdempotencyKeyBytes = 128;

// Far above any use; what is computed with it stays within float32's range.
inline constexpr double kMaxTolerance = 1e30;

enum class JobKind { evaluate, compare, validate };
const std::vector<std::string>& job_kind_names();  // in the order of JobKind
const std::string& job_kind_name(JobKind kind);

// Whether a request may be answered by the job of an equal one that was sent before. Of a call, not
// of the job: no part of a job's bytes.
struct Joining {
  bool by_content = false;                     // MCP: what asks for the same joins the same job
  std::optional<std::string> idempotency_key;  // then this names the request, not its content
  bool fresh = false;                          // a new job in any case
};

// One request for work: evaluate (reference optional), compare (reference given), validate (none,
// one checked run).
struct WorkRequest {
  JobKind kind = JobKind::evaluate;
  Kernel candidate;
  std::optional<Kernel> reference;
  std::int64_t num_trials = kDefaultTrials;  // timed, checked calls
  std::int64_t num_warmup = kDefaultWarmup;  // calls before them
  std::optional<double> atol, rtol;          // as in torch.allclose when either is given
  std::int64_t timeout_seconds = kDefaultTimeoutSeconds;  // compiling and running, not queueing
  std::optional<std::int64_t> run_timeout_seconds;        // of it, what may follow the compiling
  bool enable_device_metrics = false;
  std::vector<Json> extra_shapes;                   // substitutions, as sent (extra_shapes.h)
  bool timed = true;                                // false: values are checked, nothing is timed
  std::int64_t wait_seconds = kDefaultWaitSeconds;  // MCP only: then a job handle is returned
  std::vector<std::string> warnings;                // unknown fields, ignored ones
  Joining joining;
  // Where the contracts stood in the request, for errors found later; not part of a job's bytes.
  std::string candidate_io_path = "io_contract", reference_io_path = "io_contract";
};

enum class JobSection { status, compile_log, samples };

struct JobStatusRequest {
  std::string job_id;
  std::int64_t wait_seconds = 0;
  JobSection section = JobSection::status;
  std::int64_t cursor = 0;  // of the pages: the byte to begin at
};

// MCP arguments of evaluate_kernel, compare_kernels, validate_kernel, get_job_status.
Result<WorkRequest> read_evaluate_arguments(const Json& arguments);
Result<WorkRequest> read_compare_arguments(const Json& arguments);
Result<WorkRequest> read_validate_arguments(const Json& arguments);
Result<JobStatusRequest> read_job_status_arguments(const Json& arguments);

// REST bodies: POST /evaluate {kernel, ...}, POST /compare {ref_kernel, custom_kernel, ...}, and
// POST / which takes the old {ref_code, custom_code, num_trials} as well.
Result<WorkRequest> read_rest_evaluate(const Json& body);
Result<WorkRequest> read_rest_compare(const Json& body);
Result<WorkRequest> read_rest_legacy(const Json& body);

}  // namespace assay::schemas
