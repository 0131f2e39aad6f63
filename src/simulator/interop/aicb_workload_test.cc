#include "interop/aicb_workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

using testing::ElementsAre;

std::string header(const std::string& sizes) {
  return "HYBRID_TRANSFORMER_FWD_IN_BCKWD " + sizes +
         " checkpoints: 0 checkpoint_initiates: 0 pp_comm: 0\n";
}
const std::string kSixteen =
    header("model_parallel_NPU_group: 2 ep: 4 pp: 1 vpp: 1 ga: 1 all_gpus: 16");

std::string refusal(const std::string& text) {
  try {
    parse_aicb_workload(text, "w.txt");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(AicbWorkload, ALineIsForwardTwoGradientsAndAnUpdate) {
  const AicbWorkload workload = parse_aicb_workload(
      kSixteen +
          "1\nattention\t-1\t9000\tALLGATHER\t4096\t5000\tREDUCESCATTER\t4096\t1\t"
          "ALLREDUCE_DP_EP\t512\t100\n",
      "w.txt");
  EXPECT_EQ(workload.ranks, 16U);
  EXPECT_EQ(workload.dp(), 8U);
  const AicbLayer& layer = workload.layers.at(0);
  EXPECT_EQ(layer.name, "attention");
  EXPECT_EQ(layer.forward.work_ns, 9000U);
  EXPECT_EQ(layer.forward.collective, ChakraCollective::kAllGather);
  EXPECT_EQ(layer.forward.group, AicbGroup::kTp);
  EXPECT_EQ(layer.input_gradient.bytes, 4096U);
  EXPECT_EQ(layer.weight_gradient.work_ns, 0U);  // 1 stands for none
  EXPECT_EQ(layer.weight_gradient.group, AicbGroup::kDpEp);
  EXPECT_EQ(layer.update_ns, 100U);
}

TEST(AicbWorkload, GroupsAreSimAis) {
  const AicbWorkload workload =
      parse_aicb_workload(kSixteen + "1\na -1 1 NONE 0 1 NONE 0 1 NONE 0 1\n", "w.txt");
  EXPECT_THAT(workload.members(AicbGroup::kTp, 5), ElementsAre(4, 5));
  EXPECT_THAT(workload.members(AicbGroup::kEp, 5), ElementsAre(1, 3, 5, 7));
  EXPECT_THAT(workload.members(AicbGroup::kDpEp, 5), ElementsAre(5, 13));
  EXPECT_THAT(workload.members(AicbGroup::kDp, 5), ElementsAre(1, 3, 5, 7, 9, 11, 13, 15));
}

TEST(AicbWorkload, StagesKeepToThemselves) {
  const AicbWorkload workload =
      parse_aicb_workload(header("model_parallel_NPU_group: 2 ep: 2 pp: 2 all_gpus: 16") +
                              "1\na -1 1 NONE 0 1 NONE 0 1 NONE 0 1\n",
                          "w.txt");
  EXPECT_THAT(workload.members(AicbGroup::kDp, 9), ElementsAre(9, 11, 13, 15));
  EXPECT_THAT(workload.members(AicbGroup::kEp, 9), ElementsAre(9, 11));
  EXPECT_THAT(workload.members(AicbGroup::kDpEp, 9), ElementsAre(9, 13));
}

TEST(AicbWorkload, ForwardThenBackwardWithTheWeightsBeside) {
  const AicbWorkload workload = parse_aicb_workload(
      kSixteen +
          "2\n"
          "first  -1 3000 ALLREDUCE 64    2000 ALLREDUCE 64    1000 ALLGATHER 800 1\n"
          "expert -1 4000 ALLTOALL_EP 64  1    ALLTOALL_EP 64  1    NONE 0        1\n",
      "w.txt");
  const ChakraTrace trace = aicb_rank(workload, 3);
  std::vector<std::string> names;
  for (const ChakraNode& node : trace.nodes) names.push_back(node.name);
  EXPECT_THAT(names, ElementsAre("FORWARD first", "first", "FORWARD expert",
                                 "ALLTOALL GROUP_BY forward all2all, layer 0, micro-batch 0",
                                 "ALLTOALL AGGREGATE backward all2all, layer 0, micro-batch 0",
                                 "BACKWARD first", "first", "BACKWARD first", "first"));
  for (std::size_t i = 1; i < trace.nodes.size(); ++i) {
    EXPECT_THAT(trace.nodes[i].data_deps, ElementsAre(i - 1));
  }
  EXPECT_EQ(trace.nodes[0].duration_us, 3U);
  EXPECT_EQ(trace.nodes[3].process_group, "ep 1");
  // What each of 8 ranks brings to 800 bytes.
  EXPECT_EQ(trace.nodes.back().comm_size, 100U);
  EXPECT_EQ(trace.nodes.back().process_group, "dp 1");
}

TEST(AicbWorkload, TimesInNanosecondsAddUp) {
  std::string lines;
  for (int i = 0; i < 10; ++i) lines += "a -1 250 NONE 0 1 NONE 0 1 NONE 0 1\n";
  std::uint64_t us = 0;
  const AicbWorkload workload = parse_aicb_workload(kSixteen + "10\n" + lines, "w.txt");
  for (const ChakraNode& node : aicb_rank(workload, 0).nodes) us += node.duration_us;
  EXPECT_EQ(us, 3U);  // 2.5, rounded
}

TEST(AicbWorkload, SaysWhereAndWhatIsWrong) {
  EXPECT_EQ(refusal("DATA\n1\n"),
            "w.txt:1: is a workload of kind 'DATA'; give HYBRID_TRANSFORMER_FWD_IN_BCKWD, as AICB "
            "writes it");
  EXPECT_EQ(refusal(header("model_parallel_NPU_group: 3 ep: 1 pp: 1 all_gpus: 16") + "0\n"),
            "w.txt:1: has 16 ranks, which are not groups of tp 3 x ep 1 x pp 1; give all_gpus a "
            "multiple of their product");
  EXPECT_EQ(refusal(kSixteen + "2\na -1 1 NONE 0 1 NONE 0 1 NONE 0 1\n"),
            "w.txt:2: says 2 lines, and 1 follow; correct the number or complete the file");
  EXPECT_EQ(refusal(kSixteen + "1\na -1 1 ALLREDUCE_XP 8 1 NONE 0 1 NONE 0 1\n"),
            "w.txt:3 (column 4): 'ALLREDUCE_XP' is no collective that is run; did you mean "
            "'ALLREDUCE'? known: NONE, ALLREDUCE, ALLGATHER, REDUCESCATTER, ALLTOALL");
  EXPECT_EQ(refusal("HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 1 all_gpus: 2 "
                    "checkpoints: 2 0 4\n1\n"),
            "w.txt:1: has checkpoints, whose forward in backward is not run; give one with "
            "checkpoints: 0");
  EXPECT_EQ(refusal(kSixteen + "1\na -1 x NONE 0 1 NONE 0 1 NONE 0 1\n").substr(0, 18),
            "w.txt:3 (column 3)");
}

}  // namespace
}  // namespace mixnet
