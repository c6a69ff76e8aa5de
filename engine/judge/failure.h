// SPDX-License-Identifier: Apache-2.0
// Failure: what ends a job before its last step. Thrown by any step, caught once in Session::run,
// which turns it into a verdict (verdict.h). Exceptions do not leave this folder.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "schemas/worker_message.h"

namespace assay::engine::judge {

enum class Cause {
  runner_error,  // the runner answered {"ok":false}: `error`
  runner_gone,   // its process ended or its channel closed
  bad_reply,     // what it sent does not decode or is implausible
  deadline,      // the budget of the job ran out
  cancelled,     // the executor withdrew the job or went away
  memory,        // more memory is needed than the job may use; the message names the sizes
  mismatch,      // candidate and reference do not fit together; the message names both
  contract,      // what a call returned is not what its own contract says; the message names both
  unusable,      // a kernel cannot be run as submitted (no contract and no get_inputs, output not
                 // written)
  internal,      // our own
};

class Failure : public std::exception {
 public:
  Failure(Cause cause_, std::string message_) : cause(cause_), message(std::move(message_)) {}
  Failure(Cause cause_, schemas::RunnerRole role_, std::string at_, std::string message_)
      : cause(cause_), role(role_), at(std::move(at_)), message(std::move(message_)) {}

  const char* what() const noexcept override { return message.c_str(); }

  Cause cause;
  std::optional<schemas::RunnerRole> role;  // whose runner was at work
  std::string at;                           // the request it was at: "load", "pass"
  std::string message;
  schemas::RunnerError error;  // of runner_error
};

// The value of a Result of another folder, or an internal Failure with its message.
template <typename T>
T value_or_fail(schemas::Result<T> result) {
  if (!result) throw Failure(Cause::internal, result.error().message);
  return std::move(result).value();
}

}  // namespace assay::engine::judge
