// How long after light a NIC has a link, port by port: as the settings say, or the median of the
// last 15 that were measured and reported, which the store keeps (value "nic-up/PORT").
//
// Not thread-safe.
#pragma once

#include <vector>

#include "daemon/daemon_settings.h"
#include "store/region_store.h"

namespace mixnet {

class NicActivation {
 public:
  static constexpr Duration kLongest = Duration::seconds(60);
  static constexpr std::size_t kKept = 15;

  /// `settings` and `store` outlive it. A damaged value is left out.
  NicActivation(const DaemonSettings& settings, RegionStore& store);

  /// Such a port exists, and takes such a time.
  static bool makes_sense(const DaemonSettings& settings, int port, Duration took);
  /// What makes sense. Throws Error where it cannot be stored.
  void report(int port, Duration took);

  /// At most what a command's time-out leaves beside the switch's own delay.
  Duration wait(int port) const;

 private:
  const DaemonSettings& settings_;
  RegionStore& store_;
  std::vector<std::vector<Duration>> measured_;  ///< by port, the latest last
  std::vector<Duration> wait_;
};

}  // namespace mixnet
