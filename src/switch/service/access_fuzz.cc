// Any bytes as what a certificate, gRPC or a file says of a peer: URIs, a name, a peer's address, a
// prefix. No crash; what is shown is one printable line.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "service/access.h"
#include "service/address_prefix.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mixnet;
  std::vector<std::string> lines(1);
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += static_cast<char>(data[i]);
    }
  }
  const Caller caller = caller_of_certificate(lines, lines.front(), lines.back());
  for (const char c : caller.who) {
    if (c < 0x20 || c > 0x7e) std::abort();
  }
  for (const MethodRule& rule : method_rules()) {
    if (caller.role == Role::kNone && refuse_method(caller, rule.method).empty()) std::abort();
  }
  for (const int tenant : caller.tenants) {
    if (tenant < 1 || !refuse_tenant(caller, tenant).empty()) std::abort();
  }
  for (const std::string& line : lines) {
    const auto peer = address_of_peer(line);
    if (peer && parse_ip(peer->shown()) != peer) std::abort();
    try {
      const AddressPrefix prefix = parse_prefix(line, "fuzz");
      if (!prefix.contains(prefix.address)) std::abort();
    } catch (const Error&) {
    }
  }
  return 0;
}
