// Addresses of peers, and prefixes of them: which machines may connect at all.
//
//   parse_prefix("10.0.0.0/8")   parse_prefix("fd00::/8")   parse_prefix("10.1.2.3")
//
// An IPv4 address is kept as the IPv6 address ::ffff:a.b.c.d, which is how it comes where a socket
// takes both; a prefix of IPv6 that is shorter than that mapping (/96) means IPv6 alone. Scopes
// ("%eth0") are left out: a prefix has none. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mixnet {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  bool is_v4() const;
  bool is_loopback() const;
  /// "10.0.0.5", "fd00::1".
  std::string shown() const;
  /// What one host cannot have many of: an IPv4 address, or an IPv6 network of /64.
  IpAddress network() const;
  auto operator<=>(const IpAddress&) const = default;
};

/// Without brackets. Nothing: no address.
std::optional<IpAddress> parse_ip(std::string_view text);
/// gRPC's name of a peer: "ipv4:1.2.3.4:5", "ipv6:%5Bfe80::1%25eth0%5D:5". Nothing: another kind
/// ("unix:/run/x"), or nonsense.
std::optional<IpAddress> address_of_peer(std::string_view peer);

struct AddressPrefix {
  IpAddress address;
  int bits = 128;  ///< of the IPv6 form

  bool contains(const IpAddress& other) const;
  bool operator==(const AddressPrefix&) const = default;
};

/// `input` names the file in errors. Throws Error: for bits that are set beyond the prefix as well.
AddressPrefix parse_prefix(std::string_view text, std::string_view input);

/// 127.0.0.0/8 and ::1.
std::vector<AddressPrefix> loopback_prefixes();
bool is_among(const IpAddress& address, const std::vector<AddressPrefix>& prefixes);

}  // namespace mixnet
