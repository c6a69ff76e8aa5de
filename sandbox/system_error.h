// SPDX-License-Identifier: Apache-2.0
// Turns errno into words and into an Error of ours.
#pragma once

#include <string>

#include "schemas/result.h"

namespace assay::sandbox {

// "mount /proc: Operation not permitted". Reads errno unless given.
std::string system_message(const std::string& what, int error_number);
std::string system_message(const std::string& what);

schemas::Error system_error(const std::string& what);
schemas::Error make_error(schemas::ErrorCode code, std::string message, bool retryable = false);

}  // namespace assay::sandbox
