// SPDX-License-Identifier: Apache-2.0
#include "mcp/rest_answers.h"

#include "tools/job_document.h"

namespace assay::mcp {
namespace {

using schemas::Error;
using schemas::ErrorCode;
using tools::Outcome;
using tools::Standing;

constexpr int kBusyRetrySeconds = 5;
constexpr int kClientGone = 499;  // for the counters: nobody reads it

int status_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::malformed_call: return 400;
    case ErrorCode::not_found: return 404;
    case ErrorCode::overloaded: return 503;
    case ErrorCode::cancelled: return kClientGone;
    default: return 500;
  }
}

int status_of(Standing standing) {
  switch (standing) {
    case Standing::answered: return 200;
    case Standing::pending: return 503;  // REST waits, so the server is stopping
    case Standing::timed_out:
    case Standing::no_device:
    case Standing::failed: return 500;
  }
  return 500;
}

const char* title_of(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 413: return "Payload Too Large";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    default: return status < 500 ? "Request Refused" : "Server Error";
  }
}

// What to do next, in the words of these routes instead of the tools'.
void say_next_route(Json& body) {
  const auto next = body.find("next");
  if (next == body.end() || !next->is_string()) return;
  const std::string call = *next;
  const std::string route = "Ask GET /job/" + body.value("job_id", "") +
                            "?wait=" + std::to_string(tools::kSuggestedWaitSeconds) + ".";
  *next = route;
  std::string summary = body.value("summary", "");
  const auto told = summary.find(call);
  if (told != std::string::npos) body["summary"] = summary.replace(told, call.size(), route);
}

}  // namespace

RestResponse answer(const Error& error) {
  RestResponse response;
  response.status = status_of(error);
  response.body = tools::error_document(error);
  if (response.status >= 500) {
    response.body["job_id"] = nullptr;
    response.body["kernel_exec_result"] = nullptr;
  }
  if (response.status == 503) response.retry_after_seconds = kBusyRetrySeconds;
  return response;
}

RestResponse answer(Outcome outcome) {
  RestResponse response;
  response.status = status_of(outcome.standing);
  response.body = std::move(outcome.document);
  response.gpu_type = std::move(outcome.gpu_name);
  say_next_route(response.body);
  if (outcome.standing == Standing::pending) {
    response.body["status"] = "error";
    response.body["error"] =
        "the server is stopping; the job stays queued and runs after its next start: ask "
        "GET /job/" +
        response.body.value("job_id", "");
    response.body["retryable"] = false;  // sent again it would run twice
    response.body["kernel_exec_result"] = nullptr;
  } else if (response.status == 500) {
    response.body["status"] = "error";
    if (response.body.value("error", "").empty())
      response.body["error"] = response.body["verdict"]["summary"];
  }
  return response;
}

Json rest_error(int status, const std::string& message) {
  Json body = {{"status", status < 500 ? "client_error" : "error"}, {"error", message}};
  if (status == 400) body["validation_errors"] = Json::array();
  return body;
}

RestResponse problem(int status, const std::string& detail,
                     const std::vector<schemas::FieldError>& fields) {
  RestResponse response;
  response.status = status;
  response.content_type = kProblemType;
  response.body = {
      {"type", "about:blank"}, {"title", title_of(status)}, {"status", status}, {"detail", detail}};
  for (const auto& field : fields)
    response.body["errors"].push_back({{"path", field.path}, {"message", field.message}});
  if (status == 503) response.retry_after_seconds = kBusyRetrySeconds;
  return response;
}

RestResponse problem(const Error& error) {
  return problem(status_of(error), error.message, error.fields);
}

}  // namespace assay::mcp
