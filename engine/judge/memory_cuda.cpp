// SPDX-License-Identifier: Apache-2.0
// A GPU as a device: allocations by the CUDA virtual-memory API, exported as POSIX descriptors. All
// work goes to the legacy default stream, which is torch's too in this process, so that our copies
// and torch's kernels follow each other in program order.
#include <algorithm>
#include <limits>
#include <utility>

#include "engine/cuda/device.h"
#include "engine/cuda/memory.h"
#include "engine/judge/failure.h"
#include "engine/judge/memory.h"
#include "sandbox/fd.h"

namespace assay::engine::judge {
namespace {

// cuMemcpy2D and cuMemsetD2D* refuse longer pitches.
constexpr std::size_t kMaxPitchBytes = std::numeric_limits<std::int32_t>::max();
constexpr CUstream kStream = nullptr;

CUdeviceptr address_of(const std::byte* pointer) {
  return reinterpret_cast<CUdeviceptr>(pointer);
}

class CudaArena final : public Arena {
 public:
  CudaArena(std::size_t bytes, std::shared_ptr<MemoryLedger> ledger, cuda::MappedMemory memory,
            sandbox::UniqueFd descriptor)
      : Arena(bytes, std::move(ledger)),
        memory_(std::move(memory)),
        descriptor_(std::move(descriptor)) {
    // The driver gives addresses as integers.
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    data_ = reinterpret_cast<std::byte*>(memory_.address());
  }
  int descriptor() const override { return descriptor_.get(); }

 private:
  cuda::MappedMemory memory_;
  sandbox::UniqueFd descriptor_;
};

class CudaMemory final : public Memory {
 public:
  CudaMemory(cuda::PrimaryContext context, int device_index)
      : context_(std::move(context)), call_(context_.driver().call), device_index_(device_index) {}

  schemas::DeviceKind kind() const override { return schemas::DeviceKind::cuda; }
  int device_index() const override { return device_index_; }

  std::size_t free_bytes() const override {
    std::size_t free = 0, total = 0;
    must(call_.mem_get_info(&free, &total), "asking for free memory");
    return free;
  }

  void copy(std::byte* to, const std::byte* from, std::size_t bytes) override {
    if (bytes > 0)
      must(call_.memcpy_dtod_async(address_of(to), address_of(from), bytes, kStream), "copying");
  }

  void copy_rows(std::byte* to, std::size_t to_pitch, const std::byte* from, std::size_t from_pitch,
                 std::size_t width, std::size_t rows) override {
    if (width == 0 || rows == 0) return;
    if (rows == 1 || std::max(to_pitch, from_pitch) > kMaxPitchBytes) {
      for (std::size_t row = 0; row < rows; ++row)
        copy(to + row * to_pitch, from + row * from_pitch, width);
      return;
    }
    CUDA_MEMCPY2D plan{};
    plan.srcMemoryType = plan.dstMemoryType = CU_MEMORYTYPE_DEVICE;
    plan.srcDevice = address_of(from);
    plan.srcPitch = from_pitch;
    plan.dstDevice = address_of(to);
    plan.dstPitch = to_pitch;
    plan.WidthInBytes = width;
    plan.Height = rows;
    must(call_.memcpy_2d_async(&plan, kStream), "copying rows");
  }

  void upload(std::byte* to, const std::byte* host, std::size_t bytes) override {
    if (bytes == 0) return;
    must(call_.memcpy_htod_async(address_of(to), host, bytes, kStream), "copying to the device");
    synchronize();
  }

  void download(std::byte* host, const std::byte* from, std::size_t bytes) override {
    if (bytes == 0) return;
    must(call_.memcpy_dtoh_async(host, address_of(from), bytes, kStream),
         "copying from the device");
    synchronize();
  }

  void fill_rows(std::byte* to, std::size_t pitch, std::uint32_t pattern, int element_bytes,
                 std::size_t elements, std::size_t rows) override {
    if (elements == 0 || rows == 0) return;
    if (rows == 1 || pitch > kMaxPitchBytes) {
      for (std::size_t row = 0; row < rows; ++row)
        fill_run(address_of(to + row * pitch), pattern, element_bytes, elements);
      return;
    }
    fill_2d(address_of(to), pitch, pattern, element_bytes, elements, rows);
  }

  void synchronize() override { must(call_.stream_synchronize(kStream), "waiting for the device"); }

 protected:
  ArenaPointer do_allocate(std::size_t bytes, Sharing sharing,
                           std::shared_ptr<MemoryLedger> ledger) override {
    auto memory = cuda::MappedMemory::allocate(context_.driver_pointer(), context_.device(), bytes);
    if (!memory) throw Failure(Cause::memory, memory.error().message);
    sandbox::UniqueFd descriptor;
    if (sharing == Sharing::with_runner) {
      // The driver may hand out what an earlier arena held, such as another kernel's outputs.
      must(call_.memset_d8_async(memory->address(), 0, memory->bytes(), kStream), "clearing");
      synchronize();
      descriptor.reset(value_or_fail(memory->export_descriptor()));
    }
    return std::make_unique<CudaArena>(bytes, std::move(ledger), std::move(*memory),
                                       std::move(descriptor));
  }

 private:
  void must(CUresult result, const char* doing) const {
    if (result != CUDA_SUCCESS)
      throw Failure(Cause::internal, context_.driver().error_text(result, doing));
  }

  void fill_run(CUdeviceptr to, std::uint32_t pattern, int element_bytes, std::size_t elements) {
    CUresult result = CUDA_SUCCESS;
    if (element_bytes == 1)
      result = call_.memset_d8_async(to, static_cast<unsigned char>(pattern), elements, kStream);
    if (element_bytes == 2)
      result = call_.memset_d16_async(to, static_cast<unsigned short>(pattern), elements, kStream);
    if (element_bytes == 4) result = call_.memset_d32_async(to, pattern, elements, kStream);
    must(result, "filling");
  }

  void fill_2d(CUdeviceptr to, std::size_t pitch, std::uint32_t pattern, int element_bytes,
               std::size_t elements, std::size_t rows) {
    CUresult result = CUDA_SUCCESS;
    if (element_bytes == 1)
      result = call_.memset_2d_d8_async(to, pitch, static_cast<unsigned char>(pattern), elements,
                                        rows, kStream);
    if (element_bytes == 2)
      result = call_.memset_2d_d16_async(to, pitch, static_cast<unsigned short>(pattern), elements,
                                         rows, kStream);
    if (element_bytes == 4)
      result = call_.memset_2d_d32_async(to, pitch, pattern, elements, rows, kStream);
    must(result, "filling");
  }

  cuda::PrimaryContext context_;
  const cuda::Functions& call_;
  int device_index_;
};

}  // namespace

schemas::Result<std::unique_ptr<Memory>> make_cuda_memory(int device_index) {
  auto driver = cuda::Driver::open();
  if (!driver) return driver.error();
  if (auto status = (*driver)->initialize(); !status) return status.error();
  auto device = cuda::find_device(**driver, device_index, "");
  if (!device) return device.error();
  auto context = cuda::PrimaryContext::retain(*driver, *device);
  if (!context) return context.error();
  return std::unique_ptr<Memory>(std::make_unique<CudaMemory>(std::move(*context), device_index));
}

}  // namespace assay::engine::judge
