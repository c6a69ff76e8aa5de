// SPDX-License-Identifier: Apache-2.0
// The routes about jobs: one, all, how one goes on, and its end by hand.
#include <algorithm>
#include <charconv>

#include "mcp/job_events.h"
#include "mcp/rest_answers.h"
#include "mcp/rest_routes.h"
#include "tools/job_document.h"

namespace assay::mcp {
namespace {

using schemas::Error;
using schemas::ErrorCode;
using schemas::FieldError;

constexpr std::int64_t kDefaultPageJobs = 50, kMaxPageJobs = 200;
constexpr std::int64_t kMaxListCursor = std::int64_t{1} << 53;  // what JSON readers keep exactly
// A running job's end is awaited this long, so that most cancellations answer with it.
constexpr std::chrono::milliseconds kCancelPatience{1'000};

struct Range {
  std::int64_t least, most;
};

// The whole number in the query at `name`; what is none, or out of range, is added to `errors`.
std::optional<std::int64_t> number(const RestRequest& request, const char* name, Range range,
                                   std::vector<FieldError>& errors) {
  const auto given = request.query.find(name);
  if (given == request.query.end()) return std::nullopt;
  const std::string& text = given->second;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= range.least &&
      value <= range.most)
    return value;
  errors.push_back({name, "must be a whole number from " + std::to_string(range.least) + " to " +
                              std::to_string(range.most) + ", got " + schemas::shown_value(text)});
  return std::nullopt;
}

// A misspelt parameter would give an answer as if it had been heeded.
void refuse_unknown(const RestRequest& request, const std::vector<std::string>& known,
                    std::vector<FieldError>& errors) {
  std::string names;
  for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
  for (const auto& [name, value] : request.query)
    if (std::find(known.begin(), known.end(), name) == known.end())
      errors.push_back({name, "is no parameter of this route; there are " + names});
}

Error malformed(std::vector<FieldError> errors) {
  return {ErrorCode::malformed_call, errors.front().path + " " + errors.front().message, false,
          std::move(errors)};
}

Json time_or_null(const std::optional<double>& seconds) {
  return seconds ? Json(tools::utc_time(*seconds)) : Json();
}

Json line_of(const engine::JobLine& job) {
  return {{"job_id", job.job_id},
          {"kind", job.kind},
          {"status", schemas::job_state_name(job.state)},
          {"created_at", tools::utc_time(job.created_at)},
          {"started_at", time_or_null(job.started_at)},
          {"finished_at", time_or_null(job.finished_at)},
          {"message", job.message},
          {"error", job.error.empty() ? Json() : Json(job.error)}};
}

}  // namespace

RestResponse get_jobs(const RestParts& parts, const RestRequest& request) {
  std::vector<FieldError> errors;
  engine::JobFilter filter;
  refuse_unknown(request, {"limit", "cursor", "state"}, errors);
  filter.limit = number(request, "limit", {1, kMaxPageJobs}, errors).value_or(kDefaultPageJobs);
  filter.cursor = number(request, "cursor", {0, kMaxListCursor}, errors);
  if (const auto state = request.query.find("state"); state != request.query.end()) {
    filter.state = schemas::job_state_from_name(state->second);
    if (!filter.state)
      errors.push_back({"state",
                        "must be submitted, compiling, validating, profiling, completed, failed, "
                        "cancelled or interrupted, got " +
                            schemas::shown_value(state->second)});
  }
  if (!errors.empty()) return problem(malformed(std::move(errors)));
  const auto list = parts.engine.list(filter);
  if (!list.ok()) return problem(list.error());
  RestResponse response;
  response.body = {{"jobs", Json::array()},
                   {"limit", filter.limit},
                   {"next_cursor", list->next_cursor ? Json(*list->next_cursor) : Json()}};
  for (const auto& job : list->jobs) response.body["jobs"].push_back(line_of(job));
  return response;
}

RestResponse get_job(const RestParts& parts, const RestRequest& request) {
  std::vector<FieldError> errors;
  refuse_unknown(request, {"wait", "section", "cursor"}, errors);
  const auto wait = number(request, "wait", {0, schemas::kMaxWaitSeconds}, errors);
  if (!errors.empty()) return answer(malformed(std::move(errors)));
  Json arguments = {{"job_id", request.parameter}, {"wait_seconds", wait.value_or(0)}};
  for (const char* text : {"section", "cursor"}) {
    const auto given = request.query.find(text);
    if (given == request.query.end()) continue;
    const auto parsed = schemas::parse_json(given->second);
    arguments[text] = parsed.ok() && parsed->is_number() ? *parsed : Json(given->second);
  }
  tools::Call call{arguments, {}, {}};
  call.context.cancelled = request.client_gone;
  auto outcome = parts.registry.call("get_job_status", call);
  return outcome.ok() ? answer(std::move(*outcome)) : answer(outcome.error());
}

RestResponse delete_job(const RestParts& parts, const RestRequest& request) {
  if (const auto status = parts.engine.cancel(request.parameter); !status.ok())
    return problem(status.error());
  const auto job = parts.engine.wait(request.parameter, kCancelPatience);
  if (!job.ok()) return problem(job.error());
  RestResponse response;
  response.status = schemas::is_terminal(job->state) ? 200 : 202;
  response.body = tools::job_document(*job);
  return response;
}

RestResponse get_job_events(const RestParts& parts, const RestRequest& request) {
  auto events = JobEvents::open(parts.engine, request.parameter);
  if (!events.ok()) return problem(events.error());
  RestResponse response;
  response.content_type = "text/event-stream";
  response.events = std::move(*events);
  return response;
}

}  // namespace assay::mcp
