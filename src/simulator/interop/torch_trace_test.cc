#include "interop/torch_trace.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace mixnet {
namespace {

using testing::ElementsAre;

/// A trace with process groups 0 (all) and 7 (ranks 0 and 2), and these nodes.
std::string trace(const std::string& nodes,
                  const std::string& groups =
                      R"([{\"pg_name\": \"0\", \"ranks\": [], \"group_size\": 4},
        {\"pg_name\": \"7\", \"ranks\": [0, 2], \"group_size\": 2}])") {
  std::string flat;
  for (const char c : groups) flat += c == '\n' ? ' ' : c;
  return fmt::format(
      R"({{"schema": "1.1.1-chakra.0.0.4", "pid": 1, "nodes": [
      {{"id": 1, "name": "[pytorch|profiler|execution_trace|process]", "ctrl_deps": 1}},
      {{"id": 3, "name": "## process_group:init ##", "ctrl_deps": 2,
        "inputs": {{"values": ["{}"]}}}}{}]}})",
      flat, nodes);
}

/// As ProcessGroupNCCL records a call.
std::string record(int id, const std::string& name, const std::string& more) {
  return fmt::format(
      R"(, {{"id": {}, "name": "record_param_comms", "ctrl_deps": 2, "inputs": {{"values":
      [[[5, 6, 0, 64, 4, "cuda:0"]], 9, ["7", "ep"], 1, "{}", [], []]}}, "attrs": [
      {{"name": "collective_name", "type": "string", "value": "{}"}},
      {{"name": "dtype", "type": "string", "value": "BFloat16"}},
      {{"name": "pg_name", "type": "string", "value": "7"}},
      {{"name": "pg_size", "type": "uint64", "value": 2}}{}]}})",
      id, name, name, more);
}
std::string attribute(const std::string& name, const std::string& value) {
  return fmt::format(R"(, {{"name": "{}", "type": "x", "value": {}}})", name, value);
}

ChakraTrace chakra(const std::string& text, std::uint32_t ranks = 4) {
  std::map<std::string, std::vector<std::uint32_t>> unused;
  return to_chakra_trace(parse_torch_trace(text, "et.0.json"), 0, ranks, unused);
}

std::string refusal(const std::string& text) {
  try {
    chakra(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(TorchTrace, RecordsOfNcclSayTheirGroupAndSplits) {
  const ChakraTrace read = chakra(
      trace(record(9, "all_to_allv",
                   attribute("in_msg_nelems", "48") + attribute("in_split_size", "\"[2, 4]\"") +
                       attribute("out_split_size", "\"[2, 1]\"")) +
            record(8, "_allgather_base", attribute("in_msg_nelems", "10"))));
  ASSERT_EQ(read.nodes.size(), 2U);
  // In the order in which they began.
  EXPECT_EQ(read.nodes[0].collective, ChakraCollective::kAllGather);
  EXPECT_EQ(read.nodes[0].comm_size, 20U);
  EXPECT_EQ(read.nodes[0].process_group, "7 of ranks 0, 2");
  // 48 elements of 2 bytes in 6 rows.
  EXPECT_EQ(read.nodes[1].collective, ChakraCollective::kAllToAll);
  EXPECT_THAT(read.nodes[1].splits, ElementsAre(32, 64));
  EXPECT_THAT(read.nodes[1].data_deps, ElementsAre(0));
}

TEST(TorchTrace, ARecordWithinAnOperatorIsTheSameCall) {
  const std::string inner = record(9, "broadcast", attribute("in_msg_nelems", "4"));
  const ChakraTrace read = chakra(trace(
      R"(, {"id": 2, "name": "c10d::broadcast_", "ctrl_deps": 1, "inputs": {"values":
          [[[5, 6, 0, 4, 2, "cuda:0"]], "<Object>", 0, 0, false, -1]}})" +
      inner));
  ASSERT_EQ(read.nodes.size(), 1U);
  EXPECT_EQ(read.nodes[0].process_group, "7 of ranks 0, 2");
}

TEST(TorchTrace, OperatorsOfGlooSayTheirSizes) {
  const std::string one = R"([{\"pg_name\": \"0\", \"ranks\": [], \"group_size\": 4}])";
  const ChakraTrace read = chakra(trace(
      R"(, {"id": 4, "name": "c10d::alltoall_base_", "ctrl_deps": 2, "inputs": {"values":
          [[1, 2, 0, 30, 4, "cpu"], [3, 4, 0, 20, 4, "cpu"], "<Object>",
           [3, 6, 3, 3], [1, 2, 3, 4], false, -1]}},
         {"id": 5, "name": "c10d::send", "ctrl_deps": 2, "inputs": {"values":
          [[[3, 4, 0, 123, 4, "cpu"]], "<Object>", 1, 6]}},
         {"id": 6, "name": "c10d::gather_", "ctrl_deps": 2, "inputs": {"values":
          [[[[1, 1, 0, 11, 4, "cpu"]]], [[3, 4, 0, 11, 4, "cpu"]], "<Object>", 0, false, -1]}})",
      one));
  ASSERT_EQ(read.nodes.size(), 5U);
  EXPECT_THAT(read.nodes[0].splits, ElementsAre(8, 16, 24, 32));
  EXPECT_EQ(read.nodes[1].kind, ChakraKind::kSend);
  EXPECT_EQ(read.nodes[1].destination, 1U);
  EXPECT_EQ(read.nodes[1].tag, 6U);
  EXPECT_EQ(read.nodes[1].comm_size, 492U);
  for (std::size_t i = 2; i < 5; ++i) {  // the root of a gather
    EXPECT_EQ(read.nodes[i].kind, ChakraKind::kReceive);
    EXPECT_EQ(read.nodes[i].comm_size, 44U);
  }
}

TEST(TorchTrace, OlderSchemasHaveThemInTheInputsAlone) {
  // 1.0.1, of PyTorch 2.1: a group by its backend's id, and no attributes.
  const ChakraTrace read = chakra(
      R"({"schema": "1.0.1", "nodes": [
        {"id": 2, "name": "## process_group:init ##", "parent": 1, "inputs":
          ["[{\"pg_name\": \"3\", \"backend_id\": 94, \"ranks\": [0, 1], \"group_count\": 1}]"]},
        {"id": 5, "name": "record_param_comms", "parent": 1, "inputs":
          [[[7, 8, 0, 100, 4, "cuda:0"]], 1, 94, 0, "all_reduce", [], [], 2],
          "input_types": ["GenericList[Tensor(float)]"]},
        {"id": 6, "name": "record_param_comms", "parent": 1, "inputs":
          [1, 94, 0, "wait", [], [], 2], "input_types": ["Int"]},
        {"id": 7, "name": "record_param_comms", "parent": 1, "inputs":
          [2, 94, 0, "barrier", [], [], 2], "input_types": ["Int"]}]})",
      2);
  ASSERT_EQ(read.nodes.size(), 2U);
  EXPECT_EQ(read.nodes[0].comm_size, 400U);
  EXPECT_EQ(read.nodes[0].process_group, "94 of ranks 0, 1");
  EXPECT_EQ(read.nodes[1].collective, ChakraCollective::kBarrier);
}

TEST(TorchTrace, SaysWhatIsNotKnown) {
  EXPECT_EQ(refusal(R"({"schema": "1.1.1-chakra.0.0.4", "nodes": []})"),
            "et.0.json: has no nodes; give an execution trace of torch.profiler");
  EXPECT_EQ(refusal(trace(record(9, "all_to_all_some_day", ""))),
            "et.0.json: node 2 'all_to_all_some_day': is a 'all_to_all_some_day', which is not "
            "known; a call of torch.distributed was expected");
  EXPECT_EQ(refusal(trace(R"(, {"id": 4, "name": "c10d::allreduce_", "ctrl_deps": 2, "inputs":
                             {"values": [[[1, 2, 0, 30, 4, "cpu"]], "<Object>"]}})")),
            "et.0.json: node 2 'c10d::allreduce_': does not say of which of 2 process groups it "
            "is; give profiles of NCCL, which do, or of a job of one group");
  EXPECT_EQ(refusal(trace(record(
                9, "all_to_allv",
                attribute("in_msg_nelems", "48") + attribute("in_split_size", "\"[1, 4]\"")))),
            "et.0.json: node 2 'all_to_allv': has splits that do not make up its 96 bytes; give "
            "splits of the input");
  EXPECT_EQ(refusal(trace(record(9, "allreduce", attribute("in_msg_nelems", "1"))).substr(0, 300))
                .substr(0, 12),
            "et.0.json:4:");
}

}  // namespace
}  // namespace mixnet
