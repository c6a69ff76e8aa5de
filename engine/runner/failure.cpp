// SPDX-License-Identifier: Apache-2.0
#include "engine/runner/failure.h"

namespace assay::engine::runner {
namespace {

using schemas::RunnerErrorKind;

constexpr const char* kErrorPrefix = "CUDA_ERROR_";
constexpr const char* kOutOfMemory = "CUDA_ERROR_OUT_OF_MEMORY";

}  // namespace

void fail(RunnerErrorKind kind, std::string type, std::string message) {
  throw Failure{{kind, std::move(type), std::move(message), "", {}}};
}

void check(const cuda::Driver& driver, CUresult result, const char* doing) {
  if (result != CUDA_SUCCESS) fail_with(driver.error(result, doing));
}

void fail_with(const schemas::Error& error) {
  if (error.code == schemas::ErrorCode::protocol_violation)
    fail(RunnerErrorKind::protocol, "", error.message);
  // The message of a failed call starts with the error's name: "CUDA_ERROR_X: what it means
  // (doing)".
  std::string type;
  if (error.message.starts_with(kErrorPrefix))
    type = error.message.substr(0, error.message.find(':'));
  fail(type == kOutOfMemory ? RunnerErrorKind::out_of_memory : RunnerErrorKind::cuda,
       std::move(type), error.message);
}

}  // namespace assay::engine::runner
