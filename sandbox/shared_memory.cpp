// SPDX-License-Identifier: Apache-2.0
#include "sandbox/shared_memory.h"

#include <cerrno>
#include <fcntl.h>
#include <utility>

#include <sys/mman.h>
#include <sys/stat.h>

#include "sandbox/system_error.h"

namespace assay::sandbox {
namespace {

using schemas::ErrorCode;
using schemas::Result;
using schemas::Status;

constexpr unsigned kNoExecSeal = 0x0008U;  // MFD_NOEXEC_SEAL, Linux 6.3
constexpr int kSizeSeals = F_SEAL_GROW | F_SEAL_SHRINK;

schemas::Error violation(std::string message) {
  return make_error(ErrorCode::protocol_violation, std::move(message));
}

// Size of a shared-memory descriptor within bounds. Only shared memory has seals to ask for, so a
// pipe, a socket or a file on a network mount, which could block the reader, is told apart here.
Result<std::size_t> checked_size(int fd, std::size_t min_bytes, std::size_t max_bytes, int* seals) {
  *seals = ::fcntl(fd, F_GET_SEALS);
  struct stat status {};
  if (*seals < 0 || ::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
    return violation("the descriptor is not shared memory");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size < min_bytes || size > max_bytes)
    return violation("shared memory of " + std::to_string(size) + " bytes, wanted " +
                     std::to_string(min_bytes) + " to " + std::to_string(max_bytes));
  return size;
}

}  // namespace

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Result<SharedMemory> SharedMemory::create(const std::string& name, std::size_t bytes) {
  if (bytes == 0) return make_error(ErrorCode::internal, "shared memory of no bytes");
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd fd(::memfd_create(name.c_str(), flags | kNoExecSeal));
  if (!fd && errno == EINVAL) fd.reset(::memfd_create(name.c_str(), flags));
  if (!fd) return system_error("memfd_create");
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) return system_error("ftruncate");
  if (::fcntl(fd.get(), F_ADD_SEALS, kSizeSeals | F_SEAL_SEAL) != 0)
    return system_error("F_ADD_SEALS");
  return SharedMemory(std::move(fd), bytes, true);
}

Result<SharedMemory> SharedMemory::adopt(UniqueFd fd, std::size_t min_bytes,
                                         std::size_t max_bytes) {
  int seals = 0;
  Result<std::size_t> size = checked_size(fd.get(), min_bytes, max_bytes, &seals);
  if (!size) return std::move(size).error();
  if ((seals & kSizeSeals) != kSizeSeals)
    return violation("shared memory that is not sealed against a change of its size");
  return SharedMemory(std::move(fd), *size, true);
}

Result<SharedMemory> SharedMemory::adopt_for_reading(UniqueFd fd, std::size_t min_bytes,
                                                     std::size_t max_bytes) {
  int seals = 0;
  Result<std::size_t> size = checked_size(fd.get(), min_bytes, max_bytes, &seals);
  if (!size) return std::move(size).error();
  return SharedMemory(std::move(fd), *size, false);
}

Result<Mapping> SharedMemory::map(Access access) const {
  if (!sealed_) return violation("shared memory without seals is not mapped");
  const int protection = access == Access::read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  void* data = ::mmap(nullptr, size_, protection, MAP_SHARED, fd_.get(), 0);
  if (data == MAP_FAILED) return system_error("mmap");
  return Mapping(static_cast<std::byte*>(data), size_);
}

Status SharedMemory::read(std::size_t offset, void* into, std::size_t bytes) const {
  auto* cursor = static_cast<char*>(into);
  while (bytes > 0) {
    const ssize_t got = ::pread(fd_.get(), cursor, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return violation("shared memory ends before byte " + std::to_string(offset));
    cursor += got;
    offset += static_cast<std::size_t>(got);
    bytes -= static_cast<std::size_t>(got);
  }
  return schemas::success();
}

Status SharedMemory::write(std::size_t offset, const void* from, std::size_t bytes) const {
  const auto* cursor = static_cast<const char*>(from);
  while (bytes > 0) {
    const ssize_t put = ::pwrite(fd_.get(), cursor, bytes, static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return system_error("pwrite");
    cursor += put;
    offset += static_cast<std::size_t>(put);
    bytes -= static_cast<std::size_t>(put);
  }
  return schemas::success();
}

}  // namespace assay::sandbox
