// SPDX-License-Identifier: Apache-2.0
// The CPU as a device: memfds for what runners map, anonymous memory for the rest.
#include <cstdio>
#include <cstring>
#include <utility>

#include <sys/mman.h>

#include "engine/judge/failure.h"
#include "engine/judge/memory.h"
#include "sandbox/shared_memory.h"

namespace assay::engine::judge {
namespace {

class MemfdArena final : public Arena {
 public:
  MemfdArena(std::size_t bytes, std::shared_ptr<MemoryLedger> ledger)
      : Arena(bytes, std::move(ledger)) {
    memory_ = value_or_fail(sandbox::SharedMemory::create("assay-arena", bytes));
    mapping_ = value_or_fail(memory_.map(sandbox::Access::read_write));
    data_ = mapping_.data();
    std::memset(data_, 0, bytes);  // the pages exist before anything is timed
  }
  int descriptor() const override { return memory_.fd(); }

 private:
  sandbox::SharedMemory memory_;
  sandbox::Mapping mapping_;
};

class AnonymousArena final : public Arena {
 public:
  AnonymousArena(std::size_t bytes, std::shared_ptr<MemoryLedger> ledger)
      : Arena(bytes, std::move(ledger)), mapped_bytes_(bytes) {
    void* address =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED)
      throw Failure(Cause::memory, "the host has no " + bytes_text(bytes) + " of memory left");
    data_ = static_cast<std::byte*>(address);
  }
  ~AnonymousArena() override { munmap(data_, mapped_bytes_); }

 private:
  std::size_t mapped_bytes_;
};

template <typename Element>
void fill_run(std::byte* to, std::uint32_t pattern, std::size_t elements) {
  const auto value = static_cast<Element>(pattern);
  for (std::size_t i = 0; i < elements; ++i)
    std::memcpy(to + i * sizeof value, &value, sizeof value);
}

class CpuMemory final : public Memory {
 public:
  schemas::DeviceKind kind() const override { return schemas::DeviceKind::cpu; }
  int device_index() const override { return 0; }

  std::size_t free_bytes() const override {
    std::size_t kibibytes = 0;
    if (std::FILE* file = std::fopen("/proc/meminfo", "re")) {
      char line[160];
      while (std::fgets(line, sizeof line, file) != nullptr)
        if (std::sscanf(line, "MemAvailable: %zu kB", &kibibytes) == 1) break;
      std::fclose(file);
    }
    return kibibytes << 10;
  }

  void copy(std::byte* to, const std::byte* from, std::size_t bytes) override {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
  void copy_rows(std::byte* to, std::size_t to_pitch, const std::byte* from, std::size_t from_pitch,
                 std::size_t width, std::size_t rows) override {
    if (width == 0) return;
    for (std::size_t row = 0; row < rows; ++row)
      std::memcpy(to + row * to_pitch, from + row * from_pitch, width);
  }
  void upload(std::byte* to, const std::byte* host, std::size_t bytes) override {
    copy(to, host, bytes);
  }
  void download(std::byte* host, const std::byte* from, std::size_t bytes) override {
    copy(host, from, bytes);
  }

  void fill_rows(std::byte* to, std::size_t pitch, std::uint32_t pattern, int element_bytes,
                 std::size_t elements, std::size_t rows) override {
    for (std::size_t row = 0; row < rows; ++row) {
      std::byte* start = to + row * pitch;
      if (element_bytes == 1) fill_run<std::uint8_t>(start, pattern, elements);
      if (element_bytes == 2) fill_run<std::uint16_t>(start, pattern, elements);
      if (element_bytes == 4) fill_run<std::uint32_t>(start, pattern, elements);
    }
  }
  void synchronize() override {}

 protected:
  ArenaPointer do_allocate(std::size_t bytes, Sharing sharing,
                           std::shared_ptr<MemoryLedger> ledger) override {
    if (sharing == Sharing::with_runner)
      return std::make_unique<MemfdArena>(bytes, std::move(ledger));
    return std::make_unique<AnonymousArena>(bytes, std::move(ledger));
  }
};

}  // namespace

std::unique_ptr<Memory> make_cpu_memory() {
  return std::make_unique<CpuMemory>();
}

}  // namespace assay::engine::judge
