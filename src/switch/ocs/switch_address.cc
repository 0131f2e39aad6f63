#include "ocs/switch_address.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

constexpr std::string_view kForm =
    "as in tl1://user:password@10.0.0.5:3082, scpi://10.0.0.5 or gnmi+tls://10.0.0.5?ca=ca.pem";
constexpr int kMostPort = 65'535;
constexpr int kMostPositions = 2'048;

int default_port(SwitchProtocol protocol) {
  switch (protocol) {
    case SwitchProtocol::kTl1:
      return 3082;
    case SwitchProtocol::kScpi:
      return 5025;
    case SwitchProtocol::kGnmi:
      return 8080;
  }
  return 0;
}

std::string_view default_user(SwitchProtocol protocol) {
  if (protocol == SwitchProtocol::kScpi) return "";
  return protocol == SwitchProtocol::kTl1 ? "root" : "admin";
}

/// Cuts what is before `mark` off `text`; nothing, where there is no mark.
std::optional<std::string_view> take_before(std::string_view& text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at + mark.size());
  return before;
}

/// %XX of a user or password, so that it may hold '@' and '/'.
std::string unescaped(std::string_view text, std::string_view input) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    unsigned value = 0;
    const auto [end, code] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || code != std::errc{} || end != digits.data() + 2) {
      throw Error(input, "a '%' in the user or password is not followed by two hex digits",
                  "write a '%' itself as %25");
    }
    plain += static_cast<char>(value);
    i += 2;
  }
  return plain;
}

void read_user(SwitchAddress& address, std::string_view user, std::string_view input) {
  std::string_view rest = user;
  const auto name = take_before(rest, ":");
  address.user = unescaped(name.value_or(rest), input);
  address.password = name ? unescaped(rest, input) : address.user;
}

void read_host(SwitchAddress& address, std::string_view host, std::string_view input) {
  std::string_view port;
  if (host.starts_with('[')) {
    host.remove_prefix(1);
    port = host;
    const auto inside = take_before(port, "]");
    if (!inside) throw Error(input, "an IPv6 address is not closed by ']'", kForm);
    host = *inside;
    if (!port.empty() && !port.starts_with(':')) {
      throw Error(input, fmt::format("'{}' follows the address", shown(port)), kForm);
    }
    if (port.starts_with(':')) port.remove_prefix(1);
  } else {
    port = host;
    if (const auto before = take_before(port, ":")) {
      host = *before;
    } else {
      port = {};
    }
  }
  if (host.empty()) throw Error(input, "no host is named", kForm);
  for (const char c : host) {
    const bool plain = std::string_view("-._:%").find(c) != std::string_view::npos ||
                       (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain) throw Error(input, fmt::format("'{}' is no host", shown(host)), kForm);
  }
  address.host = std::string(host);
  if (port.empty()) return;
  const auto number = number_in<int>(port);
  if (!number || *number < 1 || *number > kMostPort) {
    throw Error(input, fmt::format("'{}' is no TCP port", shown(port)), "1 to 65535");
  }
  address.port = *number;
}

void read_setting(SwitchAddress& address, std::string_view setting, std::string_view input) {
  std::string_view value = setting;
  const auto name = take_before(value, "=");
  if (!name || value.empty()) {
    throw Error(input, fmt::format("'{}' is not KEY=VALUE", shown(setting)), kForm);
  }
  const std::string place = fmt::format("{} ({})", input, *name);
  if (*name == "sides") {
    address.sides = parse<Sides>(value, place);
  } else if (*name == "ports") {
    const auto number = number_in<int>(value);
    if (!number || *number < 2 || *number > kMostPositions) {
      throw Error(place, fmt::format("'{}' is no number of ports", shown(value)),
                  fmt::format("2 to {}", kMostPositions));
    }
    address.ports = *number;
  } else if (*name == "bypass") {
    if (value != "yes" && value != "no") throw Error(place, "it is neither", "yes or no");
    address.bypass = value == "yes";
  } else if (std::string* text = *name == "dialect"  ? &address.dialect
                                 : *name == "ca"     ? &address.ca
                                 : *name == "cert"   ? &address.cert
                                 : *name == "key"    ? &address.key
                                 : *name == "target" ? &address.target
                                                     : nullptr) {
    *text = std::string(value);
  } else {
    throw Error(input, fmt::format("'{}' is no setting of a switch", shown(*name)),
                "sides, ports, dialect, ca, cert, key, bypass, target");
  }
}

}  // namespace

std::string SwitchAddress::shown() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}://{}{}{}:{}", to_string(protocol), tls ? "+tls" : "", is_ipv6 ? "[" : "",
                     host, is_ipv6 ? "]" : "", port);
}

SwitchAddress parse_switch_address(std::string_view text, std::string_view input) {
  std::string_view rest = trimmed(text);
  const auto scheme = take_before(rest, "://");
  if (!scheme) throw Error(input, "it is no address of a switch", kForm);
  SwitchAddress address;
  std::string_view protocol = *scheme;
  if (protocol.ends_with("+tls")) {
    address.tls = true;
    protocol.remove_suffix(4);
  }
  address.protocol = parse<SwitchProtocol>(protocol, input);
  if (address.tls && address.protocol != SwitchProtocol::kGnmi) {
    throw Error(input, fmt::format("{} has no TLS", protocol), "gnmi+tls, or no +tls");
  }
  address.port = default_port(address.protocol);
  address.user = address.password = std::string(default_user(address.protocol));

  std::string_view settings = rest;
  if (const auto before = take_before(settings, "?")) {
    rest = *before;
  } else {
    settings = {};
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    read_user(address, rest.substr(0, at), input);
    rest.remove_prefix(at + 1);
  }
  read_host(address, rest, input);
  while (!settings.empty()) {
    const auto setting = take_before(settings, "&");
    read_setting(address, setting.value_or(settings), input);
    if (!setting) break;
  }
  if (!address.tls && !(address.ca + address.cert + address.key).empty()) {
    throw Error(input, "it names a certificate without TLS", "gnmi+tls://");
  }
  if (address.cert.empty() != address.key.empty()) {
    throw Error(input, "a certificate and its key go together", "cert=FILE&key=FILE");
  }
  return address;
}

}  // namespace mixnet
