// Two daemons on one switch must not own the same position. On one host that is held by names: who
// drives position N of a switch has bound the abstract socket `mixnet-position/HOST:PORT/N`. Slices
// that do not meet run side by side; one that meets another's is refused at the start.
//
// Such a name (unix(7)) is no file: it needs no folder that both may write, whatever users they run
// as and however systemd hides the file system from them, and it goes with the process, however
// that ends. It costs a descriptor a position. Two names of one switch are two switches, a network
// namespace of its own is a host of its own, and between hosts nothing is held: slices are to be
// disjoint by configuration, and the store's lease guards a region.
#pragma once

#include <span>
#include <vector>

#include "ocs/switch_address.h"

namespace mixnet {

class PositionLease {
 public:
  /// Throws Error that names the first position that is another's.
  PositionLease(const SwitchAddress& address, std::span<const int> positions);
  PositionLease(const PositionLease&) = delete;
  PositionLease& operator=(const PositionLease&) = delete;
  ~PositionLease();

 private:
  void release();

  std::vector<int> sockets_;
};

}  // namespace mixnet
