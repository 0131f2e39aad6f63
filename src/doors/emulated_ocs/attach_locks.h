// That no two mixnet-ocs attach one interface: each holds a name for each of its own, a socket's in
// the abstract namespace (unix(7)), which belongs to the network namespace as the interface does
// and goes with the process, however it ends.
#pragma once

#include <span>
#include <vector>

#include "dataplane/data_plane.h"

namespace mixnet::ocs {

class AttachLocks {
 public:
  /// Throws Error that names the interface which another holds.
  explicit AttachLocks(std::span<const PortAttachment> ports);
  AttachLocks(const AttachLocks&) = delete;
  AttachLocks& operator=(const AttachLocks&) = delete;
  ~AttachLocks();

 private:
  void release();

  std::vector<int> sockets_;
};

}  // namespace mixnet::ocs
