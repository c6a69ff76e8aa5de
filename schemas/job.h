// SPDX-License-Identifier: Apache-2.0
// The life of a job: its specification as plain bytes, the events on its way, its state words on
// the wire.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schemas/device.h"
#include "schemas/requests.h"

namespace assay::schemas {

inline constexpr std::int64_t kJobSpecVersion = 1;

// Everything an executor needs, on this machine or another: no path, no descriptor, no pointer.
// `attempt` counts from 1; `fencing_token` rises with every attempt of every job, and a result with
// an older one is refused.
struct JobSpec {
  std::int64_t version = kJobSpecVersion;
  std::string job_id;
  std::int64_t attempt = 1;
  std::int64_t fencing_token = 0;
  DeviceRequirement device;
  WorkRequest work;
};
Json to_json(const JobSpec& spec);
Result<JobSpec> read_job_spec(const Json& json);

// Our stages, in order; internal, and the events' names.
enum class Stage { queued, compiling, validating, profiling, done };
const std::string& stage_name(Stage stage);

// The words of the wire.
enum class JobState {
  submitted,
  compiling,
  validating,
  profiling,
  completed,
  failed,
  cancelled,
  interrupted
};
const std::string& job_state_name(JobState state);
std::optional<JobState> job_state_from_name(const std::string& name);
bool is_terminal(JobState state);
JobState state_of(Stage stage);

// What an executor tells on the way. `progress` rises from 0 to 1 within the job.
struct JobEvent {
  // compile_log: `message` is all that a compiler said, for whoever asks for it later.
  enum class Kind { stage, progress, log, compile_log } kind = Kind::stage;
  Stage stage = Stage::queued;
  double progress = 0;
  std::string message;
};
Json to_json(const JobEvent& event);
Result<JobEvent> read_job_event(const Json& json);

}  // namespace assay::schemas
