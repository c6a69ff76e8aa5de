// SPDX-License-Identifier: Apache-2.0
#include "sandbox/system_error.h"

#include <cerrno>
#include <system_error>

namespace assay::sandbox {

std::string system_message(const std::string& what, int error_number) {
  return what + ": " + std::generic_category().message(error_number);
}

std::string system_message(const std::string& what) {
  return system_message(what, errno);
}

schemas::Error system_error(const std::string& what) {
  return make_error(schemas::ErrorCode::internal, system_message(what), true);
}

schemas::Error make_error(schemas::ErrorCode code, std::string message, bool retryable) {
  schemas::Error error;
  error.code = code;
  error.message = std::move(message);
  error.retryable = retryable;
  return error;
}

}  // namespace assay::sandbox
