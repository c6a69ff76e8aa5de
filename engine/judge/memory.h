// SPDX-License-Identifier: Apache-2.0
// Memory of the judge's device behind one interface: memfds and memcpy on the CPU (memory_cpu.cpp),
// the CUDA virtual-memory API on a GPU (memory_cuda.cpp). Copies and fills happen in order; on a
// GPU they are done only after synchronize(). Every allocation counts against the job's budget. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "schemas/device.h"
#include "schemas/result.h"

namespace assay::engine::judge {

// Bytes that a job's allocations may use together, and what they use now.
struct MemoryLedger {
  std::size_t budget_bytes = 0;
  std::size_t used_bytes = 0;
};

// One allocation. Freed, and taken off the ledger, by the destructor.
class Arena {
 public:
  virtual ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::byte* data() const { return data_; }  // a device address on a GPU: never dereferenced there
  std::size_t bytes() const { return bytes_; }  // as asked for
  // What a runner maps; -1 for memory of the judge alone. Stays the arena's.
  virtual int descriptor() const { return -1; }

 protected:
  Arena(std::size_t bytes, std::shared_ptr<MemoryLedger> ledger);
  std::byte* data_ = nullptr;

 private:
  std::size_t bytes_;
  std::shared_ptr<MemoryLedger> ledger_;
};
using ArenaPointer = std::unique_ptr<Arena>;

enum class Sharing {
  judge_only,   // never leaves this process
  with_runner,  // exported by descriptor; the content may change at any moment
};

class Memory {
 public:
  virtual ~Memory() = default;

  // For a new job. Arenas of an old one keep counting against their own ledger.
  void set_budget(std::size_t bytes);
  std::size_t budget_left() const { return ledger_->budget_bytes - ledger_->used_bytes; }

  // At least one byte; content undefined. Failure: memory, naming `what` and the sizes.
  ArenaPointer allocate(std::size_t bytes, Sharing sharing, const std::string& what);

  virtual schemas::DeviceKind kind() const = 0;
  virtual int device_index() const = 0;
  // Bytes that could be allocated now, by anybody.
  virtual std::size_t free_bytes() const = 0;

  virtual void copy(std::byte* to, const std::byte* from, std::size_t bytes) = 0;
  // `rows` runs of `width` bytes, each `pitch` bytes after the last.
  virtual void copy_rows(std::byte* to, std::size_t to_pitch, const std::byte* from,
                         std::size_t from_pitch, std::size_t width, std::size_t rows) = 0;
  // From and to host memory; both have finished with `host` when they return.
  virtual void upload(std::byte* to, const std::byte* host, std::size_t bytes) = 0;
  virtual void download(std::byte* host, const std::byte* from, std::size_t bytes) = 0;
  // Repeats the low `element_bytes` (1, 2 or 4) of `pattern` over `rows` runs of `elements`
  // elements. REQUIRES: `to` and `pitch` are multiples of element_bytes.
  virtual void fill_rows(std::byte* to, std::size_t pitch, std::uint32_t pattern, int element_bytes,
                         std::size_t elements, std::size_t rows) = 0;
  virtual void synchronize() = 0;

 protected:
  virtual ArenaPointer do_allocate(std::size_t bytes, Sharing sharing,
                                   std::shared_ptr<MemoryLedger> ledger) = 0;

 private:
  std::shared_ptr<MemoryLedger> ledger_ = std::make_shared<MemoryLedger>();
};

std::unique_ptr<Memory> make_cpu_memory();
// Opens the device's primary context on the calling thread. Error: no_device with the reason.
schemas::Result<std::unique_ptr<Memory>> make_cuda_memory(int device_index);

std::string bytes_text(std::size_t bytes);  // "1.5 GiB"

}  // namespace assay::engine::judge
