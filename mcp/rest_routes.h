// SPDX-License-Identifier: Apache-2.0
// What the handlers of the REST routes share. Each group of routes has a file of its own; the list
// of all of them is in rest.cpp.
#pragma once

#include <vector>

#include "mcp/rest.h"

namespace assay::mcp {

struct RestParts {
  const tools::Registry& registry;
  engine::Engine& engine;
  const RestOptions& options;
  const RequestCounters& counters;
};

struct RestRoute {
  const char* method;
  const char* path;  // with at most one {name}
  RestResponse (*handle)(const RestParts& parts, const RestRequest& request);
  // Whose errors have a form that older servers' clients know; else they are problem details.
  bool old_errors = false;
};
const std::vector<RestRoute>& rest_routes();

// rest_evaluations.cpp
RestResponse post_evaluate(const RestParts& parts, const RestRequest& request);
RestResponse post_compare(const RestParts& parts, const RestRequest& request);
RestResponse post_root(const RestParts& parts, const RestRequest& request);

// rest_server.cpp
RestResponse get_health(const RestParts& parts, const RestRequest& request);
RestResponse get_stats(const RestParts& parts, const RestRequest& request);
RestResponse post_cleanup(const RestParts& parts, const RestRequest& request);
RestResponse get_metrics(const RestParts& parts, const RestRequest& request);
RestResponse get_openapi(const RestParts& parts, const RestRequest& request);
RestResponse get_docs(const RestParts& parts, const RestRequest& request);

// rest_jobs.cpp
RestResponse get_jobs(const RestParts& parts, const RestRequest& request);
RestResponse get_job(const RestParts& parts, const RestRequest& request);
RestResponse delete_job(const RestParts& parts, const RestRequest& request);
RestResponse get_job_events(const RestParts& parts, const RestRequest& request);

// rest_keck.cpp
RestResponse post_compute_score(const RestParts& parts, const RestRequest& request);
RestResponse post_check_torch(const RestParts& parts, const RestRequest& request);
RestResponse get_healthz(const RestParts& parts, const RestRequest& request);

}  // namespace assay::mcp
