// SPDX-License-Identifier: Apache-2.0
// Mounts of the new file tree while it is being built. After `begin`, the machine's own tree lies
// under `old_root` and the new one under `new_root`; `finish` makes the new one the only one.
// Errors are sentences.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "sandbox/policy.h"

namespace assay::sandbox {

using Trouble = std::optional<std::string>;  // empty: all went well

class TreeBuilder {
 public:
  // Mounts an empty tmpfs and moves the old root below it. Where the kernel refuses that (the root
  // is no mount of its own, as an initramfs), the tree is built beside the old one, away from
  // `sources`, and entered by chroot.
  Trouble begin(const std::vector<std::string>& sources);

  // Makes missing directories with mode 0755, only ever on our own tmpfs: never in a bound
  // directory.
  Trouble make_directory(const std::string& path);
  Trouble make_file(const std::string& path);
  Trouble make_link(const std::string& path, const std::string& text);

  // Binds what lies at `source` of the old tree, with every mount below it, to `target`.
  Trouble bind(const std::string& source, const std::string& target, bool read_only);
  // As the policy says: links repeated, absent sources left out if optional. `real_source` was
  // resolved before begin().
  Trouble bind(const BindMount& mount, const std::string& real_source);
  Trouble mount_tmpfs(const std::string& target, std::uint64_t bytes, const char* mode);

  // Detaches the old tree and makes the root read-only.
  Trouble finish();

  std::string old_path(const std::string& path) const { return old_root_ + path; }
  std::string new_path(const std::string& path) const { return new_root_ + path; }
  bool exists(const std::string& path) const;

 private:
  bool on_our_tmpfs(const std::string& directory) const;

  std::string old_root_;
  std::string new_root_;
  bool pivoted_ = false;
  std::vector<dev_t> own_devices_;
};

}  // namespace assay::sandbox
