// SPDX-License-Identifier: Apache-2.0
// The part of the command line that says who may come in: names, pages, token, how often.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mcp/auth.h"
#include "schemas/result.h"

namespace assay::mcp {

struct DoorOptions {
  std::vector<std::string> allowed_hosts = {};    // --allowed-host, without port
  std::vector<std::string> allowed_origins = {};  // --allowed-origin, "https://app.example.com"
  AuthOptions auth = {};                          // --token, --auth-server, --public-url
  std::optional<double> rate_limit;  // --rate-limit: requests per second and client; 0: none
};

// The flags, all of which take a value.
bool is_door_flag(const std::string& name);
schemas::Status set_door_flag(DoorOptions& options, const std::string& name,
                              const std::string& value);

// What cannot be started so: an address that others reach, without a token.
schemas::Status check_door(const DoorOptions& options, const std::string& host);

extern const char* const kDoorHelp;

}  // namespace assay::mcp
