#include "dataplane/data_plane.h"

#include <fmt/format.h>
#include <net/if.h>

#include <set>
#include <stdexcept>
#include <utility>

#include "base/error.h"
#include "dataplane/privileges.h"

namespace mixnet {
namespace {

std::uint64_t kernel_time(MonotonicTime time) {
  const auto ns = std::chrono::nanoseconds(time.time_since_epoch()).count();
  return ns > 0 ? static_cast<std::uint64_t>(ns) : 0;
}

MonotonicTime from_kernel(std::uint64_t ns) {
  return MonotonicTime(std::chrono::nanoseconds(static_cast<std::int64_t>(ns)));
}

PortCounters operator+(const PortCounters& a, const CounterEntry& b) {
  return {a.frames + b.frames, a.bytes + b.bytes, a.passed + b.passed, a.dark + b.dark};
}

}  // namespace

DataPlane::DataPlane(DataPlaneConfig config, Env& env)
    : config_(config), env_(env), light_(config.ports + 1) {}

DataPlane::~DataPlane() {
  if (!config_.detach_on_stop) return;
  while (!ports_.empty()) detach(ports_.begin()->first);
}

std::vector<Link> DataPlane::check(std::span<const PortAttachment> ports, std::string_view input) {
  std::vector<Link> found;
  std::set<int> indices;
  std::set<int> positions;
  for (const auto& [position, port] : ports_) {
    indices.insert(port.index);
    positions.insert(position);
  }
  for (const PortAttachment& wanted : ports) {
    const auto fail = [&](std::string_view problem, std::string_view remedy) {
      throw Error(input, fmt::format("'{}={}': {}", wanted.interface, wanted.position, problem),
                  remedy);
    };
    if (wanted.position < 1 || wanted.position > config_.ports) {
      fail("there is no such position", fmt::format("1 to {}", config_.ports));
    }
    if (!positions.insert(wanted.position).second) {
      fail("the position has an interface already", "one for each");
    }
    if (wanted.interface.size() >= IFNAMSIZ) {
      fail("the name is too long for an interface", fmt::format("up to {} bytes", IFNAMSIZ - 1));
    }
    const std::optional<Link> link = links_->find(wanted.interface);
    if (!link) fail("there is no such interface", "'ip link' lists those of this namespace");
    if (!indices.insert(link->index).second) {
      fail("the interface has a position already", "each interface at one");
    }
    if (link->master != 0) {
      fail("the interface is a member of a bridge or bond",
           fmt::format("ip link set {} nomaster", wanted.interface));
    }
    found.push_back(*link);
  }
  return found;
}

void DataPlane::attach(std::span<const PortAttachment> ports, std::string_view input) {
  if (ports.empty()) return;
  if (!links_) links_.emplace();
  const std::vector<Link> links = check(ports, input);
  const std::string missing = missing_capabilities(effective_capabilities());
  if (!missing.empty()) {
    throw Error(input, fmt::format("interfaces cannot be attached without {}", missing),
                "root, or setcap cap_net_admin,cap_bpf=ep on the program");
  }
  if (!filter_) adopt(ports);
  std::vector<int> fresh;
  try {
    for (std::size_t i = 0; i < ports.size(); ++i) {
      fresh.push_back(ports[i].position);
      attach_one(ports[i].position, ports[i], links[i], input);
    }
  } catch (...) {
    for (const int position : fresh) {
      // What stood before stays as it was.
      const auto port = ports_.find(position);
      if (port != ports_.end() && port->second.was_ours) ports_.erase(port);
      detach(position);
    }
    throw;
  }
  take_over();
  for (const int position : fresh) {
    apply(position);
    if (const int from = light_[position].from; from != 0) apply(from);
  }
}

void DataPlane::adopt(std::span<const PortAttachment> ports) {
  CircuitFilter filter;
  for (const PortAttachment& port : ports) {
    const std::optional<Link> link = links_->find(port.interface);
    if (link && filter.adopt(link->index)) break;
  }
  filter.load();
  filter_ = std::move(filter);
}

void DataPlane::attach_one(int position, const PortAttachment& wanted, const Link& link,
                           std::string_view input) {
  const std::string what = fmt::format("'{}={}'", wanted.interface, wanted.position);
  const std::string remedy = fmt::format(
      "'tc filter show dev {} ingress' (and egress) tells what is there", wanted.interface);
  std::string error;
  const CircuitFilter::Attached attached = filter_->attach(link.index, error);
  switch (attached) {
    case CircuitFilter::Attached::kTaken:
      throw Error(input,
                  what + ": another filter has the first place on the interface" +
                      (may_adopt(effective_capabilities())
                           ? ""
                           : ", or one of an earlier run, which takes CAP_SYS_ADMIN to tell"),
                  remedy);
    case CircuitFilter::Attached::kFailed:
      throw Error(input, fmt::format("{}: {}", what, error), remedy);
    default:
      break;
  }
  ports_[position] = {wanted.interface,
                      link.index,
                      link.promiscuous,
                      attached == CircuitFilter::Attached::kReplaced,
                      0,
                      {}};
  // With `carrier`, take_over() and light_changed() see to whether it is up.
  if (!links_->set(link.index, config_.carrier ? link.up : true, true)) {
    throw Error(input, what + ": the interface cannot be set up");
  }
  // Which queue it has is so when it is up.
  if (const std::optional<Link> now = links_->find(wanted.interface)) {
    look_across(ports_[position], *now);
  }
}

void DataPlane::look_across(Port& port, const Link& link) {
  port.straight_to = 0;
  // With `carrier`, a circuit that is due may lead to an interface that is still down.
  if (config_.carrier || !link.up || link.has_queue) return;
  if (const auto address = links_->address_across(link)) {
    port.straight_to = straight_address(address->data());
  }
}

void DataPlane::take_over() {
  std::map<int, int> positions;
  for (const auto& [position, port] : ports_) positions[port.index] = position;
  for (const int in : filter_->entries()) {
    const auto from = positions.find(in);
    const std::optional<CircuitEntry> entry = filter_->entry(in);
    const auto to = entry ? positions.find(static_cast<int>(entry->out)) : positions.end();
    if (from == positions.end() || to == positions.end()) {
      filter_->clear(in);
    } else if (light_[from->second].to == 0 && light_[to->second].from == 0) {
      light_[from->second].to = to->second;
      light_[from->second].lit_at = from_kernel(entry->lit_at_ns);
      light_[to->second].from = from->second;
    }
  }
  for (const auto& [position, port] : ports_) apply_carrier(position);
}

int DataPlane::index_of(int position) const {
  const auto port = ports_.find(position);
  return port == ports_.end() ? 0 : port->second.index;
}

void DataPlane::apply(int from) {
  const int in = index_of(from);
  if (in == 0) return;
  const Light& light = light_[from];
  const int out = light.to == 0 ? 0 : index_of(light.to);
  if (out == 0) {
    filter_->clear(in);
  } else {
    filter_->set(in, out, kernel_time(light.lit_at), ports_.at(light.to).straight_to);
  }
}

void DataPlane::apply_carrier(int position) {
  const int index = index_of(position);
  if (!config_.carrier || index == 0) return;
  const int from = light_[position].from;
  if (from != 0 && light_[from].lit_at > env_.monotonic_now()) {
    rising_.emplace(light_[from].lit_at, position);
  }
  // False: it has gone; refresh() tells.
  (void)links_->set(index, from != 0 && light_[from].lit_at <= env_.monotonic_now(), true);
}

void DataPlane::light_changed(int from, int to, MonotonicTime lit_at) {
  if (from < 1 || from > config_.ports || to < 0 || to > config_.ports) {
    throw std::logic_error(fmt::format("light of {} to {}, of {} ports", from, to, config_.ports));
  }
  const int before = light_[from].to;
  light_[from].to = to;
  light_[from].lit_at = lit_at;
  apply(from);
  if (before != to && before != 0 && light_[before].from == from) {
    light_[before].from = 0;
    apply_carrier(before);
  }
  if (to != 0) {
    light_[to].from = from;
    apply_carrier(to);
  }
}

void DataPlane::detach(int position) {
  const auto port = ports_.find(position);
  if (port == ports_.end()) return;
  const Port was = port->second;
  ports_.erase(port);
  if (was.index == 0) return;
  if (const int from = light_[position].from; from != 0) apply(from);
  filter_->detach(was.index);
  (void)links_->set(was.index, true, was.was_promiscuous);
}

std::optional<StandingPath> DataPlane::path_from(int position) const {
  const int in = index_of(position);
  const std::optional<CircuitEntry> entry = in == 0 ? std::nullopt : filter_->entry(in);
  if (!entry) return std::nullopt;
  for (const auto& [to, port] : ports_) {
    if (port.index == static_cast<int>(entry->out)) return {{to, from_kernel(entry->lit_at_ns)}};
  }
  return std::nullopt;
}

PortCounters DataPlane::counters(int position) const {
  const auto port = ports_.find(position);
  if (port == ports_.end()) return {};
  const int index = port->second.index;
  return index == 0 ? port->second.before : port->second.before + filter_->counters(index);
}

std::optional<bool> DataPlane::has_carrier(int position) {
  const auto port = ports_.find(position);
  if (port == ports_.end() || port->second.index == 0) return false;
  const int from = light_[position].from;
  const bool is_dark = from == 0 || light_[from].lit_at > env_.monotonic_now();
  if (config_.carrier && is_dark) return std::nullopt;
  const std::optional<Link> link = links_->find(port->second.interface);
  return link && link->index == port->second.index && link->carrier;
}

void DataPlane::lose(Port& port, int position) {
  port.before = port.before + filter_->counters(port.index);
  const int index = std::exchange(port.index, 0);
  if (const int from = light_[position].from; from != 0) apply(from);
  filter_->detach(index);
}

std::optional<PortNews> DataPlane::look_after(int position, Port& port) {
  const std::optional<Link> link = links_->find(port.interface);
  if (port.index != 0 && link && link->index == port.index && filter_->stands_on(port.index)) {
    const std::uint64_t before = port.straight_to;
    look_across(port, *link);
    if (const int from = light_[position].from; from != 0 && port.straight_to != before) {
      apply(from);
    }
    return std::nullopt;
  }
  const bool had = port.index != 0;
  if (had) lose(port, position);
  if (!link)
    return had ? std::optional(PortNews{port.interface, position, false, {}}) : std::nullopt;
  const Port was = port;
  try {
    attach_one(position, {port.interface, position}, *link, port.interface);
  } catch (const Error& error) {
    port = was;
    return PortNews{port.interface, position, false, error.what()};
  }
  port.before = was.before;
  apply(position);
  if (const int from = light_[position].from; from != 0) apply(from);
  apply_carrier(position);
  return PortNews{port.interface, position, true, {}};
}

std::vector<PortNews> DataPlane::refresh() {
  std::vector<PortNews> news;
  if (!links_ || !links_->has_news()) return news;
  for (auto& [position, port] : ports_) {
    if (std::optional<PortNews> one = look_after(position, port)) news.push_back(std::move(*one));
  }
  return news;
}

std::optional<MonotonicTime> DataPlane::next_event() const {
  return rising_.empty() ? std::nullopt : std::optional(rising_.begin()->first);
}

void DataPlane::advance(MonotonicTime now) {
  while (!rising_.empty() && rising_.begin()->first <= now) {
    const int position = rising_.begin()->second;
    rising_.erase(rising_.begin());
    const int from = light_[position].from;
    if (from == 0 || light_[from].lit_at > now) continue;  // moved meanwhile
    if (const int index = index_of(position); index != 0) (void)links_->set(index, true, true);
  }
}

}  // namespace mixnet
