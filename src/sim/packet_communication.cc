#include "sim/packet_communication.h"

#include <algorithm>
#include <utility>

#include "base/random.h"

namespace mixnet {
namespace {

std::vector<Bandwidth> reference_rates(const std::vector<double>& nic_rates) {
  std::vector<Bandwidth> rates;
  rates.reserve(nic_rates.size());
  for (const double rate : nic_rates) {
    rates.push_back({static_cast<std::int64_t>(
        rate * static_cast<double>(kReferenceRate.bits_per_second))});
  }
  return rates;
}

PhaseTime longer(PhaseTime a, PhaseTime b) {
  return {std::max(a.transfer, b.transfer), std::max(a.delay, b.delay)};
}

}  // namespace

PacketCommunication::PacketCommunication(PacketFabric fabric, EpNics ep_nics, int flows_per_pair,
                                         int gpus_per_server)
    : fabric_(std::move(fabric)),
      ep_nics_(ep_nics),
      flows_per_pair_(fabric_.path_policy() == PathPolicy::kEcmp ? flows_per_pair : 1),
      gpus_per_server_(gpus_per_server),
      network_(reference_rates(fabric_.link_rates())) {}

void PacketCommunication::add_flow(int from_nic, int to_nic, Bytes bytes) {
  if (bytes.count <= 0) return;
  longest_path_ = std::max(longest_path_, fabric_.hops(from_nic, to_nic));
  for (int part = 0; part < flows_per_pair_; ++part) {
    path_.clear();
    fabric_.append_path(from_nic, to_nic, derive_seed(from_nic, to_nic, part), path_);
    const std::int64_t share = bytes.count / flows_per_pair_ +
                               (part < bytes.count % flows_per_pair_ ? 1 : 0);
    network_.add_flow(path_, {share});
  }
}

PhaseTime PacketCommunication::finish() {
  const PhaseTime time = {network_.run(), kLinkDelay * longest_path_};
  network_.clear();
  longest_path_ = 0;
  return time;
}

bool PacketCommunication::rails_are_apart() const {
  // Sprayed and 1:1, the fabric's only links are the NICs' own.
  return fabric_.uniform() &&
         fabric_.link_rates().size() == 2 * static_cast<std::size_t>(fabric_.nics());
}

ExchangeTimes PacketCommunication::exchange(int first_server, const RegionDemand& demand) {
  if (demand.servers < 2) return {};
  const bool own = ep_nics_ == EpNics::kOwn;
  const PhaseTime dispatch = own ? own_nic_exchange(first_server, demand, false)
                                 : rail_exchange(first_server, demand, false);
  const PhaseTime combine = own ? own_nic_exchange(first_server, demand, true)
                                : rail_exchange(first_server, demand, true);
  return {dispatch, combine, dispatch.transfer + combine.transfer};
}

PhaseTime PacketCommunication::rail_exchange(int first_server, const RegionDemand& demand,
                                             bool transposed) {
  const int nics = fabric_.nics_per_server();
  PhaseTime slowest;
  for (int rail = 0; rail < demand.rail_classes; ++rail) {
    const int width = rails_are_apart() ? 1 : demand.rail_width;
    for (int gpu = rail * demand.rail_width; gpu < rail * demand.rail_width + width; ++gpu) {
      const int nic = gpu * nics / gpus_per_server_;
      for (int s = 0; s < demand.servers; ++s) {
        for (int t = 0; t < demand.servers; ++t) {
          if (s == t) continue;
          add_flow((first_server + s) * nics + nic, (first_server + t) * nics + nic,
                   {transposed ? demand.out[rail](t, s) : demand.out[rail](s, t)});
        }
      }
    }
    if (rails_are_apart()) slowest = longer(slowest, finish());
  }
  return rails_are_apart() ? slowest : finish();
}

PhaseTime PacketCommunication::own_nic_exchange(int first_server, const RegionDemand& demand,
                                                bool transposed) {
  const int nics = fabric_.nics_per_server();
  const int ranks = static_cast<int>(demand.rank_bytes.rows());
  const int tp = demand.servers * gpus_per_server_ / ranks;
  const auto nic_of = [&](int gpu) {
    const int server = first_server + gpu / gpus_per_server_;
    return server * nics + gpu % gpus_per_server_ * nics / gpus_per_server_;
  };
  for (int from = 0; from < ranks; ++from) {
    for (int to = 0; to < ranks; ++to) {
      const std::int64_t bytes =
          (transposed ? demand.rank_bytes(to, from) : demand.rank_bytes(from, to)) / tp;
      for (int t = 0; t < tp; ++t) {
        const int sender = from * tp + t;
        const int receiver = to * tp + t;
        if (sender / gpus_per_server_ == receiver / gpus_per_server_) continue;
        add_flow(nic_of(sender), nic_of(receiver), {bytes});
      }
    }
  }
  return finish();
}

PhaseTime PacketCommunication::server_exchange(int first_server,
                                               const Matrix<std::int64_t>& bytes) {
  const int nics = fabric_.nics_per_server();
  const int servers = static_cast<int>(bytes.rows());
  const int told = rails_are_apart() ? 1 : nics;
  for (int nic = 0; nic < told; ++nic) {
    for (int s = 0; s < servers; ++s) {
      for (int t = 0; t < servers; ++t) {
        if (s == t) continue;
        add_flow((first_server + s) * nics + nic, (first_server + t) * nics + nic,
                 {(bytes(s, t) + nics - 1) / nics});
      }
    }
  }
  return finish();
}

PhaseTime PacketCommunication::send(int from, int to, int count, Bytes bytes_per_gpu) {
  const int nics = fabric_.nics_per_server();
  const Bytes bytes_per_nic = {bytes_per_gpu.count * gpus_per_server_ / nics};
  for (int server = 0; server < count; ++server) {
    for (int nic = 0; nic < nics; ++nic) {
      add_flow((from + server) * nics + nic, (to + server) * nics + nic, bytes_per_nic);
    }
  }
  return finish();
}

PhaseTime PacketCommunication::all_reduce(std::span<const std::vector<int>> groups,
                                          Bytes bytes_per_server) {
  const int nics = fabric_.nics_per_server();
  std::int64_t steps = 0;
  for (const std::vector<int>& group : groups) {
    const auto n = static_cast<std::int64_t>(group.size());
    if (n < 2) continue;
    steps = std::max(steps, 2 * (n - 1));
    const Bytes each = {bytes_per_server.count / nics * 2 * (n - 1) / n};
    for (std::size_t i = 0; i < group.size(); ++i) {
      for (int nic = 0; nic < nics; ++nic) {
        add_flow(group[i] * nics + nic, group[(i + 1) % group.size()] * nics + nic, each);
      }
    }
  }
  PhaseTime time = finish();
  time.delay = time.delay * steps;
  return time;
}

}  // namespace mixnet
