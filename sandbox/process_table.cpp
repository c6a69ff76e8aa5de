// SPDX-License-Identifier: Apache-2.0
#include "sandbox/process_table.h"

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <functional>
#include <set>
#include <string_view>
#include <unistd.h>
#include <unordered_map>
#include <utility>

#include <sys/stat.h>

#include "sandbox/fd.h"

namespace assay::sandbox {
namespace {

constexpr std::size_t kMaxProcFileBytes = std::size_t{64} << 10;
constexpr std::uint64_t kStatBlockBytes = 512;

// A place in /proc: relative to an open directory, or in our own when there is none (-1).
struct ProcPath {
  ProcPath(int proc_fd, const std::string& rest)
      : directory(proc_fd < 0 ? AT_FDCWD : proc_fd), path(proc_fd < 0 ? "/proc/" + rest : rest) {}
  int directory;
  std::string path;
};

// Reads a small file; empty when it is gone.
std::string read_file(const ProcPath& place) {
  const UniqueFd file(::openat(place.directory, place.path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!file) return text;
  char block[4096];
  ssize_t got = 0;
  while (text.size() < kMaxProcFileBytes && (got = ::read(file.get(), block, sizeof(block))) > 0)
    text.append(block, static_cast<std::size_t>(got));
  return text;
}

// The number after `key` at the start of a line, such as "RssAnon:     1234 kB".
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key) {
  std::size_t at = text.starts_with(key) ? 0 : text.find("\n" + std::string(key));
  if (at == std::string_view::npos) return std::nullopt;
  at = text.find(key, at) + key.size();
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

std::uint64_t kilobytes_after(std::string_view text, std::string_view key) {
  return number_after(text, key).value_or(0) << 10;
}

// Numeric names in a directory.
std::vector<pid_t> numeric_entries(const ProcPath& place) {
  std::vector<pid_t> numbers;
  const int fd = ::openat(place.directory, place.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return numbers;
  DIR* directory = ::fdopendir(fd);
  if (directory == nullptr) {
    ::close(fd);
    return numbers;
  }
  while (const dirent* entry = ::readdir(directory))
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) != 0)
      numbers.push_back(std::atoi(entry->d_name));
  ::closedir(directory);
  return numbers;
}

bool kernel_lists_children() {
  static const bool lists = ::access("/proc/thread-self/children", F_OK) == 0;
  return lists;
}

// Direct children by the kernel's own list, which is kept per thread.
std::vector<pid_t> listed_children(pid_t pid) {
  std::vector<pid_t> children;
  const std::string tasks = std::to_string(pid) + "/task";
  for (const pid_t task : numeric_entries({-1, tasks})) {
    const std::string text = read_file({-1, tasks + "/" + std::to_string(task) + "/children"});
    const char* cursor = text.c_str();
    char* end = nullptr;
    for (long child = std::strtol(cursor, &end, 10); end != cursor;
         child = std::strtol(cursor = end, &end, 10))
      children.push_back(static_cast<pid_t>(child));
  }
  return children;
}

std::unordered_map<pid_t, std::vector<pid_t>> children_by_parent() {
  std::unordered_map<pid_t, std::vector<pid_t>> children;
  for (const pid_t pid : list_processes(-1)) {
    const std::string status = read_file({-1, std::to_string(pid) + "/status"});
    if (const auto parent = number_after(status, "PPid:"))
      children[static_cast<pid_t>(*parent)].push_back(pid);
  }
  return children;
}

}  // namespace

std::vector<pid_t> list_processes(int proc_fd) {
  return numeric_entries({proc_fd, "."});
}

std::vector<pid_t> descendants_of(pid_t root) {
  std::function<std::vector<pid_t>(pid_t)> children_of = listed_children;
  std::unordered_map<pid_t, std::vector<pid_t>> table;
  if (!kernel_lists_children()) {
    table = children_by_parent();
    children_of = [&table](pid_t pid) { return table[pid]; };
  }
  std::vector<pid_t> found = children_of(root);
  std::set<pid_t> seen(found.begin(), found.end());
  for (std::size_t i = 0; i < found.size(); ++i)
    for (const pid_t child : children_of(found[i]))
      if (seen.insert(child).second) found.push_back(child);
  return found;
}

std::vector<pid_t> processes_of_uid(uid_t uid) {
  std::vector<pid_t> found;
  for (const pid_t pid : list_processes(-1)) {
    const std::string status = read_file({-1, std::to_string(pid) + "/status"});
    if (number_after(status, "Uid:") == std::uint64_t{uid} &&
        status.find("\nState:\tZ") == std::string::npos)
      found.push_back(pid);
  }
  return found;
}

std::uint64_t count_tasks_of_uid(uid_t uid) {
  std::uint64_t count = 0;
  for (const pid_t pid : list_processes(-1)) {
    const std::string status = read_file({-1, std::to_string(pid) + "/status"});
    if (number_after(status, "Uid:") == std::uint64_t{uid})
      count += number_after(status, "Threads:").value_or(1);
  }
  return count;
}

std::optional<ProcessMemory> read_memory(int proc_fd, pid_t pid) {
  const std::string status = read_file({proc_fd, std::to_string(pid) + "/status"});
  if (status.empty()) return std::nullopt;
  ProcessMemory memory;
  memory.anonymous = kilobytes_after(status, "VmSwap:");
  if (const auto anonymous = number_after(status, "RssAnon:")) {
    memory.anonymous += *anonymous << 10;
    memory.shared = kilobytes_after(status, "RssShmem:");
  } else {
    memory.anonymous += kilobytes_after(status, "VmRSS:");  // kernels that do not tell them apart
  }
  return memory;
}

std::optional<ProcessMemory> read_proportional_memory(int proc_fd, pid_t pid) {
  const std::string rollup = read_file({proc_fd, std::to_string(pid) + "/smaps_rollup"});
  const auto anonymous = number_after(rollup, "Pss_Anon:");
  if (!anonymous) return std::nullopt;
  return ProcessMemory{(*anonymous << 10) + kilobytes_after(rollup, "SwapPss:"),
                       kilobytes_after(rollup, "Pss_Shmem:")};
}

std::uint64_t memfd_bytes(int proc_fd, const std::vector<pid_t>& pids) {
  std::set<std::pair<dev_t, ino_t>> seen;
  std::uint64_t bytes = 0;
  for (const pid_t pid : pids) {
    const ProcPath process(proc_fd, std::to_string(pid));
    struct stat owner {};
    if (::fstatat(process.directory, process.path.c_str(), &owner, 0) != 0) continue;
    for (const int fd : numeric_entries({proc_fd, std::to_string(pid) + "/fd"})) {
      const std::string path = process.path + "/fd/" + std::to_string(fd);
      char target[32] = {};
      if (::readlinkat(process.directory, path.c_str(), target, sizeof(target) - 1) < 0) continue;
      if (!std::string_view(target).starts_with("/memfd:")) continue;
      struct stat status {};
      if (::fstatat(process.directory, path.c_str(), &status, 0) != 0) continue;
      if (status.st_uid == owner.st_uid && seen.emplace(status.st_dev, status.st_ino).second)
        bytes += static_cast<std::uint64_t>(status.st_blocks) * kStatBlockBytes;
    }
  }
  return bytes;
}

std::uint64_t host_out_of_memory_kills() {
  return number_after(read_file({-1, "vmstat"}), "oom_kill ").value_or(0);
}

}  // namespace assay::sandbox
