// An optical circuit switch without the optics: what is joined, what light passes, how long a move
// takes, and what may go wrong. No socket, no clock, no thread: whoever owns it says what time it
// is.
//
// LIGHT. Positions 1..ports, as optical_switch.h has them, each with a fibre that light enters by
// and one that it leaves by (port_light.h). The state is a set of LightPaths: at most one from each
// position, at most one to it. A device of one side knows whole circuits only (whoever asks for one
// names both paths), one of two sides also a path alone, and from a position to itself.
//
// A CHANGE. request() refuses at once or accepts. What is accepted within `gather` (1 ms) of the
// first goes into one *movement*, as pipelined commands do: its ports are dark from the request on,
// its time is drawn when it closes, by its number of pairs (switch_timing.h; pairs to connect, or
// to disconnect where it connects none), and counts from its first request. Then its paths are lit
// and all its requests are answered. A request that names a port of a closed movement waits for
// its end, and so does one that names a port of such a request; it is then judged by what it finds.
// One that asks for what is being made ends with that movement. All other ports carry on
// undisturbed. Where the timing is `none`, all of that happens in
// request().
//
// STAGES, at which a fault can strike (switch_faults.h): a request is received -> moving ->
// settled (lit, not answered yet) -> answered; `reading` when the state is asked for.
//
// A FRONT END, on one thread with all others:
//   a connection or login   refuse it while is_rebooting()
//   a change                request(); take_answers() now and after each advance(); do not answer,
//                           close its connection, or close it after the answer, as each says
//   a read                  on_read() first, and do as it says
//   afterwards              when drops() has gone up, close all connections, answers sent
//   a timer                 advance() at next_event(), which each call may have changed
//
// Same seed, same requests at the same times: same everything. Not thread-safe. A request costs
// O(pairs log pairs + movements), advance() likewise for each request that it ends; reading a port
// O(1).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "emulator/movement.h"
#include "emulator/path_request.h"
#include "emulator/path_table.h"
#include "emulator/port_light.h"
#include "emulator/switch_faults.h"
#include "emulator/switch_timing.h"
#include "ocs/optical_switch.h"

namespace mixnet {

class JsonReader;

constexpr int kMostEmulatedPorts = 1024;

struct EmulatedSwitchConfig {
  int ports = 32;  ///< 1..kMostEmulatedPorts
  Sides sides = Sides::kOne;
  std::uint64_t seed = 1;
  SwitchTiming timing;
  Duration gather = Duration::milliseconds(1);
  /// Until a NIC is up again after light has returned: it is dark for so much longer.
  Duration nic_up;
};

/// What is to be done with a request to read.
struct ReadVerdict {
  bool deny = false;    ///< answer that it is denied
  bool silent = false;  ///< do not answer
  bool drop = false;    ///< close the connection, unanswered
  Duration delay = {};  ///< answer so much later
};

class EmulatedSwitch {
 public:
  /// Called when what the light of `from` does has changed: `to` 0: dark from now on; else lit for
  /// `to` from `lit_at` on. That lies ahead where a movement has closed: its end is told when it is
  /// known, so that who has a clock of its own need not wait for ours. (If it comes otherwise, dark
  /// is told.) Positions as NICs see them: with fibres swapped, `to` is where the light really
  /// leaves. It must not call the switch.
  using LightChanged = std::function<void(int from, int to, MonotonicTime lit_at)>;

  explicit EmulatedSwitch(EmulatedSwitchConfig config, LightChanged light_changed = nullptr);

  const EmulatedSwitchConfig& config() const { return config_; }

  // Changes. The answer comes from take_answers(), now or after an advance(); one for each request.
  RequestId request(const PathRequest& request, MonotonicTime now);
  /// Carries out what is due. Call it at next_event() or later, before any other call.
  void advance(MonotonicTime now);
  std::optional<MonotonicTime> next_event() const;
  std::vector<RequestAnswer> take_answers();
  /// There are answers or events to be taken.
  bool has_news() const { return !answers_.empty() || !events_.empty(); }

  // State. A path that is being moved is not there yet.
  std::vector<LightPath> paths() const { return standing_.paths(); }
  int path_from(int position) const { return standing_.path_from(position); }  ///< 0: none
  int path_to(int position) const { return standing_.path_to(position); }
  PortState state(int position) const;
  PortReading reading(int position) const;
  /// Moves since it was made.
  std::int64_t wear(int position) const { return wear_[index(position)]; }
  void set_shutter(int position, bool shut, MonotonicTime now);
  /// At most kMostLabel bytes.
  void set_label(int position, std::string label) {
    light_.set_label(position, std::move(label));
    ++revision_;
  }
  const PortLight& light() const { return light_; }
  PortLight& light() { return light_; }
  /// After a change to what shines, is shut or swapped through light(). O(ports).
  void refresh_light(MonotonicTime now);

  // Faults and alarms.
  SwitchFaults& faults() { return faults_; }
  const SwitchFaults& faults() const { return faults_; }
  /// At once: an event, a stuck port, a drop of all connections. Any other is armed.
  void strike(const Fault& fault, MonotonicTime now);
  /// Ends what stands of faults: stuck and dark ports, swapped fibres, what is armed, a reboot.
  void heal(MonotonicTime now);
  ReadVerdict on_read(MonotonicTime now);
  bool is_rebooting(MonotonicTime now) const { return now < reboot_ends_; }
  /// How often all connections were to be closed.
  std::uint64_t drops() const { return drops_; }
  /// The latest 4,096.
  std::vector<SwitchEvent> take_events();
  /// Goes up with every change of what can be read: for who publishes it.
  std::uint64_t revision() const { return revision_; }

  // What outlasts a restart: paths, shutters, wear, labels, faults that stand. JSON.
  std::string snapshot() const;
  /// Of a switch of as many ports and sides. Throws Error; then nothing is changed. `input` names
  /// the file. What was under way is forgotten.
  void restore(std::string_view json, std::string_view input, MonotonicTime now);

 private:
  struct Waiting {
    RequestId id = 0;
    PathRequest request;
  };
  struct LateAnswer {
    MonotonicTime at;
    RequestAnswer answer;
  };
  /// A fault that stands, until then.
  struct Standing {
    FaultKind kind = FaultKind::kStuck;
    int port = 0;
    int with = 0;
    MonotonicTime ends = MonotonicTime::max();
  };
  /// Ports that no request may touch now: inputs and outputs, as counts of who does.
  struct Taken {
    std::vector<int> inputs;
    std::vector<int> outputs;
  };

  static std::size_t index(int position) { return static_cast<std::size_t>(position); }

  // emulated_switch.cc: requests.
  void receive(RequestId id, PathRequest request, MonotonicTime now);
  void accept(RequestId id, PathRequest request, MonotonicTime now);
  /// What is to be cleared as paths to remove.
  Refusal resolve(PathRequest& request, int& port) const;
  /// Makes it part of target_, or leaves that as it was.
  Refusal plan(const PathRequest& request, int& port);
  Refusal check_pairs(const std::vector<LightPath>& paths, int& port) const;
  bool meets(const NamedPorts& ports, const Taken& taken) const;
  static void count(const NamedPorts& ports, int by, Taken& taken);
  void join(RequestId id, PathRequest request, MonotonicTime now);
  void answer(RequestAnswer answer, std::span<const int> ports, MonotonicTime now);
  /// Answers by closing its connection.
  void drop(RequestId id);
  void release_waiting(MonotonicTime now);

  // switch_movements.cc: movements, which are in no list while they are closed or finished.
  void close(Movement movement, MonotonicTime now);
  /// What a fault makes of a request that begins to move. True: it is slow.
  bool strike_moving(MovingRequest& moving, MonotonicTime now);
  void finish(Movement movement, MonotonicTime now);
  void come_to_rest(const Movement& movement, MonotonicTime now);
  void strike_settled(MovingRequest& moving, Duration took, MonotonicTime now);
  /// The switch reboots amid it: what it removed is gone, nothing is added.
  void abandon(const Movement& movement, MonotonicTime now);
  /// Tells now of the light that there will be at its end.
  void announce(const Movement& movement);
  /// Where the light of a matrix input leaves now; 0: nowhere.
  int exit_now(int input) const;
  void refresh(int input, MonotonicTime now);
  void tell(int source, int exit, MonotonicTime now);

  // switch_events.cc: faults that stand or come from outside.
  /// False: there was nothing for it to strike.
  bool occur(const Fault& fault, std::span<const int> ports, MonotonicTime now);
  bool lose_circuit(int port, std::span<const int> ports, MonotonicTime now);
  bool stick(const Fault& fault, int port, MonotonicTime now);
  bool darken(const Fault& fault, int port, MonotonicTime now);
  bool swap_fibres(const Fault& fault, MonotonicTime now);
  void end_fault(const Standing& fault, MonotonicTime now);
  void reboot(const Fault& fault, MonotonicTime now);
  void report(AlarmLevel level, std::string_view code, int port, std::string text);
  /// One of them that the device has; of none: any.
  int any_port(std::span<const int> ports);

  // switch_snapshot.cc
  static std::vector<Standing> read_faults(const JsonReader& list, PortLight& light,
                                           MonotonicTime now);

  EmulatedSwitchConfig config_;
  LightChanged light_changed_;
  PortLight light_;
  SwitchFaults faults_;
  PathTable standing_;    ///< what is joined now
  PathTable target_;      ///< what is when all that is accepted has ended
  std::vector<int> lit_;  ///< by source: the exit that was last told of
  std::vector<std::int64_t> wear_;
  std::vector<std::optional<FaultKind>> stuck_;

  std::uint64_t last_id_ = 0;
  std::uint64_t last_movement_ = 0;
  std::vector<Movement> movements_;  ///< the one that is open, if any, is the last
  std::deque<Waiting> waiting_;
  Taken moving_;   ///< by movements, closed or open
  Taken closed_;   ///< by closed ones alone
  Taken awaited_;  ///< by requests that wait
  std::vector<RequestAnswer> answers_;
  std::vector<LateAnswer> late_;

  std::vector<Standing> faults_standing_;
  MonotonicTime reboot_ends_ = MonotonicTime::min();
  MonotonicTime now_ = MonotonicTime::min();
  std::deque<SwitchEvent> events_;
  std::uint64_t drops_ = 0;
  std::uint64_t revision_ = 0;
};

}  // namespace mixnet
