// SPDX-License-Identifier: Apache-2.0
// libcuda.so.1, opened at run time, so that one build runs with and without a GPU. The table of
// functions is filled once and then only read: all of this is thread-safe. Nothing here initialises
// a device before `initialize`.
#pragma once

#include <cuda.h>
#include <memory>
#include <string>

#include "engine/cuda/functions.h"
#include "schemas/result.h"

namespace assay::engine::cuda {

struct Functions {
// NOLINTNEXTLINE(bugprone-macro-parentheses): a member's name takes none.
#define ASSAY_CUDA_MEMBER(member, name) decltype(&::name) member = nullptr;
  ASSAY_CUDA_FUNCTIONS(ASSAY_CUDA_MEMBER)
#undef ASSAY_CUDA_MEMBER
};

class Driver {
 public:
  // Opens the library and looks every function up. Error: no_device, saying what is missing and
  // what to do.
  static schemas::Result<std::shared_ptr<const Driver>> open();
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // cuInit. Not before a fork: CUDA does not survive one.
  schemas::Status initialize() const;
  // "13.0", or empty when the driver does not say.
  std::string version_text() const;
  // "CUDA_ERROR_OUT_OF_MEMORY: out of memory (allocating 4096 bytes)".
  std::string error_text(CUresult result, const std::string& doing) const;
  // An Error for a failed call: out of memory and others are told apart by the text's first word
  // only.
  schemas::Error error(CUresult result, const std::string& doing) const;
  schemas::Status check(CUresult result, const std::string& doing) const;

  Functions call;

 private:
  Driver() = default;
  void* library_ = nullptr;
};

using DriverPointer = std::shared_ptr<const Driver>;

}  // namespace assay::engine::cuda
