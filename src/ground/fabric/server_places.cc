#include "fabric/server_places.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace mixnet {

bool PlacedServers::is_whole(int first_server, int servers) const {
  if (are_usual()) return true;
  const auto at = places_.nics.lower_bound(first_server);
  return (at == places_.nics.end() || at->first >= first_server + servers) &&
         !places_.extra.contains(first_server);
}

int PlacedServers::working_nics(int server) const {
  const auto place = places_.nics.find(server);
  if (place == places_.nics.end()) return usual_;
  return static_cast<int>(std::ranges::count_if(place->second, [](int nic) { return nic >= 0; }));
}

bool PlacedServers::has_usual_number(int server) const {
  const auto place = places_.nics.find(server);
  return place == places_.nics.end() || static_cast<int>(place->second.size()) == usual_;
}

/// Of a server with the usual number of NICs.
int PlacedServers::nic_at(int server, int nic) const {
  const auto place = places_.nics.find(server);
  return place == places_.nics.end() ? server * usual_ + nic : place->second[nic];
}

/// The NICs that do the work of place `nic` of a server, with each one's share of it.
void PlacedServers::find_shares(int server, int nic, std::vector<Share>& shares) const {
  shares.clear();
  const auto place = places_.nics.find(server);
  if (place == places_.nics.end()) {
    shares.push_back({server * usual_ + nic, 1});
    return;
  }
  const std::vector<int>& nics = place->second;
  const bool all = has_usual_number(server);
  if (all && nics[nic] >= 0) {
    shares.push_back({nics[nic], 1});
    return;
  }
  const int works = working_nics(server);
  if (works == 0) {
    throw Error("--fail", fmt::format("server {} has no NIC left to reach the others by", server),
                "leave it one, or fail the server");
  }
  // As many as usual: all that work. Else place `nic` is [nic, nic + 1) of the line [0, usual),
  // and the i-th NIC that works is [i, i + 1) * usual / works.
  int i = 0;
  for (const int one : nics) {
    if (one < 0) continue;
    const int from = std::max(nic * works, i * usual_);
    const int to = std::min((nic + 1) * works, (i + 1) * usual_);
    if (all) shares.push_back({one, 1});
    if (!all && to > from) shares.push_back({one, to - from});
    ++i;
  }
}

std::span<const NicFlow> PlacedServers::deal_around(int from, int from_nic, int to, int to_nic,
                                                    Bytes bytes) {
  flows_.clear();
  if (!places_.nics.contains(from) && !places_.nics.contains(to)) {
    flows_.push_back({from * usual_ + from_nic, to * usual_ + to_nic, bytes});
    return flows_;
  }
  find_shares(from, from_nic, from_shares_);
  find_shares(to, to_nic, to_shares_);
  const bool several = from_shares_.size() > 1 || to_shares_.size() > 1;
  const bool one_rail = from_nic == to_nic && has_usual_number(from) && has_usual_number(to);
  if (!(one_rail && several && deal_along_rails(from, to, bytes))) deal_by_shares(bytes);
  return flows_;
}

/// Over the rails that work at both ends; false where there is none.
bool PlacedServers::deal_along_rails(int from, int to, Bytes bytes) {
  std::vector<int> rails;
  for (int nic = 0; nic < usual_; ++nic) {
    if (nic_at(from, nic) >= 0 && nic_at(to, nic) >= 0) rails.push_back(nic);
  }
  const auto count = static_cast<std::int64_t>(rails.size());
  for (std::int64_t i = 0; i < count; ++i) {
    flows_.push_back({nic_at(from, rails[i]),
                      nic_at(to, rails[i]),
                      {bytes.count / count + (i < bytes.count % count ? 1 : 0)}});
  }
  return count > 0;
}

/// From each of from_shares_ to each of to_shares_.
void PlacedServers::deal_by_shares(Bytes bytes) {
  std::int64_t from_parts = 0;
  std::int64_t to_parts = 0;
  for (const Share& share : from_shares_) from_parts += share.parts;
  for (const Share& share : to_shares_) to_parts += share.parts;
  const auto all = static_cast<double>(from_parts * to_parts);
  std::int64_t parts = 0;
  std::int64_t given = 0;
  for (const Share& here : from_shares_) {
    for (const Share& there : to_shares_) {
      parts += here.parts * there.parts;
      const std::int64_t upto = parts == from_parts * to_parts
                                    ? bytes.count
                                    : static_cast<std::int64_t>(static_cast<double>(bytes.count) *
                                                                (static_cast<double>(parts) / all));
      flows_.push_back({here.nic, there.nic, {upto - given}});
      given = upto;
    }
  }
}

}  // namespace mixnet
