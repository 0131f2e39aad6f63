#include "page_address.h"

#include <fmt/format.h>

#include <optional>

#include "base/error.h"
#include "base/names.h"
#include "base/text_fields.h"
#include "service/address_prefix.h"

namespace mixnet {
PageAddress parse_page_address(std::string_view text, std::string_view input) {
  const auto wrong = [&] {
    return Error(input, fmt::format("'{}' is no address to listen at", shown(text)),
                 "HOST:PORT, as 127.0.0.1:7412 or [::1]:7412");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) throw wrong();
  std::string_view host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    throw wrong();
  }
  const auto port = number_in<int>(text.substr(colon + 1));
  if (host.empty() || !port || *port < 0 || *port > 65'535) throw wrong();
  return {std::string(host), *port};
}

bool is_loopback(std::string_view host) {
  if (same_word(host, "localhost")) return true;
  const std::optional<IpAddress> address = parse_ip(host);
  return address && address->is_loopback();
}

bool host_header_is_loopback(std::string_view header) {
  std::string_view host = header;
  if (!host.empty() && host.front() == '[') {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return false;
    const std::string_view rest = host.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return false;
    host = host.substr(1, end - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  return is_loopback(host);
}

}  // namespace mixnet
