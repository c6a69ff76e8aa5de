// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or an Error. Every fallible function that crosses a folder returns one;
// exceptions stay inside a folder. An Error says which of the channels it belongs to:
// `malformed_call` and `not_found` are the caller's fault (HTTP 4xx, JSON-RPC error), everything
// else is ours (HTTP 5xx, `isError`). A bad kernel is neither: it is a normal Evaluation
// (evaluation.h).
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace assay::schemas {

enum class ErrorCode {
  malformed_call,      // the request does not fit its schema; `fields` says where
  not_found,           // an unknown job or tool
  overloaded,          // a bound was reached (queue, streams); retry later
  no_device,           // no device of the wanted kind is usable
  timed_out,           // our own deadline passed, not the kernel's
  interrupted,         // the server or a trusted worker ended while the job ran
  cancelled,           // the caller withdrew the job
  stale_token,         // a newer attempt of the same job exists
  protocol_violation,  // a worker sent what its protocol does not allow
  internal,            // a defect or an operating-system failure
};

// One field of a malformed request. `path` is a JSON path such as
// "ref_kernel.io.args[2].tensor_spec.shape".
struct FieldError {
  std::string path;
  std::string message;
};

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  bool retryable = false;
  std::vector<FieldError> fields = {};
};

const char* error_code_name(ErrorCode code);

// Holds T or Error. Reading the wrong side is a defect of ours and asserts.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    assert(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Error& error() & {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }
  const Error& error() const& {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    assert(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

struct Unit {};
using Status = Result<Unit>;
inline Status success() {
  return Unit{};
}

}  // namespace assay::schemas
