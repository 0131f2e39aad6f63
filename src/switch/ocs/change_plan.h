// What every driver does around its commands: what is to be asked for, given what stands, and what
// came of it, given what stands afterwards.
//
//   plan = plan_change(change, standing, ...)   throws kMisuse before anything is sent
//   (the driver sends plan.remove, then plan.add)
//   report = judge_change(change, plan, standing afterwards, what was denied)
//
// Pure; O((change + standing) log).
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ocs/optical_switch.h"
#include "ocs/port_numbering.h"

namespace mixnet {

struct ChangePlan {
  std::vector<Patch> remove;
  std::vector<Patch> add;
  /// For each disconnect, then each connect: what is known before a command is sent: kAlready,
  /// kBusy; kDone stands for "asked for".
  std::vector<PairOutcome> before;
};

/// Throws SwitchError (kMisuse) for a position outside the slice or the device, a pair whose
/// greater number comes first, and, of what is to be connected, a position with itself or in two
/// pairs.
void check_change(const SwitchChange& change, const PortNumbering& numbering,
                  const PortSlice& slice, std::string_view device);

/// A patch that stands half, or to another port, is never removed by a connect: it makes it busy.
ChangePlan plan_change(const SwitchChange& change, std::span<const Patch> standing,
                       const PortNumbering& numbering);

/// `denied`: the device's reasons, by the patch that they are about.
ChangeReport judge_change(const SwitchChange& change, const ChangePlan& plan,
                          std::span<const Patch> standing_after,
                          const std::map<Patch, std::string>& denied,
                          const PortNumbering& numbering);

/// The change after which the slice holds `wanted` and nothing else: whatever else stands is
/// disconnected, halves as well, but what leads outside the slice. Of a position that is `taken`
/// no circuit is asked for.
SwitchChange reconcile(const CrossConnects& standing, std::span<const OpticalCircuit> wanted);

/// The median of the last 64 delays.
class DelayMeter {
 public:
  void add(Duration delay);
  Duration median() const;

 private:
  std::vector<Duration> last_;
  std::size_t next_ = 0;
};

}  // namespace mixnet
