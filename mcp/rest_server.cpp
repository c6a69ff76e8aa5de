// SPDX-License-Identifier: Apache-2.0
// The routes about the server itself.
#include "mcp/docs_page.h"
#include "mcp/metrics.h"
#include "mcp/openapi.h"
#include "mcp/rest_answers.h"
#include "mcp/rest_routes.h"
#include "tools/stats_document.h"

namespace assay::mcp {

RestResponse get_health(const RestParts& parts, const RestRequest&) {
  RestResponse response;
  response.body = tools::health_document(parts.engine.capacity());
  response.body["version"] = parts.options.version;
  return response;
}

RestResponse get_stats(const RestParts& parts, const RestRequest&) {
  const Json none = Json::object();
  auto outcome = parts.registry.call("get_server_stats", {none, {}, {}});
  return outcome.ok() ? answer(std::move(*outcome)) : answer(outcome.error());
}

RestResponse post_cleanup(const RestParts& parts, const RestRequest&) {
  const std::int64_t removed = parts.engine.cleanup();
  RestResponse response;
  response.body = {
      {"status", "success"},
      {"removed_jobs", removed},
      {"message", "removed " + std::to_string(removed) + " finished jobs older than an hour"}};
  return response;
}

RestResponse get_metrics(const RestParts& parts, const RestRequest&) {
  RestResponse response;
  response.content_type = kMetricsType;
  response.text = metrics_text(parts.engine.stats(), parts.counters.all(), parts.options.version);
  return response;
}

RestResponse get_openapi(const RestParts& parts, const RestRequest&) {
  RestResponse response;
  response.body = openapi_document(parts.registry, parts.options.version);
  return response;
}

RestResponse get_docs(const RestParts&, const RestRequest&) {
  RestResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.text = docs_page();
  response.content_security_policy = kDocsPolicy;
  return response;
}

}  // namespace assay::mcp
