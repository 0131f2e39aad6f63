#include "certificates/authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <chrono>

#include "base/error.h"
#include "base/fake_env.h"
#include "base/text_file.h"
#include "certificates/certificate.h"
#include "certificates/openssl.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A folder for an authority, gone with the value.
class AuthorityFolder {
 public:
  AuthorityFolder() {
    std::string name = "/tmp/authority-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the test");
    path_ = name;
  }
  AuthorityFolder(const AuthorityFolder&) = delete;
  AuthorityFolder& operator=(const AuthorityFolder&) = delete;
  ~AuthorityFolder() { fs::remove_all(path_); }
  operator const fs::path&() const { return path_; }
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

template <typename Work>
std::string error_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

/// What OpenSSL says of a certificate that is shown as a server's or a client's: "ok".
std::string verdict(const fs::path& certificate, const fs::path& authority, int purpose,
                    const char* host = nullptr) {
  const Certificate leaf = parse_certificate(read_text_file(certificate), "leaf");
  const Certificate root = parse_certificate(read_text_file(authority), "root");
  const std::unique_ptr<X509_STORE, FreedBy<X509_STORE_free>> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), root.get());
  const std::unique_ptr<X509_STORE_CTX, FreedBy<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr);
  X509_STORE_CTX_set_purpose(context.get(), purpose);
  X509_VERIFY_PARAM* const param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
  if (host != nullptr && X509_VERIFY_PARAM_set1_ip_asc(param, host) != 1) {
    X509_VERIFY_PARAM_set1_host(param, host, 0);
  }
  X509_verify_cert(context.get());
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

mode_t mode_of(const fs::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 ? status.st_mode & 0777U : 0;
}

TEST(Authority, IssuesWhatOpenSslTakesForAServer) {
  const AuthorityFolder folder;
  const CertificateFiles authority = make_authority(folder, "pod-7");
  const CertificateFiles files = issue_server(folder, {"pod-7.example", "10.0.0.7", "fd00::7"});
  EXPECT_EQ(files.certificate, folder / "pod-7.example.pem");
  for (const char* host : {"pod-7.example", "10.0.0.7", "fd00::7"}) {
    EXPECT_EQ(verdict(files.certificate, authority.certificate, X509_PURPOSE_SSL_SERVER, host),
              "ok");
  }
  EXPECT_EQ(verdict(files.certificate, authority.certificate, X509_PURPOSE_SSL_SERVER, "other"),
            "hostname mismatch");
  EXPECT_THAT(verdict(files.certificate, authority.certificate, X509_PURPOSE_SSL_CLIENT),
              HasSubstr("purpose"));
  const CertificateFacts facts = read_certificate(files.certificate);
  EXPECT_THAT(facts.hosts, ElementsAre("pod-7.example", "10.0.0.7", "fd00::7"));
  EXPECT_EQ(facts.issuer, "pod-7");
  EXPECT_TRUE(facts.is_server && !facts.is_client && !facts.is_authority);
  EXPECT_EQ(facts.role, "");
}

TEST(Authority, IssuesClientsWithARole) {
  const AuthorityFolder folder;
  const CertificateFiles authority = make_authority(folder, "pod-7");
  for (const std::string role : {"viewer", "trainer/17", "operator"}) {
    const std::string name = role.substr(0, role.find('/'));
    const CertificateFiles files = issue_client(folder, name, role);
    EXPECT_EQ(verdict(files.certificate, authority.certificate, X509_PURPOSE_SSL_CLIENT), "ok");
    EXPECT_THAT(verdict(files.certificate, authority.certificate, X509_PURPOSE_SSL_SERVER),
                HasSubstr("purpose"));
    const CertificateFacts facts = read_certificate(files.certificate);
    EXPECT_EQ(facts.role, role);
    EXPECT_EQ(facts.subject, name);
    EXPECT_TRUE(facts.is_client && !facts.is_server);
  }
}

TEST(Authority, OfAnotherAuthorityNothingIsTaken) {
  const AuthorityFolder ours, theirs;
  const CertificateFiles authority = make_authority(ours, "pod-7");
  make_authority(theirs, "pod-7");
  const CertificateFiles files = issue_client(theirs, "eve", "operator");
  EXPECT_NE(verdict(files.certificate, authority.certificate, X509_PURPOSE_SSL_CLIENT), "ok");
  EXPECT_THAT(error_of([&] { renew(ours, files.certificate); }),
              HasSubstr("eve.pem: was not issued by this authority"));
}

TEST(Authority, KeysAreTheirOwnersAlone) {
  const AuthorityFolder folder;
  const mode_t before = ::umask(0022);
  EXPECT_EQ(mode_of(make_authority(folder, "pod-7").key), 0600U);
  const CertificateFiles files = issue_client(folder, "job-17", "trainer/17");
  EXPECT_EQ(mode_of(files.key), 0600U);
  EXPECT_EQ(mode_of(files.certificate), 0644U);
  EXPECT_EQ(::umask(before), 0022U);
  const PrivateKey key = parse_private_key(read_text_file(files.key), "key");
  EXPECT_EQ(EVP_PKEY_get_bits(key.get()), 256);
  const Certificate certificate = parse_certificate(read_text_file(files.certificate), "pem");
  EXPECT_EQ(X509_check_private_key(certificate.get(), key.get()), 1);
}

TEST(Authority, NeverOverwrites) {
  const AuthorityFolder folder;
  make_authority(folder, "pod-7");
  issue_client(folder, "job-17", "trainer/17");
  const std::string key = read_text_file(folder / "job-17.key");
  EXPECT_THAT(error_of([&] { make_authority(folder, "pod-8"); }),
              HasSubstr("ca.pem: is there already"));
  EXPECT_THAT(error_of([&] { issue_client(folder, "job-17", "viewer"); }),
              HasSubstr("job-17.pem: is there already; give another --name, renew it"));
  fs::remove(folder / "job-17.pem");
  EXPECT_THAT(error_of([&] { issue_client(folder, "job-17", "viewer"); }),
              HasSubstr("job-17.key: is there already"));
  EXPECT_EQ(read_text_file(folder / "job-17.key"), key);
}

TEST(Authority, RenewsWithTheSameKeyAndNames) {
  const AuthorityFolder folder;
  const CertificateFiles authority = make_authority(folder, "pod-7");
  const CertificateFiles files = issue_server(folder, {"10.0.0.7"}, "daemon", 10);
  const CertificateFacts before = read_certificate(files.certificate);
  renew(folder, files.certificate, 400);
  const CertificateFacts after = read_certificate(files.certificate);
  EXPECT_EQ(verdict(files.certificate, authority.certificate, X509_PURPOSE_SSL_SERVER, "10.0.0.7"),
            "ok");
  EXPECT_NE(after.serial, before.serial);
  EXPECT_GE(after.ends - before.ends, Duration::days(389));
  EXPECT_EQ(after.hosts, before.hosts);
  const Certificate certificate = parse_certificate(read_text_file(files.certificate), "pem");
  const PrivateKey key = parse_private_key(read_text_file(files.key), "key");
  EXPECT_EQ(X509_check_private_key(certificate.get(), key.get()), 1);
  EXPECT_THAT(error_of([&] { renew(folder, authority.certificate, 400); }),
              HasSubstr("was not issued by this authority"));
}

TEST(Authority, TellsWhichKeyIsWhose) {
  const AuthorityFolder folder;
  make_authority(folder, "pod-7");
  const CertificateFiles ann = issue_client(folder, "ann", "operator");
  const CertificateFiles bob = issue_client(folder, "bob", "viewer");
  check_key(ann.certificate, ann.key);
  EXPECT_THAT(error_of([&] { check_key(ann.certificate, bob.key); }),
              AllOf(HasSubstr("bob.key: is not the key of "), HasSubstr("ann.pem; name both")));
}

TEST(Authority, EndsWithItsDaysAndNotAfterTheAuthority) {
  FakeEnv env;
  const CertificateFiles authority = make_authority("/ca", "pod-7", 100, env);
  const CertificateFiles files = issue_client("/ca", "ann", "operator", 50, env);
  const CertificateFacts facts = read_certificate(files.certificate, env);
  const Instant now{env.wall_now().time_since_epoch().count()};
  EXPECT_LE(now - facts.begins, Duration::hours(1) + Duration::seconds(1));
  EXPECT_GE(now - facts.begins, Duration::hours(1));
  EXPECT_EQ(facts.ends - facts.begins, Duration::days(50) + Duration::hours(1));
  EXPECT_THAT(facts.serial, SizeIs(32));
  EXPECT_THAT(error_of([&] { issue_client("/ca", "bob", "operator", 101, env); }),
              HasSubstr("--days: the authority itself ends before 101 days are over"));
  for (const int days : {0, -1, 36'501}) {
    EXPECT_THAT(error_of([&] { issue_client("/ca", "bob", "operator", days, env); }),
                HasSubstr("--days: "));
  }
  env.advance(std::chrono::hours(24 * 101));
  EXPECT_THAT(error_of([&] { issue_client("/ca", "bob", "operator", 1, env); }),
              HasSubstr("the authority itself ends"));
  EXPECT_THAT(env.files(), ElementsAre("/ca/ann.key", "/ca/ann.pem", "/ca/ca.key", "/ca/ca.pem"));
}

TEST(Authority, OnAFullDiskThereIsNothingHalf) {
  for (const auto operation : {FakeEnv::Operation::kWrite, FakeEnv::Operation::kRename}) {
    for (const int nth : {1, 2}) {
      FakeEnv env;
      make_authority("/ca", "pod-7", 100, env);
      env.fail(operation, std::errc::no_space_on_device, nth, 10);
      EXPECT_THAT(error_of([&] { issue_client("/ca", "ann", "operator", 50, env); }),
                  HasSubstr("free some space"));
      EXPECT_THAT(env.files(), ElementsAre("/ca/ca.key", "/ca/ca.pem"));
    }
  }
}

TEST(Authority, RefusesNamesHostsAndRoles) {
  const AuthorityFolder folder;
  make_authority(folder, "pod-7");
  for (const std::string name : {"", "a/b", "../ca", ".x", "-x", "ca", "a b", "\xc3\xa4"}) {
    EXPECT_THAT(error_of([&] { issue_client(folder, name, "viewer"); }), HasSubstr("--name: "))
        << name;
  }
  EXPECT_NE(error_of([&] { issue_client(folder, std::string(65, 'x'), "viewer"); }), "");
  for (const std::string role : {"", "root", "trainer", "trainer/", "trainer/0", "trainer/07",
                                 "trainer/-1", "trainer/17x", "trainer/99999999999", "Viewer"}) {
    EXPECT_THAT(error_of([&] { issue_client(folder, "x", role); }), HasSubstr("--role: ")) << role;
  }
  for (const std::string host : {"", "*.example", "a..b", "-a", "a-", "10.0.0.300", "fd00::1::2",
                                 "a b", "https://a", "a:1"}) {
    EXPECT_THAT(error_of([&] { issue_server(folder, {host}, "x"); }), HasSubstr("--host: "))
        << host;
  }
  EXPECT_THAT(error_of([&] { issue_server(folder, {std::string("a\0b", 3)}, "x"); }),
              HasSubstr("--host: "));
  EXPECT_THAT(error_of([&] { issue_server(folder, {}, "x"); }), HasSubstr("--host: "));
  EXPECT_THAT(error_of([&] { issue_server(folder, {"fd00::7"}); }), HasSubstr("give --name"));
  EXPECT_EQ(error_of([&] { issue_server(folder, {"localhost", "::1", "127.0.0.1"}); }), "");
}

TEST(Authority, RefusesAFolderThatIsNone) {
  const AuthorityFolder folder, other;
  EXPECT_THAT(error_of([&] { issue_client(folder, "x", "viewer"); }),
              HasSubstr("has no authority (ca.pem); make one"));
  EXPECT_THAT(error_of([&] { issue_client("/nowhere", "x", "viewer"); }),
              HasSubstr("/nowhere: cannot be used"));
  make_authority(folder, "pod-7");
  make_authority(other, "pod-8");
  fs::copy_file(other / "ca.key", folder / "ca.key", fs::copy_options::overwrite_existing);
  EXPECT_THAT(error_of([&] { issue_client(folder, "x", "viewer"); }),
              HasSubstr("ca.key: is not the key of ca.pem"));
  write_text_file(folder / "ca.key", "-----BEGIN nonsense");
  EXPECT_THAT(error_of([&] { issue_client(folder, "x", "viewer"); }),
              HasSubstr("ca.key: is no private key that can be read"));
  fs::remove(folder / "ca.key");
  EXPECT_THAT(error_of([&] { issue_client(folder, "x", "viewer"); }), HasSubstr("no such file"));
}

TEST(Authority, TheProgramOpensslAgrees) {
  if (std::system("openssl version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no openssl";
  const AuthorityFolder folder;
  make_authority(folder, "pod-7");
  issue_server(folder, {"pod-7.example"}, "server");
  issue_client(folder, "client", "trainer/17");
  const std::string at = static_cast<const fs::path&>(folder).string();
  const std::string verify = "openssl verify -x509_strict -CAfile " + at + "/ca.pem ";
  const std::string quiet = " > /dev/null 2>&1";
  EXPECT_EQ(std::system((verify + "-purpose sslserver -verify_hostname pod-7.example " + at +
                         "/server.pem" + quiet)
                            .c_str()),
            0);
  EXPECT_EQ(std::system((verify + "-purpose sslclient " + at + "/client.pem" + quiet).c_str()), 0);
  EXPECT_NE(std::system((verify + "-purpose sslclient " + at + "/server.pem" + quiet).c_str()), 0);
}

TEST(DescribeCertificate, WarnsOfTheEnd) {
  CertificateFacts facts;
  facts.begins = Instant::unix_seconds(0);
  facts.ends = facts.begins + Duration::days(365);
  const auto at = [&](int days) {
    return certificate_warning(facts, facts.begins + Duration::days(days));
  };
  EXPECT_EQ(at(-1), "is not valid yet: look at the clocks");
  EXPECT_EQ(at(300), "");
  EXPECT_EQ(at(336), "ends in 29 days: renew it");
  EXPECT_EQ(at(364), "ends in 24 hours: renew it");
  EXPECT_EQ(at(365), "has ended: renew it");
  facts.ends = facts.begins + Duration::days(9);
  EXPECT_EQ(at(5), "");
  EXPECT_EQ(at(7), "ends in 2 days: renew it");
}

TEST(DescribeCertificate, RefusesWhatIsNone) {
  for (const std::string text :
       {"", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    EXPECT_THAT(error_of([&] { describe_certificate(text, "x.pem"); }),
                HasSubstr("x.pem: is no certificate"));
  }
}

}  // namespace
}  // namespace mixnet
