#include "service/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "region.pb.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Caller caller(const std::vector<std::string>& uris) {
  return caller_of_certificate(uris, "somebody", "10.0.0.5");
}

TEST(Access, ARoleIsAUriOfTheCertificate) {
  EXPECT_EQ(caller({"mixnet:viewer"}).role, Role::kViewer);
  EXPECT_EQ(caller({"mixnet:operator"}).role, Role::kOperator);
  const Caller trainer = caller({"mixnet:trainer/17"});
  EXPECT_EQ(trainer.role, Role::kTrainer);
  EXPECT_THAT(trainer.tenants, ElementsAre(17));
  EXPECT_EQ(trainer.who, "trainer/17 \"somebody\" 10.0.0.5");
}

TEST(Access, OfSeveralTheStrongestCounts) {
  EXPECT_EQ(caller({"mixnet:viewer", "mixnet:operator", "mixnet:trainer/1"}).role, Role::kOperator);
  EXPECT_THAT(caller({"mixnet:trainer/2", "mixnet:trainer/1", "mixnet:trainer/2"}).tenants,
              ElementsAre(1, 2));
  EXPECT_EQ(caller({"mixnet:trainer/9", "mixnet:viewer"}).role, Role::kTrainer);
}

TEST(Access, WhatIsNotUnderstoodGivesNothing) {
  for (const char* uri :
       {"", "mixnet:", "mixnet:oprator", "mixnet:operator ", "MIXNET:operator", "mixnet:trainer",
        "mixnet:trainer/", "mixnet:trainer/0", "mixnet:trainer/-1", "mixnet:trainer/+1",
        "mixnet:trainer/017", "mixnet:trainer/1x", "mixnet:trainer/2147483648",
        "spiffe://a/operator"}) {
    EXPECT_EQ(caller({uri}).role, Role::kNone) << uri;
  }
  EXPECT_EQ(caller({std::string("mixnet:operator\0", 16)}).role, Role::kNone);
  EXPECT_EQ(caller({"mixnet:oprator", "mixnet:viewer"}).role, Role::kViewer);
}

TEST(Access, ANameCannotForgeAnotherLineOrCaller) {
  const std::vector<std::string> uris = {"mixnet:viewer"};
  EXPECT_EQ(caller_of_certificate(uris, "a\" 1.2.3.4\nroot\xc3", "10.0.0.5").who,
            "viewer \"a? 1.2.3.4?root?\" 10.0.0.5");
  EXPECT_LT(caller_of_certificate(uris, std::string(9'999, 'x'), "::1").who.size(), 100U);
}

TEST(Access, TheTableNamesEveryMethodOfTheProto) {
  const google::protobuf::ServiceDescriptor* service =
      v1::Topology::descriptor()->file()->FindServiceByName("Region");
  ASSERT_NE(service, nullptr);
  ASSERT_EQ(static_cast<std::size_t>(service->method_count()), method_rules().size());
  for (int i = 0; i < service->method_count(); ++i) {
    const MethodRule& rule = rule_of(static_cast<Method>(i));
    EXPECT_EQ(rule.name, service->method(i)->name());
    EXPECT_EQ(rule.method, static_cast<Method>(i));
    EXPECT_GT(rule.least, Role::kNone) << rule.name;
    const bool is_looking = rule.name.starts_with("Get") || rule.name.starts_with("Watch") ||
                            rule.method == Method::kPlan;
    EXPECT_EQ(rule.least == Role::kViewer, is_looking && rule.method != Method::kGetBugReport)
        << rule.name;
  }
}

TEST(Access, WhoMayCallWhat) {
  EXPECT_THAT(refuse_method(caller({"mixnet:viewer"}), Method::kPlan), IsEmpty());
  EXPECT_EQ(refuse_method(caller({"mixnet:viewer"}), Method::kReportDemand),
            "needs the role trainer; this is a viewer");
  EXPECT_THAT(refuse_method(caller({"mixnet:trainer/1"}), Method::kMarkPhase), IsEmpty());
  EXPECT_THAT(refuse_method(caller({"mixnet:trainer/1"}), Method::kAddTenant),
              HasSubstr("needs the role operator"));
  EXPECT_THAT(refuse_method(caller({"mixnet:operator"}), Method::kHoldSwitch), IsEmpty());
  EXPECT_THAT(refuse_method(caller({}), Method::kGetRegion), HasSubstr("names none"));
  EXPECT_THAT(refuse_method(local_caller("127.0.0.1"), Method::kHoldSwitch), IsEmpty());
}

TEST(Access, ATrainerSpeaksForItsTenantsAlone) {
  const Caller trainer = caller({"mixnet:trainer/17"});
  EXPECT_THAT(refuse_tenant(trainer, 17), IsEmpty());
  EXPECT_THAT(refuse_tenant(trainer, 18), HasSubstr("tenant 18"));
  EXPECT_THAT(refuse_tenant(trainer, 0), HasSubstr("tenant 0"));
  EXPECT_THAT(refuse_tenant(caller({"mixnet:operator"}), 18), IsEmpty());
}

TEST(Access, ATrainerReportsOfItsOwnServersParts) {
  RegionConfig config;
  config.servers = 3;
  config.optical_nics = 2;
  config.eps_nics = 1;
  const std::vector<int> owner = {17, 0, 18};
  const Caller trainer = caller({"mixnet:trainer/17"});
  EXPECT_THAT(refuse_part(trainer, Part::kOcsPort, 1, config, owner), IsEmpty());
  EXPECT_THAT(refuse_part(trainer, Part::kOpticalNic, 2, config, owner),
              HasSubstr("is not of a tenant"));
  EXPECT_THAT(refuse_part(trainer, Part::kEpsNic, 0, config, owner), IsEmpty());
  EXPECT_THAT(refuse_part(trainer, Part::kEpsNic, 2, config, owner),
              HasSubstr("is not of a tenant"));
  EXPECT_THAT(refuse_part(trainer, Part::kServer, 0, config, owner), IsEmpty());
  for (const int index : {-1, 3, 2'147'483'647}) {
    EXPECT_THAT(refuse_part(trainer, Part::kServer, index, config, owner),
                HasSubstr("does not exist"));
  }
  EXPECT_THAT(refuse_part(caller({"mixnet:operator"}), Part::kServer, 1, config, owner), IsEmpty());
  config.eps_nics = 0;
  EXPECT_THAT(refuse_part(trainer, Part::kEpsNic, 0, config, owner), HasSubstr("does not exist"));
}

}  // namespace
}  // namespace mixnet
