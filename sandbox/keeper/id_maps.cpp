// SPDX-License-Identifier: Apache-2.0
#include "sandbox/keeper/id_maps.h"

#include <fcntl.h>
#include <string>
#include <unistd.h>

#include "sandbox/fd.h"
#include "sandbox/system_error.h"

namespace assay::sandbox {
namespace {

// The kernel takes each of these files in a single write.
schemas::Status write_file(const std::string& path, const std::string& text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return system_error(path);
  return schemas::success();
}

std::string identity_map(const std::vector<std::uint32_t>& ids) {
  std::string text;
  for (const std::uint32_t id : ids) {
    const std::string number = std::to_string(id);
    text.append(number).append(" ").append(number).append(" 1\n");
  }
  return text;
}

}  // namespace

schemas::Status write_id_maps(pid_t child, const MapIds& ids) {
  const std::string folder = "/proc/" + std::to_string(child);
  // An ordinary user may map its gid only when groups can no longer be dropped.
  if (auto denied = write_file(folder + "/setgroups", "deny"); !denied) return denied;
  if (auto mapped = write_file(folder + "/gid_map", identity_map(ids.gids)); !mapped) return mapped;
  return write_file(folder + "/uid_map", identity_map(ids.uids));
}

}  // namespace assay::sandbox
