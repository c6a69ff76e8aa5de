// SPDX-License-Identifier: Apache-2.0
// The REST facade without a transport: the routes of the older servers, answered through the same
// tools as MCP, so that the two doors cannot drift apart.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/engine.h"
#include "tools/registry.h"

namespace assay::mcp {

using schemas::Json;

struct RestRequest {
  std::string method;  // upper case
  std::string path;    // without query
  std::string_view body;
  std::map<std::string, std::string> query = {};
};

struct RestResponse {
  int status = 200;
  Json body;
  std::string gpu_type;                    // header X-GPU-Type
  std::string allow;                       // header Allow, with 405
  std::optional<int> retry_after_seconds;  // header Retry-After, with 503
};

struct RestOptions {
  std::string gpu_type;  // overrides what X-GPU-Type says; empty: the device's name
  std::string version;
};

// Immutable after construction: handle may be called by any thread. It blocks until the verdict.
class Rest {
 public:
  // Both must outlive this.
  Rest(const tools::Registry& registry, engine::Engine& engine, RestOptions options);

  RestResponse handle(const RestRequest& request) const;

  // Paths this facade knows, for the HTTP server to register; "/job/" stands for all below it.
  static const std::vector<std::string>& paths();

 private:
  struct Route;
  static const std::vector<Route>& routes();

  RestResponse evaluate(const RestRequest& request) const;
  RestResponse compare(const RestRequest& request) const;
  RestResponse legacy(const RestRequest& request) const;
  RestResponse health(const RestRequest& request) const;
  RestResponse stats(const RestRequest& request) const;
  RestResponse job(const RestRequest& request) const;
  RestResponse cleanup(const RestRequest& request) const;

  RestResponse run(const char* tool, tools::ArgumentForm form, const RestRequest& request) const;
  std::string gpu_type() const;

  const tools::Registry& registry_;
  engine::Engine& engine_;
  RestOptions options_;
};

// {status: "client_error" | "error", error, validation_errors?}: the body of an error without a
// job.
Json rest_error(int status, const std::string& message);

}  // namespace assay::mcp
