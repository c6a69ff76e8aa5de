// SPDX-License-Identifier: Apache-2.0
// Landlock: of the file system, the process and what it starts reach the paths of the policy's tree
// and nothing else, whether or not that tree could be built. The kernel's interface by number: the
// headers of older systems know less of it than the kernel may.
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/syscall.h>

#include "sandbox/fd.h"
#include "sandbox/layers/layers.h"
#include "sandbox/system_error.h"

namespace assay::sandbox::layers {
namespace {

constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;
constexpr unsigned kAskVersion = 1;  // LANDLOCK_CREATE_RULESET_VERSION
constexpr unsigned kPathBeneath = 1;

constexpr std::uint64_t kExecute = 1 << 0, kWriteFile = 1 << 1, kReadFile = 1 << 2,
                        kReadDirectory = 1 << 3, kFirstVersion = (1 << 13) - 1, kRefer = 1 << 13,
                        kTruncate = 1 << 14, kDeviceControl = 1 << 15;
constexpr std::uint64_t kOnFiles = kExecute | kWriteFile | kReadFile | kTruncate | kDeviceControl;
constexpr std::uint64_t kRead = kExecute | kReadFile | kReadDirectory;
constexpr std::uint64_t kEverything = ~std::uint64_t{0};

struct RulesetAttributes {
  std::uint64_t handled_files;
};
struct [[gnu::packed]] PathRule {
  std::uint64_t allowed;
  std::int32_t parent_fd;
};

std::uint64_t rights_of_version(long version) {
  std::uint64_t rights = kFirstVersion;
  if (version >= 2) rights |= kRefer;
  if (version >= 3) rights |= kTruncate;
  if (version >= 5) rights |= kDeviceControl;
  return rights;
}

class Ruleset {
 public:
  explicit Ruleset(std::uint64_t handled) : handled_(handled) {
    const RulesetAttributes attributes{handled};
    fd_.reset(static_cast<int>(::syscall(kCreateRuleset, &attributes, sizeof attributes, 0U)));
  }
  bool valid() const { return fd_.valid(); }

  // A path that is not there needs no rule. The sentence of what went wrong, or nothing.
  std::string allow(const std::string& path, std::uint64_t rights) {
    const UniqueFd parent(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status {};
    if (!parent || ::fstat(parent.get(), &status) != 0) return {};
    const std::uint64_t fitting = S_ISDIR(status.st_mode) ? handled_ : handled_ & kOnFiles;
    const PathRule rule{rights & fitting, parent.get()};
    if (::syscall(kAddRule, fd_.get(), kPathBeneath, &rule, 0U) == 0) return {};
    return system_message("a rule for " + path);
  }
  bool restrict_self() const { return ::syscall(kRestrictSelf, fd_.get(), 0U) == 0; }

 private:
  const std::uint64_t handled_;
  UniqueFd fd_;
};

std::string allow_tree(Ruleset& rules, const Confinement& confinement) {
  const Policy& policy = confinement.policy;
  for (const BindMount& bind : policy.binds) {
    const bool moved = confinement.own_tree && !bind.target.empty();
    std::string trouble =
        rules.allow(moved ? bind.target : bind.source, bind.read_only ? kRead : kEverything);
    if (!trouble.empty()) return trouble;
  }
  std::vector<std::string> whole = {"/tmp",      "/dev/shm",    "/dev/null",   "/dev/zero",
                                    "/dev/full", "/dev/random", "/dev/urandom"};
  for (const std::string& path : whole)
    if (std::string trouble = rules.allow(path, kEverything); !trouble.empty()) return trouble;
  // CUDA names its threads through /proc.
  return policy.shows_proc ? rules.allow("/proc", kRead | kWriteFile) : std::string();
}

}  // namespace

// Last of all: what the steps before need of /proc and of the machine's files is had by then.
StepOutcome landlock(Confinement& confinement) {
  if (!confinement.policy.device_nodes.empty())
    return missing("not applied to a process with a GPU: CUDA's driver does not start under it");
  const long version = ::syscall(kCreateRuleset, nullptr, std::size_t{0}, kAskVersion);
  if (version < 1)
    return missing(errno == ENOSYS || errno == EOPNOTSUPP
                       ? system_message("the kernel has no Landlock")
                       : system_message("landlock_create_ruleset"));
  Ruleset rules(rights_of_version(version));
  if (!rules.valid()) return missing(system_message("landlock_create_ruleset"));
  if (std::string trouble = allow_tree(rules, confinement); !trouble.empty())
    return missing(std::move(trouble));
  if (!rules.restrict_self()) return missing(system_message("landlock_restrict_self"));
  return applied();
}

}  // namespace assay::sandbox::layers
