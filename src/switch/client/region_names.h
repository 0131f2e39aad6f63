// Names for the numbers of a region's API, and back: servers, ports, positions of the switch.
//
// Made from what GetRegion says, whatever that is: a number without a name gets one ("server 9").
// Immutable; lookups are O(1), but for a wrong name O(servers).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "region.pb.h"

namespace mixnet {

class RegionNames {
 public:
  explicit RegionNames(const v1::RegionDescription& region);

  int servers() const { return static_cast<int>(servers_.size()); }
  /// By its name. `input` names the flag. Throws Error with a suggestion.
  int server(const std::string& name, std::string_view input) const;
  std::string server_name(int server) const;

  int port(int server, int nic) const { return server * optical_nics_ + nic; }
  int server_of(int port) const { return optical_nics_ > 0 ? port / optical_nics_ : -1; }
  /// "gpu-0:eth2".
  std::string port_name(int port) const;
  /// Of the switch; 0: the port has none.
  int position(int port) const;
  /// By its position. `input` names the flag. Throws Error.
  int port_at(int position, std::string_view input) const;

 private:
  struct Nic {
    int position = 0;
    std::string interface;
  };
  const Nic* nic(int port) const;

  int optical_nics_ = 0;
  std::vector<std::string> servers_;
  std::unordered_map<std::string, int> numbers_;
  std::unordered_map<int, Nic> nics_;
  std::unordered_map<int, int> ports_;  ///< by position
};

}  // namespace mixnet
