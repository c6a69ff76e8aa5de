// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <sys/mman.h>

#include "victims/victim.h"

namespace victim {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20;

std::size_t bytes_of(const std::string& text) {
  return std::strtoull(text.c_str(), nullptr, 10);
}

// Anonymous memory, touched.
void hog(std::size_t bytes) {
  for (std::size_t done = 0; done < bytes; done += kBlock) {
    void* block =
        ::mmap(nullptr, kBlock, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) ::_exit(3);
    std::memset(block, 1, kBlock);
  }
}

int fill(int fd, std::size_t bytes) {
  static char block[kBlock];
  std::memset(block, 'x', sizeof(block));
  while (bytes > 0) {
    const ssize_t put = ::write(fd, block, std::min(bytes, sizeof(block)));
    if (put < 0) return errno;
    bytes -= static_cast<std::size_t>(put);
  }
  return 0;
}

// Forks until refused; the children stay. Returns how many there are.
int fork_bomb(int most) {
  int count = 0;
  while (count < most) {
    const pid_t pid = ::fork();
    if (pid < 0) break;
    if (pid == 0) {
      ::setsid();
      ::signal(SIGTERM, SIG_IGN);
      for (;;) ::pause();
    }
    ++count;
  }
  return count;
}

}  // namespace

int burden(const Arguments& arguments) {
  const std::string& what = arguments[0];
  if (what == "hog") {
    hog(bytes_of(arguments[1]));
    say("held");
    ::usleep(200'000);
  } else if (what == "hog_by_children") {
    // Each child's share is small; together they are too much.
    for (int child = 0; child < 8; ++child) {
      if (::fork() == 0) {
        hog(bytes_of(arguments[1]) / 8);
        ::sleep(20);
        ::_exit(0);
      }
    }
    ::sleep(20);
  } else if (what == "share_by_children") {
    // One block that eight children inherit and do not write: held once.
    hog(bytes_of(arguments[1]));
    for (int child = 0; child < 8; ++child)
      if (::fork() == 0) ::_exit((::usleep(300'000), 0));
    ::usleep(400'000);
    say("held");
  } else if (what == "hog_memfd") {
    const int fd = ::memfd_create("hog", MFD_CLOEXEC);
    say(error_word(fill(fd, bytes_of(arguments[1]))));
    ::sleep(20);
  } else if (what == "hog_file") {
    const int fd = ::open(arguments[1].c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    say(error_word(fd < 0 ? errno : fill(fd, bytes_of(arguments[2]))));
    ::sleep(20);
  } else if (what == "grow") {
    ::signal(SIGXFSZ, arguments.size() > 3 ? SIG_IGN : SIG_DFL);
    const int fd = ::open(arguments[1].c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    say(error_word(fd < 0 ? errno : fill(fd, bytes_of(arguments[2]))));
  } else if (what == "flood") {
    (void)!::write(1, "first", 5);
    const int error = fill(1, bytes_of(arguments[1]));
    (void)!::write(2, "last", 4);
    return error == 0 ? 0 : 1;
  } else if (what == "fork_bomb") {
    say(std::to_string(fork_bomb(std::atoi(arguments[1].c_str()))));
  } else {
    return kUnknown;
  }
  return 0;
}

}  // namespace victim
