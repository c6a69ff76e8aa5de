// SPDX-License-Identifier: Apache-2.0
// Only the granted descriptors survive, each under its number.
#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include "sandbox/descriptor_table.h"
#include "sandbox/layers/layers.h"
#include "sandbox/system_error.h"

namespace assay::sandbox::layers {

StepOutcome descriptors(Confinement& confinement) {
  int highest = 2;
  for (const GrantedFd& grant : confinement.descriptors) highest = std::max(highest, grant.target);

  // First out of the way of each other and of the link, then each to its place.
  const int link = ::fcntl(confinement.keep_open_fd, F_DUPFD_CLOEXEC, highest + 1);
  if (link < 0) {
    confinement.failure = system_message("moving the set-up link");
    return missing(confinement.failure);
  }
  for (GrantedFd& grant : confinement.descriptors) {
    const int moved = ::fcntl(grant.fd.get(), F_DUPFD_CLOEXEC, highest + 1);
    if (moved < 0) {
      confinement.failure = system_message("moving a descriptor");
      return missing(confinement.failure);
    }
    (void)grant.fd.release();  // its old number may be another's target; the sweep below closes it
    grant.fd.reset(moved);
  }
  std::vector<int> keep{link};
  for (GrantedFd& grant : confinement.descriptors) {
    if (::dup2(grant.fd.get(), grant.target) < 0) {
      confinement.failure = system_message("placing descriptor " + std::to_string(grant.target));
      return missing(confinement.failure);
    }
    keep.push_back(grant.target);
  }
  confinement.descriptors.clear();
  confinement.keep_open_fd = link;
  return close_all_except(keep) ? applied() : missing("descriptors could not be listed");
}

}  // namespace assay::sandbox::layers
