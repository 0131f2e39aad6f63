#include "interop/chakra_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// As Google's MessageToJson writes a trace: 64 bits as text, what is 0 left out.
constexpr std::string_view kProtobufJson = R"({
  "version": "0.0.4"
}
{
  "name": "attention",
  "type": "COMP_NODE",
  "durationMicros": "40",
  "attr": [{"name": "is_cpu_op", "boolVal": false}, {"name": "num_ops", "int64Val": "9000000000"},
           {"name": "op_schema", "stringVal": "{x}"}]
}
{
  "id": "18446744073709551615",
  "name": "combine \"}",
  "type": "COMM_COLL_NODE",
  "ctrlDeps": ["0"],
  "dataDeps": ["0", "7"],
  "attr": [{"name": "comm_type", "int64Val": "6"}, {"name": "comm_size", "uint64Val": "4096"},
           {"name": "pg_name", "stringVal": "2"},
           {"name": "comm_splits", "uint64List": {"values": ["1024", "3072"]}}]
})";

std::string error_of(std::string_view text) {
  try {
    parse_chakra_json(text, "t.json");
    return "no error";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(ChakraJson, ProtobufsOwn) {
  ASSERT_TRUE(is_chakra_json(kProtobufJson));
  const ChakraTrace trace = parse_chakra_json(kProtobufJson, "t.json");
  EXPECT_EQ(trace.version, "0.0.4");
  ASSERT_EQ(trace.nodes.size(), 2U);
  const ChakraNode& work = trace.nodes[0];
  EXPECT_EQ(work.id, 0U) << "protobuf leaves it out";
  EXPECT_EQ(work.kind, ChakraKind::kCompute);
  EXPECT_EQ(work.duration_us, 40U);
  EXPECT_EQ(work.num_ops, 9'000'000'000U);
  EXPECT_EQ(work.is_cpu_op, false);
  const ChakraNode& combine = trace.nodes[1];
  EXPECT_EQ(combine.id, UINT64_MAX);
  EXPECT_EQ(combine.name, "combine \"}");
  EXPECT_EQ(combine.collective, ChakraCollective::kAllToAll);
  EXPECT_EQ(combine.comm_size, 4096U);
  EXPECT_EQ(combine.process_group, "2");
  EXPECT_THAT(combine.control_deps, ElementsAre(0));
  EXPECT_THAT(combine.data_deps, ElementsAre(0, 7));
  EXPECT_THAT(combine.splits, ElementsAre(1024, 3072));
}

TEST(ChakraJson, TheFeedersForm) {
  const ChakraTrace trace = parse_chakra_json(
      R"({"workload_graph": [
            {"Id": 3, "Name": "mm", "NodeType": 4, "is_cpu_op": true, "runtime": 5, "data_deps": []},
            {"Id": 4, "Name": "to", "NodeType": 5, "is_cpu_op": false, "data_deps": [3],
             "comm_src": 0, "comm_dst": 1, "comm_tag": 2, "comm_size": 8, "comm_priority": -1}]})",
      "t.json");
  ASSERT_EQ(trace.nodes.size(), 2U);
  EXPECT_EQ(trace.nodes[0].duration_us, 5U);
  EXPECT_EQ(trace.nodes[0].is_cpu_op, true);
  EXPECT_EQ(trace.nodes[1].kind, ChakraKind::kSend);
  EXPECT_EQ(trace.nodes[1].destination, 1U);
  EXPECT_EQ(trace.nodes[1].tag, 2U);
  EXPECT_FALSE(trace.nodes[1].priority) << "-1 is none";
}

TEST(ChakraJson, ProtobufIsTold) {
  ChakraTrace trace;
  trace.version = "0.0.4";
  trace.metadata = std::string(123 - 7, 'x');  // so that its length is the code of a brace
  EXPECT_EQ(to_chakra_trace(trace).front(), '{');
  EXPECT_FALSE(is_chakra_json(to_chakra_trace(trace)));
  EXPECT_FALSE(is_chakra_json(""));
}

TEST(ChakraJson, MistakesAreOneLine) {
  EXPECT_THAT(error_of(R"({"version": "1"} {"id": "x"})"),
              HasSubstr("t.json: object 2 (key 'id'): is no whole number"));
  EXPECT_THAT(error_of(R"({"id": 1.5})"), HasSubstr("is no whole number"));
  EXPECT_THAT(error_of(R"({"id": -1})"), HasSubstr("is no whole number"));
  EXPECT_THAT(error_of(R"({"type": 99})"), HasSubstr("is no whole number"));
  EXPECT_THAT(error_of(R"({"type": "COMP_NOD"})"), HasSubstr("did you mean 'COMP_NODE'?"));
  EXPECT_THAT(error_of(R"({"id": 1} {"id": 1})"), HasSubstr("two nodes have the id 1"));
  EXPECT_THAT(error_of(R"({"id": 1)"), HasSubstr("t.json: object 1"));
  EXPECT_THAT(error_of(R"({"id": 1} ])"),
              HasSubstr("t.json: object 2: does not begin with a brace"));
  EXPECT_THAT(error_of("  "), HasSubstr("t.json: is empty"));
}

}  // namespace
}  // namespace mixnet
