#include "certificates/certificate.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>

#include <algorithm>

#include "base/error.h"
#include "base/text_file.h"
#include "certificates/openssl.h"

namespace mixnet {
namespace {

constexpr std::string_view kRoleUri = "mixnet:";

std::string common_name(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  const OpensslText owned(reinterpret_cast<char*>(text));
  return size <= 0 ? std::string() : std::string(owned.get(), static_cast<std::size_t>(size));
}

std::string_view view(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string address(std::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  if (bytes.size() == 4) ::inet_ntop(AF_INET, bytes.data(), text, sizeof text);
  if (bytes.size() == 16) ::inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

void read_alternative_names(const X509* certificate, CertificateFacts& facts) {
  const AlternativeNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) facts.hosts.emplace_back(view(name->d.dNSName));
    if (name->type == GEN_IPADD) facts.hosts.push_back(address(view(name->d.iPAddress)));
    if (name->type != GEN_URI) continue;
    const std::string_view uri = view(name->d.uniformResourceIdentifier);
    if (uri.starts_with(kRoleUri)) facts.role = uri.substr(kRoleUri.size());
  }
}

Instant moment(const ASN1_TIME* time, std::string_view input) {
  const std::unique_ptr<ASN1_TIME, FreedBy<ASN1_TIME_free>> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0, seconds = 0;
  if (epoch == nullptr || ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) {
    refuse_by_openssl(input, "has a time that cannot be read", "");
  }
  return Instant{} + Duration::days(days) + Duration::seconds(seconds);
}

std::string serial_of(const X509* certificate) {
  const std::unique_ptr<BIGNUM, FreedBy<BN_free>> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  const OpensslText text(number == nullptr ? nullptr : BN_bn2hex(number.get()));
  return text == nullptr ? std::string() : text.get();
}

}  // namespace

CertificateFacts describe_certificate(std::string_view pem, std::string_view input) {
  const Certificate certificate = parse_certificate(pem, input);
  CertificateFacts facts;
  facts.subject = common_name(X509_get_subject_name(certificate.get()));
  facts.issuer = common_name(X509_get_issuer_name(certificate.get()));
  facts.is_authority = X509_check_ca(certificate.get()) == 1;
  const std::uint32_t uses = X509_get_extended_key_usage(certificate.get());
  facts.is_server = !facts.is_authority && (uses & XKU_SSL_SERVER) != 0;
  facts.is_client = !facts.is_authority && (uses & XKU_SSL_CLIENT) != 0;
  read_alternative_names(certificate.get(), facts);
  facts.serial = serial_of(certificate.get());
  facts.begins = moment(X509_get0_notBefore(certificate.get()), input);
  facts.ends = moment(X509_get0_notAfter(certificate.get()), input);
  return facts;
}

CertificateFacts read_certificate(const std::filesystem::path& file, Env& env) {
  return describe_certificate(read_text_file(file, env), file.string());
}

void check_key(const std::filesystem::path& certificate, const std::filesystem::path& key,
               Env& env) {
  const Certificate ours =
      parse_certificate(read_text_file(certificate, env), certificate.string());
  const PrivateKey secret = parse_private_key(read_text_file(key, env), key.string());
  if (X509_check_private_key(ours.get(), secret.get()) == 1) return;
  ERR_clear_error();  // its reason says no more
  throw Error(key.string(), fmt::format("is not the key of {}", certificate.string()),
              "name both of one certificate");
}

std::string certificate_warning(const CertificateFacts& facts, Instant now) {
  if (now < facts.begins) return "is not valid yet: look at the clocks";
  if (now >= facts.ends) return "has ended: renew it";
  const Duration left = facts.ends - now;
  if (left >= std::min(Duration::days(30), (facts.ends - facts.begins) / 3)) return {};
  if (left < Duration::days(2)) {
    return fmt::format("ends in {} hours: renew it", left.ns / Duration::hours(1).ns);
  }
  return fmt::format("ends in {} days: renew it", left.ns / Duration::days(1).ns);
}

}  // namespace mixnet
