// Which NICs do the work of a server, where failures have changed that.
//
// Server s usually has the NICs [s * n, (s + 1) * n) of a graph of n a server. ServerPlaces names
// the servers that have others: those that lost a NIC, and those for which a spare stands in. Bytes
// of a NIC that failed are dealt evenly to the NICs that work at both ends (else to all that work),
// so rails do not cross as long as one works at both ends.
//
// Not thread-safe (it keeps work space).
#pragma once

#include <map>
#include <span>
#include <utility>
#include <vector>

#include "base/units.h"

namespace mixnet {

struct ServerPlaces {
  /// NICs of the graph that a server has; -1 in place of one that failed. Others than usual in
  /// number are dealt evenly to the places of the usual ones.
  std::map<int, std::vector<int>> nics;
  /// By first server of a region: the server that belongs to it behind its own.
  std::map<int, int> extra;
  int region_servers = 0;
};

/// From one NIC of the graph to another.
struct NicFlow {
  int from = 0;
  int to = 0;
  Bytes bytes;
};

class PlacedServers {
 public:
  /// All are as usual.
  explicit PlacedServers(int nics_per_server) : usual_(nics_per_server) {}
  PlacedServers(int nics_per_server, ServerPlaces places)
      : usual_(nics_per_server), places_(std::move(places)) {}

  bool are_usual() const { return places_.nics.empty(); }
  /// Whether a region of `servers` is as usual.
  bool is_whole(int first_server, int servers) const;
  /// Member `s` of the region.
  int member(int first_server, int s) const {
    const bool is_extra = s > 0 && s == places_.region_servers;
    return is_extra ? places_.extra.at(first_server) : first_server + s;
  }
  /// NICs of a server that work.
  int working_nics(int server) const;

  /// What goes from NIC `from_nic` of a server to NIC `to_nic` of another, around what failed;
  /// valid until the next call. Throws Error when one of them has no NIC left. O(1) where both are
  /// as usual.
  std::span<const NicFlow> deal(int from, int from_nic, int to, int to_nic, Bytes bytes) {
    if (!are_usual()) return deal_around(from, from_nic, to, to_nic, bytes);
    usual_flow_ = {from * usual_ + from_nic, to * usual_ + to_nic, bytes};
    return {&usual_flow_, 1};
  }

 private:
  struct Share {
    int nic;
    std::int64_t parts;
  };
  std::span<const NicFlow> deal_around(int from, int from_nic, int to, int to_nic, Bytes bytes);
  bool has_usual_number(int server) const;
  int nic_at(int server, int nic) const;
  void find_shares(int server, int nic, std::vector<Share>& shares) const;
  bool deal_along_rails(int from, int to, Bytes bytes);
  void deal_by_shares(Bytes bytes);

  int usual_;
  ServerPlaces places_;
  NicFlow usual_flow_;
  std::vector<NicFlow> flows_;
  std::vector<Share> from_shares_, to_shares_;
};

}  // namespace mixnet
