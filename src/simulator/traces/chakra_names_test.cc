#include "traces/chakra_names.h"

#include <gtest/gtest.h>

#include <string>

#include "interop/test_task_graphs.h"

namespace mixnet {
namespace {

TEST(ChakraNames, SayKindNameLayerAndMicroBatch) {
  TaskGraph graph = mixnet_test_graph();
  graph.names.emplace_back("experts, layer");
  GraphTask task = graph.tasks[4];
  task.kind = TaskKind::kBackward;
  task.layer = 3;
  task.micro_batch = -1;
  EXPECT_EQ(to_chakra_name(graph, task), "BACKWARD, layer 3, micro-batch -1");
  task.name = static_cast<std::uint32_t>(graph.names.size() - 1);
  EXPECT_EQ(to_chakra_name(graph, task), "BACKWARD experts, layer, layer 3, micro-batch -1");
  EXPECT_EQ(to_chakra_name(graph, graph.tasks[0]),
            "ALLTOALL GROUP_BY forward all2all, layer 0, micro-batch 0");

  const ChakraName parsed = parse_chakra_name(to_chakra_name(graph, task));
  EXPECT_EQ(parsed.kind, TaskKind::kBackward);
  EXPECT_EQ(parsed.name, "experts, layer");
  EXPECT_EQ(parsed.layer, 3);
  EXPECT_EQ(parsed.micro_batch, -1);
}

TEST(ChakraNames, OthersSayWhatTheyDo) {
  for (const std::string text : {"aten::mm", "FORWARDS", "", ", layer , micro-batch ", "x, layer 1",
                                 "x, layer 1, micro-batch 99999999999"}) {
    const ChakraName parsed = parse_chakra_name(text);
    EXPECT_EQ(parsed.name, text);
    EXPECT_FALSE(parsed.kind) << text;
    EXPECT_FALSE(parsed.layer) << text;
    EXPECT_FALSE(parsed.micro_batch) << text;
  }
  EXPECT_EQ(parse_chakra_name("FORWARD").kind, TaskKind::kForward);
  EXPECT_EQ(parse_chakra_name("FORWARD").name, "");
  EXPECT_EQ(parse_chakra_name(std::string(5000, 'x')).name.size(), kMaxGraphName);
}

}  // namespace
}  // namespace mixnet
