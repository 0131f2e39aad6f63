#include "tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <vector>

#include "base/error.h"
#include "service/access.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostPem = std::size_t{1} << 20;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Certificate = std::unique_ptr<X509, FreeX509>;

std::string last_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

std::vector<std::string> uris_of(X509& certificate) {
  std::vector<std::string> uris;
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                      static_cast<std::size_t>(ASN1_STRING_length(uri)));
  }
  GENERAL_NAMES_free(names);
  return uris;
}

std::string common_name_of(X509& certificate) {
  char name[65] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(&certificate), NID_commonName, name, sizeof name);
  return name;
}

}  // namespace

void FreeTls::operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
void FreeTls::operator()(SSL* session) const { SSL_free(session); }

TlsContext make_tls_context(const TlsFiles& files) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (!context) throw Error("TLS", last_reason());
  SSL_CTX* c = context.get();
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // No session outlasts its connection, so that a certificate is looked at each time.
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(c, 0);
  if (SSL_CTX_use_certificate_chain_file(c, files.cert.c_str()) != 1) {
    throw Error(files.cert, fmt::format("no certificate can be read ({})", last_reason()),
                "a certificate in PEM");
  }
  if (SSL_CTX_use_PrivateKey_file(c, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    throw Error(files.key, fmt::format("no key can be read ({})", last_reason()),
                "the key of the certificate, in PEM, without a password");
  }
  if (SSL_CTX_check_private_key(c) != 1) {
    throw Error(files.key, fmt::format("is not the key of {}", files.cert));
  }
  if (SSL_CTX_load_verify_locations(c, files.ca.c_str(), nullptr) != 1) {
    throw Error(files.ca, fmt::format("no certificate can be read ({})", last_reason()),
                "the CA's certificate in PEM");
  }
  // So that a browser knows which of its certificates to offer.
  SSL_CTX_set_client_CA_list(c, SSL_load_client_CA_file(files.ca.c_str()));
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

std::optional<Instant> certificate_end(const std::string& file, Env& env) {
  std::string text;
  if (env.read(file, kMostPem, text)) return std::nullopt;
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!certificate) return std::nullopt;
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) return std::nullopt;
  return Instant::unix_seconds(::timegm(&end));
}

TlsPeer tls_peer(SSL& session, std::string_view address) {
  const Certificate certificate(SSL_get1_peer_certificate(&session));
  if (!certificate) return {std::string(address), false};
  const Caller caller =
      caller_of_certificate(uris_of(*certificate), common_name_of(*certificate), address);
  return {caller.who, caller.role != Role::kNone};
}

}  // namespace mixnet
