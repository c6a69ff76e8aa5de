// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of confined processes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "sandbox/fd.h"
#include "sandbox/fork_server.h"
#include "sandbox/policy.h"
#include "sandbox/spawn.h"
#include "schemas/isolation.h"

namespace sandbox_test {

namespace sandbox = assay::sandbox;
using Words = std::vector<std::string>;
using Layers = std::vector<assay::schemas::LayerReport>;

inline constexpr auto kPatience = std::chrono::seconds(20);

std::string program_directory();               // of the tests' own programs
std::string program(const std::string& name);  // one of them
std::string keeper_path();
sandbox::Spawner& spawner();

// A policy as a runner would get it, with a uid that no other test uses.
sandbox::Policy untrusted_policy();
sandbox::Policy trusted_policy();

struct Outcome {
  sandbox::ExitReport report;
  Layers layers;
  std::string output;
};
// Starts the victim; fails the test when it cannot.
sandbox::Process start(const Words& words, const sandbox::Policy& policy = untrusted_policy(),
                       const std::vector<sandbox::DescriptorGrant>& grants = {});
// Starts it and waits for its end.
Outcome run(const Words& words, const sandbox::Policy& policy = untrusted_policy(),
            const std::vector<sandbox::DescriptorGrant>& grants = {});
sandbox::ExitReport finish(sandbox::Process& process);

bool applied(const Layers& layers, const std::string& name);
std::string missing_layers(const Layers& layers);  // names, sorted, with blanks between

std::vector<std::string> lines(const std::string& text);
// "Name:\tvalue" of a /proc status text.
std::string status_value(const std::string& status, const std::string& name);

// The last started of our descendants with this name; 0 when there is none.
pid_t youngest_descendant(const std::string& name);
// What a process has open, as /proc names it.
std::vector<std::string> open_files_of(pid_t pid);

// A pipe whose write end a whole tree inherits: at its end of file every process of the tree is
// dead. Kills whatever of the tree is left at the end of its test.
class Lifeline {
 public:
  Lifeline();
  ~Lifeline();
  Lifeline(const Lifeline&) = delete;
  Lifeline& operator=(const Lifeline&) = delete;
  int write_fd() const { return write_end_.get(); }
  void let_go() { write_end_.reset(); }  // once the tree has it
  bool cut(std::chrono::milliseconds patience) const;

 private:
  sandbox::UniqueFd read_end_, write_end_;
};

// A child of the test itself, killed and reaped at the end of its test at the latest.
class OwnChild {
 public:
  explicit OwnChild(pid_t pid) : pid_(pid) {}
  ~OwnChild() { end(); }
  OwnChild(const OwnChild&) = delete;
  OwnChild& operator=(const OwnChild&) = delete;
  void end();

 private:
  pid_t pid_;
};

// A directory of mode 0755 below /tmp, removed with all its contents.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace sandbox_test
