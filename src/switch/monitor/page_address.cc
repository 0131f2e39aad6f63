#include "page_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/names.h"
#include "base/text_fields.h"

namespace mixnet {
namespace {

// An IPv4 address is a.b.c.d of ::ffff:0:0/96, so that all are of one kind.
using Address = std::array<std::uint8_t, 16>;
constexpr std::size_t kMappedBytes = 12;

std::optional<Address> address_in(std::string_view text, bool* is_four = nullptr) {
  const std::string word(text);
  Address address{};
  if (::inet_pton(AF_INET, word.c_str(), address.data() + kMappedBytes) == 1) {
    address[10] = address[11] = 0xff;
    if (is_four != nullptr) *is_four = true;
    return address;
  }
  if (::inet_pton(AF_INET6, word.c_str(), address.data()) == 1) return address;
  return std::nullopt;
}

bool same_bits(const Address& a, const Address& b, int bits) {
  const int whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  const int rest = bits % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

}  // namespace

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
  static const std::string kPrefixes[] = {"127.0.0.0/8", "::1"};
  return is_among(host, kPrefixes);
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

bool is_among(std::string_view address, std::span<const std::string> prefixes) {
  const std::optional<Address> mine = address_in(address);
  if (!mine) return false;
  return std::ranges::any_of(prefixes, [&](const std::string& prefix) {
    const std::size_t slash = prefix.find('/');
    bool is_four = false;
    const auto base = address_in(std::string_view(prefix).substr(0, slash), &is_four);
    if (!base) return false;
    int bits = 128;
    if (slash != std::string::npos) {
      const auto given = number_in<int>(std::string_view(prefix).substr(slash + 1));
      if (!given || *given < 0 || *given > (is_four ? 32 : 128)) return false;
      bits = *given + (is_four ? 96 : 0);
    }
    return same_bits(*mine, *base, bits);
  });
}

}  // namespace mixnet
