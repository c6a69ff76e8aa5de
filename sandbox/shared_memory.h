// SPDX-License-Identifier: Apache-2.0
// SharedMemory: a memfd that can change size no more (sealed GROW, SHRINK and SEAL), so that a
// mapping of it cannot be made to fault by whoever else holds it. Mapping: one mapping of it.
// Contents written by a hostile process are read by copy (`read`), never through a mapping that a
// check and a use would both look at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "sandbox/fd.h"
#include "schemas/result.h"

namespace assay::sandbox {

enum class Access { read_only, read_write };

// Owns an address range; unmaps it.
class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }  // bytes

 private:
  friend class SharedMemory;
  Mapping(std::byte* data, std::size_t size) : data_(data), size_(size) {}
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

class SharedMemory {
 public:
  SharedMemory() = default;

  // A new zeroed memfd of exactly `bytes` (> 0), sealed. `name` shows in /proc only. Error:
  // internal.
  static schemas::Result<SharedMemory> create(const std::string& name, std::size_t bytes);

  // Takes a descriptor that another process made, to map it. It must be shared memory of at least
  // `min_bytes` and at most `max_bytes`, sealed against shrinking and growing. Error:
  // protocol_violation.
  static schemas::Result<SharedMemory> adopt(UniqueFd fd, std::size_t min_bytes,
                                             std::size_t max_bytes);

  // The same without demanding seals: for `read` only (map is refused).
  static schemas::Result<SharedMemory> adopt_for_reading(UniqueFd fd, std::size_t min_bytes,
                                                         std::size_t max_bytes);

  // Maps all of it, shared. Error: internal (no address space), protocol_violation (not sealed).
  schemas::Result<Mapping> map(Access access) const;

  // Copies `bytes` at `offset` out of it by pread. Error: protocol_violation when the range is not
  // there.
  schemas::Status read(std::size_t offset, void* into, std::size_t bytes) const;
  // Copies into it by pwrite. REQUIRES: the range is inside.
  schemas::Status write(std::size_t offset, const void* from, std::size_t bytes) const;

  int fd() const { return fd_.get(); }
  std::size_t size() const { return size_; }  // bytes
  bool valid() const { return fd_.valid(); }

 private:
  SharedMemory(UniqueFd fd, std::size_t size, bool sealed)
      : fd_(std::move(fd)), size_(size), sealed_(sealed) {}
  UniqueFd fd_;
  std::size_t size_ = 0;
  bool sealed_ = false;
};

}  // namespace assay::sandbox
