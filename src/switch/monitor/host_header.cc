#include "host_header.h"

#include <optional>

#include "base/names.h"
#include "service/address_prefix.h"

namespace mixnet {

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
  if (same_word(host, "localhost")) return true;
  const std::optional<IpAddress> address = parse_ip(host);
  return address && address->is_loopback();
}

}  // namespace mixnet
