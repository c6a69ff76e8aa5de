// SPDX-License-Identifier: Apache-2.0
// BlockingKernel: a kernel that holds the stream until the host lets it go, so that what is queued
// behind it starts without a launch gap. It gives up by itself after kBlockingLimit.
#pragma once

#include <chrono>
#include <cstdint>

#include "engine/runner/device.h"

namespace assay::engine::runner {

inline constexpr std::chrono::nanoseconds kBlockingLimit = std::chrono::seconds(1);

// The kernel as PTX text; entry assay_hold(u64 words, u32 turn, u64 limit_ns).
extern const char* const kBlockingKernelPtx;

class BlockingKernel {
 public:
  // Compiled by the driver from PTX. Failure: cuda (for one: the driver's compiler cannot be
  // opened).
  explicit BlockingKernel(const Device& device);

  // Holds the stream of `device` until release().
  void hold(const Device& device);
  void release();
  // Whether it ever gave up before it was released. REQUIRES: the stream is idle.
  bool gave_up() const;

 private:
  // What host and kernel share: mapped host memory.
  struct Words {
    std::uint32_t released;  // written by the host
    std::uint32_t gave_up;   // written by the kernel
  };

  Module module_;
  CUfunction function_ = nullptr;
  HostBuffer memory_;
  CUdeviceptr device_words_ = 0;
  Words* words_ = nullptr;
  std::uint32_t turn_ = 0;  // of the last hold; they rise from 1
};

}  // namespace assay::engine::runner
