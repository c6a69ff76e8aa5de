// SPDX-License-Identifier: Apache-2.0
#include "sandbox/policy.h"

namespace assay::sandbox {

std::vector<BindMount> system_binds() {
  std::vector<BindMount> binds;
  for (const char* path :
       {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache",
        "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime",
        "/etc/passwd", "/etc/group", "/etc/nsswitch.conf"}) {
    binds.push_back({path, "", true, true});
  }
  return binds;
}

}  // namespace assay::sandbox
