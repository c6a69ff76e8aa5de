// SPDX-License-Identifier: Apache-2.0
#include "schemas/job.h"

#include <algorithm>
#include <limits>

#include "schemas/extra_shapes.h"

namespace assay::schemas {
namespace {

const std::vector<std::string> kStageNames = {"queued", "compiling", "validating", "profiling",
                                              "done"};
const std::vector<std::string> kStateNames = {"submitted", "compiling",  "validating",
                                              "profiling", "completed",  "failed",
                                              "cancelled", "interrupted"};
const std::vector<std::string> kEventKindNames = {"stage", "progress", "log", "compile_log"};
constexpr std::size_t kMaxMessageBytes = std::size_t{4} << 20;  // a compile log is long

Json to_json(const WorkRequest& work) {
  Json json = {{"kind", job_kind_name(work.kind)},
               {"candidate", schemas::to_json(work.candidate)},
               {"num_trials", work.num_trials},
               {"num_warmup", work.num_warmup},
               {"timeout_seconds", work.timeout_seconds},
               {"enable_device_metrics", work.enable_device_metrics},
               {"wait_seconds", work.wait_seconds},
               {"warnings", work.warnings}};
  if (work.reference) json["reference"] = schemas::to_json(*work.reference);
  if (!work.extra_shapes.empty()) json["extra_shapes"] = work.extra_shapes;
  if (!work.timed) json["timed"] = false;
  if (work.run_timeout_seconds) json["run_timeout_seconds"] = *work.run_timeout_seconds;
  if (work.atol) json["atol"] = *work.atol;
  if (work.rtol) json["rtol"] = *work.rtol;
  return json;
}

WorkRequest read_work(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  WorkRequest work;
  if (const auto kind = reader.required_word("kind", job_kind_names()))
    work.kind = static_cast<JobKind>(*kind);
  if (const Json* kernel = reader.raw("candidate"))
    work.candidate = read_kernel(*kernel, reader.path_of("candidate"), diagnostics);
  else
    reader.error("candidate", "is required");
  if (const Json* kernel = reader.raw("reference"))
    work.reference = read_kernel(*kernel, reader.path_of("reference"), diagnostics);
  work.num_trials = reader.int_or("num_trials", kDefaultTrials, kMinTrials, kMaxTrials);
  work.num_warmup = reader.int_or("num_warmup", kDefaultWarmup, 0, kMaxWarmup);
  work.timeout_seconds = reader.int_or("timeout_seconds", kDefaultTimeoutSeconds,
                                       kMinTimeoutSeconds, kMaxTimeoutSeconds);
  work.run_timeout_seconds =
      reader.optional_int("run_timeout_seconds", kMinTimeoutSeconds, kMaxTimeoutSeconds);
  work.atol = reader.optional_number("atol", 0);
  work.rtol = reader.optional_number("rtol", 0);
  work.enable_device_metrics = reader.bool_or("enable_device_metrics", false);
  work.wait_seconds = reader.int_or("wait_seconds", kDefaultWaitSeconds, 0, kMaxWaitSeconds);
  read_extra_shapes(reader, work);
  work.timed = reader.bool_or("timed", true);
  reader.each("warnings", 256, false, [&](const Json& warning, const std::string&) {
    if (warning.is_string()) work.warnings.push_back(warning.get<std::string>());
  });
  return work;
}

}  // namespace

Json to_json(const JobSpec& spec) {
  return {{"version", spec.version},        {"job_id", spec.job_id},
          {"attempt", spec.attempt},        {"fencing_token", spec.fencing_token},
          {"device", to_json(spec.device)}, {"work", to_json(spec.work)}};
}

Result<JobSpec> read_job_spec(const Json& json) {
  Diagnostics diagnostics;
  ObjectReader reader(json, "", diagnostics);
  JobSpec spec;
  spec.version = reader.int_or("version", 0, 0, kNoLimit);
  if (spec.version != kJobSpecVersion)
    reader.error("version", "is " + std::to_string(spec.version) + "; this executor speaks " +
                                std::to_string(kJobSpecVersion));
  spec.job_id = reader.required_string("job_id", 128);
  spec.attempt = reader.int_or("attempt", 1, 1, kNoLimit);
  spec.fencing_token = reader.int_or("fencing_token", 0, 0, kNoLimit);
  if (const Json* device = reader.raw("device"))
    spec.device = read_device_requirement(*device, "device", diagnostics);
  if (const Json* work = reader.raw("work"))
    spec.work = read_work(*work, "work", diagnostics);
  else
    reader.error("work", "is required");
  if (!diagnostics.errors.empty()) return malformed(diagnostics);
  return spec;
}

const std::string& stage_name(Stage stage) {
  return kStageNames[static_cast<std::size_t>(stage)];
}
const std::string& job_state_name(JobState state) {
  return kStateNames[static_cast<std::size_t>(state)];
}

std::optional<JobState> job_state_from_name(const std::string& name) {
  const auto found = std::find(kStateNames.begin(), kStateNames.end(), name);
  if (found == kStateNames.end()) return std::nullopt;
  return static_cast<JobState>(found - kStateNames.begin());
}

bool is_terminal(JobState state) {
  return state == JobState::completed || state == JobState::failed ||
         state == JobState::cancelled || state == JobState::interrupted;
}

JobState state_of(Stage stage) {
  switch (stage) {
    case Stage::queued: return JobState::submitted;
    case Stage::compiling: return JobState::compiling;
    case Stage::validating: return JobState::validating;
    case Stage::profiling: return JobState::profiling;
    case Stage::done: return JobState::completed;
  }
  return JobState::submitted;
}

Json to_json(const JobEvent& event) {
  return {{"kind", kEventKindNames[static_cast<std::size_t>(event.kind)]},
          {"stage", stage_name(event.stage)},
          {"progress", event.progress},
          {"message", event.message}};
}

Result<JobEvent> read_job_event(const Json& json) {
  Diagnostics diagnostics;
  ObjectReader reader(json, "", diagnostics);
  JobEvent event;
  if (const auto kind = reader.required_word("kind", kEventKindNames))
    event.kind = static_cast<JobEvent::Kind>(*kind);
  if (const auto stage = reader.required_word("stage", kStageNames))
    event.stage = static_cast<Stage>(*stage);
  event.progress = reader.optional_number("progress", 0, 1).value_or(0);
  event.message = reader.optional_string("message", kMaxMessageBytes).value_or("");
  if (!diagnostics.errors.empty()) return malformed(diagnostics);
  return event;
}

}  // namespace assay::schemas
