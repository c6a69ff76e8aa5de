// SPDX-License-Identifier: Apache-2.0
// The REST facade without a transport: the routes of the older servers and our own, answered
// through the same tools as MCP, so that the doors cannot drift apart. The list of routes is in
// rest.cpp.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "mcp/event_source.h"
#include "mcp/request_counters.h"
#include "tools/registry.h"

namespace assay::mcp {

using schemas::Json;

inline constexpr const char* kJsonType = "application/json";

struct RestRequest {
  std::string method;  // upper case
  std::string path;    // without query
  std::string_view body;
  std::map<std::string, std::string> query = {};
  std::string form_type = {};  // Content-Type where it is a form's
  std::string parameter = {};  // what stands at {…} of the route's path; filled by Rest
  // True once nobody is left to read the answer: waiting ends then. Empty: not known.
  std::function<bool()> client_gone = {};
};

// One of `events`, `text` and `body` is what goes out, the first that is there.
struct RestResponse {
  int status = 200;
  Json body;
  std::string content_type = kJsonType;
  std::optional<std::string> text;
  std::shared_ptr<EventSource> events;  // text/event-stream
  std::string gpu_type;                 // header X-GPU-Type: the GPU that was used
  std::string allow;                    // header Allow, with 405
  std::string content_security_policy;
  std::optional<int> retry_after_seconds;  // header Retry-After, with 503
};

struct RestOptions {
  // What X-GPU-Type says; empty: the GPU that was used, else the first one here, else "cpu".
  std::string gpu_type;
  std::string version;
  // Of the routes that know no time-out of their own (Keck's).
  std::int64_t compile_timeout_seconds = 180;
  std::int64_t run_timeout_seconds = 60;
};

// handle may be called by any thread. It blocks until the verdict.
class Rest {
 public:
  // Both must outlive this.
  Rest(const tools::Registry& registry, engine::Engine& engine, RestOptions options);

  RestResponse handle(RestRequest request) const;

  // Counts a request, whoever answered it, for /metrics.
  void count(std::string_view method, std::string_view path, int status) const;

 private:
  std::string gpu_type() const;

  const tools::Registry& registry_;
  engine::Engine& engine_;
  RestOptions options_;
  std::unique_ptr<RequestCounters> counters_;
};

}  // namespace assay::mcp
