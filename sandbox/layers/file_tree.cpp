// SPDX-License-Identifier: Apache-2.0
// The minimal file tree: a tmpfs root with read-only binds of what the policy names at the same
// paths, /proc, /dev, /tmp and /dev/shm of its own. What is not named cannot be seen, whatever its
// mode says.
#include <limits.h>
#include <memory>
#include <stdlib.h>

#include <sys/stat.h>

#include "sandbox/layers/layers.h"
#include "sandbox/layers/mounts.h"

namespace assay::sandbox::layers {
namespace {

constexpr const char* kDeviceNodes[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                        "/dev/urandom"};
constexpr std::pair<const char*, const char*> kDeviceLinks[] = {{"/dev/fd", "/proc/self/fd"},
                                                                {"/dev/stdin", "/proc/self/fd/0"},
                                                                {"/dev/stdout", "/proc/self/fd/1"},
                                                                {"/dev/stderr", "/proc/self/fd/2"}};

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&::free)> resolved(::realpath(path.c_str(), nullptr),
                                                          &::free);
  return resolved ? std::string(resolved.get()) : std::string();
}

Trouble make_devices(TreeBuilder& tree, const Policy& policy) {
  if (Trouble trouble = tree.make_directory("/dev")) return trouble;
  for (const char* node : kDeviceNodes)
    if (Trouble trouble = tree.bind(node, node, false)) return trouble;
  for (const std::string& node : policy.device_nodes) {
    struct stat status {};
    if (!node.starts_with("/dev/") || ::stat(tree.old_path(node).c_str(), &status) != 0) continue;
    if (Trouble trouble = tree.bind(node, node, false)) return trouble;
  }
  for (const auto& [path, text] : kDeviceLinks)
    if (Trouble trouble = tree.make_link(path, text)) return trouble;
  return tree.mount_tmpfs("/dev/shm", policy.shm_bytes, "1777");
}

Trouble build(TreeBuilder& tree, Confinement& confinement,
              const std::vector<std::string>& real_sources) {
  const Policy& policy = confinement.policy;
  if (Trouble trouble = tree.make_directory("/proc")) return trouble;
  if (Trouble trouble = tree.bind("/proc", "/proc", false)) return trouble;
  if (Trouble trouble = make_devices(tree, policy)) return trouble;
  if (Trouble trouble = tree.mount_tmpfs("/tmp", policy.tmp_bytes, "1777")) return trouble;
  for (std::size_t i = 0; i < policy.binds.size(); ++i) {
    Trouble trouble = tree.bind(policy.binds[i], real_sources[i]);
    if (!trouble || policy.binds[i].optional) continue;
    // A missing source is the caller's mistake, not a missing layer: the program would not run.
    if (real_sources[i].empty()) confinement.failure = "bind mount: " + *trouble;
    return trouble;
  }
  return tree.finish();
}

}  // namespace

StepOutcome file_tree(Confinement& confinement) {
  if (!confinement.refusals.file_tree.empty()) return missing(confinement.refusals.file_tree);
  if (!confinement.private_mounts) return missing("needs a mount namespace");
  ::umask(022);
  std::vector<std::string> real_sources;  // while absolute links still lead where they should
  for (const BindMount& bind : confinement.policy.binds)
    real_sources.push_back(real_path(bind.source));

  TreeBuilder tree;
  Trouble trouble = tree.begin(real_sources);
  if (!trouble) trouble = build(tree, confinement, real_sources);
  if (trouble) {
    // Half a tree is neither the machine's nor ours.
    if (!confinement.failure.empty()) return missing(confinement.failure);
    return restart_without(confinement, Restart::without_file_tree, *trouble);
  }
  confinement.own_tree = true;
  return applied();
}

}  // namespace assay::sandbox::layers
