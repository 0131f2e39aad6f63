#include "client/region_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/suggest.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostListed = 24;

}  // namespace

RegionNames::RegionNames(const v1::RegionDescription& region)
    : optical_nics_(region.optical_nics()) {
  for (const v1::ServerDescription& server : region.servers()) {
    numbers_.emplace(server.name(), servers());
    servers_.push_back(server.name());
    for (const v1::OpticalNic& nic : server.optical()) {
      nics_.emplace(nic.port(), Nic{nic.position(), nic.interface()});
      ports_.emplace(nic.position(), nic.port());
    }
  }
}

int RegionNames::server(const std::string& name, std::string_view input) const {
  const auto found = numbers_.find(name);
  if (found != numbers_.end()) return found->second;
  std::string remedy = suggest(name, servers_);
  if (servers_.size() > kMostListed) {
    remedy.resize(remedy.find("known: "));
    if (remedy.empty()) remedy = "'mixnet ctl status' lists them";
  }
  throw Error(input, fmt::format("there is no server '{}'", shown(name)), trimmed(remedy));
}

std::string RegionNames::server_name(int server) const {
  if (server >= 0 && server < servers()) return servers_[server];
  return fmt::format("server {}", server);
}

const RegionNames::Nic* RegionNames::nic(int port) const {
  const auto found = nics_.find(port);
  return found == nics_.end() ? nullptr : &found->second;
}

std::string RegionNames::port_name(int port) const {
  const Nic* found = nic(port);
  if (found == nullptr || optical_nics_ <= 0) return fmt::format("port {}", port);
  return fmt::format("{}:{}", server_name(port / optical_nics_), found->interface);
}

int RegionNames::position(int port) const {
  const Nic* found = nic(port);
  return found == nullptr ? 0 : found->position;
}

int RegionNames::port_at(int position, std::string_view input) const {
  const auto found = ports_.find(position);
  if (found != ports_.end()) return found->second;
  throw Error(input, fmt::format("no NIC of the region is at position {}", position),
              "'mixnet ctl topology' shows positions");
}

}  // namespace mixnet
