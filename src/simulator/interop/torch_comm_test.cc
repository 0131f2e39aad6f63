#include "interop/torch_comm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

using testing::ElementsAre;

/// Of 10 rows of 4 bytes, among ranks 0 and 1.
TorchComm call(const std::string& name) {
  return {.where = "f.json: call",
          .name = name,
          .group = "0",
          .ranks = {0, 1},
          .elements = 10,
          .element_bytes = 4};
}

TEST(TorchComm, BytesOfElements) {
  EXPECT_EQ(torch_element_bytes("BFloat16"), 2U);
  EXPECT_EQ(torch_element_bytes("c10::BFloat16"), 2U);
  EXPECT_EQ(torch_element_bytes("Float8_e4m3fn"), 1U);
  EXPECT_EQ(torch_element_bytes("long int"), 8U);
  EXPECT_EQ(torch_element_bytes("unsigned char"), 1U);
  EXPECT_EQ(torch_element_bytes("c10::complex<float>"), 8U);
  EXPECT_EQ(torch_element_bytes("TensorList"), 0U);
}

TEST(TorchComm, SplitsStandInTheOrderOfRanks) {
  TorchComm comm = call("all_to_allv");
  comm.ranks = {1, 0};
  comm.in_splits = {4, 6};  // 4 rows to rank 1
  TorchGroups none;
  const std::string group = settle_group(comm, none, 0, 2);
  EXPECT_THAT(chakra_nodes(comm, group, 0).at(0).splits, ElementsAre(24, 16));
}

TEST(TorchComm, AGroupOfOneHasNothingToSend) {
  TorchComm comm = call("allreduce");
  comm.group = "5";
  comm.ranks = {0};
  const std::string group = settle_group(comm, {}, 0, 2);
  EXPECT_TRUE(chakra_nodes(comm, group, 0).empty());
}

TEST(TorchComm, TheOneGroupOfTheRightSizeIsMeant) {
  TorchComm comm = call("_allgather_base");
  comm.group.reset();
  comm.ranks.clear();
  comm.members = 2;
  const TorchGroups groups = {{"0", {{}, 4}}, {"3", {{0, 2}, 2}}};
  EXPECT_EQ(settle_group(comm, groups, 0, 4), "3 of ranks 0, 2");
}

TEST(TorchComm, NamesOfAllReleasesAreOneCall) {
  for (const char* const name :
       {"_allgather_base", "all_gather_into_tensor", "c10d::_allgather_base_",
        "ALLGATHER_coalesced", "all_gather", "c10d::allgather_into_tensor_coalesced_"}) {
    EXPECT_TRUE(is_torch_comm(name, "f.json")) << name;
    const auto nodes = chakra_nodes(call(name), "", 0);
    ASSERT_EQ(nodes.size(), 1U) << name;
    EXPECT_EQ(nodes[0].collective, ChakraCollective::kAllGather) << name;
  }
  EXPECT_FALSE(is_torch_comm("wait", "f.json"));
  EXPECT_THROW(is_torch_comm("allgossip", "f.json"), Error);
  EXPECT_THROW(is_torch_comm("c10d::recv_any_source_", "f.json"), Error);
}

TEST(TorchComm, AnOperatorIsReadByTheOrderOfItsArguments) {
  // c10d::scatter_(outputs, inputs, group, root, ...), not at the root.
  const TorchComm scatter =
      comm_of_operator("c10d::scatter_",
                       {{.tensors = {12}, .element_bytes = 4}, {}, {}, {.numbers = {1}}}, "f.json");
  EXPECT_EQ(scatter.elements, 12U);
  EXPECT_EQ(scatter.group_peer, 1U);
  // c10d::reduce_scatter_ of a list that the profile does not describe: from its output.
  TorchComm reduced = comm_of_operator("c10d::reduce_scatter_",
                                       {{.tensors = {50}, .element_bytes = 4}, {}}, "f.json");
  reduced.ranks = {0, 1, 2};
  EXPECT_EQ(chakra_nodes(reduced, "", 0).at(0).comm_size, 600U);
}

TEST(TorchComm, SplitsThatAreNotOfTheInput) {
  TorchComm comm = call("all_to_allv");
  comm.in_splits = {1, 2, 7};
  EXPECT_THROW(chakra_nodes(comm, "", 0), Error);
  comm.in_splits = {4, 7};  // 40 bytes in 11 rows
  EXPECT_THROW(chakra_nodes(comm, "", 0), Error);
  comm.in_splits = {UINT64_MAX, 2};
  EXPECT_THROW(chakra_nodes(comm, "", 0), Error);
  comm.elements = 0;  // rows of no bytes
  comm.in_splits = {1, 2};
  EXPECT_THAT(chakra_nodes(comm, "", 0).at(0).splits, ElementsAre(0, 0));
  comm.elements = std::uint64_t{1} << 41;
  EXPECT_THROW(chakra_nodes(comm, "", 0), Error);
}

}  // namespace
}  // namespace mixnet
