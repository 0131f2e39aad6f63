// The communication of a task graph while it is executed: rings and exchanges as flows on a
// network, transfers within a node, and MixNet's circuits. task_run.h says what each task does.
//
// A caller starts a communication, passes on what the network and the agenda have for it, and is
// called back once when it has ended. Within a server, GPUs share their ports (scale_up.h). Hashed
// paths are drawn for each pair of endpoints and task: a ring keeps its own for all its rounds.
//
// Not thread-safe. Memory: those under way; a ring has 12 bytes a member.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "circuits/circuit_planner.h"
#include "graphs/scale_up.h"
#include "graphs/task_agenda.h"
#include "graphs/task_exchange.h"
#include "graphs/task_network.h"
#include "graphs/task_regions.h"
#include "interop/task_graph.h"

namespace mixnet {

struct CommunicationTotals {
  Bytes network, node;  ///< between servers, and within
  std::int64_t flows = 0;
  std::int64_t reconfigurations = 0;  ///< of regions, those hidden behind work included
};

/// The circuits of a region set anew.
struct SwitchMove {
  Time begins, lit;         ///< dark between them
  std::uint32_t task = 0;   ///< for which it is
  std::int32_t server = 0;  ///< the region's first
};

class TaskCommunications {
 public:
  using OnEnd = std::function<void(std::uint32_t task)>;

  struct Options {
    Time reconfiguration;    ///< how long a dispatch waits for the switch
    std::uint64_t seed = 1;  ///< of hashed paths
    std::string input;       ///< names the graph in errors
  };

  /// All references must outlive it.
  TaskCommunications(const TaskGraph& graph, TaskExchanges& exchanges, TaskNetwork& network,
                     TaskAgenda& agenda, Options options, OnEnd on_end);

  void start(std::uint32_t task, Time now);

  /// A flow of the network has arrived, with the tag that it was sent with.
  void on_flow(std::uint64_t tag, Time now);
  /// An event of the agenda, other than kWorkDone.
  void on_event(const TaskAgenda::Event& event);

  /// Sent by tasks of the kind so far.
  Bytes bytes_of(TaskKind kind) const { return kind_bytes_[static_cast<std::size_t>(kind)]; }
  const CommunicationTotals& totals() const { return totals_; }
  /// In the order of their begin.
  std::vector<SwitchMove>& moves() { return moves_; }

 private:
  struct Member {
    std::int32_t sent = 0;      ///< rounds begun
    std::int32_t received = 0;  ///< rounds
    std::int32_t missing = 0;   ///< flows of the round begun last that have not arrived
  };
  struct Communication {
    std::uint32_t task = 0;
    std::int64_t missing = 0;  ///< flows, or rounds of members, that have not arrived
    TaskRing ring;
    std::vector<Member> members;
  };

  /// All-to-alls between servers do.
  bool uses_circuits(std::uint32_t task) const;
  int first_server(std::uint32_t task) const;
  std::uint32_t take(std::uint32_t task);
  void begin_exchange(std::uint32_t index, Time now);
  void begin_round(std::uint32_t index, std::uint32_t member, Time now);
  int send(std::uint32_t from, std::uint32_t to, Bytes bytes, std::uint32_t index,
           std::uint32_t member, Time now);
  void gather_inside(const TaskTransfer& transfer);
  void begin_inside(std::uint32_t index, Time now);
  void begin_served(std::span<const ScaleUp::PortBytes> ports, std::uint32_t index,
                    std::uint32_t member, Time now);
  void arrive(std::uint32_t index, std::uint32_t member, Time now);
  void end(std::uint32_t index, Time now);

  void enter_region(std::uint32_t index, Time now);
  void set_circuits(std::uint32_t task);
  void begin_on_circuits(std::uint32_t index, Time now);

  const TaskGraph& graph_;
  TaskExchanges& exchanges_;
  TaskNetwork& network_;
  TaskAgenda& agenda_;
  Options options_;
  Bandwidth gpu_bandwidth_;
  ScaleUp scale_up_;
  OnEnd on_end_;
  std::vector<Communication> communications_;
  std::vector<std::uint32_t> free_;
  std::vector<TaskTransfer> transfers_;
  std::vector<std::uint32_t> inside_ports_;  ///< with bytes of the exchange that begins
  std::vector<ScaleUp::PortBytes> inside_;   ///< by port
  std::vector<ScaleUp::PortBytes> server_ports_;
  std::optional<TaskRegions> regions_;
  std::vector<Time> lit_at_;  ///< by the first server of a region
  CircuitPlanner planner_;
  std::array<Bytes, kTaskKinds> kind_bytes_;
  CommunicationTotals totals_;
  std::vector<SwitchMove> moves_;
};

}  // namespace mixnet
