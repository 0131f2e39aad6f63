#include "graphs/scale_up.h"

#include <algorithm>
#include <cassert>

#include "base/saturating.h"

namespace mixnet {

ScaleUp::ScaleUp(std::uint32_t endpoints, Bandwidth rate, TaskAgenda& agenda)
    : capacity_(rate.bytes_per_second() * 1e-12),
      rate_(rate),
      agenda_(agenda),
      ports_(2 * std::size_t{endpoints}) {}

std::uint32_t ScaleUp::take() {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(exchanges_.size()));
    exchanges_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  return index;
}

void ScaleUp::begin(std::span<const PortBytes> ports, Time now, std::uint64_t tag) {
  const std::uint32_t index = take();
  Exchange& exchange = exchanges_[index];
  const PortBytes busiest = std::ranges::max(ports, {}, &PortBytes::bytes);
  const Bytes most = busiest.bytes;
  assert(most > Bytes::zero() && capacity_ > 0);
  exchange.loads.clear();
  bool is_alone = true;
  exchange.transfers = busiest.transfers;
  for (const auto& [port, bytes, transfers] : ports) {
    if (bytes == Bytes::zero()) continue;
    exchange.loads.push_back({port, exchange.transfers * static_cast<double>(bytes.count) /
                                        static_cast<double>(most.count)});
    is_alone &= ports_[port].exchanges.empty();
    ports_[port].exchanges.push_back(index);
  }
  exchange.left = static_cast<double>(most.count);
  exchange.rate = is_alone ? capacity_ : 0;
  exchange.since = now.ps;
  exchange.tag = tag;
  if (!is_alone) return solve(exchange.loads.front().port, now);
  agenda_.push(now + most / rate_, TaskAgenda::What::kServed, index, exchange.version);
}

std::optional<std::uint64_t> ScaleUp::served(const TaskAgenda::Event& event) {
  Exchange& exchange = exchanges_[event.subject];
  if (event.member != exchange.version) return std::nullopt;
  ++exchange.version;
  free_.push_back(event.subject);
  for (const Load& load : exchange.loads) {
    std::vector<std::uint32_t>& there = ports_[load.port].exchanges;
    there.erase(std::ranges::find(there, event.subject));
  }
  const std::uint32_t before = ++solution_;
  for (const Load& load : exchange.loads) {
    const Port& port = ports_[load.port];
    if (!port.exchanges.empty() && port.seen <= before) solve(load.port, event.time);
  }
  return exchange.tag;
}

/// The exchanges that `port` is connected with get their rates: what a transfer gets, the level,
/// grows for all together until a port is full, whose exchanges are settled then.
void ScaleUp::solve(std::uint32_t port, Time now) {
  find_part(port);
  std::size_t unsettled = part_exchanges_.size();
  while (unsettled > 0) {
    double level = capacity_;
    std::uint32_t fullest = part_ports_.front();
    for (const std::uint32_t one : part_ports_) {
      const Port& here = ports_[one];
      // Weights that are left of sums are none.
      if (here.unsettled < 1e-12) continue;
      const double share = std::max(0.0, here.left) / here.unsettled;
      if (share <= level) {
        level = share;
        fullest = one;
      }
    }
    const std::size_t before = unsettled;
    for (const std::uint32_t index : ports_[fullest].exchanges) {
      if (exchanges_[index].settled) continue;
      settle(index, level, now);
      --unsettled;
    }
    // Only where rounding has hidden the last: they get what is left.
    if (unsettled == before) {
      for (const std::uint32_t index : part_exchanges_) {
        if (!exchanges_[index].settled) settle(index, level, now);
      }
      return;
    }
  }
}

/// All ports and exchanges that `port` is connected with, as if no exchange had a rate.
void ScaleUp::find_part(std::uint32_t port) {
  ++solution_;
  part_ports_.assign(1, port);
  part_exchanges_.clear();
  ports_[port].seen = solution_;
  for (std::size_t at = 0; at < part_ports_.size(); ++at) {
    Port& here = ports_[part_ports_[at]];
    here.left = capacity_;
    here.unsettled = 0;
    for (const std::uint32_t index : here.exchanges) {
      Exchange& exchange = exchanges_[index];
      if (exchange.seen == solution_) continue;
      exchange.seen = solution_;
      exchange.settled = false;
      part_exchanges_.push_back(index);
      for (const Load& load : exchange.loads) {
        if (ports_[load.port].seen == solution_) continue;
        ports_[load.port].seen = solution_;
        part_ports_.push_back(load.port);
      }
    }
  }
  for (const std::uint32_t index : part_exchanges_) {
    for (const Load& load : exchanges_[index].loads) ports_[load.port].unsettled += load.weight;
  }
}

void ScaleUp::settle(std::uint32_t index, double level, Time now) {
  Exchange& exchange = exchanges_[index];
  exchange.settled = true;
  for (const Load& load : exchange.loads) {
    ports_[load.port].left -= level * load.weight;
    ports_[load.port].unsettled -= load.weight;
  }
  const double rate = level * exchange.transfers;
  if (exchange.rate == rate) return;
  exchange.left =
      std::max(0.0, exchange.left - exchange.rate * static_cast<double>(now.ps - exchange.since));
  exchange.since = now.ps;
  exchange.rate = rate;
  ++exchange.version;
  const Time left = {saturating_round(exchange.left / rate)};
  agenda_.push(now + left, TaskAgenda::What::kServed, index, exchange.version);
}

}  // namespace mixnet
