#include "interop/torch_rank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

using testing::ElementsAre;

TorchActivity work(double start, double end, std::uint32_t lane) {
  return {start, end, lane, 0, TorchActivity::kNoComm, TorchWork::kGpu};
}

TorchComm call(const std::string& name) {
  TorchComm comm;
  comm.where = "f.json: call " + name;
  comm.name = name;
  comm.group = "0";
  comm.ranks = {0, 1};
  comm.elements = 10;
  comm.element_bytes = 4;
  return comm;
}

TorchRank rank_with(std::vector<TorchActivity> activities, std::vector<TorchComm> comms = {}) {
  TorchRank torch;
  torch.file = "f.json";
  torch.names = {"kernel"};
  torch.activities = std::move(activities);
  torch.comms = std::move(comms);
  return torch;
}

ChakraTrace chakra(const TorchRank& torch) {
  std::map<std::string, std::vector<std::uint32_t>> unused;
  return to_chakra_trace(torch, 0, 2, unused);
}

TEST(TorchRank, WhatOverlappedDoesNotWait) {
  // A bucket of gradients, on lane 1, beside the work of lane 0 that goes on.
  TorchRank torch = rank_with({work(0, 10, 0),
                               {10, 30, 1, 0, 0, TorchWork::kGpu},
                               work(10, 20, 0),
                               work(20, 40, 0),
                               work(40, 50, 0)},
                              {call("allreduce")});
  const ChakraTrace read = chakra(torch);
  ASSERT_EQ(read.nodes.size(), 5U);
  EXPECT_EQ(read.nodes[2].kind, ChakraKind::kCollective);
  EXPECT_THAT(read.nodes[2].data_deps, ElementsAre(0));
  EXPECT_THAT(read.nodes[3].data_deps, ElementsAre(1));  // while it goes on
  EXPECT_THAT(read.nodes[4].data_deps, ElementsAre(3));  // ended while lane 0 was busy
}

TEST(TorchRank, WhatEndedWhileALaneWasIdleIsWaitedFor) {
  TorchRank torch = rank_with({work(0, 10, 0), {10, 30, 1, 0, 0, TorchWork::kGpu}, work(31, 50, 0)},
                              {call("allreduce")});
  EXPECT_THAT(chakra(torch).nodes[2].data_deps, ElementsAre(0, 1));
}

TEST(TorchRank, WhatComesToNothingIsLeftOutAndNothingIsLost) {
  std::vector<TorchActivity> activities;
  for (int i = 0; i < 100; ++i) activities.push_back(work(i, i + 0.3, 0));
  std::uint64_t us = 0;
  const ChakraTrace read = chakra(rank_with(activities));
  for (const ChakraNode& node : read.nodes) us += node.duration_us;
  EXPECT_EQ(us, 30U);
  EXPECT_LE(read.nodes.size(), 30U);
}

TEST(TorchRank, TimesOfAProfileAndCallsOfATrace) {
  TorchRank profile = rank_with({{5, 9, 0, 0, 0, TorchWork::kGpu}}, {call("all_to_allv")});
  profile.comms[0].splits_are_cut = true;
  TorchRank trace = rank_with({{0, 1, 0, 0, 0, TorchWork::kGpu}}, {call("all_to_allv")});
  trace.comms[0].in_splits = {3, 7};
  EXPECT_THROW(chakra(profile), Error);
  const TorchRank both = merged(profile, trace);
  EXPECT_EQ(both.activities[0].start_us, 5);
  EXPECT_THAT(chakra(both).nodes[0].splits, ElementsAre(12, 28));

  trace.comms[0].name = "allreduce";
  EXPECT_THROW(merged(profile, trace), Error);
  trace.comms.clear();
  EXPECT_THROW(merged(profile, trace), Error);
}

}  // namespace
}  // namespace mixnet
