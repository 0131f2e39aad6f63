// What tests of the API share: a region on an emulated switch with its service, certificates of all
// roles, and clients that show them.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/fake_env.h"
#include "certificates/authority.h"
#include "client/region_client.h"
#include "daemon/test_region.h"
#include "region.grpc.pb.h"
#include "service/region_service.h"

namespace mixnet {

/// What a call was refused for: the kind and the words.
template <typename Call>
std::pair<CallFault, std::string> refusal(const Call& call) {
  try {
    call();
  } catch (const RegionCallError& error) {
    return {error.fault(), error.what()};
  }
  return {CallFault::kInternal, "it was not refused"};
}

/// Made once: a daemon's certificate, clients' of all roles, one that has expired, and an
/// operator's of another authority.
class TestCertificates {
 public:
  static const TestCertificates& get() {
    static const TestCertificates made;
    return made;
  }
  /// "operator" -> its files.
  TlsFiles of(const std::string& name, const std::string& authority = "ours") const {
    const std::string stem = (folder_.path() / (authority + "-" + name)).string();
    return {stem + ".pem", stem + ".key", (folder_.path() / (authority + "-ca.pem")).string()};
  }

 private:
  static constexpr int kDays = 3'600;

  TestCertificates() {
    make("ours");
    make("theirs");
  }
  /// Made in 2023, by a clock of the test's.
  void make(const std::string& authority) {
    FakeEnv env;
    make_authority("ca", authority, kDays, env);
    keep(authority, "ca", "ca/ca.pem", env);
    const auto issued = [&](const std::string& name, const CertificateFiles& files) {
      keep(authority, name, files.certificate, env);
      keep(authority, name, files.key, env);
    };
    issued("daemon", issue_server("ca", {"127.0.0.1", "localhost"}, "daemon", kDays - 1, env));
    for (const auto& [name, role] : {std::pair{"operator", "operator"},
                                     {"viewer", "viewer"},
                                     {"trainer-1", "trainer/1"},
                                     {"trainer-2", "trainer/2"}}) {
      issued(name, issue_client("ca", name, role, kDays - 1, env));
    }
    issued("expired", issue_client("ca", "expired", "operator", 10, env));
  }
  void keep(const std::string& authority, const std::string& name,
            const std::filesystem::path& file, const FakeEnv& env) {
    std::ofstream(folder_.path() / (authority + "-" + name + file.extension().string()))
        << env.content(file).value();
  }
  TestFolder folder_;
};

/// Four servers s0 to s3 of two optical NICs on a switch that obeys, tenant 1 on s0 and s1.
class ServedRegion {
 public:
  static DaemonSettings settings(bool with_tls) {
    DaemonSettings made = test_settings(4, 2);
    made.api = "127.0.0.1:0";
    if (with_tls) {
      made.tls = TestCertificates::get().of("daemon");
    } else {
      made.insecure = true;
    }
    return made;
  }
  explicit ServedRegion(bool with_tls = true) : ServedRegion(settings(with_tls)) {}
  explicit ServedRegion(const DaemonSettings& made)
      : access_(test_switch(made.region.ports())),
        driver_(access_, made.slice(), system_env()),
        region_(made, folder_.path(), driver_) {
    service_.emplace(region_.loop());
    region_.wait_settled();
  }

  RunningRegion& region() { return region_; }
  RegionLoop& loop() { return region_.loop(); }
  std::filesystem::path store_file() const { return folder_.path() / "region.db"; }
  int port() const { return service_->port(); }
  void stop_service() { service_.reset(); }

  /// `name`: of a certificate; "": none.
  ControllerAddress address(const std::string& name, const std::string& authority = "ours") const {
    ControllerAddress to;
    to.port = port();
    if (name.empty()) return to;
    const TlsFiles files = TestCertificates::get().of(name, authority);
    to.cert = files.cert;
    to.key = files.key;
    to.ca = TestCertificates::get().of(name).ca;
    return to;
  }
  std::unique_ptr<RegionClient> client(const std::string& name,
                                       const std::string& authority = "ours") const {
    return std::make_unique<RegionClient>(address(name, authority));
  }
  /// For what a RegionClient does not do.
  std::unique_ptr<v1::Region::Stub> stub(const std::string& name) const {
    return v1::Region::NewStub(channel(name));
  }
  std::shared_ptr<grpc::Channel> channel(const std::string& name) const {
    const ControllerAddress to = address(name);
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    const auto credentials = name.empty()
                                 ? grpc::InsecureChannelCredentials()
                                 : grpc::SslCredentials({text(to.ca), text(to.key), text(to.cert)});
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(to.port), credentials,
                                     arguments);
  }
  /// Waits, for 5 s, until an entry of the audit trail has both texts.
  bool is_audited(const std::string& who, const std::string& what) {
    for (int i = 0; i < 500; ++i) {
      for (const AuditEntry& entry : loop().audit_trail(1'000)) {
        if (entry.who.find(who) != std::string::npos &&
            entry.what.find(what) != std::string::npos) {
          return true;
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

 private:
  static std::string text(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  TestFolder folder_;
  EmulatorAccess access_;
  FakeEmulatorDriver driver_;
  RunningRegion region_;
  std::optional<RegionService> service_;
};

}  // namespace mixnet
