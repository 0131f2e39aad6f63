// An optical circuit switch without the optics: what is joined, what light passes, how long a move
// takes, and what may go wrong. No socket, no clock, no thread: whoever owns it says what time it is.
//
// LIGHT. Positions 1..ports, as optical_switch.h has them, each with a fibre that light enters by
// and one that it leaves by. The state is a set of LightPaths: at most one from each position, at
// most one to it. A device of one side knows whole circuits only (whoever asks for one names both
// paths), one of two sides also a path alone, and from a position to itself.
//
// A CHANGE. request() refuses at once or accepts. What is accepted within `gather` (1 ms) of the
// first goes into one *movement*, as pipelined commands do: its ports are dark from the request on,
// its time is drawn when it closes, by its number of pairs (switch_timing.h; pairs to connect, or
// to disconnect where it connects none), and counts from its first request. Then its paths are lit
// and all its requests are answered. A request that names a port of a closed movement waits for
// its end. All other ports carry on undisturbed.
//
// STAGES, at which a fault can strike (switch_faults.h): a request is received -> moving ->
// settled (lit, not answered yet) -> answered; `reading` when the state is asked for.
//
// Same seed, same requests at the same times: same everything. Not thread-safe. A request costs
// O(pairs log ports), advance() likewise; reading a port O(1).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/random.h"
#include "emulator/port_light.h"
#include "emulator/switch_faults.h"
#include "emulator/switch_timing.h"
#include "ocs/optical_switch.h"

namespace mixnet {

struct EmulatedSwitchConfig {
  int ports = 32;
  Sides sides = Sides::kOne;
  std::uint64_t seed = 1;
  SwitchTiming timing;
  Duration gather = Duration::milliseconds(1);
  /// Until a NIC is up again after light has returned: it is dark for so much longer.
  Duration nic_up;
};

enum class Refusal { kNone, kNoSuchPort, kPortInUse, kNoSuchPath, kBadPair, kStuck, kDenied };

struct PathRequest {
  std::vector<LightPath> remove;
  std::vector<LightPath> add;
  /// In place of the movement's drawn time, as a management layer above needs it.
  std::optional<Duration> takes;
};

using RequestId = std::uint64_t;

struct RequestAnswer {
  RequestId id = 0;
  Refusal refusal = Refusal::kNone;
  int port = 0;         ///< that it is refused for
  bool silent = false;  ///< a fault: no answer is to be sent
  bool drop = false;    ///< a fault: the connection it came by is to be closed
};

class EmulatedSwitch {
 public:
  /// Called when what the light of `from` does has changed: `to` 0: dark from now on; else lit for
  /// `to` from `lit_at` on, which may lie ahead (nic_up).
  using LightChanged = std::function<void(int from, int to, MonotonicTime lit_at)>;

  explicit EmulatedSwitch(EmulatedSwitchConfig config, LightChanged light_changed = nullptr);

  const EmulatedSwitchConfig& config() const { return config_; }

  // Changes. The answer comes from take_answers(), now or after an advance().
  RequestId request(const PathRequest& request, MonotonicTime now);
  /// Carries out what is due. Call it at next_event() or later, before any other call.
  void advance(MonotonicTime now);
  std::optional<MonotonicTime> next_event() const;
  std::vector<RequestAnswer> take_answers();

  // State. A path that is being moved is not there yet.
  std::vector<LightPath> paths() const;
  int path_from(int position) const;  ///< 0: none
  int path_to(int position) const;
  PortState state(int position) const;
  const PortLight& light() const { return light_; }
  PortLight& light() { return light_; }
  PortReading reading(int position) const;
  std::int64_t wear(int position) const;  ///< moves since it was made
  void set_shutter(int position, bool shut, MonotonicTime now);

  // Faults and alarms.
  SwitchFaults& faults() { return faults_; }
  /// At once: lost circuit, stuck port, loss of light, swapped fibres, spurious alarm, reboot.
  void strike(const Fault& fault, MonotonicTime now);
  /// What the fault plan says of a read, a login or a connection at this moment.
  bool is_rebooting(MonotonicTime now) const;
  std::vector<SwitchEvent> take_events();
  /// Goes up with every change of what can be read: for who publishes it.
  std::uint64_t revision() const { return revision_; }

  // What outlasts a restart: paths, shutters, wear, labels, faults that stand. JSON.
  std::string snapshot() const;
  /// Throws Error; then nothing is changed. `input` names the file.
  void restore(std::string_view json, std::string_view input, MonotonicTime now);

 private:
  // (the implementer's)
  EmulatedSwitchConfig config_;
  LightChanged light_changed_;
  PortLight light_;
  SwitchFaults faults_;
  std::uint64_t revision_ = 0;
};

}  // namespace mixnet
