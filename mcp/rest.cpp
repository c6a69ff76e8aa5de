// SPDX-License-Identifier: Apache-2.0
#include "mcp/rest.h"

#include <algorithm>

#include "tools/job_document.h"
#include "tools/stats_document.h"

namespace assay::mcp {

using schemas::Error;
using schemas::ErrorCode;
using tools::ArgumentForm;
using tools::Outcome;
using tools::Standing;

namespace {

constexpr int kBusyRetrySeconds = 5;
constexpr const char* kJobPrefix = "/job/";

int status_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::malformed_call: return 400;
    case ErrorCode::not_found: return 404;
    case ErrorCode::overloaded: return 503;
    default: return 500;
  }
}

int status_of(Standing standing) {
  switch (standing) {
    case Standing::answered:
    case Standing::pending: return 200;
    case Standing::timed_out:
    case Standing::no_device:
    case Standing::failed: return 500;
  }
  return 500;
}

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
  response.gpu_type = std::move(outcome.device_name);
  if (response.status == 500) {
    response.body["status"] = "error";
    if (response.body.value("error", "").empty())
      response.body["error"] = response.body["verdict"]["summary"];
  }
  return response;
}

// A header value: visible ASCII and spaces only.
std::string header_text(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char character) { return character < ' ' || character > '~'; },
      '?');
  return text;
}

bool matches(const std::string& pattern, const std::string& path) {
  if (pattern != kJobPrefix) return pattern == path;
  const bool below = path.rfind(kJobPrefix, 0) == 0 && path.size() > pattern.size();
  return below && path.find('/', pattern.size()) == std::string::npos;
}

}  // namespace

struct Rest::Route {
  const char* method;
  std::string path;
  RestResponse (Rest::*handle)(const RestRequest&) const;
};

const std::vector<Rest::Route>& Rest::routes() {
  static const std::vector<Route> routes = {
      {"POST", "/evaluate", &Rest::evaluate},
      {"POST", "/compare", &Rest::compare},
      {"POST", "/", &Rest::legacy},
      {"GET", "/health", &Rest::health},
      {"GET", "/stats", &Rest::stats},
      {"GET", kJobPrefix, &Rest::job},
      {"POST", "/admin/cleanup-jobs", &Rest::cleanup},
  };
  return routes;
}

const std::vector<std::string>& Rest::paths() {
  static const std::vector<std::string> paths = [] {
    std::vector<std::string> all;
    for (const Route& route : routes()) all.push_back(route.path);
    return all;
  }();
  return paths;
}

Rest::Rest(const tools::Registry& registry, engine::Engine& engine, RestOptions options)
    : registry_(registry), engine_(engine), options_(std::move(options)) {}

RestResponse Rest::handle(const RestRequest& request) const {
  RestResponse response;
  std::string allow;
  const Route* found = nullptr;
  for (const Route& route : routes()) {
    if (!matches(route.path, request.path)) continue;
    if (request.method == route.method) found = &route;
    allow = route.method;
  }
  if (found != nullptr) {
    response = (this->*found->handle)(request);
  } else if (!allow.empty()) {
    response.status = 405;
    response.body = rest_error(405, "use " + allow + " for this path");
    response.allow = allow;
  } else {
    response.status = 404;
    response.body = rest_error(404, "there is nothing at this path");
  }
  if (!options_.gpu_type.empty()) response.gpu_type = options_.gpu_type;
  if (response.gpu_type.empty()) response.gpu_type = gpu_type();
  response.gpu_type = header_text(std::move(response.gpu_type));
  return response;
}

RestResponse Rest::evaluate(const RestRequest& request) const {
  return run("evaluate_kernel", ArgumentForm::nested, request);
}

RestResponse Rest::compare(const RestRequest& request) const {
  return run("compare_kernels", ArgumentForm::nested, request);
}

RestResponse Rest::legacy(const RestRequest& request) const {
  return run("compare_kernels", ArgumentForm::legacy, request);
}

RestResponse Rest::health(const RestRequest&) const {
  RestResponse response;
  response.body = tools::health_document(engine_.capacity());
  response.body["version"] = options_.version;
  return response;
}

RestResponse Rest::stats(const RestRequest&) const {
  const Json none = Json::object();
  auto outcome = registry_.call("get_server_stats", {none, {}, {}});
  return outcome.ok() ? answer(std::move(*outcome)) : answer(outcome.error());
}

RestResponse Rest::job(const RestRequest& request) const {
  Json arguments = {{"job_id", request.path.substr(std::string(kJobPrefix).size())}};
  for (const char* text : {"section", "cursor"}) {
    const auto given = request.query.find(text);
    if (given == request.query.end()) continue;
    const auto number = schemas::parse_json(given->second);
    arguments[text] = number.ok() && number->is_number() ? *number : Json(given->second);
  }
  auto outcome = registry_.call("get_job_status", {arguments, {}, {}});
  return outcome.ok() ? answer(std::move(*outcome)) : answer(outcome.error());
}

RestResponse Rest::cleanup(const RestRequest&) const {
  const std::int64_t removed = engine_.cleanup();
  RestResponse response;
  response.body = {
      {"status", "success"},
      {"removed_jobs", removed},
      {"message", "removed " + std::to_string(removed) + " finished jobs older than an hour"}};
  return response;
}

RestResponse Rest::run(const char* tool, ArgumentForm form, const RestRequest& request) const {
  auto body = schemas::parse_json(request.body);
  if (!body.ok()) return answer(body.error());
  tools::Call call{*body, form, {}};
  call.context.wait_for_verdict = true;
  auto outcome = registry_.call(tool, call);
  return outcome.ok() ? answer(std::move(*outcome)) : answer(outcome.error());
}

std::string Rest::gpu_type() const {
  for (const auto& device : engine_.capacity().devices)
    if (device.kind == schemas::DeviceKind::cuda) return device.name;
  return "cpu";
}

Json rest_error(int status, const std::string& message) {
  Json body = {{"status", status < 500 ? "client_error" : "error"}, {"error", message}};
  if (status == 400) body["validation_errors"] = Json::array();
  return body;
}

}  // namespace assay::mcp
