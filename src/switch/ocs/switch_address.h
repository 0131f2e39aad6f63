// Where a switch is and how to speak to it, as flags and region files write it:
//
//   tl1://user:password@10.0.0.5:3082        scpi://10.0.0.5:5025
//   gnmi://user:password@10.0.0.5:8080       gnmi+tls://10.0.0.5:8080?ca=ca.pem
//
// A host may be a name, an IPv4 address, or an IPv6 address in brackets. Left out: the user and
// password as devices ship (TL1 root/root, gNMI admin/admin), the port above. What follows `?`,
// joined by `&`:
//   sides=one|two  of a device that does not tell    ports=N   likewise, positions
//   dialect=polatis|FILE   of TL1                    ca=FILE, cert=FILE, key=FILE   of TLS
//   bypass=yes   SONiC: commit unvalidated           target=NAME   gNMI: the prefix's target
// A password never appears in an error or in shown().
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/names.h"
#include "ocs/optical_switch.h"

namespace mixnet {

enum class SwitchProtocol { kTl1, kScpi, kGnmi };
template <>
struct Names<SwitchProtocol> {
  static constexpr std::string_view kWhat = "protocol of a switch";
  static constexpr NamedValue<SwitchProtocol> kTable[] = {{"tl1", SwitchProtocol::kTl1},
                                                          {"scpi", SwitchProtocol::kScpi},
                                                          {"gnmi", SwitchProtocol::kGnmi}};
};

struct SwitchAddress {
  SwitchProtocol protocol = SwitchProtocol::kTl1;
  bool tls = false;
  std::string host;
  int port = 0;
  std::string user;
  std::string password;
  std::optional<Sides> sides;
  int ports = 0;  ///< 0: the device tells
  std::string dialect = "polatis";
  std::string ca, cert, key;  ///< files; empty: the system's roots, no certificate of ours
  bool bypass = false;
  std::string target;

  /// "tl1://10.0.0.5:3082": for people.
  std::string shown() const;
};

/// `input` names the flag or file for the error. Throws Error.
SwitchAddress parse_switch_address(std::string_view text, std::string_view input);

}  // namespace mixnet
