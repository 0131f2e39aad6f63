// A controller with its store and without threads: what RegionLoop does for each event, as a
// function, so that tests drive it by a simulated clock, and a replay by a record.
//
//   engine.handle(now, event)  -> decisions, which are on the disk already and may be carried out
//
// STATE = the latest snapshot and the records after it, decided upon again. The constructor does
// that, and goes on: the first record of a run says `resumed`, which lets the time away pass, gives
// up what was under way and has every slice read the device before it commands anything
// (read_again()).
//
// DIGEST. Each record ends with a digest of all that was decided upon it (as field 15 of
// v1::Record, a fixed64, which its readers skip). replay() decides again on all that is kept and
// compares digest by digest, so that it finds the very event upon which a build, or a machine,
// decides otherwise. At a start a difference only counts (differences()): the switch is read, and
// is right.
//
// ANOTHER CONFIGURATION at a start is adopted (reconfigured()), noted in the store's value
// "configs" with the record after which it holds, so that a replay changes it there as well, and a
// snapshot put.
//
// The store's failures come out as Error: nothing that was decided may leave then, and the engine
// is of no more use. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
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
  /// What the audit trail says of a command.
  using Describe = std::function<std::string(const DeviceCommand&)>;

  /// `config`: as the settings have it now. Where the stored state was of another one, what it
  /// still has is kept (tenants, pins, drains, health), if servers and ports are the same; else
  /// Error that says how to begin anew. `describe`: none: commands are not audited.
  RegionEngine(const RegionConfig& config, RegionStore& store, Instant now,
               Describe describe = nullptr, Env& env = system_env());

  /// `audit`: goes with the event in one transaction, and what is commanded upon it as well. The
  /// decisions are good until the next call.
  const std::vector<Decision>& handle(Instant now, const Event& event,
                                      const std::vector<AuditEntry>& audit = {});

  std::uint64_t last_record() const { return last_record_; }
  /// When the last event was decided, before it was stored.
  MonotonicTime decided() const { return decided_; }
  const RegionController& controller() const { return controller_; }
  const RegionState& state() const { return controller_.state(); }
  /// The store was empty.
  bool is_first_start() const { return is_first_start_; }
  /// Records upon which this program decides otherwise than the one that wrote them.
  std::uint64_t differences() const { return differences_; }

  /// After kSnapshotEvery events; who drives the engine asks when commands are on their way.
  bool snapshot_due() const { return last_record_ >= snapshot_at_ + kSnapshotEvery; }
  void put_snapshot();

 private:
  RegionController load(const RegionConfig& config, Instant now);

  RegionStore& store_;
  Env& env_;
  Describe describe_;
  std::uint64_t last_record_ = 0;
  std::uint64_t snapshot_at_ = 0;
  std::uint64_t differences_ = 0;
  bool is_first_start_ = false;
  bool resumed_ = false;   ///< has been recorded
  bool is_fresh_ = false;  ///< no event was ever heard: there is nothing to resume
  MonotonicTime decided_;
  RegionController controller_;
};

/// Whether a record of it could be read again (region_wire.h): a tenant of -1, a demand that is not
/// square, and what else the API refuses, must not get into a store. Cost: encoding and decoding.
bool can_be_recorded(const Event& event);

/// What a run does before its first event (above).
void go_on(RegionState& state, Instant now);

/// Of all that was decided, in order.
std::uint64_t digest(const std::vector<Decision>& decisions);

/// A record's bytes with the digest, and the digest that a record has; none: an older one.
std::string with_digest(std::string record, std::uint64_t digest);
std::optional<std::uint64_t> digest_of(std::string_view record);

struct ReplayResult {
  std::uint64_t events = 0, commands = 0;
  std::uint64_t first = 0;             ///< the first record
  std::uint64_t first_difference = 0;  ///< the record; 0: none
  std::string what;                    ///< that differs
};
/// Decides again upon everything that the store still has, and compares what was decided, record by
/// record, and the state at the latest snapshot.
ReplayResult replay(RegionStore& store);

}  // namespace mixnet
