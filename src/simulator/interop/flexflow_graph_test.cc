#include "interop/flexflow_graph.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <string>

#include "base/error.h"
#include "base/random.h"
#include "base/text_file.h"
#include "interop/test_task_graphs.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string error_of(std::string_view bytes) {
  try {
    parse_flexflow_graph(bytes, "g.fbuf");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string error_of_writing(const TaskGraph& graph) {
  try {
    to_flexflow_graph(graph, "g");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// Parses damaged bytes, which must throw nothing but one Error of one line, or give a graph.
void survive(std::string_view bytes) { EXPECT_EQ(error_of(bytes).find('\n'), std::string::npos); }

TEST(FlexFlowGraph, ReadsWhatItWroteInBothEras) {
  for (const TaskGraph& graph : {topoopt_test_graph(), mixnet_test_graph()}) {
    const std::string bytes = to_flexflow_graph(graph, "g");
    const TaskGraph again = parse_flexflow_graph(bytes, "g.fbuf");
    EXPECT_EQ(again, graph) << to_string(graph.era);
    EXPECT_EQ(to_flexflow_graph(again, "g"), bytes) << to_string(graph.era);
  }
}

TEST(FlexFlowGraph, NamesThatNobodyUsesLeaveNoTrace) {
  TaskGraph graph = mixnet_test_graph();
  const std::string bytes = to_flexflow_graph(graph, "g");
  graph.names.emplace_back("nobody");
  graph.names.push_back(graph.names[1]);
  graph.tasks[1].info = static_cast<std::uint32_t>(graph.names.size() - 1);
  const std::string twice = to_flexflow_graph(graph, "g");
  EXPECT_EQ(to_flexflow_graph(parse_flexflow_graph(twice, "g"), "g"), twice);
  EXPECT_EQ(parse_flexflow_graph(twice, "g").names.size(), 2U);
}

/// To write them anew: MIXNET_WRITE_TWINS=1.
TEST(FlexFlowGraph, TwinsOfTheAuthorsGraphsAreInTheTree) {
  const std::filesystem::path folder =
      data_directory().parent_path() / "tests" / "data" / "flexflow";
  const std::map<std::string, TaskGraph> twins = {
      {"100dlrm_16.fbuf", dlrm_test_graph()},
      {"100transformer_32.fbuf", transformer_test_graph()},
      {"moe64_1L_16MB.fbuf", moe_test_graph(1)},
      {"moe64_1L_mb2.fbuf", moe_test_graph(2)}};
  for (const auto& [file, graph] : twins) {
    const std::string bytes = to_flexflow_graph(graph, file);
    const std::filesystem::path path = folder / ("twin_of_" + file);
    if (std::getenv("MIXNET_WRITE_TWINS") != nullptr) write_text_file(path, bytes);
    EXPECT_EQ(read_text_file(path), bytes) << file;
    const TaskGraph again = parse_flexflow_graph(bytes, file);
    EXPECT_EQ(again.next, graph.next) << file;
    EXPECT_EQ(again.to, graph.to) << file;
    EXPECT_EQ(to_flexflow_graph(again, file), bytes) << file;
  }
  EXPECT_EQ(twins.at("moe64_1L_16MB.fbuf").tasks.size(), 516U);
  EXPECT_EQ(twins.at("moe64_1L_16MB.fbuf").next.items(), 704U);
}

/// Their own, where they are; else the twins have it.
TEST(FlexFlowGraph, GraphsOfTheAuthorsRoundTrip) {
  const std::filesystem::path folder = std::filesystem::path(MIXNET_SHARED_DATA_DIR) / "flexflow";
  if (!std::filesystem::exists(folder)) return;
  struct Expected {
    std::string_view file;
    GraphEra era;
    std::size_t tasks, edges;
  };
  for (const Expected& expected :
       {Expected{"100dlrm_16.fbuf", GraphEra::kTopoOpt, 1278, 2712},
        Expected{"100transformer_32.fbuf", GraphEra::kTopoOpt, 7878, 22304},
        Expected{"moe64_1L_16MB.fbuf", GraphEra::kMixNet, 516, 704},
        Expected{"moe64_1L_mb2.fbuf", GraphEra::kMixNet, 1032, 1408}}) {
    const TaskGraph graph = read_flexflow_graph(folder / expected.file);
    EXPECT_EQ(graph.era, expected.era) << expected.file;
    EXPECT_EQ(graph.tasks.size(), expected.tasks) << expected.file;
    EXPECT_EQ(graph.next.items(), expected.edges) << expected.file;
    const std::string once = to_flexflow_graph(graph, "g");
    const TaskGraph again = parse_flexflow_graph(once, "g");
    EXPECT_EQ(again, graph) << expected.file;
    EXPECT_EQ(to_flexflow_graph(again, "g"), once) << expected.file;
  }
}

TEST(FlexFlowGraph, EndpointsAreOfTheGraph) {
  TaskGraph graph = moe_test_graph(1);
  const auto of_bytes = [&](std::uint64_t number) {
    std::string bytes(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(number >> (8 * i) & 0xff);
    return bytes;
  };
  // In the first list of all GPUs one is another, by a bit.
  std::string bytes = to_flexflow_graph(graph, "g");
  const std::size_t at = bytes.find(of_bytes(37) + of_bytes(38) + of_bytes(39));
  ASSERT_NE(at, std::string::npos);
  bytes[at + 8 + 2] ^= 2;
  EXPECT_THAT(error_of(bytes), HasSubstr("joins GPU 131110, and the graph has 64; give 0 to 63"));
  // Without the number that stands for any, nodes count.
  graph.nodes = 7;
  EXPECT_THAT(error_of(to_flexflow_graph(graph, "g")),
              HasSubstr("runs on node 7, and the graph has 7"));
  graph.nodes = 8192;
  graph.devices[5].node = 8;
  EXPECT_THAT(error_of(to_flexflow_graph(graph, "g")), HasSubstr("runs on node 8, and the graph"));
  TaskGraph nodes = topoopt_test_graph();
  nodes.nodes = 2;
  EXPECT_THAT(error_of(to_flexflow_graph(nodes, "g")),
              HasSubstr("joins node 2, and the graph has"));
}

TEST(FlexFlowGraph, BytesMayLieAskew) {
  const std::string bytes = to_flexflow_graph(mixnet_test_graph(), "g");
  for (const std::size_t shift : {1, 2, 4}) {
    std::string moved(shift, ' ');
    moved += bytes;
    EXPECT_EQ(parse_flexflow_graph(std::string_view(moved).substr(shift), "g"),
              mixnet_test_graph());
  }
}

TEST(FlexFlowGraph, RefusesWhatIsNoGraph) {
  for (const std::string& bytes : {std::string(), std::string("x"), std::string("a text file\n"),
                                   std::string(4096, '\0'), std::string(4096, '\xff')}) {
    EXPECT_THAT(error_of(bytes), StartsWith("g.fbuf: is no FlexFlow task graph"));
  }
}

TEST(FlexFlowGraph, EveryTruncationIsOneClearLine) {
  for (const TaskGraph& graph : {topoopt_test_graph(), mixnet_test_graph()}) {
    const std::string bytes = to_flexflow_graph(graph, "g");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::string error = error_of(bytes.substr(0, size));
      if (error == "no error") {  // only padding is missing
        ASSERT_GE(size + 8, bytes.size());
        ASSERT_EQ(parse_flexflow_graph(bytes.substr(0, size), "g"), graph);
        continue;
      }
      ASSERT_THAT(error, StartsWith("g.fbuf: ")) << size;
      ASSERT_EQ(error.find('\n'), std::string::npos) << size;
    }
  }
}

TEST(FlexFlowGraph, EveryFlippedBitIsSurvived) {
  for (const TaskGraph& graph : {topoopt_test_graph(), mixnet_test_graph()}) {
    std::string bytes = to_flexflow_graph(graph, "g");
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      const auto mask = static_cast<char>(1 << bit % 8);
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
      survive(bytes);
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    }
  }
}

TEST(FlexFlowGraph, RandomDamageIsSurvived) {
  Random random(7);
  const std::string good = to_flexflow_graph(mixnet_test_graph(), "g");
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (std::uint64_t changes = 1 + random.below(8); changes > 0; --changes) {
      const std::uint64_t at = random.below(bytes.size() / 4) * 4;
      const auto word = static_cast<std::uint32_t>(random.next() >> random.below(64));
      std::memcpy(bytes.data() + at, &word, sizeof word);
    }
    survive(bytes);
  }
}

TEST(FlexFlowGraph, SaysWhatIsWrongWithAGraph) {
  const auto error_with = [](const auto& change, bool is_topoopt = false) {
    TaskGraph graph = is_topoopt ? topoopt_test_graph() : mixnet_test_graph();
    change(graph);
    return error_of_writing(graph);
  };
  EXPECT_THAT(error_with([](TaskGraph& g) { g.tasks[3].runtime = {-1}; }),
              StartsWith("g: task 3 (id 1030, FORWARD) runs for -1 ms; give 0 ms to an hour"));
  EXPECT_THAT(error_with([](TaskGraph& g) {
                g.tasks[3].runtime = {std::numeric_limits<float>::quiet_NaN()};
              }),
              HasSubstr("runs for"));
  EXPECT_THAT(error_with([](TaskGraph& g) { g.tasks[0].bytes = {-1}; }),
              StartsWith("g: task 0 (id 1000, ALLTOALL GROUP_BY forward all2all) sends 1844674"));
  EXPECT_THAT(error_with([](TaskGraph& g) { g.tasks[3].device = GraphTask::kNoDevice; }),
              HasSubstr("names no device"));
  EXPECT_THAT(error_with([](TaskGraph& g) { g.tasks[3].id = g.tasks[4].id; }),
              HasSubstr("has two tasks with the id 1040"));
  EXPECT_THAT(error_with([](TaskGraph& g) { g.devices[1].id = g.devices[0].id; }),
              HasSubstr("has two devices with the id 500"));
  EXPECT_THAT(error_with([](TaskGraph& g) { g.gpus_per_node = 0; }), HasSubstr("0 GPUs a node"));
  EXPECT_THAT(error_with([](TaskGraph& g) { g.nodes = 0; }), HasSubstr("0 nodes"));
  EXPECT_THAT(error_with([](TaskGraph& g) { g.ep = 1U << 31; }), HasSubstr("parallelism"));
  EXPECT_THAT(error_with([](TaskGraph& g) { g.names.emplace_back(2000, 'x'); }),
              HasSubstr("a name of 2000 bytes"));
  EXPECT_THAT(error_with([](TaskGraph& g) { g.gpu_bandwidth = {-1}; }), HasSubstr("bandwidth"));
  EXPECT_THAT(error_with([](TaskGraph& g) { g.network_bandwidth = {1}; }, true),
              HasSubstr("less than 2 bytes a ms"));
  EXPECT_THAT(error_with([](TaskGraph& g) { g.routes[1].paths[0].chance = 2; }, true),
              HasSubstr("of chance 2"));
  EXPECT_THAT(error_with([](TaskGraph& g) { g.era = GraphEra::kTopoOpt; }),
              HasSubstr("cannot be said in a graph of TopoOpt's era"));
  EXPECT_THAT(error_with([](TaskGraph& g) { g.era = GraphEra::kMixNet; }, true),
              HasSubstr("connections, routes or rings"));
}

/// Replaces the only 64-bit number `from` in the bytes.
std::string with_number(std::string bytes, std::uint64_t from, std::uint64_t to) {
  const std::string_view pattern(reinterpret_cast<const char*>(&from), sizeof from);
  const std::size_t at = bytes.find(pattern);
  EXPECT_NE(at, std::string::npos);
  EXPECT_EQ(bytes.find(pattern, at + 1), std::string::npos);
  std::memcpy(bytes.data() + at, &to, sizeof to);
  return bytes;
}

TEST(FlexFlowGraph, SaysWhatIsWrongWithAFile) {
  TaskGraph graph = topoopt_test_graph();
  graph.tasks[2].bytes = {1'234'567'890'123};
  graph.tasks[1].id = 777'777'777'777;  // named once as a task, once as a successor
  const std::string bytes = to_flexflow_graph(graph, "g");
  EXPECT_THAT(error_of(with_number(bytes, 1'234'567'890'123, ~std::uint64_t{0})),
              HasSubstr("task 2 (id 1020, NOMINAL_COMM) sends 18446744073709551615 bytes"));
  std::string unknown = bytes;
  const std::uint64_t id = 777'777'777'777;
  const std::string_view pattern(reinterpret_cast<const char*>(&id), sizeof id);
  const std::size_t at = unknown.find(pattern);
  ASSERT_NE(at, std::string::npos);
  unknown[at] = static_cast<char>(unknown[at] + 1);
  EXPECT_THAT(error_of(unknown), HasSubstr("names the successor 77777777777"));
}

}  // namespace
}  // namespace mixnet
