// What GPUs of a server send each other over its scale-up network (NVLink), while a task graph is
// executed.
//
// A GPU has one port, as fast out as in, whoever it sends to. What a communication sends inside a
// server at a time is an exchange: so many bytes out of and into each port. All of them move in
// step, so that an exchange alone takes as long as its busiest port, which is what TrainingJob
// counts. Exchanges that meet at ports share them max-min fairly, weighted by the transfers of
// their busiest ports (Bertsekas & Gallager, "Data Networks", 1992, section 6.5.2): an all-to-all
// with seven peers gets seven times as much as a ring's one.
//
// Ends come by the agenda (kServed), to be handed to served(). Ends are rounded to the nearest
// picosecond. Deterministic. Not thread-safe. Cost of a begin or an end: none beside the agenda's
// where ports are free, else O(ports^2) of the exchanges that are joined by shared ports. Memory:
// the most exchanges at one time, 16 bytes for each of their ports.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/units.h"
#include "graphs/task_agenda.h"

namespace mixnet {

class ScaleUp {
 public:
  /// Port of an endpoint.
  static constexpr std::uint32_t out(std::uint32_t endpoint) { return 2 * endpoint; }
  static constexpr std::uint32_t in(std::uint32_t endpoint) { return 2 * endpoint + 1; }

  struct PortBytes {
    std::uint32_t port = 0;
    Bytes bytes;
    int transfers = 1;
  };

  /// `rate` > 0 of a port. The agenda must outlive it.
  ScaleUp(std::uint32_t endpoints, Bandwidth rate, TaskAgenda& agenda);

  /// From now on. `ports`: each once, some with bytes. `tag` comes back.
  void begin(std::span<const PortBytes> ports, Time now, std::uint64_t tag);

  /// An event kServed of the agenda: the tag of the exchange that has ended, or nothing where the
  /// event is out of date.
  std::optional<std::uint64_t> served(const TaskAgenda::Event& event);

 private:
  struct Load {
    std::uint32_t port = 0;
    double weight = 0;  ///< transfers of the busiest port x bytes for each of the busiest port's
  };
  struct Exchange {
    std::vector<Load> loads;
    double transfers = 1;  ///< of the busiest port
    double left = 0;       ///< bytes of the busiest port, at `since`
    double rate = 0;       ///< bytes a ps of the busiest port
    std::int64_t since = 0;
    std::uint64_t tag = 0;
    std::uint32_t version = 0;  ///< of its end
    std::uint32_t seen = 0;
    bool settled = false;
  };
  struct Port {
    std::vector<std::uint32_t> exchanges;
    std::uint32_t seen = 0;
    // While a part is solved.
    double left = 0, unsettled = 0;  ///< rate; sum of weights
  };

  std::uint32_t take();
  void solve(std::uint32_t port, Time now);
  void find_part(std::uint32_t port);
  void settle(std::uint32_t exchange, double level, Time now);

  double capacity_;  ///< bytes a ps
  Bandwidth rate_;
  TaskAgenda& agenda_;
  std::vector<Port> ports_;
  std::vector<Exchange> exchanges_;
  std::vector<std::uint32_t> free_;
  std::uint32_t solution_ = 0;  ///< marks what has been seen
  std::vector<std::uint32_t> part_ports_, part_exchanges_;
};

}  // namespace mixnet
