// SPDX-License-Identifier: Apache-2.0
#include "mcp/request_counters.h"

#include <algorithm>
#include <array>

namespace assay::mcp {

void RequestCounters::count(std::string_view method, std::string_view route, int status) {
  constexpr std::array<std::string_view, 7> methods = {"GET",   "HEAD",   "POST",   "PUT",
                                                       "PATCH", "DELETE", "OPTIONS"};
  if (std::find(methods.begin(), methods.end(), method) == methods.end()) method = "other";
  const std::lock_guard lock(mutex_);
  ++counts_[{std::string(method), std::string(route), status}];
}

std::vector<RequestCount> RequestCounters::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<RequestCount> list;
  for (const auto& [key, count] : counts_)
    list.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), count});
  return list;
}

}  // namespace assay::mcp
