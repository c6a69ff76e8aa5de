// SPDX-License-Identifier: Apache-2.0
// Ways in which the machine under a server can be poorer than a root shell, made for real around
// one child process.
#pragma once

#include <string>
#include <vector>

namespace sandbox_test {

enum class Surrounding {
  as_it_is,
  ordinary_user,              // user namespaces allowed
  ordinary_user_no_userns,    // the kernel grants none
  ordinary_user_masked_proc,  // something lies over parts of /proc, as in containers
  root_in_chroot,             // a root directory that is no mount point
  root_no_pivot,              // the kernel refuses to change the root, as with an initramfs
  root_no_sys_admin,          // uid 0 without CAP_SYS_ADMIN, as in a default container
  root_no_sys_admin_no_userns,
};

// Runs `arguments` there. Returns its exit status, or a negative number when the surrounding could
// not be made (then `why` says where it failed).
int run_in(Surrounding surrounding, const std::vector<std::string>& arguments, std::string& why);

}  // namespace sandbox_test
