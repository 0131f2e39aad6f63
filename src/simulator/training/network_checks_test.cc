#include "training/network_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "base/error.h"
#include "moe/model_catalog.h"

namespace mixnet {
namespace {

using testing::HasSubstr;

TEST(NetworkInUse, HasTheNicsOfTheGpusInUse) {
  ParallelPlan plan{.gpus_per_server = 64, .server_gpus = 72};
  NetworkOptions options;
  options.nics_per_server = 72;
  options.optical_degree = 54;
  EXPECT_EQ(network_in_use(options, plan).nics_per_server, 64);
  EXPECT_EQ(network_in_use(options, plan).optical_degree, 48);
  options.nics_per_server = 18;  // four GPUs share one
  options.optical_degree = 0;
  EXPECT_EQ(network_in_use(options, plan).nics_per_server, 16);
  options.nics_per_server = 8;
  EXPECT_THROW(network_in_use(options, plan), Error);
  plan.server_gpus = 0;
  EXPECT_EQ(network_in_use(options, plan).nics_per_server, 8);
}

TEST(CheckSchedule, VirtualStagesHaveTheirOwn) {
  check_schedule(1, PipelineSchedule::kEager1F1B);
  check_schedule(2, PipelineSchedule::k1F1B);
  EXPECT_THROW(check_schedule(2, PipelineSchedule::kEager1F1B), Error);
}

TEST(CheckNetworkOptions, NamesTheFlag) {
  const Model model = find_model("mixtral-8x7b");
  const ParallelPlan plan = make_plan(model, {});
  const auto message = [&](auto&& change) -> std::string {
    NetworkOptions options;
    change(options);
    try {
      check_network_options(options, plan);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message([](NetworkOptions&) {}), "no error");
  for (const int nics : {-1, 0, 3, 9, 16}) {
    EXPECT_THAT(message([&](NetworkOptions& o) { o.nics_per_server = nics; }),
                HasSubstr("--nics-per-server"));
  }
  for (const int degree : {-1, 8, 9}) {
    EXPECT_THAT(message([&](NetworkOptions& o) { o.optical_degree = degree; }),
                HasSubstr("--degree"));
  }
  EXPECT_EQ(message([](NetworkOptions& o) { o.optical_degree = 0; }), "no error");
  EXPECT_EQ(message([](NetworkOptions& o) { o.optical_degree = 7; }), "no error");
  for (const double ratio : {0.5, -1.0, 1e9, std::nan("")}) {
    EXPECT_THAT(message([&](NetworkOptions& o) { o.oversubscription = ratio; }),
                HasSubstr("--oversubscription"));
  }
  for (const int flows : {0, 1025}) {
    EXPECT_THAT(message([&](NetworkOptions& o) { o.hashed.flows_per_pair = flows; }),
                HasSubstr("--flows-per-pair"));
  }
}

}  // namespace
}  // namespace mixnet
