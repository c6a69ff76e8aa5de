// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <sched.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "victims/victim.h"

namespace victim {
namespace {

int outcome(bool good) {
  return good ? 0 : errno;
}

std::vector<int> numbers_in(const char* path) {
  std::vector<int> numbers;
  DIR* directory = ::opendir(path);
  if (directory == nullptr) return numbers;
  const int own = ::dirfd(directory);
  while (const dirent* entry = ::readdir(directory)) {
    const int number = std::atoi(entry->d_name);
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && number != own)
      numbers.push_back(number);
  }
  ::closedir(directory);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

int try_connect(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return outcome(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
}

int try_open(const std::string& path, const std::string& how) {
  const int flags = how == "write" ? O_WRONLY : how == "create" ? O_WRONLY | O_CREAT : O_RDONLY;
  return outcome(::open(path.c_str(), flags | O_CLOEXEC, 0644) >= 0);
}

// What CUDA does while it starts; none of it may ever be refused.
void cuda_needs() {
  say(std::string("memfd ") + error_word(outcome(::memfd_create("x", MFD_CLOEXEC) >= 0)));
  say(std::string("eventfd ") + error_word(outcome(::eventfd(0, EFD_CLOEXEC) >= 0)));
  int word = 1;
  const long woken = ::syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  say(std::string("futex ") + error_word(outcome(woken == 0)));
  void* reserved = ::mmap(nullptr, std::size_t{64} << 30, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  say(std::string("reserve ") + error_word(outcome(reserved != MAP_FAILED)));
  const std::string comm = "/proc/self/task/" + std::to_string(::syscall(SYS_gettid)) + "/comm";
  const int fd = ::open(comm.c_str(), O_WRONLY | O_CLOEXEC);
  say(std::string("comm ") + error_word(outcome(fd >= 0 && ::write(fd, "cuda", 4) == 4)));
  const int self = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  say(std::string("maps ") + error_word(outcome(self >= 0)));
}

}  // namespace

int look(const Arguments& arguments) {
  const std::string& what = arguments[0];
  if (what == "fds") {
    std::string line;
    for (const int fd : numbers_in("/proc/self/fd")) line += std::to_string(fd) + " ";
    say(line);
  } else if (what == "environment") {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) say(*entry);
  } else if (what == "connect") {
    say(error_word(try_connect(std::atoi(arguments[1].c_str()))));
  } else if (what == "open") {
    for (std::size_t i = 2; i < arguments.size(); ++i)
      say(error_word(try_open(arguments[i], arguments[1])));
  } else if (what == "processes") {
    say(std::to_string(numbers_in("/proc").size()));
  } else if (what == "status") {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);) say(line);
  } else if (what == "limits") {
    rlimit files{}, core{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    ::getrlimit(RLIMIT_CORE, &core);
    say(std::to_string(files.rlim_max) + " " + std::to_string(core.rlim_max));
  } else if (what == "priority") {
    std::string group = "none";
    std::ifstream file("/proc/self/autogroup");  // "/autogroup-12 nice 10"
    for (std::string word; file >> word;) group = word;
    say(std::to_string(::getpriority(PRIO_PROCESS, 0)) + " " + group);
  } else if (what == "ipc") {
    const bool make = arguments.size() > 2 && arguments[2] == "make";
    const int id = ::shmget(std::atoi(arguments[1].c_str()), 1, make ? IPC_CREAT | 0600 : 0);
    say(error_word(outcome(id >= 0)));
  } else if (what == "nested") {
    say(error_word(outcome(::unshare(CLONE_NEWUSER) == 0)));
  } else if (what == "hostname") {
    utsname name{};
    ::uname(&name);
    say(name.nodename);
  } else if (what == "directory") {
    char path[4096];
    say(::getcwd(path, sizeof(path)) != nullptr ? path : "?");
  } else if (what == "session") {
    say(::getsid(0) == ::getpid() && ::getpgrp() == ::getpid() ? "own" : "shared");
  } else if (what == "cuda") {
    cuda_needs();
  } else {
    return kUnknown;
  }
  return 0;
}

}  // namespace victim
