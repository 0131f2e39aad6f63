#include "service/server_settings.h"

#include <fmt/format.h>
#include <grpc/compression.h>
#include <grpcpp/resource_quota.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>

#include "base/error.h"
#include "wire/region_channel.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostFileBytes = 1 << 20;
constexpr std::size_t kMostMemory = 64 << 20;
constexpr int kMostCallsOfConnection = 64;
constexpr int kWindowBytes = 16'384;
constexpr int kHandshakeMs = 5'000;
constexpr int kIdleMs = 600'000;
constexpr int kAgeMs = 86'400'000;
constexpr int kPingEveryMs = 30'000;
constexpr int kPingAnswerMs = 10'000;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;

std::string read_pem(const std::string& path, Env& env) {
  std::string text;
  if (const std::error_code error = env.read(path, kMostFileBytes, text)) {
    throw Error(path, error.message(), "name a PEM file that the daemon may read");
  }
  return text;
}

Bio bio_of(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Certificate certificate_of(const std::string& text, const std::string& path) {
  Certificate certificate(PEM_read_bio_X509(bio_of(text).get(), nullptr, nullptr, nullptr));
  if (!certificate) throw Error(path, "holds no certificate", "name a PEM file");
  if (X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0) {
    throw Error(path, "the certificate has expired", "renew it: mixnet ctl certs");
  }
  return certificate;
}

Key key_of(const std::string& text, const std::string& path) {
  // One with a passphrase is not asked for: nobody is there to answer.
  const auto no_passphrase = [](char*, int, int, void*) { return 0; };
  Key key(PEM_read_bio_PrivateKey(bio_of(text).get(), nullptr, no_passphrase, nullptr));
  if (!key) throw Error(path, "holds no key, or one with a passphrase", "name a PEM file");
  return key;
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> server_credentials(const DaemonSettings& settings,
                                                            Env& env) {
  const TlsFiles& files = settings.tls;
  if (!files.given()) return grpc::InsecureServerCredentials();
  const std::string cert = read_pem(files.cert, env);
  const std::string key = read_pem(files.key, env);
  const std::string ca = read_pem(files.ca, env);
  const Certificate own = certificate_of(cert, files.cert);
  certificate_of(ca, files.ca);
  if (X509_check_private_key(own.get(), key_of(key, files.key).get()) != 1) {
    throw Error(files.key, fmt::format("is not the key of {}", files.cert),
                "name both of one certificate");
  }
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = ca;
  tls.pem_key_cert_pairs.push_back({key, cert});
  return grpc::SslServerCredentials(tls);
}

void set_limits(grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("mixnetd");
  quota.Resize(kMostMemory);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kMostRequestBytes);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  for (const auto& [name, value] :
       {std::pair{GRPC_ARG_MAX_CONCURRENT_STREAMS, kMostCallsOfConnection},
        {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs},
        {GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMs},
        {GRPC_ARG_MAX_CONNECTION_AGE_MS, kAgeMs},
        {GRPC_ARG_KEEPALIVE_TIME_MS, kPingEveryMs},
        {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingAnswerMs},
        {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kLeastPingMs},
        {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
        {GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0},
        // A window that stays small: a huge message comes in small parts, between which others are
        // heard, in place of as fast as one who sends nothing else can.
        {GRPC_ARG_HTTP2_BDP_PROBE, 0},
        {GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kWindowBytes},
        {GRPC_ARG_ALLOW_REUSEPORT, 0}}) {
    builder.AddChannelArgument(name, value);
  }
}

}  // namespace mixnet
