// SPDX-License-Identifier: Apache-2.0
// Sources and requests for end-to-end tests of an executor on the CPU.
#pragma once

#include <string>

#include "schemas/job.h"

namespace assay::tests {

// A reference with everything a comparison needs; candidates differ in forward.
inline std::string model(const std::string& forward, const std::string& before = "",
                         const std::string& class_name = "Model") {
  return "import torch, os, sys, time\nimport torch.nn as nn\n" + before + "\nclass " + class_name +
         "(nn.Module):\n"
         "    def __init__(self):\n        super().__init__()\n"
         "    def forward(self, x):\n        " +
         forward +
         "\n\ndef get_inputs():\n    return [torch.randn(64, 32)]\n\n"
         "def get_init_inputs():\n    return []\n";
}

inline schemas::Kernel torch_kernel(const std::string& source) {
  schemas::Kernel kernel;
  kernel.type = schemas::KernelType::torch;
  kernel.source_code = source;
  return kernel;
}

inline schemas::JobSpec job(schemas::WorkRequest work) {
  static std::int64_t number = 0;
  schemas::JobSpec spec;
  spec.fencing_token = ++number;
  spec.job_id = "job-" + std::to_string(number);
  spec.work = std::move(work);
  return spec;
}

inline schemas::WorkRequest comparison(const std::string& reference, const std::string& candidate) {
  schemas::WorkRequest work;
  work.kind = schemas::JobKind::compare;
  work.reference = torch_kernel(reference);
  work.candidate = torch_kernel(candidate);
  work.num_trials = 5;
  work.num_warmup = 1;
  work.timeout_seconds = 60;
  return work;
}

inline schemas::Kernel cuda_kernel(const std::string& source) {
  schemas::Kernel kernel;
  kernel.type = schemas::KernelType::cuda;
  kernel.source_code = source;
  schemas::ArgSpec input, output;
  input.name = "x";
  input.tensor.emplace();
  input.tensor->shape = {1024};
  output = input;
  output.name = "y";
  output.role = schemas::ArgRole::output;
  kernel.io.emplace();
  kernel.io->args = {input, output};
  kernel.io->launch.emplace();
  kernel.io->launch->grid = schemas::Dim3{4, 1, 1};
  kernel.io->launch->block = schemas::Dim3{256, 1, 1};
  return kernel;
}

}  // namespace assay::tests
