#include "graphs/task_communication.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/random.h"

namespace mixnet {
namespace {

constexpr Time kLongestTransfer = Time::seconds(86'400);

}  // namespace

using What = TaskAgenda::What;

TaskCommunications::TaskCommunications(const TaskGraph& graph, TaskExchanges& exchanges,
                                       TaskNetwork& network, TaskAgenda& agenda, Options options,
                                       OnEnd on_end)
    : graph_(graph),
      exchanges_(exchanges),
      network_(network),
      agenda_(agenda),
      options_(std::move(options)),
      gpu_bandwidth_(graph.gpu_bandwidth.bandwidth()),
      scale_up_(exchanges.endpoints(), gpu_bandwidth_, agenda),
      on_end_(std::move(on_end)),
      inside_(2 * std::size_t{exchanges.endpoints()}) {
  if (!network.has_circuits()) return;
  regions_.emplace(network.servers());
  lit_at_.resize(static_cast<std::size_t>(network.servers()));
  for (std::uint32_t task = 0; task < graph.tasks.size(); ++task) {
    if (!uses_circuits(task)) continue;
    for (const std::uint32_t gpu : exchanges.group(task)) {
      regions_->join(first_server(task), network.server_of(gpu));
    }
  }
}

bool TaskCommunications::uses_circuits(std::uint32_t task) const {
  if (!network_.has_circuits() || graph_.tasks[task].kind != TaskKind::kAllToAll) return false;
  const int server = first_server(task);
  return std::ranges::any_of(exchanges_.group(task),
                             [&](std::uint32_t gpu) { return network_.server_of(gpu) != server; });
}

int TaskCommunications::first_server(std::uint32_t task) const {
  return network_.server_of(exchanges_.group(task).front());
}

std::uint32_t TaskCommunications::take(std::uint32_t task) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(communications_.size()));
    communications_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  communications_[index].task = task;
  communications_[index].missing = 0;
  communications_[index].ring = {};
  return index;
}

void TaskCommunications::start(std::uint32_t task, Time now) {
  const std::uint32_t index = take(task);
  if (uses_circuits(task)) {
    const GraphTask& one = graph_.tasks[task];
    if (regions_->enter(first_server(task), {one.layer, one.micro_batch}, index)) {
      enter_region(index, now);
    }
    return;
  }
  const auto ring = exchanges_.ring(task);
  if (!ring) return begin_exchange(index, now);
  Communication& one = communications_[index];
  one.ring = *ring;
  one.members.assign(ring->members.size(), {});
  one.missing = static_cast<std::int64_t>(ring->members.size()) * ring->rounds;
  if (one.missing == 0) return agenda_.push(now, What::kNothing, index);
  const auto members = static_cast<std::uint32_t>(ring->members.size());
  for (std::uint32_t member = 0; member < members; ++member) begin_round(index, member, now);
}

void TaskCommunications::begin_exchange(std::uint32_t index, Time now) {
  exchanges_.transfers(communications_[index].task, transfers_);
  for (const TaskTransfer& transfer : transfers_) {
    if (network_.server_of(transfer.from) == network_.server_of(transfer.to)) {
      gather_inside(transfer);
      continue;
    }
    communications_[index].missing +=
        send(transfer.from, transfer.to, transfer.bytes, index, 0, now);
  }
  begin_inside(index, now);
  if (transfers_.empty()) agenda_.push(now, What::kNothing, index);
}

/// The member's next round, if it has what it is to send and nothing of its own is under way.
void TaskCommunications::begin_round(std::uint32_t index, std::uint32_t member, Time now) {
  Communication& one = communications_[index];
  Member& sender = one.members[member];
  if (sender.missing > 0 || sender.sent == one.ring.rounds || sender.received < sender.sent) {
    return;
  }
  ++sender.sent;
  const std::size_t next = member + 1 == one.members.size() ? 0 : member + 1;
  sender.missing =
      send(one.ring.members[member], one.ring.members[next], one.ring.part, index, member, now);
}

/// How many arrivals it takes.
int TaskCommunications::send(std::uint32_t from, std::uint32_t to, Bytes bytes, std::uint32_t index,
                             std::uint32_t member, Time now) {
  const std::uint32_t task = communications_[index].task;
  kind_bytes_[static_cast<std::size_t>(graph_.tasks[task].kind)] += bytes;
  if (network_.server_of(from) != network_.server_of(to)) {
    const int flows = network_.send(from, to, bytes, now, std::uint64_t{index} << 32 | member,
                                    derive_seed(options_.seed, from, to, task));
    totals_.network += bytes;
    totals_.flows += flows;
    return flows;
  }
  totals_.node += bytes;
  if (from == to) {
    agenda_.push(now, What::kArrived, index, member);
    return 1;
  }
  const std::array<ScaleUp::PortBytes, 2> ports = {
      {{ScaleUp::out(from), bytes, 1}, {ScaleUp::in(to), bytes, 1}}};
  begin_served(ports, index, member, now);
  return 1;
}

void TaskCommunications::begin_served(std::span<const ScaleUp::PortBytes> ports,
                                      std::uint32_t index, std::uint32_t member, Time now) {
  const Bytes most = std::ranges::max(ports, {}, &ScaleUp::PortBytes::bytes).bytes;
  if (most / gpu_bandwidth_ > kLongestTransfer) {
    throw Error(options_.input,
                fmt::format("{} sends {} within a node at {}",
                            describe(graph_, communications_[index].task), to_string(most),
                            to_string(gpu_bandwidth_)),
                "give a larger intergpubw");
  }
  scale_up_.begin(ports, now, std::uint64_t{index} << 32 | member);
}

/// A transfer within a server, which begin_inside() begins with all others of its exchange.
void TaskCommunications::gather_inside(const TaskTransfer& transfer) {
  for (const std::uint32_t port : {ScaleUp::out(transfer.from), ScaleUp::in(transfer.to)}) {
    ScaleUp::PortBytes& here = inside_[port];
    if (here.bytes == Bytes::zero()) {
      inside_ports_.push_back(port);
      here = {port, Bytes::zero(), 0};
    }
    here.bytes += transfer.bytes;
    ++here.transfers;
  }
}

void TaskCommunications::begin_inside(std::uint32_t index, Time now) {
  if (inside_ports_.empty()) return;
  std::ranges::sort(inside_ports_);  // servers one after another
  const auto server_of = [&](std::uint32_t port) { return network_.server_of(port / 2); };
  Bytes bytes;
  for (auto at = inside_ports_.begin(); at != inside_ports_.end();) {
    const int server = server_of(*at);
    server_ports_.clear();
    for (; at != inside_ports_.end() && server_of(*at) == server; ++at) {
      server_ports_.push_back(std::exchange(inside_[*at], {}));
      bytes += server_ports_.back().bytes;
    }
    ++communications_[index].missing;
    begin_served(server_ports_, index, 0, now);
  }
  inside_ports_.clear();
  bytes.count /= 2;  // which went out, and in
  totals_.node += bytes;
  kind_bytes_[static_cast<std::size_t>(graph_.tasks[communications_[index].task].kind)] += bytes;
}

void TaskCommunications::on_flow(std::uint64_t tag, Time now) {
  arrive(static_cast<std::uint32_t>(tag >> 32), static_cast<std::uint32_t>(tag), now);
}

void TaskCommunications::on_event(const TaskAgenda::Event& event) {
  switch (event.what) {
    case What::kServed:
      if (const auto tag = scale_up_.served(event)) on_flow(*tag, event.time);
      return;
    case What::kArrived:
      return arrive(event.subject, event.member, event.time);
    case What::kNothing:
      return end(event.subject, event.time);
    case What::kLit:
      return begin_on_circuits(event.subject, event.time);
    case What::kWorkDone:
      break;  // not ours
  }
}

void TaskCommunications::arrive(std::uint32_t index, std::uint32_t member, Time now) {
  Communication& one = communications_[index];
  const bool is_ring = one.ring.rounds > 0;
  if (is_ring && --one.members[member].missing > 0) return;
  if (--one.missing == 0) return end(index, now);
  if (!is_ring) return;
  const auto members = static_cast<std::uint32_t>(one.members.size());
  const std::uint32_t next = member + 1 == members ? 0 : member + 1;
  ++one.members[next].received;
  begin_round(index, member, now);
  begin_round(index, next, now);
}

void TaskCommunications::end(std::uint32_t index, Time now) {
  const std::uint32_t task = communications_[index].task;
  free_.push_back(index);
  on_end_(task);
  if (!uses_circuits(task)) return;
  std::vector<std::uint32_t> entered;
  regions_->leave(first_server(task), entered);
  for (const std::uint32_t other : entered) enter_region(other, now);
}

void TaskCommunications::enter_region(std::uint32_t index, Time now) {
  const std::uint32_t task = communications_[index].task;
  const int server = first_server(task);
  const bool is_first = is_dispatch(graph_, graph_.tasks[task]);
  Time& lit_at = lit_at_[static_cast<std::size_t>(regions_->first(server))];
  if (regions_->claim(server, is_first)) {
    set_circuits(task);
    ++totals_.reconfigurations;
    lit_at = is_first ? now + options_.reconfiguration : now;
    moves_.push_back({now, lit_at, task, regions_->first(server)});
  }
  if (lit_at > now) {
    agenda_.push(lit_at, What::kLit, index);
  } else {
    begin_on_circuits(index, now);
  }
}

void TaskCommunications::set_circuits(std::uint32_t task) {
  const std::vector<int> servers = regions_->servers(first_server(task));
  const auto place_of = [&](std::uint32_t gpu) {
    const auto place = std::ranges::lower_bound(servers, network_.server_of(gpu));
    return static_cast<std::size_t>(place - servers.begin());
  };
  ServerDemand demand(servers.size(), servers.size());
  exchanges_.transfers(task, transfers_);
  for (const TaskTransfer& transfer : transfers_) {
    const std::size_t from = place_of(transfer.from);
    const std::size_t to = place_of(transfer.to);
    if (from != to) demand(from, to) += transfer.bytes.count;
  }
  network_.set_circuits(servers,
                        planner_.plan(demand, RegionNics::alike(servers.size(), network_.degree(),
                                                                network_.eps_nics())));
}

/// What goes from a server to another goes together, over the circuits of the pair.
void TaskCommunications::begin_on_circuits(std::uint32_t index, Time now) {
  Communication& one = communications_[index];
  exchanges_.transfers(one.task, transfers_);
  struct Pair {
    Bytes bytes;
    int gpus = 0;  ///< pairs of them
  };
  std::map<std::pair<int, int>, Pair> pairs;
  for (const TaskTransfer& transfer : transfers_) {
    const int from = network_.server_of(transfer.from);
    const int to = network_.server_of(transfer.to);
    if (from == to) {
      gather_inside(transfer);
    } else {
      Pair& pair = pairs[{from, to}];
      pair.bytes += transfer.bytes;
      ++pair.gpus;
    }
  }
  begin_inside(index, now);
  const auto kind = static_cast<std::size_t>(TaskKind::kAllToAll);
  for (const auto& [servers, pair] : pairs) {
    const auto [from, to] = servers;
    const int flows =
        network_.send_servers(from, to, pair.bytes, pair.gpus, now, std::uint64_t{index} << 32,
                              derive_seed(options_.seed, from, to, one.task));
    one.missing += flows;
    totals_.network += pair.bytes;
    totals_.flows += flows;
    kind_bytes_[kind] += pair.bytes;
  }
  if (transfers_.empty()) agenda_.push(now, What::kNothing, index);
}

}  // namespace mixnet
