#include "tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/error.h"
#include "certificates/certificate.h"
#include "certificates/openssl.h"
#include "service/access.h"

namespace mixnet {
namespace {

std::string last_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
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

TlsPeer tls_peer(SSL& session, std::string_view address) {
  const Certificate certificate(SSL_get1_peer_certificate(&session));
  const PemBytes pem(BIO_new(BIO_s_mem()));
  if (!certificate || !pem || PEM_write_bio_X509(pem.get(), certificate.get()) != 1) {
    return {std::string(address), false};
  }
  const CertificateFacts facts = describe_certificate(text_of(pem.get()), address);
  const std::string uri = "mixnet:" + facts.role;
  const Caller caller = caller_of_certificate({&uri, 1}, facts.subject, address);
  return {caller.who, caller.role != Role::kNone};
}

}  // namespace mixnet
