// SPDX-License-Identifier: Apache-2.0
#include "mcp/rest.h"

#include <algorithm>

#include "mcp/rest_answers.h"
#include "mcp/rest_routes.h"

namespace assay::mcp {

const std::vector<RestRoute>& rest_routes() {
  static const std::vector<RestRoute> routes = {
      // Kernel Evaluation Server V2
      {"POST", "/evaluate", post_evaluate, true},
      {"POST", "/compare", post_compare, true},
      {"POST", "/", post_root, true},
      {"GET", "/health", get_health, true},
      {"GET", "/stats", get_stats, true},
      {"GET", "/job/{job_id}", get_job, true},
      {"POST", "/admin/cleanup-jobs", post_cleanup, true},
      // Keck
      {"POST", "/compute_score", post_compute_score, true},
      {"POST", "/check_torch", post_check_torch, true},
      {"GET", "/healthz", get_healthz, true},
      // ours
      {"DELETE", "/job/{job_id}", delete_job},
      {"GET", "/job/{job_id}/events", get_job_events},
      {"GET", "/jobs", get_jobs},
      {"GET", "/metrics", get_metrics},
      {"GET", "/openapi.json", get_openapi},
      {"GET", "/docs", get_docs},
  };
  return routes;
}

namespace {

constexpr std::size_t npos = std::string_view::npos;

// What `path` has at the pattern's {name}; empty where the pattern has none. Nothing: no match.
std::optional<std::string> match(std::string_view pattern, std::string_view path) {
  const std::size_t open = pattern.find('{');
  if (open == npos) return pattern == path ? std::optional(std::string()) : std::nullopt;
  const std::string_view before = pattern.substr(0, open);
  const std::string_view after = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) ||
      !path.ends_with(after))
    return std::nullopt;
  path.remove_prefix(before.size());
  path.remove_suffix(after.size());
  return path.find('/') == npos ? std::optional(std::string(path)) : std::nullopt;
}

// A header value: visible ASCII and spaces only.
std::string header_text(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char character) { return character < ' ' || character > '~'; },
      '?');
  return text;
}

}  // namespace

RestResponse rest_refusal(std::string_view method, std::string_view path, int status,
                          const std::string& message) {
  bool old_errors = path.empty() || path == "/mcp";  // empty: refused before it was read
  for (const RestRoute& route : rest_routes())
    if (route.method == method && match(route.path, path)) old_errors = route.old_errors;
  if (!old_errors) return problem(status, message);
  RestResponse response;
  response.status = status;
  response.body = rest_error(status, message);
  return response;
}

Rest::Rest(const tools::Registry& registry, engine::Engine& engine, RestOptions options)
    : registry_(registry),
      engine_(engine),
      options_(std::move(options)),
      counters_(std::make_unique<RequestCounters>()) {}

RestResponse Rest::handle(RestRequest request) const {
  if (request.method == "HEAD") request.method = "GET";  // the transport leaves the body out
  RestResponse response =
      problem(404, "there is nothing at this path; GET /docs lists what there is");
  std::string allow;
  for (const RestRoute& route : rest_routes()) {
    auto parameter = match(route.path, request.path);
    if (!parameter) continue;
    if (request.method == route.method) {
      request.parameter = std::move(*parameter);
      response = route.handle({registry_, engine_, options_, *counters_}, request);
      allow.clear();
      break;
    }
    allow += (allow.empty() ? "" : ", ") + std::string(route.method);
  }
  if (!allow.empty()) {
    response = problem(405, "use " + allow + " for this path");
    response.allow = allow;
  }
  if (!options_.gpu_type.empty()) response.gpu_type = options_.gpu_type;
  if (response.gpu_type.empty()) response.gpu_type = gpu_type();
  response.gpu_type = header_text(std::move(response.gpu_type));
  return response;
}

void Rest::count(std::string_view method, std::string_view path, int status) const {
  for (const RestRoute& route : rest_routes())
    if (match(route.path, path)) return counters_->count(method, route.path, status);
  counters_->count(method, path == "/mcp" ? "/mcp" : "other", status);
}

std::string Rest::gpu_type() const {
  for (const auto& device : engine_.capacity().devices)
    if (device.kind == schemas::DeviceKind::cuda) return device.name;
  return "cpu";
}

}  // namespace assay::mcp
