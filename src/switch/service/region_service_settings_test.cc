// What settings make of the API: where it listens, to whom, with which certificates; and what it
// keeps to itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/test_service.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Duration kLimit = Duration::seconds(5);

TEST(RegionService, ABugReportHasNoPasswordOfTheSwitch) {
  DaemonSettings settings = ServedRegion::settings(true);
  settings.address.user = "carla";
  settings.address.password = "hunter2";
  settings.site.switch_url = "scpi://carla:hunter2@127.0.0.1";
  ServedRegion served(settings);
  const std::string text = served.client("operator")->bug_report(kLimit);
  EXPECT_THAT(text, Not(AnyOf(HasSubstr("hunter2"), HasSubstr("carla"))));
  EXPECT_THAT(served.client("operator")->region(kLimit).DebugString(), Not(HasSubstr("hunter2")));
}

TEST(RegionService, TwoOnOnePortAreRefused) {
  ServedRegion first(false);
  DaemonSettings settings = ServedRegion::settings(false);
  settings.api = "127.0.0.1:" + std::to_string(first.port());
  try {
    const ServedRegion second(settings);
    FAIL() << "it listens";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("region.yaml: controller.api: cannot listen at 127.0.0.1"));
    EXPECT_THAT(error.what(), HasSubstr("another daemon listens there"));
  }
}

TEST(RegionService, PlainOnlyOnTheLoopbackAndOnlyWhenAsked) {
  DaemonSettings settings = ServedRegion::settings(false);
  settings.api = "0.0.0.0:0";
  EXPECT_THROW(ServedRegion{settings}, Error);
  settings.api = "127.0.0.1:0";
  settings.insecure = false;
  EXPECT_THROW(ServedRegion{settings}, Error);
  ServedRegion plain(false);
  plain.client("")->hold({true}, kLimit);
  EXPECT_TRUE(plain.is_audited("operator without TLS 127.0.0.1", "HoldSwitch"));
}

TEST(RegionService, NoApiNoPort) {
  DaemonSettings settings = ServedRegion::settings(false);
  settings.api = "";
  EXPECT_EQ(ServedRegion(settings).port(), 0);
}

TEST(RegionService, PeersOutsideThePrefixesAreClosedAndAudited) {
  DaemonSettings settings = ServedRegion::settings(true);
  settings.peers = {"10.0.0.0/8", "fd00::/8"};
  ServedRegion served(settings);
  EXPECT_EQ(refusal([&] { served.client("operator")->region(Duration::seconds(1)); }).first,
            CallFault::kUnreachable);
  EXPECT_TRUE(served.is_audited("127.0.0.1", "not among controller.peers"));
}

TEST(RegionService, CertificatesThatCannotServeAreSaidSo) {
  const auto error_of = [](const TlsFiles& files) -> std::string {
    DaemonSettings settings = ServedRegion::settings(true);
    settings.tls = files;
    try {
      const ServedRegion served(settings);
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  };
  const TlsFiles good = TestCertificates::get().of("daemon");
  const TlsFiles other = TestCertificates::get().of("viewer");
  EXPECT_THAT(error_of({good.cert, other.key, good.ca}), HasSubstr("is not the key of"));
  EXPECT_THAT(error_of({good.cert, good.cert, good.ca}), HasSubstr("holds no key"));
  EXPECT_THAT(error_of({good.key, good.key, good.ca}), HasSubstr("holds no certificate"));
  EXPECT_THAT(error_of({good.cert, good.key, "/nowhere/ca.pem"}), HasSubstr("/nowhere/ca.pem: "));
  const TlsFiles old = TestCertificates::get().of("expired");
  EXPECT_THAT(error_of({old.cert, old.key, good.ca}), HasSubstr("has expired"));
}

}  // namespace
}  // namespace mixnet
