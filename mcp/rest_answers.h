// SPDX-License-Identifier: Apache-2.0
// Outcomes and errors as REST answers: the bodies of the older servers on their routes, RFC 9457
// problem details on ours.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mcp/rest.h"
#include "tools/tool.h"

namespace assay::mcp {

inline constexpr const char* kProblemType = "application/problem+json";

// In the older servers' form.
RestResponse answer(const schemas::Error& error);
RestResponse answer(tools::Outcome outcome);

// {status: "client_error" | "error", error, validation_errors?}: the body of an error without a
// job.
Json rest_error(int status, const std::string& message);

// The body of a request that was refused before its route saw it, as that route's clients expect
// it. (rest.cpp)
RestResponse rest_refusal(std::string_view method, std::string_view path, int status,
                          const std::string& message);

// {type, title, status, detail, errors?}.
RestResponse problem(int status, const std::string& detail,
                     const std::vector<schemas::FieldError>& fields = {});
RestResponse problem(const schemas::Error& error);

}  // namespace assay::mcp
