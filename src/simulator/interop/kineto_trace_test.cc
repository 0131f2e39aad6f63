#include "interop/kineto_trace.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

using testing::ElementsAre;

constexpr const char* kJob =
    R"("distributedInfo": {"backend": "nccl", "rank": 0, "world_size": 2, "pg_count": 1, "pg_config":
       [{"pg_name": "0", "pg_desc": "default_pg", "pg_size": 2, "ranks": [0, 1]}]})";

std::string profile(const std::string& events, const std::string& job = kJob) {
  return fmt::format(R"({{"schemaVersion": 1, {}, "traceEvents": [
      {{"ph": "M", "name": "process_name", "pid": 1, "tid": 0, "args": {{"name": "python"}}}}{}]}})",
                     job, events);
}

std::string event(const std::string& kind, const std::string& name, int start, int duration,
                  int track, const std::string& args = "") {
  return fmt::format(
      R"(, {{"ph": "X", "cat": "{}", "name": "{}", "pid": 1, "tid": {}, "ts": {}.5, "dur": {},
            "args": {{{}}}}})",
      kind, name, track, start, duration, args);
}
std::string op(const std::string& name, int start, int duration, const std::string& args = "",
               int thread = 100) {
  return event("cpu_op", name, start, duration, thread, args);
}
std::string kernel(const std::string& name, int start, int duration, int stream,
                   const std::string& args = "") {
  return event("kernel", name, start, duration, stream, args);
}
std::string record(const std::string& name, int start, const std::string& more = "") {
  return op("record_param_comms", start, 5,
            fmt::format(R"("External id": {}, "Collective name": "{}", "In msg nelems": 1024,
                           "dtype": "Float", "In split size": "[]", "Group size": 2,
                           "Process Group Name": "0", "Process Group Ranks": "[0, 1]"{})",
                        start, name, more));
}

ChakraTrace chakra(const std::string& text, std::uint32_t ranks = 2) {
  std::map<std::string, std::vector<std::uint32_t>> unused;
  return to_chakra_trace(parse_kineto_trace(text, "k.json"), 0, ranks, unused);
}

std::string refusal(const std::string& text) {
  try {
    chakra(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(KinetoTrace, SaysOfWhichRankItIs) {
  EXPECT_EQ(parse_kineto_trace(profile(""), "k.json").rank, 0U);
  EXPECT_EQ(parse_kineto_trace(profile("", R"("record_shapes": 1)"), "k.json").rank, std::nullopt);
}

TEST(KinetoTrace, WorkOnACpuIsAnOperatorsOwnTime) {
  const ChakraTrace read = chakra(profile(op("aten::matmul", 0, 100) + op("aten::mm", 10, 80) +
                                          op("aten::empty", 20, 30) + op("aten::add", 120, 7)));
  std::map<std::string, std::uint64_t> times;
  for (const ChakraNode& node : read.nodes) {
    EXPECT_EQ(node.is_cpu_op, true);
    times[node.name] += node.duration_us;
  }
  EXPECT_EQ(times,
            (std::map<std::string, std::uint64_t>{
                {"aten::matmul", 20}, {"aten::mm", 50}, {"aten::empty", 30}, {"aten::add", 7}}));
}

TEST(KinetoTrace, CallsAreNoWorkAndWhatFollowsWaitsForThem) {
  const std::string sizes = R"("Input Dims": [[[1000]], []], "Input type": ["TensorList", ""],
      "Concrete Inputs": ["", ""], "Record function id": 13)";
  const ChakraTrace read = chakra(profile(
      op("aten::ones", 0, 10) + op("c10d::allreduce_", 20, 90, sizes) + op("aten::empty", 30, 5) +
      event(
          "user_annotation", "gloo:all_reduce", 25, 80, 101,
          R"("Record function id": 14, "Input Dims": [[1000]], "Input type": ["c10::BFloat16"])") +
      op("aten::add", 120, 7)));
  ASSERT_EQ(read.nodes.size(), 3U);
  EXPECT_EQ(read.nodes[1].kind, ChakraKind::kCollective);
  EXPECT_EQ(read.nodes[1].comm_size, 2000U);  // the type of its elements is gloo's word
  EXPECT_EQ(read.nodes[1].process_group, "");
  EXPECT_THAT(read.nodes[1].data_deps, ElementsAre(0));
  EXPECT_EQ(read.nodes[2].name, "aten::add");
  EXPECT_THAT(read.nodes[2].data_deps, ElementsAre(0, 1));
}

TEST(KinetoTrace, KernelsWorkByStreamAndNcclsAreTheCalls) {
  const ChakraTrace read = chakra(profile(
      record("_allgather_base", 5) +
      record("all_to_allv", 40, R"(, "In split size": "[1, 3]", "Out split size": [2, 2])") +
      kernel("gemm", 100, 50, 7) +
      kernel("ncclDevKernel_AllGather", 110, 60, 20, R"("External id": 5)") +
      kernel("relu", 150, 10, 7) +  // does not wait for the gather
      kernel("ncclDevKernel_SendRecv", 180, 20, 20, R"("External id": 40)") +
      kernel("softmax", 205, 10, 7)));
  std::vector<std::string> names;
  for (const ChakraNode& node : read.nodes) names.push_back(node.name);
  // "host": the time between what one waits for and its start.
  EXPECT_THAT(names, ElementsAre("gemm", "_allgather_base", "relu", "host", "all_to_allv", "host",
                                 "softmax"));
  EXPECT_TRUE(read.nodes[1].data_deps.empty());
  EXPECT_EQ(read.nodes[1].comm_size, 4096U);
  EXPECT_THAT(read.nodes[2].data_deps, ElementsAre(0));
  EXPECT_EQ(read.nodes[3].duration_us, 10U);
  EXPECT_THAT(read.nodes[3].data_deps, ElementsAre(1, 2));
  EXPECT_THAT(read.nodes[4].splits, ElementsAre(1024, 3072));
  EXPECT_EQ(read.nodes[5].duration_us, 5U);
  EXPECT_THAT(read.nodes[5].data_deps, ElementsAre(2, 4));
  EXPECT_EQ(read.nodes[6].is_cpu_op, false);
}

TEST(KinetoTrace, ARecordStandsForTheOperatorAroundItAndTheRecordsWithin) {
  const std::string sizes =
      R"("Input Dims": [[4]], "Input type": ["float"], "Concrete Inputs": [""])";
  const ChakraTrace read = chakra(
      profile(op("c10d::barrier", 0, 50, sizes) + record("barrier", 10) + record("allreduce", 11)));
  ASSERT_EQ(read.nodes.size(), 1U);
  EXPECT_EQ(read.nodes[0].collective, ChakraCollective::kBarrier);
}

TEST(KinetoTrace, KernelsSayWhatTheyAreWhereNobodyElseDoes) {
  const std::string said = R"("Collective name": "allreduce", "In msg nelems": 8, "dtype": "Half",
                              "Process Group Name": "0", "Process Group Ranks": "[0, 1]")";
  const std::string kernels = kernel("ncclDevKernel_AllReduce", 100, 50, 20, said);
  EXPECT_EQ(chakra(profile(kernels)).nodes.size(), 1U);
  // A call is not counted twice, though nothing links the two.
  const ChakraTrace read = chakra(profile(record("allreduce", 5) + kernels));
  ASSERT_EQ(read.nodes.size(), 1U);
  EXPECT_EQ(read.nodes[0].comm_size, 4096U);
}

TEST(KinetoTrace, MessagesGoToARankOfTheJob) {
  const ChakraTrace read = chakra(
      profile(record("send", 0, R"(, "Rank": 1, "Dst Rank": 3, "Process Group Ranks": "[0, 3]")"),
              R"("x": 1)"),
      4);
  ASSERT_EQ(read.nodes.size(), 1U);
  EXPECT_EQ(read.nodes[0].destination, 3U);
  EXPECT_EQ(read.nodes[0].source, 0U);
}

TEST(KinetoTrace, SaysWhatIsNotKnown) {
  EXPECT_EQ(refusal("{\"traceEvents\": []}"),
            "k.json: has no traceEvents; give a profile of torch.profiler");
  EXPECT_EQ(
      refusal(profile(record("all_to_allv", 0, R"(, "In split size": "[1, 2, ...]")"))),
      "k.json: event 1 'record_param_comms': has more splits than the profile lists, which "
      "end in '...'; give the execution trace (ExecutionTraceObserver) of the rank beside it");
  EXPECT_EQ(refusal(profile(op("record_param_comms", 0, 5))),
            "k.json: event 1 'record_param_comms': does not say what was called; give a profile of "
            "PyTorch 2.2 or later, or the execution trace");
  EXPECT_EQ(
      refusal(profile(op("c10d::allreduce_", 0, 5))),
      "k.json: event 1 'c10d::allreduce_': does not say how many bytes it sends; profile with "
      "record_shapes=True, or give the execution trace");
  EXPECT_EQ(
      refusal(profile(kernel("ncclDevKernel_AllReduce", 0, 5, 20))),
      "k.json: kernel 'ncclDevKernel_AllReduce': communicates, and nothing says what; profile "
      "with ProfilerActivity.CPU, too");
  EXPECT_EQ(
      refusal(profile(record("allreduce", 0, R"(, "Process Group Ranks": "[0, 9]")"))),
      "k.json: event 1 'record_param_comms': is of a process group with rank 9, and there are "
      "2 traces; give the traces of all ranks");
}

}  // namespace
}  // namespace mixnet
