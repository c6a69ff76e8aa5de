// SPDX-License-Identifier: Apache-2.0
#include "sandbox/layers/mounts.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "sandbox/fd.h"
#include "sandbox/system_error.h"

// sys/mount.h and linux/mount.h cannot both be included; these are the C library's half.
extern "C" int mount(const char* source, const char* target, const char* type, unsigned long flags,
                     const void* data) noexcept;
extern "C" int umount2(const char* target, int flags) noexcept;

namespace assay::sandbox {
namespace {

constexpr const char* kOldRootName = "/.old";
constexpr const char* kRootOptions = "size=4m,nr_inodes=32k,mode=755";
constexpr int kDetach = 2;  // MNT_DETACH

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

// Flags of an existing mount that a user namespace may not clear and a remount must repeat.
unsigned long locked_flags(const std::string& path) {
  struct statvfs status {};
  if (::statvfs(path.c_str(), &status) != 0) return 0;
  unsigned long flags = 0;
  if ((status.f_flag & ST_NOSUID) != 0) flags |= MS_NOSUID;
  if ((status.f_flag & ST_NODEV) != 0) flags |= MS_NODEV;
  if ((status.f_flag & ST_NOEXEC) != 0) flags |= MS_NOEXEC;
  if ((status.f_flag & ST_NOATIME) != 0) flags |= MS_NOATIME;
  if ((status.f_flag & ST_NODIRATIME) != 0) flags |= MS_NODIRATIME;
  if ((status.f_flag & ST_RELATIME) != 0) flags |= MS_RELATIME;
  return flags;
}

Trouble remount_read_only(const std::string& path) {
  const unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | locked_flags(path);
  if (::mount(nullptr, path.c_str(), nullptr, flags, nullptr) != 0)
    return system_message("read-only remount of " + path);
  return {};
}

// Mount points at or below `path`, from the kernel's list (field 5, with octal escapes for blanks).
std::vector<std::string> mounts_below(const std::string& path) {
  std::vector<std::string> found;
  std::ifstream list("/proc/self/mountinfo");
  for (std::string line; std::getline(list, line);) {
    std::istringstream words(line);
    std::string word;
    for (int field = 0; field < 5 && words >> word; ++field) {
    }
    std::string point;
    for (std::size_t i = 0; i < word.size(); ++i) {
      if (word[i] == '\\' && i + 3 < word.size()) {
        point += static_cast<char>(std::stoi(word.substr(i + 1, 3), nullptr, 8));
        i += 3;
      } else {
        point += word[i];
      }
    }
    if (point.starts_with(path + "/")) found.push_back(point);
  }
  return found;
}

// Read-only with everything mounted below; one call since Linux 5.12.
Trouble make_read_only(const std::string& path) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID;
  if (::syscall(SYS_mount_setattr, AT_FDCWD, path.c_str(), AT_RECURSIVE, &attributes,
                sizeof(attributes)) == 0)
    return {};
  Trouble trouble = remount_read_only(path);
  for (const std::string& below : mounts_below(path))
    if (!trouble) trouble = remount_read_only(below);
  return trouble;
}

}  // namespace

Trouble TreeBuilder::begin(const std::vector<std::string>& sources) {
  std::string reason = "no directory to build in";
  for (const char* place : {"/tmp", "/mnt", "/run", "/var/tmp"}) {
    const std::string below = std::string(place) + "/";
    if (std::any_of(sources.begin(), sources.end(),
                    [&](const std::string& source) { return source.starts_with(below); }))
      continue;
    if (::mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, kRootOptions) == 0) {
      new_root_ = place;
      break;
    }
    reason = system_message(std::string("tmpfs on ") + place);
  }
  if (new_root_.empty()) return reason;

  const std::string old_place = new_root_ + kOldRootName;
  if (::mkdir(old_place.c_str(), 0700) != 0) return system_message("mkdir " + old_place);
  if (::syscall(SYS_pivot_root, new_root_.c_str(), old_place.c_str()) == 0) {
    pivoted_ = true;
    new_root_.clear();
    old_root_ = kOldRootName;
    if (::chdir("/") != 0) return system_message("chdir /");
  } else {
    ::rmdir(old_place.c_str());
  }
  struct stat status {};
  if (::stat(new_path("/").c_str(), &status) != 0) return system_message("stat of the new root");
  own_devices_.push_back(status.st_dev);
  return {};
}

bool TreeBuilder::exists(const std::string& path) const {
  struct stat status {};
  return ::stat(new_path(path).c_str(), &status) == 0;
}

bool TreeBuilder::on_our_tmpfs(const std::string& directory) const {
  struct stat status {};
  return ::stat(new_path(directory).c_str(), &status) == 0 &&
         std::find(own_devices_.begin(), own_devices_.end(), status.st_dev) != own_devices_.end();
}

Trouble TreeBuilder::make_directory(const std::string& path) {
  if (path.empty() || path == "/" || exists(path)) return {};
  if (Trouble trouble = make_directory(parent_of(path))) return trouble;
  if (!on_our_tmpfs(parent_of(path))) return path + " does not exist in what is bound above it";
  if (::mkdir(new_path(path).c_str(), 0755) != 0) return system_message("mkdir " + path);
  return {};
}

Trouble TreeBuilder::make_file(const std::string& path) {
  if (exists(path)) return {};
  if (Trouble trouble = make_directory(parent_of(path))) return trouble;
  if (!on_our_tmpfs(parent_of(path))) return path + " does not exist in what is bound above it";
  const UniqueFd file(
      ::open(new_path(path).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file) return system_message("creating " + path);
  return {};
}

Trouble TreeBuilder::make_link(const std::string& path, const std::string& text) {
  if (Trouble trouble = make_directory(parent_of(path))) return trouble;
  if (!on_our_tmpfs(parent_of(path))) return {};  // it is in what is bound there already
  if (::symlink(text.c_str(), new_path(path).c_str()) != 0 && errno != EEXIST)
    return system_message("link " + path);
  return {};
}

Trouble TreeBuilder::bind(const std::string& source, const std::string& target, bool read_only) {
  struct stat status {};
  if (::stat(old_path(source).c_str(), &status) != 0) return system_message(source);
  if (Trouble trouble = S_ISDIR(status.st_mode) ? make_directory(target) : make_file(target))
    return trouble;
  const std::string place = new_path(target);
  if (::mount(old_path(source).c_str(), place.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
    return system_message("bind " + source);
  return read_only ? make_read_only(place) : Trouble{};
}

Trouble TreeBuilder::bind(const BindMount& mount, const std::string& real_source) {
  const std::string& target = mount.target.empty() ? mount.source : mount.target;
  if (real_source.empty())
    return mount.optional ? Trouble{} : Trouble(mount.source + " is not there or not readable");
  char text[4096] = {};
  const ssize_t length = target != mount.source
                             ? -1
                             : ::readlink(old_path(mount.source).c_str(), text, sizeof(text) - 1);
  if (length <= 0) return bind(real_source, target, mount.read_only);

  if (Trouble trouble = make_link(target, text)) return trouble;
  struct stat wanted {
  }, seen{};
  if (::stat(old_path(real_source).c_str(), &wanted) == 0 &&
      ::stat(new_path(real_source).c_str(), &seen) == 0 && wanted.st_dev == seen.st_dev &&
      wanted.st_ino == seen.st_ino)
    return {};  // an earlier bind shows it
  if (Trouble trouble = bind(real_source, real_source, mount.read_only)) return trouble;
  if (exists(target)) return {};
  // The link leads there by way of another link that is not in the tree.
  ::unlink(new_path(target).c_str());
  return bind(real_source, target, mount.read_only);
}

Trouble TreeBuilder::mount_tmpfs(const std::string& target, std::uint64_t bytes, const char* mode) {
  if (Trouble trouble = make_directory(target)) return trouble;
  const std::string options =
      "size=" + std::to_string(bytes) + ",nr_inodes=64k,mode=" + std::string(mode);
  if (::mount("tmpfs", new_path(target).c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) !=
      0)
    return system_message("tmpfs on " + target);
  struct stat status {};
  if (::stat(new_path(target).c_str(), &status) == 0) own_devices_.push_back(status.st_dev);
  return {};
}

Trouble TreeBuilder::finish() {
  if (pivoted_) {
    if (::umount2(kOldRootName, kDetach) != 0) return system_message("detaching the old root");
    ::rmdir(kOldRootName);
  } else {
    if (::chroot(new_root_.c_str()) != 0) return system_message("chroot");
  }
  if (::chdir("/") != 0) return system_message("chdir /");
  return remount_read_only("/");
}

}  // namespace assay::sandbox
