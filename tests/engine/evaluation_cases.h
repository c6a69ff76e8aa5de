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

// y = x + 1 for the elements at which `inside` holds.
inline std::string triton_add(const std::string& inside) {
  return "import triton\nimport triton.language as tl\n\n@triton.jit\n"
         "def add_one(x, y, n, BLOCK: tl.constexpr):\n"
         "    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)\n"
         "    inside = " +
         inside +
         "\n"
         "    tl.store(y + at, tl.load(x + at, mask=inside) + 1, mask=inside)\n";
}

inline schemas::Kernel triton_kernel(const std::string& source) {
  schemas::Kernel kernel = cuda_kernel(source);
  kernel.type = schemas::KernelType::triton;
  for (schemas::ArgSpec& argument : kernel.io->args) argument.tensor->shape = {64, 32};
  schemas::ArgSpec size;
  size.name = "n";
  size.type = schemas::ArgType::integer;
  size.value = std::int64_t{64} * 32;
  schemas::ArgSpec block = size;
  block.name = "BLOCK";
  block.value = std::int64_t{512};
  block.is_meta = true;
  kernel.io->args.push_back(size);
  kernel.io->args.push_back(block);
  kernel.io->launch->block.reset();
  kernel.io->launch->grid = schemas::Dim3{16, 1, 1};
  return kernel;
}

// With a torch function that adds one.
inline schemas::WorkRequest triton_comparison(const std::string& inside) {
  schemas::WorkRequest work = comparison(model("return x + 1"), "");
  work.candidate = triton_kernel(triton_add(inside));
  return work;
}

}  // namespace assay::tests
