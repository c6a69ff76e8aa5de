// SPDX-License-Identifier: Apache-2.0
#include "surroundings.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sandbox/layers/capability_sets.h"

namespace sandbox_test {
namespace {

constexpr uid_t kOrdinary = 54321;
constexpr int kCannot = 120;

[[noreturn]] void cannot(int report_fd, const std::string& step) {
  const std::string text = step + ": " + std::strerror(errno);
  (void)!::write(report_fd, text.data(), text.size());
  ::_exit(kCannot);
}

void write_or_fail(int report_fd, const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    cannot(report_fd, path);
  ::close(fd);
}

void become_ordinary(int report_fd) {
  if (::geteuid() != 0) return;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(kOrdinary, kOrdinary, kOrdinary) != 0 ||
      ::setresuid(kOrdinary, kOrdinary, kOrdinary) != 0)
    cannot(report_fd, "setresuid");
  ::prctl(PR_SET_DUMPABLE, 1);
}

// A user namespace in which ids mean what they meant, and in which no further one can be made.
void last_user_namespace(int report_fd, bool all_ids) {
  // A child maps the ids: only from outside may more than one line be written.
  const pid_t self = ::getpid();
  int gate[2];
  if (::pipe2(gate, O_CLOEXEC) != 0) cannot(report_fd, "pipe");
  const std::string uid = std::to_string(::geteuid());
  const std::string line = all_ids ? "0 0 4294967295" : uid + " " + uid + " 1";
  const pid_t mapper = ::fork();
  if (mapper == 0) {
    char byte = 0;
    (void)!::read(gate[0], &byte, 1);
    const std::string folder = "/proc/" + std::to_string(self);
    if (!all_ids) write_or_fail(report_fd, folder + "/setgroups", "deny");
    write_or_fail(report_fd, folder + "/gid_map", line);
    write_or_fail(report_fd, folder + "/uid_map", line);
    ::_exit(0);
  }
  if (::unshare(CLONE_NEWUSER) != 0) cannot(report_fd, "unshare user");
  (void)!::write(gate[1], "x", 1);
  int status = 0;
  ::waitpid(mapper, &status, 0);
  if (status != 0) ::_exit(kCannot);
  write_or_fail(report_fd, "/proc/sys/user/max_user_namespaces", "0");
}

void mask_proc(int report_fd) {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0)
    cannot(report_fd, "unshare");
  if (uid != 0) {
    // Both: in a namespace that does not map one of them, no further one can be made.
    write_or_fail(report_fd, "/proc/self/setgroups", "deny");
    write_or_fail(report_fd, "/proc/self/uid_map",
                  std::to_string(uid) + " " + std::to_string(uid) + " 1");
    write_or_fail(report_fd, "/proc/self/gid_map",
                  std::to_string(gid) + " " + std::to_string(gid) + " 1");
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("/proc/sys", "/proc/sys", nullptr, MS_BIND, nullptr) != 0 ||
      ::mount(nullptr, "/proc/sys", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0 ||
      ::mount("/dev/null", "/proc/keys", nullptr, MS_BIND, nullptr) != 0)
    cannot(report_fd, "masking /proc");
}

// A root that is no mount point, as an initramfs or a chroot: no pivot_root out of it, no user
// namespace in it.
void plain_chroot(int report_fd) {
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("root", "/run", "tmpfs", 0, nullptr) != 0 || ::mkdir("/run/root", 0755) != 0)
    cannot(report_fd, "place for a root");
  for (const char* name : {"usr", "bin", "sbin", "lib", "lib64", "etc", "proc", "dev", "tmp"}) {
    const std::string source = "/" + std::string(name);
    const std::string target = "/run/root" + source;
    if (::mkdir(target.c_str(), 0755) != 0 ||
        ::mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
      cannot(report_fd, target);
  }
  if (::chroot("/run/root") != 0 || ::chdir("/") != 0) cannot(report_fd, "chroot");
}

// As where the root is an initramfs: pivot_root says EINVAL.
void no_pivot(int report_fd) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pivot_root, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{4, program};
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) cannot(report_fd, "seccomp");
}

void drop_sys_admin(int report_fd) {
  // Root gets its capabilities back at exec, but no more than the bounding set holds.
  if (::prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN) != 0) cannot(report_fd, "bounding set");
}

void enter(Surrounding surrounding, int report_fd) {
  using enum Surrounding;
  switch (surrounding) {
    case as_it_is: return;
    case ordinary_user: return become_ordinary(report_fd);
    case ordinary_user_no_userns:
      become_ordinary(report_fd);
      last_user_namespace(report_fd, false);
      assay::sandbox::drop_all_capabilities();
      return;
    case ordinary_user_masked_proc:
      mask_proc(report_fd);
      become_ordinary(report_fd);
      assay::sandbox::drop_all_capabilities();
      return;
    case root_in_chroot: return plain_chroot(report_fd);
    case root_no_pivot: return no_pivot(report_fd);
    case root_no_sys_admin: return drop_sys_admin(report_fd);
    case root_no_sys_admin_no_userns:
      last_user_namespace(report_fd, true);
      return drop_sys_admin(report_fd);
  }
}

}  // namespace

int run_in(Surrounding surrounding, const std::vector<std::string>& arguments, std::string& why) {
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return -1;
  const pid_t child = ::fork();
  if (child == 0) {
    enter(surrounding, report[1]);
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    cannot(report[1], "exec");
  }
  ::close(report[1]);
  char text[512];
  const ssize_t length = ::read(report[0], text, sizeof(text));
  ::close(report[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (length > 0) {
    why.assign(text, static_cast<std::size_t>(length));
    return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace sandbox_test
