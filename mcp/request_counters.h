// SPDX-License-Identifier: Apache-2.0
// How many HTTP requests there were, by method, route and status. All members are thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace assay::mcp {

struct RequestCount {
  std::string method, route;
  int status = 0;
  std::int64_t count = 0;
};

class RequestCounters {
 public:
  // `route` is one of a fixed list; an unknown method is counted as "other", so that a client
  // cannot make the table grow.
  void count(std::string_view method, std::string_view route, int status);
  std::vector<RequestCount> all() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::tuple<std::string, std::string, int>, std::int64_t> counts_;
};

}  // namespace assay::mcp
