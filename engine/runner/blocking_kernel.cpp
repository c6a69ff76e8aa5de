// SPDX-License-Identifier: Apache-2.0
#include "engine/runner/blocking_kernel.h"

#include <atomic>
#include <new>

namespace assay::engine::runner {

// sm_75 is the oldest target of CUDA 13; the driver compiles it for whatever it runs on.
const char* const kBlockingKernelPtx = R"ptx(
.version 7.0
.target sm_75
.address_size 64

.visible .entry assay_hold(
    .param .u64 words,
    .param .u32 turn,
    .param .u64 limit_ns)
{
    .reg .pred %p<4>;
    .reg .b32 %r<5>;
    .reg .b64 %rd<8>;

    ld.param.u64 %rd1, [words];
    ld.param.u32 %r1, [turn];
    ld.param.u64 %rd2, [limit_ns];
    cvta.to.global.u64 %rd3, %rd1;
    mov.u64 %rd4, %globaltimer;
WAIT:
    ld.acquire.sys.global.u32 %r2, [%rd3];
    setp.ge.u32 %p1, %r2, %r1;
    @%p1 bra DONE;
    mov.u64 %rd5, %globaltimer;
    sub.u64 %rd6, %rd5, %rd4;
    setp.lt.u64 %p2, %rd6, %rd2;
    @%p2 bra WAIT;
    mov.u32 %r3, 1;
    st.relaxed.sys.global.u32 [%rd3+4], %r3;
DONE:
    ret;
}
)ptx";

BlockingKernel::BlockingKernel(const Device& device) {
  const cuda::Driver& driver = device.driver();
  CUmodule module = nullptr;
  check(driver, driver.call.module_load_data(&module, kBlockingKernelPtx),
        "compiling the blocking kernel");
  module_ = Module(device.driver_pointer(), module);
  check(driver, driver.call.module_get_function(&function_, module, "assay_hold"),
        "finding the blocking kernel");
  void* memory = nullptr;
  check(driver, driver.call.mem_host_alloc(&memory, sizeof(Words), CU_MEMHOSTALLOC_DEVICEMAP),
        "allocating the blocking kernel's words");
  memory_ = HostBuffer(device.driver_pointer(), memory);
  words_ = new (memory) Words{};
  check(driver, driver.call.mem_host_get_device_pointer(&device_words_, memory, 0),
        "mapping the blocking kernel's words");
}

void BlockingKernel::hold(const Device& device) {
  ++turn_;
  std::uint64_t limit_ns = static_cast<std::uint64_t>(kBlockingLimit.count());
  void* parameters[] = {&device_words_, &turn_, &limit_ns};
  check(device.driver(),
        device.call().launch_kernel(function_, 1, 1, 1, 1, 1, 1, 0, device.stream(), parameters,
                                    nullptr),
        "launching the blocking kernel");
}

void BlockingKernel::release() {
  std::atomic_ref<std::uint32_t>(words_->released).store(turn_, std::memory_order_release);
}

bool BlockingKernel::gave_up() const {
  return std::atomic_ref<std::uint32_t>(words_->gave_up).load(std::memory_order_acquire) != 0;
}

}  // namespace assay::engine::runner
