// SPDX-License-Identifier: Apache-2.0
// Which compiler compiles: its identity, as far as two that yield different code must differ in it.
#pragma once

#include <string>

#include "engine/installation.h"
#include "schemas/kernel.h"

namespace assay::engine {

class Toolchain {
 public:
  // Reads our own compilers' bytes and looks at CUDA's library and headers and at Triton; a few
  // milliseconds.
  explicit Toolchain(const Installation& installation);

  // What compiling `kernel` for `architecture` depends on: source, metadata, architecture,
  // compilers; for what is compiled in Python also the contract, but for tensors' shapes and
  // values.
  std::string artifact_key(const schemas::Kernel& kernel, const std::string& architecture) const;
  const std::string& identity() const { return identity_; }

 private:
  std::string identity_;
  std::string nvcc_identity_;
  std::string python_identity_;  // of what compiles kernels written in Python
};

}  // namespace assay::engine
