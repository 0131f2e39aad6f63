#include "compute/compute_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace mixnet {
namespace {

using testing::HasSubstr;

TEST(ParseComputeProfile, NamesWhatIsWrong) {
  const auto message = [](std::string_view json) -> std::string {
    try {
      parse_compute_profile(json, "profile.json");
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message("{}"), HasSubstr("operations"));
  EXPECT_THAT(message("[1"), HasSubstr("profile.json"));
  EXPECT_THAT(message(R"({"operations": {"atention": {}}})"), HasSubstr("attention"));
  EXPECT_THAT(message(R"({"operations": {"gate": {"forward": "1ms"}}})"), HasSubstr("backward"));
  EXPECT_THAT(message(R"({"operations": {"gate": {"forward": "1", "backward": "1ms"}}})"),
              HasSubstr("has no unit"));
  EXPECT_THAT(message(R"({"operations": {"gate": {"forward": 1, "backward": "1ms"}}})"),
              HasSubstr("operations.gate.forward"));
  EXPECT_THAT(message(R"({"operations": {"gate": {"forward": "-1ms", "backward": "1ms"}}})"),
              HasSubstr("negative"));
  EXPECT_EQ(message(R"({"operations": {}})"), "no error");
}

TEST(Operations, HaveTheNamesOfTheProfile) {
  EXPECT_EQ(to_string(LayerOperation::kAttention), "attention");
  EXPECT_EQ(to_string(LayerOperation::kSharedExperts), "shared_experts");
  EXPECT_EQ(to_string(LayerOperation::kOptimizer), "optimizer");
}

}  // namespace
}  // namespace mixnet
