// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/child_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <sys/wait.h>

#include "sandbox/fd.h"

namespace assay::engine {

using schemas::Error;
using schemas::ErrorCode;

namespace {

constexpr int kSignalBase = 128;

class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void set(int output_fd, const std::string& directory) {
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output_fd, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output_fd, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    ::posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str());
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

Error failure(const std::string& what, int error) {
  return {ErrorCode::internal, "cannot run " + what + ": " + std::strerror(error), false, {}};
}

// To the end, of which the first `most` bytes are kept.
std::string drain(int fd, std::size_t most) {
  std::string kept;
  std::array<char, 1 << 16> piece{};
  while (true) {
    const ssize_t size = ::read(fd, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size <= 0) {
      return kept;
    }
    kept.append(piece.data(), std::min(static_cast<std::size_t>(size), most - kept.size()));
  }
}

}  // namespace

schemas::Result<ChildEnd> run_child(const std::vector<std::string>& arguments,
                                    const std::string& directory, std::size_t max_output_bytes) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return failure(arguments[0], errno);
  }
  const sandbox::UniqueFd reader(ends[0]);
  sandbox::UniqueFd writer(ends[1]);
  FileActions actions;
  actions.set(writer.get(), directory);
  std::vector<char*> words;
  words.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) {
    words.push_back(const_cast<char*>(argument.c_str()));
  }
  words.push_back(nullptr);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, words[0], actions.get(), nullptr, words.data(), environ);
  if (error != 0) {
    return failure(arguments[0], error);
  }
  writer.reset();
  ChildEnd end;
  end.output = drain(reader.get(), max_output_bytes);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  end.status = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalBase + WTERMSIG(status);
  return end;
}

}  // namespace assay::engine
