#include "certificates/authority.h"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/error.h"
#include "base/text_file.h"
#include "certificates/certificate.h"
#include "certificates/certificate_names.h"
#include "certificates/openssl.h"

namespace mixnet {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kAuthorityName = "ca";
constexpr std::chrono::hours kBefore{1};

/// New files are their owner's alone, as long as it lives.
class OwnersAlone {
 public:
  OwnersAlone() : before_(::umask(S_IRWXG | S_IRWXO)) {}
  OwnersAlone(const OwnersAlone&) = delete;
  OwnersAlone& operator=(const OwnersAlone&) = delete;
  ~OwnersAlone() { ::umask(before_); }

 private:
  mode_t before_;
};

void check(bool ok, std::string_view input = "certificate") {
  if (!ok) refuse_by_openssl(input, "cannot be made", "");
}

std::time_t unix_time(Env& env) {
  return std::chrono::duration_cast<std::chrono::seconds>(env.wall_now().time_since_epoch())
      .count();
}

PrivateKey new_key() {
  PrivateKey key(EVP_EC_gen("P-256"));
  check(key != nullptr);
  return key;
}

/// 127 random bits: nobody guesses the next, and no two are the same.
void set_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes;
  check(RAND_bytes(bytes.data(), bytes.size()) == 1);
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
  const std::unique_ptr<BIGNUM, FreedBy<BN_free>> number(
      BN_bin2bn(bytes.data(), bytes.size(), nullptr));
  check(number != nullptr &&
        BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

void set_times(X509* certificate, int days, Env& env) {
  const std::time_t now = unix_time(env);
  const std::time_t before = now - std::chrono::seconds(kBefore).count();
  const std::time_t end = now + std::time_t{86'400} * days;
  check(ASN1_TIME_set(X509_getm_notBefore(certificate), before) != nullptr &&
        ASN1_TIME_set(X509_getm_notAfter(certificate), end) != nullptr);
}

void set_subject(X509* certificate, std::string_view name) {
  X509_NAME* const subject = X509_get_subject_name(certificate);
  check(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(name.data()),
                                   static_cast<int>(name.size()), -1, 0) == 1);
}

/// `value`: a text of ours, in the language of OpenSSL's configuration.
void add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  check(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

void sign(X509* certificate, EVP_PKEY* key) {
  check(X509_sign(certificate, key, EVP_sha256()) > 0);
}

/// A certificate without a signature.
Certificate draft(std::string_view subject, const X509_NAME* issuer, EVP_PKEY* key, int days,
                  Env& env) {
  Certificate made(X509_new());
  check(made != nullptr && X509_set_version(made.get(), X509_VERSION_3) == 1);
  set_serial(made.get());
  set_times(made.get(), days, env);
  set_subject(made.get(), subject);
  check(X509_set_issuer_name(made.get(),
                             issuer == nullptr ? X509_get_subject_name(made.get()) : issuer) == 1 &&
        X509_set_pubkey(made.get(), key) == 1);
  return made;
}

std::string pem_of(X509* certificate) {
  const PemBytes bytes(BIO_new(BIO_s_mem()));
  check(bytes != nullptr && PEM_write_bio_X509(bytes.get(), certificate) == 1);
  return text_of(bytes.get());
}

std::string pem_of(EVP_PKEY* key) {
  const PemBytes bytes(BIO_new(BIO_s_secmem()));
  check(bytes != nullptr && PEM_write_bio_PKCS8PrivateKey(bytes.get(), key, nullptr, nullptr, 0,
                                                          nullptr, nullptr) == 1);
  return text_of(bytes.get());
}

struct Authority {
  Certificate certificate;
  PrivateKey key;
};

Authority read_authority(const fs::path& folder, Env& env) {
  const fs::path certificate = folder / fmt::format("{}.pem", kAuthorityName);
  const fs::path key = folder / fmt::format("{}.key", kAuthorityName);
  if (env.kind(certificate) == Env::FileKind::kNone) {
    throw Error(folder.string(), "has no authority (ca.pem)",
                "make one with `mixnet ctl certs init`, or give its folder");
  }
  Authority authority{parse_certificate(read_text_file(certificate, env), certificate.string()),
                      parse_private_key(read_text_file(key, env), key.string())};
  if (X509_check_ca(authority.certificate.get()) != 1) {
    throw Error(certificate.string(), "is no certificate of an authority", "give another folder");
  }
  if (X509_check_private_key(authority.certificate.get(), authority.key.get()) != 1) {
    refuse_by_openssl(key.string(), "is not the key of ca.pem",
                      "put the two of one authority there");
  }
  return authority;
}

void check_days(int days, const Authority* authority, Env& env) {
  if (days < 1 || days > kMostCertificateDays) {
    throw Error("--days", fmt::format("{} is out of range", days),
                fmt::format("give 1 to {}", kMostCertificateDays));
  }
  if (authority == nullptr) return;
  std::time_t end = unix_time(env) + std::time_t{86'400} * days;
  if (X509_cmp_time(X509_get0_notAfter(authority->certificate.get()), &end) < 0) {
    throw Error("--days", fmt::format("the authority itself ends before {} days are over", days),
                "give fewer, or make a new authority in another folder");
  }
}

CertificateFiles free_files(const fs::path& folder, std::string_view name, Env& env) {
  CertificateFiles files{folder / fmt::format("{}.pem", name),
                         folder / fmt::format("{}.key", name)};
  for (const fs::path& file : {files.certificate, files.key}) {
    if (env.kind(file) == Env::FileKind::kNone) continue;
    throw Error(file.string(), "is there already",
                "give another --name, renew it with `mixnet ctl certs renew`, or move it away");
  }
  return files;
}

/// One at a time makes files in the folder.
std::unique_ptr<Env::Lock> lock_folder(const fs::path& folder, Env& env) {
  std::error_code error;
  std::unique_ptr<Env::Lock> lock = env.lock(folder, error);
  if (lock == nullptr && error == std::errc::operation_would_block) {
    throw Error(folder.string(), "another program makes certificates there", "wait for it");
  }
  if (lock == nullptr && env.kind(folder) != Env::FileKind::kFolder) {
    throw Error(folder.string(), fmt::format("cannot be used ({})", error.message()),
                "give the folder of an authority, which `mixnet ctl certs init` makes");
  }
  return lock;  // null on file systems without locks: then people have to take care
}

void write_both(const CertificateFiles& files, EVP_PKEY* key, X509* certificate, Env& env) {
  std::string secret = pem_of(key);
  try {
    const OwnersAlone alone;
    write_text_file(files.key, secret, env, Outlasts::kPowerFailure);
  } catch (...) {
    OPENSSL_cleanse(secret.data(), secret.size());
    throw;
  }
  OPENSSL_cleanse(secret.data(), secret.size());
  try {
    write_text_file(files.certificate, pem_of(certificate), env, Outlasts::kPowerFailure);
  } catch (...) {
    (void)env.remove(files.key);  // a key without a certificate is of no use
    throw;
  }
}

struct Request {
  std::string_view file_name, subject;
  AlternativeNames names;
  const char* use = "";
  int days = 0;
};

CertificateFiles issue(const fs::path& folder, const Request& request, Env& env) {
  const auto lock = lock_folder(folder, env);
  const Authority authority = read_authority(folder, env);
  check_days(request.days, &authority, env);
  CertificateFiles files = free_files(folder, request.file_name, env);
  const PrivateKey key = new_key();
  X509* const issuer = authority.certificate.get();
  const Certificate made =
      draft(request.subject, X509_get_subject_name(issuer), key.get(), request.days, env);
  add_extension(made.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(made.get(), issuer, NID_key_usage, "critical,digitalSignature");
  add_extension(made.get(), issuer, NID_ext_key_usage, request.use);
  add_extension(made.get(), issuer, NID_subject_key_identifier, "hash");
  add_extension(made.get(), issuer, NID_authority_key_identifier, "keyid:always");
  check(X509_add1_ext_i2d(made.get(), NID_subject_alt_name, request.names.get(), 0,
                          X509V3_ADD_DEFAULT) == 1);
  sign(made.get(), authority.key.get());
  write_both(files, key.get(), made.get(), env);
  return files;
}

}  // namespace

CertificateFiles make_authority(const fs::path& folder, std::string_view name, int days, Env& env) {
  check_certificate_name(name, "--name");
  check_days(days, nullptr, env);
  if (const std::error_code reason = env.make_folders(folder)) {
    throw Error(folder.string(), fmt::format("cannot be made ({})", reason.message()),
                write_remedy(reason));
  }
  const auto lock = lock_folder(folder, env);
  CertificateFiles files = free_files(folder, kAuthorityName, env);
  const PrivateKey key = new_key();
  const Certificate made = draft(name, nullptr, key.get(), days, env);
  add_extension(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(made.get(), made.get(), NID_subject_key_identifier, "hash");
  sign(made.get(), key.get());
  write_both(files, key.get(), made.get(), env);
  return files;
}

CertificateFiles issue_server(const fs::path& folder, const std::vector<std::string>& hosts,
                              std::string_view name, int days, Env& env) {
  AlternativeNames names = host_names(hosts);
  const std::string file_name = name.empty() ? hosts.front() : std::string(name);
  check_certificate_name(file_name, name.empty() ? "--host, the first (or give --name)" : "--name");
  return issue(folder, {file_name, file_name, std::move(names), "serverAuth", days}, env);
}

CertificateFiles issue_client(const fs::path& folder, std::string_view name, std::string_view role,
                              int days, Env& env) {
  check_certificate_name(name, "--name");
  return issue(folder, {name, name, role_name(role), "clientAuth", days}, env);
}

void renew(const fs::path& folder, const fs::path& certificate, int days, Env& env) {
  const auto lock = lock_folder(folder, env);
  const Authority authority = read_authority(folder, env);
  check_days(days, &authority, env);
  const Certificate renewed =
      parse_certificate(read_text_file(certificate, env), certificate.string());
  if (X509_verify(renewed.get(), X509_get0_pubkey(authority.certificate.get())) != 1 ||
      X509_check_ca(renewed.get()) == 1) {
    refuse_by_openssl(certificate.string(), "was not issued by this authority",
                      "give the --dir of the one that issued it");
  }
  set_serial(renewed.get());
  set_times(renewed.get(), days, env);
  sign(renewed.get(), authority.key.get());
  write_text_file(certificate, pem_of(renewed.get()), env, Outlasts::kPowerFailure);
}

}  // namespace mixnet
