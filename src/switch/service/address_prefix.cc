#include "service/address_prefix.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kMappedBits = 96;
constexpr std::size_t kMostText = 64;

/// Clears what lies beyond the first `bits`.
IpAddress cut(IpAddress address, int bits) {
  for (int i = 0; i < 16; ++i) {
    const int kept = std::clamp(bits - 8 * i, 0, 8);
    address.bytes[i] = static_cast<std::uint8_t>(address.bytes[i] & (0xff00 >> kept));
  }
  return address;
}

std::optional<int> parse_bits(std::string_view text) {
  int bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size() || bits < 0) return {};
  return bits;
}

std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, code, 16);
      if (error == std::errc() && end == text.data() + i + 3) {
        plain += static_cast<char>(code);
        i += 2;
        continue;
      }
    }
    plain += text[i];
  }
  return plain;
}

}  // namespace

bool IpAddress::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes.begin()); }

bool IpAddress::is_loopback() const { return is_among(*this, loopback_prefixes()); }

std::string IpAddress::shown() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_v4()) {
    ::inet_ntop(AF_INET, bytes.data() + kMapped.size(), text, sizeof text);
  } else {
    ::inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  }
  return text;
}

IpAddress IpAddress::network() const { return is_v4() ? *this : cut(*this, 64); }

std::optional<IpAddress> parse_ip(std::string_view text) {
  text = text.substr(0, text.find('%'));  // a scope
  if (text.size() > kMostText || text.find('\0') != std::string_view::npos) return {};
  const std::string terminated(text);
  IpAddress address;
  if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) return address;
  std::ranges::copy(kMapped, address.bytes.begin());
  if (::inet_pton(AF_INET, terminated.c_str(), address.bytes.data() + kMapped.size()) == 1) {
    return address;
  }
  return {};
}

std::optional<IpAddress> address_of_peer(std::string_view peer) {
  const bool is_v4 = peer.starts_with("ipv4:");
  if (!is_v4 && !peer.starts_with("ipv6:")) return {};
  std::string text = unescaped(peer.substr(5, kMostText * 3));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return {};
  text.resize(colon);
  if (is_v4) return parse_ip(text);
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return {};
  return parse_ip(std::string_view(text).substr(1, text.size() - 2));
}

bool AddressPrefix::contains(const IpAddress& other) const {
  if (bits < kMappedBits && other.is_v4()) return false;
  return cut(other, bits) == cut(address, bits);
}

AddressPrefix parse_prefix(std::string_view text, std::string_view input) {
  const std::size_t slash = text.find('/');
  const std::string shown(text.substr(0, kMostText));
  const auto address =
      text.find('%') == std::string_view::npos ? parse_ip(text.substr(0, slash)) : std::nullopt;
  if (!address) {
    throw Error(input, fmt::format("'{}' is no address prefix", shown),
                "write 10.0.0.0/8, fd00::/8 or one address");
  }
  AddressPrefix prefix{*address, 128};
  if (slash == std::string_view::npos) return prefix;
  // "::ffff:1.2.3.4" counts as IPv6 counts.
  const int offset = address->is_v4() && text.find(':') == std::string_view::npos ? kMappedBits : 0;
  const auto bits = parse_bits(text.substr(slash + 1));
  if (!bits || *bits > 128 - offset) {
    throw Error(input, fmt::format("'{}' has no length of a prefix", shown),
                fmt::format("write /0 to /{} after the address", 128 - offset));
  }
  prefix.bits = *bits + offset;
  if (const IpAddress kept = cut(*address, prefix.bits); kept != *address) {
    throw Error(input, fmt::format("'{}' has bits beyond its prefix", shown),
                fmt::format("write {}/{}", kept.shown(), *bits));
  }
  return prefix;
}

std::vector<AddressPrefix> loopback_prefixes() {
  return {parse_prefix("127.0.0.0/8", ""), parse_prefix("::1", "")};
}

bool is_among(const IpAddress& address, const std::vector<AddressPrefix>& prefixes) {
  return std::ranges::any_of(prefixes,
                             [&](const AddressPrefix& prefix) { return prefix.contains(address); });
}

}  // namespace mixnet
