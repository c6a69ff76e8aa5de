// SPDX-License-Identifier: Apache-2.0
#include "sandbox/shared_memory.h"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <sys/mman.h>

using namespace assay::sandbox;
using assay::schemas::ErrorCode;

namespace {

UniqueFd plain_memfd(std::size_t bytes, int seals) {
  UniqueFd fd(::memfd_create("foreign", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::ftruncate(fd.get(), static_cast<off_t>(bytes)) == 0);
  if (seals != 0) REQUIRE(::fcntl(fd.get(), F_ADD_SEALS, seals) == 0);
  return fd;
}

constexpr int kSizeSeals = F_SEAL_GROW | F_SEAL_SHRINK;

}  // namespace

TEST_CASE("a memfd of ours has a fixed size") {
  auto memory = SharedMemory::create("test", 10'000);
  REQUIRE(memory);
  CHECK(memory->size() == 10'000);
  CHECK(::ftruncate(memory->fd(), 1) != 0);
  CHECK(::ftruncate(memory->fd(), 20'000) != 0);
  CHECK(::fcntl(memory->fd(), F_ADD_SEALS, F_SEAL_WRITE) != 0);  // no seals may be added either
  CHECK(::fcntl(memory->fd(), F_GETFD) == FD_CLOEXEC);
  CHECK(!SharedMemory::create("none", 0));
}

TEST_CASE("both sides see the same bytes") {
  auto memory = SharedMemory::create("test", 4096);
  REQUIRE(memory);
  auto adopted = SharedMemory::adopt(UniqueFd::duplicate_of(memory->fd()), 4096, 4096);
  REQUIRE(adopted);
  auto writer = memory->map(Access::read_write);
  auto reader = adopted->map(Access::read_only);
  REQUIRE((writer && reader));
  std::memcpy(writer->data() + 100, "hello", 5);
  CHECK(std::memcmp(reader->data() + 100, "hello", 5) == 0);
  char copy[5] = {};
  REQUIRE(adopted->read(100, copy, 5));
  CHECK(std::string(copy, 5) == "hello");
  REQUIRE(adopted->write(4091, "world", 5));
  CHECK(std::memcmp(reader->data() + 4091, "world", 5) == 0);
  const auto beyond = adopted->read(4092, copy, 5);
  REQUIRE(!beyond);
  CHECK(beyond.error().code == ErrorCode::protocol_violation);
}

TEST_CASE("foreign memory is checked before it is used") {
  CHECK(SharedMemory::adopt(plain_memfd(4096, kSizeSeals), 1, 4096));
  CHECK(!SharedMemory::adopt(plain_memfd(4096, 0), 1, 4096));
  CHECK(!SharedMemory::adopt(plain_memfd(4096, F_SEAL_GROW), 1, 4096));
  CHECK(!SharedMemory::adopt(plain_memfd(4096, F_SEAL_SHRINK), 1, 4096));
  CHECK(!SharedMemory::adopt(plain_memfd(4096, kSizeSeals), 1, 4095));
  CHECK(!SharedMemory::adopt(plain_memfd(4096, kSizeSeals), 4097, 10'000));
  CHECK(!SharedMemory::adopt(UniqueFd(::open("/dev/zero", O_RDWR | O_CLOEXEC)), 0, 10'000));
  CHECK(!SharedMemory::adopt(UniqueFd(), 0, 10'000));
  // A file has contents of its size too, but a slow disk or a network behind it.
  char path[] = "/var/tmp/assay-shared-memory-test-XXXXXX";
  UniqueFd file(::mkostemp(path, O_CLOEXEC));
  REQUIRE(file);
  ::unlink(path);
  REQUIRE(::ftruncate(file.get(), 4096) == 0);
  const auto of_a_file = SharedMemory::adopt_for_reading(std::move(file), 1, 4096);
  CHECK(!of_a_file);
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd writer(ends[1]);
  CHECK(!SharedMemory::adopt_for_reading(UniqueFd(ends[0]), 0, 10'000));
}

TEST_CASE("memory without seals is read by copy only") {
  UniqueFd fd = plain_memfd(4096, 0);
  const UniqueFd theirs = fd.duplicate();
  auto memory = SharedMemory::adopt_for_reading(std::move(fd), 1, 4096);
  REQUIRE(memory);
  CHECK(!memory->map(Access::read_only));
  char byte = 0;
  CHECK(memory->read(4095, &byte, 1));
  REQUIRE(::ftruncate(theirs.get(), 10) == 0);  // they shrink it under us
  CHECK(!memory->read(4095, &byte, 1));
}
