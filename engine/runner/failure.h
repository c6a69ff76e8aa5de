// SPDX-License-Identifier: Apache-2.0
// Failure: an answer {"ok": false} on its way to the request loop. Thrown and caught inside this
// folder only.
#pragma once

#include <string>
#include <utility>

#include "engine/cuda/driver.h"
#include "schemas/result.h"
#include "schemas/worker_message.h"

namespace assay::engine::runner {

struct Failure {
  schemas::RunnerError error;
};

[[noreturn]] void fail(schemas::RunnerErrorKind kind, std::string type, std::string message);
[[noreturn]] inline void fail_protocol(std::string message) {
  fail(schemas::RunnerErrorKind::protocol, "", std::move(message));
}
[[noreturn]] inline void fail_contract(std::string message) {
  fail(schemas::RunnerErrorKind::contract, "", std::move(message));
}

// A CUDA call that failed: kind cuda or out_of_memory, type its name. `doing` says what for:
// "launching the kernel".
void check(const cuda::Driver& driver, CUresult result, const char* doing);

// An Error of the folders below: a violated protocol stays one, anything else is CUDA's.
[[noreturn]] void fail_with(const schemas::Error& error);
template <typename T>
T value_or_fail(schemas::Result<T> result) {
  if (!result) fail_with(result.error());
  return std::move(result).value();
}

}  // namespace assay::engine::runner
