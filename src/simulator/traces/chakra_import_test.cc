#include "traces/chakra_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "graphs/task_run.h"
#include "interop/chakra_trace.h"

namespace mixnet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Ids = std::vector<std::uint64_t>;

constexpr Time kMs = Time::milliseconds(1);

/// Traces put together node by node.
class Job {
 public:
  explicit Job(std::size_t ranks) : traces_(ranks) {}

  std::uint64_t work(std::size_t rank, std::uint64_t us, const Ids& deps = {}) {
    ChakraNode& one = node(rank, ChakraKind::kCompute, deps);
    one.duration_us = us;
    return one.id;
  }
  std::uint64_t send(std::size_t rank, std::uint32_t to, std::uint64_t bytes, std::uint32_t tag,
                     const Ids& deps = {}) {
    ChakraNode& one = node(rank, ChakraKind::kSend, deps);
    one.comm_size = bytes;
    one.destination = to;
    one.tag = tag;
    return one.id;
  }
  std::uint64_t receive(std::size_t rank, std::uint32_t from, std::uint64_t bytes,
                        std::uint32_t tag, const Ids& deps = {}) {
    ChakraNode& one = node(rank, ChakraKind::kReceive, deps);
    one.comm_size = bytes;
    one.source = from;
    one.tag = tag;
    return one.id;
  }
  ChakraNode& collective(std::size_t rank, ChakraCollective what, std::uint64_t bytes,
                         const std::string& group = "", const Ids& deps = {}) {
    ChakraNode& one = node(rank, ChakraKind::kCollective, deps);
    one.collective = what;
    one.comm_size = bytes;
    one.process_group = group;
    return one;
  }
  ChakraNode& node(std::size_t rank, ChakraKind kind, const Ids& deps = {}) {
    ChakraNode& one = traces_[rank].nodes.emplace_back();
    one.id = traces_[rank].nodes.size() * 10;
    one.kind = kind;
    one.name = "node";
    one.data_deps = deps;
    return one;
  }

  TaskGraph graph(std::uint32_t gpus_per_node = 1) const {
    std::vector<std::string> files;
    for (const ChakraTrace& trace : traces_) files.push_back(to_chakra_trace(trace));
    ChakraImport options;
    options.prefix = "job";
    options.gpus_per_node = gpus_per_node;
    options.gpu.peak_bf16_flops = 2e15;
    options.gpu.memory_bytes_per_second = 5e12;
    options.gpu.scale_up_bytes_per_second = 1e9;
    options.compute_efficiency = 0.5;
    options.memory_efficiency = 0.2;
    return parse_chakra_graph(files, options);
  }

  /// Fluid, 100 Gb/s, no latency: a byte takes 80 ps.
  TaskRunReport run(FabricKind fabric = FabricKind::kIdeal, std::uint32_t gpus_per_node = 1) const {
    TaskRunRequest request;
    request.network.fabric = fabric;
    request.network.latency = Time::zero();
    request.fidelity = Fidelity::kFluid;
    request.input = "job";
    return run_task_graph(graph(gpus_per_node), request);
  }
  Time iteration() const { return run().iteration; }

  std::string error() const {
    try {
      graph();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

 private:
  std::vector<ChakraTrace> traces_;
};

TEST(ChakraImport, WorkOfAGpuIsOneAfterAnotherAndACpuIsBesideIt) {
  Job job(1);
  job.work(0, 4000);
  const auto other = job.work(0, 2000);
  job.node(0, ChakraKind::kCompute, {other}).duration_us = 1000;
  EXPECT_EQ(job.iteration(), kMs * 7);
  ChakraNode& on_cpu = job.node(0, ChakraKind::kCompute);
  on_cpu.duration_us = 8000;
  on_cpu.is_cpu_op = true;
  EXPECT_EQ(job.iteration(), kMs * 8);
  ChakraNode& load = job.node(0, ChakraKind::kMemoryLoad, {other});
  load.tensor_size = 3'000'000'000;  // of a terabyte a second
  EXPECT_EQ(job.iteration(), kMs * 9);
}

TEST(ChakraImport, WorkWithoutATimeIsARoofline) {
  Job job(1);
  ChakraNode& one = job.node(0, ChakraKind::kCompute);
  one.num_ops = 3'000'000'000'000;  // of a petaflop a second
  EXPECT_EQ(job.iteration(), kMs * 3);
  one.tensor_size = 5'000'000'000;
  EXPECT_EQ(job.iteration(), kMs * 5);
  one.duration_us = 500;
  EXPECT_EQ(job.iteration().ps, kMs.ps / 2) << "a time is a time";
}

TEST(ChakraImport, NodesThatTakeNoTimePassOnWhatWaits) {
  Job job(1);
  const auto first = job.work(0, 1000);
  const auto mark = job.node(0, ChakraKind::kMetadata, {first}).id;
  ChakraNode& last = job.node(0, ChakraKind::kCompute);
  last.control_deps = {mark};
  last.duration_us = 1000;
  last.is_cpu_op = true;
  EXPECT_EQ(job.iteration(), kMs * 2);
}

TEST(ChakraImport, MessagesAreMatchedByRanksTagAndOrder) {
  Job job(2);
  const auto late = job.work(0, 3000);
  job.send(0, 1, 12'500'000, 7, {late});  // a ms on the wire
  job.send(0, 1, 25'000'000, 5);
  const auto small = job.receive(1, 0, 25'000'000, 5);
  const auto large = job.receive(1, 0, 12'500'000, 7);
  job.work(1, 10'000, {small});
  EXPECT_EQ(job.iteration(), kMs * 12);
  job.work(1, 100, {large});
  const TaskRunReport report = job.run();
  EXPECT_NEAR(report.iteration.to_seconds(), 12.1e-3, 1e-9);
  EXPECT_EQ(report.communication.flows, 2);
}

TEST(ChakraImport, AReceiveThatWaitsDoesNotHoldUpTheTransfer) {
  Job job(2);
  job.send(0, 1, 12'500'000, 0);
  const auto busy = job.work(1, 5000);
  const auto received = job.receive(1, 0, 12'500'000, 0, {busy});
  job.work(1, 2000, {received});
  EXPECT_EQ(job.iteration(), kMs * 7);
}

TEST(ChakraImport, CollectivesAreJoinedByGroupAndOrder) {
  Job job(4);
  for (std::size_t rank = 0; rank < 4; ++rank) {
    const auto work = job.work(rank, 1000 * rank);
    // Pairs: of 25 MB each sends half twice.
    const auto first = job.collective(rank, ChakraCollective::kAllReduce, 25'000'000,
                                      rank < 2 ? "1" : "2", {work});
    // All: each brings 12.5 MB and passes on what the others bring, but for its own.
    job.collective(rank, ChakraCollective::kAllGather, 12'500'000, "", {first.id});
  }
  const TaskRunReport report = job.run();
  EXPECT_EQ(report.iteration, kMs * (3 + 2 + 3));
  const TaskGraph graph = job.graph();
  EXPECT_EQ(std::ranges::count(graph.tasks, TaskKind::kAllReduce, &GraphTask::kind), 2);
  EXPECT_EQ(std::ranges::count(graph.tasks, TaskKind::kAllGather, &GraphTask::kind), 1);
}

TEST(ChakraImport, EveryCollectiveThatHasATime) {
  const auto time_of = [](ChakraCollective collective) {
    Job job(4);
    for (std::size_t rank = 0; rank < 4; ++rank) job.collective(rank, collective, 12'500'000);
    return job.iteration();
  };
  EXPECT_EQ(time_of(ChakraCollective::kAllReduce).ps, kMs.ps * 3 / 2);
  EXPECT_EQ(time_of(ChakraCollective::kAllGather), kMs * 3);
  EXPECT_EQ(time_of(ChakraCollective::kReduceScatter).ps, kMs.ps * 3 / 4);
  EXPECT_EQ(time_of(ChakraCollective::kReduceScatterBlock).ps, kMs.ps * 3 / 4);
  EXPECT_EQ(time_of(ChakraCollective::kReduce).ps, kMs.ps * 3 / 4);
  EXPECT_EQ(time_of(ChakraCollective::kBroadcast).ps, kMs.ps * 3 / 4);
  EXPECT_EQ(time_of(ChakraCollective::kAllToAll).ps, kMs.ps * 3 / 4);
  EXPECT_EQ(time_of(ChakraCollective::kBarrier), Time::zero());
}

TEST(ChakraImport, UnevenAllToAlls) {
  Job job(2);
  job.collective(0, ChakraCollective::kAllToAll, 25'000'000).splits = {0, 37'500'000};
  job.collective(1, ChakraCollective::kAllToAll, 25'000'000).splits = {12'500'000, 1};
  EXPECT_EQ(job.iteration(), kMs * 3);
  const TaskGraph graph = job.graph();
  EXPECT_EQ(graph.demands.front()(0, 1), 37'500'000);
  EXPECT_EQ(graph.demands.front()(1, 1), 1);
  EXPECT_EQ(graph.ep, 2U);
}

TEST(ChakraImport, OnMixNetAnUnknownAllToAllWaitsForTheSwitchAndANamedOneByItsName) {
  Job job(16);
  for (std::size_t rank = 0; rank < 16; ++rank) {
    job.collective(rank, ChakraCollective::kAllToAll, 1 << 20);
  }
  EXPECT_GT(job.run(FabricKind::kMixNet, 8).iteration, kMs * 25);
  Job named(16);
  for (std::size_t rank = 0; rank < 16; ++rank) {
    named.collective(rank, ChakraCollective::kAllToAll, 1 << 20).name =
        "ALLTOALL AGGREGATE forward all2all, layer 1, micro-batch 0";
  }
  EXPECT_LT(named.run(FabricKind::kMixNet, 8).iteration, kMs * 25);
}

TEST(ChakraImport, FilesInAnotherOrderThanOneAnotherStillMakeAGraph) {
  Job job(2);
  // Each receives before it sends: no order of tasks is that of both files.
  job.receive(0, 1, 12'500'000, 0);
  job.send(0, 1, 12'500'000, 0);
  job.receive(1, 0, 12'500'000, 0);
  job.send(1, 0, 12'500'000, 0);
  EXPECT_EQ(job.iteration(), kMs);
}

// As mlcommons/chakra makes them of PyTorch's profiles.
TEST(ChakraImport, WhatTheCpuDoesToLaunchACollectiveIsItsWork) {
  Job job(1);
  ChakraNode& launch = job.node(0, ChakraKind::kCollective);
  launch.name = "c10d::allreduce_";
  launch.is_cpu_op = true;
  launch.duration_us = 30;
  const TaskGraph graph = job.graph();
  ASSERT_EQ(graph.tasks.size(), 1U);
  EXPECT_EQ(graph.devices[graph.tasks[0].device].kind, DeviceKind::kCpu);
  EXPECT_FLOAT_EQ(graph.tasks[0].runtime.count, 0.03F);
}

TEST(ChakraImport, WhatIsPassedOverIsNoted) {
  ChakraTrace trace;
  for (std::uint64_t id : {1, 2}) {
    ChakraNode& node = trace.nodes.emplace_back();
    node.id = id;
    node.kind = ChakraKind::kCompute;
    node.duration_us = 5;
    node.control_deps = {id, 77};
  }
  ImportNotes notes;
  ChakraImport options;
  options.prefix = "job";
  options.gpu.memory_bytes_per_second = options.gpu.scale_up_bytes_per_second = 1e12;
  const auto one = [&](std::size_t) { return RankTrace{"job.0.et", trace}; };
  const TaskGraph graph = join_rank_traces(1, one, options, &notes);
  EXPECT_EQ(graph.next.items(), 0U);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_EQ(notes[0], "4 dependencies name no other node of the trace and are passed over");
}

TEST(ChakraImport, RefusesWhatCannotBe) {
  const auto error_of = [](std::size_t ranks, const std::function<void(Job&)>& fill) {
    Job job(ranks);
    fill(job);
    return job.error();
  };
  EXPECT_THAT(error_of(0, [](Job&) {}), HasSubstr("has 0 ranks"));
  EXPECT_THAT(error_of(1, [](Job&) {}), HasSubstr("has 0 tasks"));
  EXPECT_THAT(error_of(2, [](Job& job) { job.send(0, 1, 5, 3); }),
              HasSubstr("sends 1 messages from rank 0 to 1 with tag 3, and receives 0"));
  EXPECT_THAT(error_of(1, [](Job& job) { job.send(0, 9, 5, 3); }), HasSubstr("receives 0"));
  EXPECT_THAT(error_of(2,
                       [](Job& job) {
                         job.send(0, 1, 5, 3);
                         job.receive(1, 0, 6, 3);
                       }),
              HasSubstr("sends 5 bytes from rank 0 to 1 with tag 3, and receives 6"));
  EXPECT_THAT(error_of(2, [](Job& job) { job.node(0, ChakraKind::kSend).source = 1; }),
              AllOf(HasSubstr("job.0.et: node 10 'node'"), HasSubstr("is of rank 1")));
  EXPECT_THAT(error_of(1, [](Job& job) { job.node(0, ChakraKind::kCollective).is_cpu_op = false; }),
              HasSubstr("has no comm_type"));
  EXPECT_THAT(error_of(1, [](Job& job) { job.collective(0, ChakraCollective::kScatter, 5); }),
              HasSubstr("is a SCATTER"));
  EXPECT_THAT(error_of(2, [](Job& job) { job.collective(0, ChakraCollective::kAllReduce, 5); }),
              HasSubstr("is a collective of all ranks in which rank 1 takes no part"));
  EXPECT_THAT(
      error_of(1, [](Job& job) { job.collective(0, ChakraCollective::kAllReduce, 5); }),
      AllOf(HasSubstr("job.0.et: node 10 'node': is a collective of all ranks in which rank "
                      "0 is alone"),
            HasSubstr("those of rank 1 and up are missing")));
  EXPECT_THAT(
      error_of(3, [](Job& job) { job.collective(1, ChakraCollective::kAllReduce, 5, "7"); }),
      AllOf(HasSubstr("of process group '7' in which rank 1 is alone"),
            HasSubstr("none of ranks 0 to 2 has it")));
  EXPECT_THAT(error_of(2,
                       [](Job& job) {
                         job.collective(0, ChakraCollective::kAllReduce, 5, "3");
                         job.collective(1, ChakraCollective::kAllGather, 5, "3");
                       }),
              AllOf(HasSubstr("job.1.et"), HasSubstr("make it agree with job.0.et: node 10")));
  EXPECT_THAT(error_of(2,
                       [](Job& job) {
                         job.collective(0, ChakraCollective::kAllReduce, 5, "3");
                         job.collective(1, ChakraCollective::kAllReduce, 5, "3");
                         job.collective(1, ChakraCollective::kAllReduce, 5, "3");
                       }),
              HasSubstr("names process group '3' 1 times, and another rank 2 times"));
  EXPECT_THAT(error_of(2,
                       [](Job& job) {
                         job.collective(0, ChakraCollective::kAllToAll, 5).splits = {1, 2, 3};
                         job.collective(1, ChakraCollective::kAllToAll, 5).splits = {1, 2, 3};
                       }),
              HasSubstr("has 3 comm_splits, and 2 ranks take part"));
  EXPECT_THAT(error_of(2,
                       [](Job& job) {
                         job.collective(0, ChakraCollective::kAllToAll, 5).splits = {1, 2};
                         job.collective(1, ChakraCollective::kAllToAll, 5);
                       }),
              HasSubstr("do not all have comm_splits"));
  EXPECT_THAT(
      error_of(1, [](Job& job) { job.collective(0, ChakraCollective::kAllReduce, 1ULL << 49); }),
      HasSubstr("at most 2^48"));
  EXPECT_THAT(error_of(1, [](Job& job) { job.work(0, 1ULL << 60); }), HasSubstr("at most an hour"));
  EXPECT_THAT(error_of(1, [](Job& job) { job.node(0, ChakraKind::kCompute).num_ops = 1ULL << 62; }),
              HasSubstr("at most an hour"));
}

TEST(ChakraGroups, NameTheRanksThatAreMissing) {
  const ChakraGroups known = parse_chakra_groups(R"({"1": [3, 0, 9, 4, 5, 6], "2": [1, 2]})", "g");
  const auto said = [&](const std::string& name, const std::vector<std::uint32_t>& members) {
    try {
      check_chakra_group(known, name, members, 10, "job.0.et: node 1");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(said("1", {0}), HasSubstr("in which ranks 3, 4, 5, 6 and 1 more, listed in"));
  EXPECT_THAT(said("1", {0, 3, 4, 5, 6}), HasSubstr("in which rank 9, listed in"));
  EXPECT_EQ(said("2", {1, 2}), "no error");
  EXPECT_EQ(said("3", {1, 2}), "no error");
  EXPECT_THROW(parse_chakra_groups(R"({"1": [-1]})", "g"), Error);
  EXPECT_THROW(parse_chakra_groups("[1]", "g"), Error);
}

}  // namespace
}  // namespace mixnet
