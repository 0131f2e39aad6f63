#include <fmt/format.h>

#include "base/text_fields.h"
#include "client/region_client.h"

namespace mixnet {
namespace {

constexpr std::string_view kForm = "HOST, HOST:PORT or [IPv6]:PORT";

}  // namespace

std::string ControllerAddress::shown() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port);
}

bool ControllerAddress::is_loopback() const {
  const bool is_number = host.find_first_not_of("0123456789.") == std::string::npos;
  return host == "localhost" || host == "::1" || (is_number && host.starts_with("127."));
}

ControllerAddress parse_controller_address(std::string_view text, std::string_view input) {
  ControllerAddress address;
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == host.npos) throw Error(input, fmt::format("'{}' lacks a ]", shown(text)), kForm);
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    has_port = !port.empty();
    if (has_port && !port.starts_with(':')) {
      throw Error(input, fmt::format("'{}' follows the address", shown(port)), kForm);
    }
    if (has_port) port.remove_prefix(1);
  } else if (const std::size_t colon = host.find(':');
             colon != host.npos && host.find(':', colon + 1) == host.npos) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
    has_port = true;
  }
  const bool is_host =
      !host.empty() && host.find_first_of("/@?#%[] \t\r\n,") == host.npos && host.size() < 256;
  if (!is_host) throw Error(input, fmt::format("'{}' names no host", shown(text)), kForm);
  address.host = host;
  if (has_port) {
    const auto number = number_in<int>(port);
    if (!number || *number < 1 || *number > 65535) {
      throw Error(input, fmt::format("'{}' is no TCP port", shown(port)), "1 to 65535");
    }
    address.port = *number;
  }
  return address;
}

}  // namespace mixnet
