// SPDX-License-Identifier: Apache-2.0
#include "schemas/result.h"

namespace assay::schemas {

const char* error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::malformed_call: return "malformed_call";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::overloaded: return "overloaded";
    case ErrorCode::no_device: return "no_device";
    case ErrorCode::timed_out: return "timed_out";
    case ErrorCode::interrupted: return "interrupted";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::stale_token: return "stale_token";
    case ErrorCode::protocol_violation: return "protocol_violation";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

}  // namespace assay::schemas
