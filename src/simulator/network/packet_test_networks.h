// Small networks that the tests and benchmarks of the packet network share.
#pragma once

#include <cstdint>
#include <map>
#include <numeric>
#include <vector>

#include "base/units.h"
#include "network/packet_network.h"

namespace mixnet {

inline constexpr Bandwidth kTestRate = Bandwidth::gbps(100);  // 80 ps a byte
inline constexpr Time kTestDelay = Time::microseconds(1);

/// Options under which nothing but ports, and the window when given, limits a sender.
inline PacketOptions unlimited_options(int initial_window = 4096) {
  PacketOptions options;
  options.initial_window = initial_window;
  options.largest_window = 4096;
  options.queue_limit = {1'000'000'000};
  options.ecn_threshold = {1'000'000'000};
  return options;
}

inline std::int64_t packets_of(const PacketOptions& options, std::int64_t payload) {
  const std::int64_t full = options.mtu - options.header;
  return (payload + full - 1) / full;
}
inline std::int64_t wire_bytes_of(const PacketOptions& options, std::int64_t payload) {
  return payload + packets_of(options, payload) * options.header;
}
/// The payload that `packets` full packets carry.
inline Bytes full_packets(const PacketOptions& options, std::int64_t packets) {
  return {packets * (options.mtu - options.header)};
}

/// Completions by tag. Must outlive the network's runs.
struct Completions {
  std::map<std::uint64_t, Time> at;
  std::size_t calls = 0;

  void watch(PacketNetwork& network) {
    network.on_completion([this](std::uint64_t tag, Time time) {
      at[tag] = time;
      ++calls;
    });
  }
};

/// A chain of ports 0 .. hops-1 and the same back, hops .. 2*hops-1.
struct Line {
  int hops = 1;
  std::vector<PortSpec> ports;

  explicit Line(const std::vector<PortSpec>& forward)
      : hops(static_cast<int>(forward.size())), ports(forward) {
    ports.insert(ports.end(), forward.rbegin(), forward.rend());
  }
  explicit Line(int length, PortSpec port = {kTestRate, kTestDelay})
      : Line(std::vector<PortSpec>(length, port)) {}

  PacketNetwork::PathSet add_paths(PacketNetwork& network) const {
    std::vector<std::uint32_t> all(ports.size());
    std::iota(all.begin(), all.end(), 0U);
    const std::span<const std::uint32_t> both(all);
    return network.add_paths(both.first(hops), hops, both.last(hops), hops);
  }
};

/// Hosts around one switch: host h sends by port h and receives by port hosts + h.
struct Star {
  int hosts = 0;
  std::vector<PortSpec> ports;

  explicit Star(int hosts_, PortSpec port = {kTestRate, kTestDelay})
      : hosts(hosts_), ports(2 * hosts_, port) {}

  std::uint32_t up(int host) const { return static_cast<std::uint32_t>(host); }
  std::uint32_t down(int host) const { return static_cast<std::uint32_t>(hosts + host); }

  PacketNetwork::PathSet add_paths(PacketNetwork& network, int from, int to) const {
    const std::uint32_t there[] = {up(from), down(to)};
    const std::uint32_t back[] = {up(to), down(from)};
    return network.add_paths(there, 2, back, 2);
  }
  void add_flow(PacketNetwork& network, int from, int to, Bytes payload, Time start = Time::zero(),
                std::uint64_t tag = 0) const {
    network.add_flow(add_paths(network, from, to), payload, start, tag);
  }
};

/// Leaves of hosts, every leaf with one link to every spine. All ports are alike.
struct LeafSpine {
  int leaves = 0, hosts_a_leaf = 0, spines = 0;
  std::vector<PortSpec> ports;

  LeafSpine(int leaves_, int hosts_a_leaf_, int spines_, PortSpec port = {kTestRate, kTestDelay})
      : leaves(leaves_), hosts_a_leaf(hosts_a_leaf_), spines(spines_) {
    ports.assign(2 * hosts() + 2 * leaves * spines, port);
  }

  int hosts() const { return leaves * hosts_a_leaf; }
  std::uint32_t up(int host) const { return static_cast<std::uint32_t>(host); }
  std::uint32_t down(int host) const { return static_cast<std::uint32_t>(hosts() + host); }
  std::uint32_t to_spine(int leaf, int spine) const {
    return static_cast<std::uint32_t>(2 * hosts() + leaf * spines + spine);
  }
  std::uint32_t from_spine(int spine, int leaf) const {
    return static_cast<std::uint32_t>(2 * hosts() + leaves * spines + leaf * spines + spine);
  }

  /// Over all spines, or over one of them.
  PacketNetwork::PathSet add_paths(PacketNetwork& network, int from, int to, int spine = -1) const {
    std::vector<std::uint32_t> there;
    std::vector<std::uint32_t> back;
    const int here = from / hosts_a_leaf;
    const int far = to / hosts_a_leaf;
    if (here == far) {
      there = {up(from), down(to)};
      back = {up(to), down(from)};
      return network.add_paths(there, 2, back, 2);
    }
    for (int s = spine < 0 ? 0 : spine; s < (spine < 0 ? spines : spine + 1); ++s) {
      there.insert(there.end(), {up(from), to_spine(here, s), from_spine(s, far), down(to)});
      back.insert(back.end(), {up(to), to_spine(far, s), from_spine(s, here), down(from)});
    }
    return network.add_paths(there, 4, back, 4);
  }
};

}  // namespace mixnet
