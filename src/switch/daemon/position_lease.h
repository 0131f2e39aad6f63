// Two daemons on one switch must not own the same position. On one host that is held by locks: of a
// file for each switch, byte N is position N, and who drives a position has locked its byte. Slices
// that do not meet run side by side; one that meets another's is refused at the start.
//
// The locks are the kernel's (open file descriptions, fcntl(2)): they go with the process, however
// it ends. The file lies in the first of /run/lock, /tmp and $XDG_RUNTIME_DIR where that can be,
// and is named for the switch's host and port, so two names of one switch are two switches; and a
// daemon with a private /tmp and no /run/lock is alone. On another host nothing is held: slices are
// to be disjoint by configuration, and the store's lease guards a region.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "ocs/switch_address.h"

namespace mixnet {

class PositionLease {
 public:
  /// Throws Error that names the first position that is another's. `folder`: for tests.
  PositionLease(const SwitchAddress& address, std::span<const int> positions,
                std::filesystem::path folder = {});
  PositionLease(const PositionLease&) = delete;
  PositionLease& operator=(const PositionLease&) = delete;
  ~PositionLease();

 private:
  int file_ = -1;
};

}  // namespace mixnet
