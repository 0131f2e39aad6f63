#include "certificates/certificate_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace mixnet {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// "gpu-0.pod-7.example": labels of letters, digits and dashes, as RFC 1123 has them.
bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  while (true) {
    const std::string_view label = name.substr(0, name.find('.'));
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') {
      return false;
    }
    if (!std::ranges::all_of(label, [](char c) { return is_letter_or_digit(c) || c == '-'; })) {
      return false;
    }
    if (label.size() == name.size()) break;
    name.remove_prefix(label.size() + 1);
  }
  // "10.0.0.300" is an address that is none, and no name.
  return !std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
}

void add(GENERAL_NAMES* names, int kind, ASN1_STRING* value) {
  GENERAL_NAME* const name = value == nullptr ? nullptr : GENERAL_NAME_new();
  if (name == nullptr) {
    ASN1_STRING_free(value);
    refuse_by_openssl("certificate", "cannot be made", "");
  }
  GENERAL_NAME_set0_value(name, kind, value);
  if (sk_GENERAL_NAME_push(names, name) > 0) return;
  GENERAL_NAME_free(name);
  refuse_by_openssl("certificate", "cannot be made", "");
}

void add_text(GENERAL_NAMES* names, int kind, std::string_view text) {
  ASN1_STRING* const value = ASN1_IA5STRING_new();
  if (value != nullptr) ASN1_STRING_set(value, text.data(), static_cast<int>(text.size()));
  add(names, kind, value);
}

AlternativeNames no_names() {
  AlternativeNames names(GENERAL_NAMES_new());
  if (names == nullptr) refuse_by_openssl("certificate", "cannot be made", "");
  return names;
}

bool is_role(std::string_view role) {
  constexpr std::string_view kTrainer = "trainer/";
  if (role == "viewer" || role == "operator") return true;
  if (!role.starts_with(kTrainer)) return false;
  const std::string_view digits = role.substr(kTrainer.size());
  int tenant = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), tenant);
  return code == std::errc() && end == digits.data() + digits.size() && tenant > 0 &&
         digits.front() != '0';
}

}  // namespace

void check_certificate_name(std::string_view name, std::string_view input) {
  const bool is_plain = std::ranges::all_of(
      name, [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_'; });
  if (name.empty() || name.size() > 64 || !is_plain || name.front() == '.' || name.front() == '-') {
    throw Error(input, fmt::format("'{}' cannot be the name of a file and a certificate", name),
                "give up to 64 letters, digits, dots, dashes and underlines, such as job-17");
  }
  if (name == "ca") throw Error(input, "'ca' is the authority's own", "give another name");
}

AlternativeNames host_names(const std::vector<std::string>& hosts) {
  if (hosts.empty()) throw Error("--host", "is missing", "give the daemon's name or address");
  AlternativeNames names = no_names();
  for (const std::string& host : hosts) {
    // A text with a NUL would be read up to it.
    const bool is_text = host.find('\0') == std::string::npos;
    if (ASN1_OCTET_STRING* const address = is_text ? a2i_IPADDRESS(host.c_str()) : nullptr) {
      add(names.get(), GEN_IPADD, address);
    } else if (is_dns_name(host)) {
      add_text(names.get(), GEN_DNS, host);
    } else {
      throw Error("--host", fmt::format("'{}' is neither a name nor an address", host),
                  "give such as pod-7.example, 10.0.0.7 or fd00::7");
    }
  }
  return names;
}

AlternativeNames role_name(std::string_view role) {
  if (!is_role(role)) {
    throw Error("--role", fmt::format("'{}' is no role", role),
                "give viewer, operator, or trainer with the --tenant that it may speak for");
  }
  AlternativeNames names = no_names();
  add_text(names.get(), GEN_URI, fmt::format("mixnet:{}", role));
  return names;
}

}  // namespace mixnet
