// SPDX-License-Identifier: Apache-2.0
#include "engine/supported.h"

namespace assay::engine {

using schemas::KernelType;
using schemas::Status;

namespace {

Status refuse(const std::string& path, const std::string& message) {
  return schemas::Error{
      schemas::ErrorCode::malformed_call, path + ": " + message, false, {{path, message}}};
}

Status check(const schemas::Kernel& kernel, const std::string& prefix) {
  if (kernel.type == KernelType::cuda && kernel.metadata.backend != schemas::CudaBackend::nvrtc) {
    return refuse(prefix + "metadata.backend",
                  "'nvcc' is not supported by this version; supported: nvrtc");
  }
  return schemas::success();
}

}  // namespace

Status check_supported(const schemas::WorkRequest& work) {
  const bool compare = work.kind == schemas::JobKind::compare;
  if (work.reference) {
    if (auto status = check(*work.reference, compare ? "ref_" : "reference_"); !status) {
      return status;
    }
  }
  return check(work.candidate, compare ? "custom_" : "");
}

}  // namespace assay::engine
