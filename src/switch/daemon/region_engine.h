// A controller with its store and without threads: what RegionLoop does for each event, as a
// function, so that tests drive it by a simulated clock, and a replay by a record.
//
//   engine.handle(now, event)  -> decisions, which are on the disk already and may be carried out
//
// The constructor goes on from the store (resume() is recorded as such). Throws Error where the
// store fails; nothing that was decided may leave then. A snapshot is put every kSnapshotEvery
// events. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "region/region_controller.h"
#include "store/region_store.h"

namespace mixnet {

class RegionEngine {
 public:
  static constexpr std::uint64_t kSnapshotEvery = 2'000;

  /// `config`: as the settings have it now. Where the stored state was of another one, what it
  /// still has is kept (tenants, pins, drains, health), if servers and ports are the same; else
  /// Error that says how to begin anew.
  RegionEngine(const RegionConfig& config, RegionStore& store, Instant now);

  /// `audit`: goes with the event in one transaction, and what is commanded upon it as well.
  const std::vector<Decision>& handle(Instant now, const Event& event,
                                      const std::vector<AuditEntry>& audit = {});

  std::uint64_t last_record() const { return last_record_; }
  /// When the last event was decided, before it was stored.
  MonotonicTime decided() const { return decided_; }
  const RegionController& controller() const { return controller_; }
  void put_snapshot();

 private:
  RegionStore& store_;
  RegionController controller_;
  bool resumed_ = false;
  std::uint64_t last_record_ = 0;
  MonotonicTime decided_;
};

struct ReplayResult {
  std::uint64_t events = 0, commands = 0;
  std::uint64_t first_difference = 0;  ///< the record; 0: none
  std::string what;                    ///< that differs
};
/// Decides again upon everything that the store still has, and compares the commands with those of
/// its audit trail... and the final state with that of `until`'s snapshot.
ReplayResult replay(RegionStore& store);

}  // namespace mixnet
