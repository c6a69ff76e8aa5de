// SPDX-License-Identifier: Apache-2.0
#include "support.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <signal.h>
#include <sstream>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sandbox/process_table.h"

namespace sandbox_test {

std::string program_directory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

std::string program(const std::string& name) {
  return program_directory() + "/" + name;
}

std::string keeper_path() {
  const std::string beside = program("assay-keeper");
  return std::filesystem::exists(beside)
             ? beside
             : std::filesystem::path(program_directory()).parent_path().string() +
                   "/bin/assay-keeper";
}

sandbox::Spawner& spawner() {
  static auto created = sandbox::Spawner::create(keeper_path());
  if (!created) FAIL(created.error().message);
  return *created;
}

sandbox::Policy untrusted_policy() {
  // Uids of this test program alone: tests that run beside it must not be killed with its
  // processes.
  static std::uint32_t next = 0;
  sandbox::Policy policy;
  if (::geteuid() == 0)
    policy.outer_uid =
        100'000 + static_cast<std::uint32_t>(::getpid()) % 4'000 * 256 + next++ % 256;
  policy.limits = {60, std::uint64_t{64} << 20, 256, 64};
  policy.memory_limit_bytes = std::uint64_t{512} << 20;
  policy.wall_limit = std::chrono::seconds(30);
  policy.binds = sandbox::system_binds();
  policy.binds.push_back({program_directory(), "", true, false});
  policy.environment = {"PATH=/usr/bin:/bin", "MARK=given"};
  return policy;
}

sandbox::Policy trusted_policy() {
  sandbox::Policy policy;
  policy.level = sandbox::ConfineLevel::trusted;
  policy.environment = {"MARK=given"};
  return policy;
}

sandbox::Process start(const Words& words, const sandbox::Policy& policy,
                       const std::vector<sandbox::DescriptorGrant>& grants) {
  sandbox::SpawnRequest request{{program("sandbox_victim")}, policy, grants};
  request.arguments.insert(request.arguments.end(), words.begin(), words.end());
  auto process = spawner().spawn(request, sandbox::after(kPatience));
  if (!process) FAIL(process.error().message);
  return std::move(*process);
}

sandbox::ExitReport finish(sandbox::Process& process) {
  auto report = process.wait(sandbox::after(kPatience));
  if (!report) FAIL(report.error().message);
  return *report;
}

Outcome run(const Words& words, const sandbox::Policy& policy,
            const std::vector<sandbox::DescriptorGrant>& grants) {
  sandbox::Process process = start(words, policy, grants);
  Outcome outcome;
  outcome.report = finish(process);
  outcome.layers = process.isolation();
  outcome.output = output_text(outcome.report);
  return outcome;
}

bool applied(const Layers& layers, const std::string& name) {
  return std::any_of(layers.begin(), layers.end(),
                     [&](const auto& layer) { return layer.name == name && layer.applied; });
}

std::string missing_layers(const Layers& layers) {
  Words names;
  for (const auto& layer : layers)
    if (!layer.applied) names.push_back(layer.name);
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> found;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) found.push_back(line);
  return found;
}

std::string status_value(const std::string& status, const std::string& name) {
  for (const std::string& line : lines(status))
    if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
  return "";
}

pid_t youngest_descendant(const std::string& name) {
  pid_t found = 0;
  for (const pid_t pid : sandbox::descendants_of(::getpid())) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
    std::string text;
    std::getline(file, text);
    if (text == name) found = pid;
  }
  return found;
}

std::vector<std::string> open_files_of(pid_t pid) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", error))
    files.push_back(std::filesystem::read_symlink(entry.path(), error).string());
  return files;
}

Lifeline::Lifeline() {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
}

// By the pipe that they hold: a process whose parents are dead is in no tree of ours.
Lifeline::~Lifeline() {
  write_end_.reset();
  struct stat pipe {};
  ::fstat(read_end_.get(), &pipe);
  const std::string name = "pipe:[" + std::to_string(pipe.st_ino) + "]";
  for (int round = 0; round < 1000 && !cut(std::chrono::milliseconds(0)); ++round) {
    for (const pid_t pid : sandbox::list_processes(-1)) {
      const sandbox::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
      const std::vector<std::string> files = open_files_of(pid);
      if (pid != ::getpid() && std::find(files.begin(), files.end(), name) != files.end())
        ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    }
    cut(std::chrono::milliseconds(10));
  }
}

void OwnChild::end() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool Lifeline::cut(std::chrono::milliseconds patience) const {
  pollfd entry{read_end_.get(), 0, 0};
  return ::poll(&entry, 1, static_cast<int>(patience.count())) > 0 &&
         (entry.revents & POLLHUP) != 0;
}

ScratchDirectory::ScratchDirectory() {
  char pattern[] = "/tmp/assay-sandbox-test-XXXXXX";
  REQUIRE(::mkdtemp(pattern) != nullptr);
  path_ = pattern;
  ::chmod(pattern, 0755);
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace sandbox_test
