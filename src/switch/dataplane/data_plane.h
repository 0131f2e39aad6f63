// The light of an emulated optical switch, for real frames: Linux interfaces are attached to its
// positions, and what comes in by one leaves by that which its light is joined to, or is dropped.
//
//   server's namespace      host's namespace
//     nic  <-- veth -->  eth-a = position 1  --(light_changed(1, 2, t))-->  eth-b = position 2
//
// The kernel does it (circuit.bpf.c): a change is one write to a map, and nothing of it runs
// through this process. Its clock is MonotonicTime's, so that light that comes back at `lit_at`
// does so by the kernel's own look at the clock, however late anybody wakes up.
//
// INVARIANTS of an attached interface
//   - each frame that comes in is redirected or dropped, none reaches the host's own stack;
//   - nothing leaves by it but what came in by an attached interface joined with it;
//   - it is up, unless it is dark and `carrier` is asked for; it takes frames for any address.
//
// WHAT OUTLIVES WHAT. Circuits pass on when this process is killed, or ends without
// `detach_on_stop`, as mirrors stay where they are. attach() finds what stands and carries on
// without a gap; the owner then says by light_changed(), once for each position, what is so now.
// Another process that attaches the same interface takes it over: see to it that one does.
//
// Names are those of the network namespace of the thread that makes the object; all calls must come
// from there, one thread at a time. Attaching needs CAP_NET_ADMIN and CAP_BPF; nothing else needs
// any.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/env.h"
#include "dataplane/circuit_filter.h"
#include "dataplane/links.h"

namespace mixnet {

struct DataPlaneConfig {
  int ports = 32;  ///< positions 1..ports
  /// The interface of a position that no light leaves by is down, so that the NIC at its far end
  /// has no carrier, as a real one in the dark. It costs far more than the change itself
  /// (docs/ocs-data-plane.md), and a NIC that only sends is cut off, as a real one would be.
  bool carrier = false;
  /// Take the filters away at the end; else they stay, as hardware does.
  bool detach_on_stop = false;
};

struct PortAttachment {
  std::string interface;
  int position = 0;
};

/// Of what came in by a port since it was attached; a frame of many segments counts as those.
struct PortCounters {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
  std::uint64_t passed = 0;  ///< frames that were sent on
  std::uint64_t dark = 0;    ///< frames that were dropped
  bool operator==(const PortCounters&) const = default;
};

/// An interface has gone, or is attached again, or is back and cannot be (`problem`).
struct PortNews {
  std::string interface;
  int position = 0;
  bool attached = false;
  std::string problem;
};

struct StandingPath {
  int to = 0;
  MonotonicTime lit_at;
  bool operator==(const StandingPath&) const = default;
};

class DataPlane {
 public:
  explicit DataPlane(DataPlaneConfig config, Env& env = system_env());
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;
  ~DataPlane();

  /// All of them or none. Throws Error: an unknown or unfit interface, a position out of range, one
  /// of either twice, missing capabilities; `input` names the flag. What stands on them from an
  /// earlier run stays joined where both ends are among them.
  void attach(std::span<const PortAttachment> ports, std::string_view input = "--attach");
  /// Dark from now on. Nothing, where none is attached.
  void detach(int position);

  /// EmulatedSwitch::LightChanged. `to` 0: dark. Positions without an interface are kept in mind.
  void light_changed(int from, int to, MonotonicTime lit_at);

  /// Where frames go, as the kernel has it; nothing: dark, or not attached.
  std::optional<StandingPath> path_from(int position) const;
  /// Zeros where none is attached. Frames under way at another CPU may be missing.
  PortCounters counters(int position) const;
  /// Light enters: the far end is up. False where none is attached; not known where `carrier` has
  /// the interface down, which sees nothing then.
  std::optional<bool> has_carrier(int position);

  /// Readable when refresh() may have something to do; -1: nothing is attached.
  int news_fd() const { return links_ ? links_->news_fd() : -1; }
  /// Interfaces that went are told of, those that came back are attached again, with their light.
  /// Likewise what has a say in the short way (docs/ocs-data-plane.md), such as a queue. Costs a
  /// system call while nothing happens.
  std::vector<PortNews> refresh();

  /// With `carrier`: when the next interface is due to come up, and what makes it.
  std::optional<MonotonicTime> next_event() const;
  void advance(MonotonicTime now);

 private:
  struct Port {
    std::string interface;
    int index = 0;  ///< 0: it has gone
    bool was_promiscuous = false;
    bool was_ours = false;          ///< an earlier run's filter stood on it
    std::uint64_t straight_to = 0;  ///< frames for it may skip the interface (circuit_maps.h)
    PortCounters before;            ///< of those that bore the name earlier
  };
  struct Light {
    int to = 0;
    int from = 0;          ///< whose light comes here; 0: none
    MonotonicTime lit_at;  ///< of `to`
  };

  std::vector<Link> check(std::span<const PortAttachment> ports, std::string_view input);
  void adopt(std::span<const PortAttachment> ports);
  void attach_one(int position, const PortAttachment& wanted, const Link& link,
                  std::string_view input);
  /// What filters of an earlier run had joined.
  void take_over();
  int index_of(int position) const;
  /// Whether, and for whom, there is a short way past the interface, now.
  void look_across(Port& port, const Link& link);
  void apply(int from);
  void apply_carrier(int position);
  void lose(Port& port, int position);
  std::optional<PortNews> look_after(int position, Port& port);

  DataPlaneConfig config_;
  Env& env_;
  std::vector<Light> light_;  ///< by position
  std::map<int, Port> ports_;
  std::multimap<MonotonicTime, int> rising_;  ///< positions whose carrier is due
  std::optional<Links> links_;
  std::optional<CircuitFilter> filter_;
};

}  // namespace mixnet
