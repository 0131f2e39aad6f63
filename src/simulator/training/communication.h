// How long a communication phase takes on one fabric: the seam between the training iteration,
// which knows who sends how much, and the networks, which know over which links.
//
// Implementations: tree_communication.h (fat-trees and rails), mixnet_communication.h (circuits
// beside an electrical fat-tree), topoopt_communication.h (static circuits). Each runs on the fluid
// network or in packets.
// Times are PhaseTimes (phase_time.h): solved once, they serve every NIC rate.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/units.h"
#include "circuits/circuits.h"
#include "moe/demand.h"
#include "moe/gpu_sends.h"
#include "network/phase_time.h"
#include "network/phase_totals.h"
#include "policy/switch_policy.h"

namespace mixnet {

/// What an optical switch was set for before the gate ran, how fast it can be set anew, and what to
/// find out about that.
struct SwitchState {
  const Matrix<std::int64_t>* lit_for = nullptr;   ///< server to server demand; null: not asked
  const Matrix<std::int64_t>* forecast = nullptr;  ///< of the demand; null: none
  Time delay;                                      ///< from command to light
  Bandwidth nic_rate;                              ///< at which that delay counts
  /// Strength with which the forecast is levelled before circuits are allocated for it
  /// (demand_hedge.h).
  double hedge = 0;
  bool over_lit = true;                ///< ExchangeTimes::present_*
  bool while_moving = true;            ///< ExchangeTimes::moving_dispatch
  const CircuitCounts* lit = nullptr;  ///< the circuits themselves, where known
};

struct ExchangeTimes {
  PhaseTime dispatch;
  PhaseTime combine;
  /// How long dispatch and combine together occupy the NICs that carry all-reduces, with NICs of
  /// kReferenceRate: the gradients cannot move meanwhile.
  Time shared_nics_busy;
  bool switched = false;  ///< whether circuits are switched for it

  // Where circuits are switched and a SwitchState was given (switch_policy.h).
  bool circuits_change = false;  ///< whether those for the demand are not those that were lit
  PhaseTime present_dispatch = {}, present_combine = {};  ///< over those that were lit
  /// Over those that stay lit, EPS, and the others when they light up.
  PhaseTime moving_dispatch = {Time::max(), Time::zero()};

  /// What a controller, which has no network to try them on, expects of them (expected_exchange.h)
  /// with NICs of kReferenceRate; policies decide by that. What it expects of the forecast's
  /// circuits is in it, too. Null where it was not asked for: a job has millions of these, and
  /// few that are.
  std::shared_ptr<const SwitchedExchange> expected = {};
  SwitchedExchange expected_at(Bandwidth nic_rate) const {
    if (expected == nullptr) return {};
    return expected->with_times([&](Time time) {
      return PhaseTime{time, Time::zero()}.at(nic_rate);
    });
  }

  // Where the SwitchState had a forecast, too.
  PhaseTime predicted_dispatch = {}, predicted_combine = {};  ///< over the circuits for it
  /// One all-to-all of the forecast, by arithmetic (balanced_time.h), over these and those lit.
  PhaseTime expected_predicted = {}, expected_present = {};
  bool predicted_is_present = true, predicted_is_wanted = false;
};

/// Not thread-safe (implementations keep work space); one per thread.
class CommunicationModel {
 public:
  virtual ~CommunicationModel() = default;

  /// The two all-to-alls of one EP group whose servers are first_server, first_server + 1, ...
  /// Traffic inside servers is not in it (RegionDemand::scale_up_*). Zero for a one-server region.
  virtual ExchangeTimes exchange(int first_server, const RegionDemand& demand) = 0;
  /// The same, with what else there is to know where circuits are switched.
  virtual ExchangeTimes exchange_switched(int first_server, const RegionDemand& demand,
                                          const SwitchState& /*state*/) {
    return exchange(first_server, demand);
  }
  /// One all-to-all of `bytes` over circuits for `guessed`, by arithmetic (balanced_time.h), with
  /// NICs of kReferenceRate; zero where nothing is switched. Both are from server to server.
  virtual Time over_circuits_for(int /*first_server*/, const Matrix<std::int64_t>& /*guessed*/,
                                 const Matrix<std::int64_t>& /*bytes*/) {
    return Time::zero();
  }

  /// Every GPU of the servers [from, from + count) sends `bytes_per_gpu` to the GPU of the same
  /// place in [to, to + count), all at once: activations between pipeline stages.
  virtual PhaseTime send(int from, int to, int count, Bytes bytes_per_gpu) = 0;

  /// These, all at once: what goes between some of the GPUs of servers.
  virtual PhaseTime send_each(std::span<const GpuSend> sends) = 0;

  /// Ring all-reduces of `bytes_per_server` in every group at once, one ring per NIC that takes
  /// part. A group of fewer than two servers takes no time.
  virtual PhaseTime all_reduce(std::span<const std::vector<int>> groups,
                               Bytes bytes_per_server) = 0;

  /// True when equal phases take equal time wherever their servers are, but for some microseconds
  /// of propagation, so one may stand for all.
  virtual bool uniform() const = 0;

  /// Regions of one kind take exactly the same time for the same demand; nothing: it is the only
  /// one of its kind. For where uniform() is false because of a few.
  virtual std::optional<std::uint64_t> kind_of_region(int /*first_server*/, int /*servers*/) const {
    return std::nullopt;
  }

  /// Bytes of one all-to-all through the busiest GPU's scale-up port: which of
  /// RegionDemand::scale_up_* it is follows from where traffic leaves and enters a server.
  virtual std::int64_t scale_up_bytes(int first_server, const RegionDemand& demand) = 0;

  /// NICs of a server that take part in all_reduce().
  virtual int ring_nics() const = 0;

  /// What its phases took so far, when they run in packets.
  virtual PhaseTotals packet_totals() const = 0;

  /// PacketPhase::set_most_hops() of the phases from now on, when they run in packets.
  virtual void set_most_hops(std::int64_t hops) = 0;
};

}  // namespace mixnet
