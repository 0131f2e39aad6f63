#include "traces/trace_files.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

/// A profile of one all-reduce of 400 bytes on 2 ranks.
std::string profile(int rank, const std::string& group = "0") {
  return fmt::format(
      R"({{"schemaVersion": 1, "distributedInfo": {{"backend": "nccl", "rank": {0}, "world_size": 2}},
      "traceEvents": [{{"ph": "X", "cat": "cpu_op", "name": "record_param_comms", "pid": 1, "tid": 1,
      "ts": 1.5, "dur": 2, "args": {{"Collective name": "allreduce", "In msg nelems": 100, "dtype":
      "Float", "Process Group Name": "{1}", "Process Group Ranks": "[0, 1]", "Group size": 2}}}}]}})",
      rank, group);
}

std::string trace(int elements = 100) {
  return fmt::format(
      R"({{"schema": "1.1.1-chakra.0.0.4", "nodes": [{{"id": 2, "name": "record_param_comms",
      "ctrl_deps": 1, "inputs": {{"values": [[[1, 2, 0, {}, 4, "cpu"]], 1, ["0", "default_pg"], 0,
      "allreduce", [], [], 0, 1, 2]}}, "attrs": []}}]}})",
      elements);
}

class TraceFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  static TraceJob read(const std::vector<std::string>& paths) {
    return read_trace_files(paths, {.prefix = {}, .gpu = find_gpu("h100")});
  }
  std::string refusal(const std::vector<std::string>& paths) const {
    try {
      read(paths);
    } catch (const Error& error) {
      std::string text = error.what();
      const std::string prefix = folder_.string() + "/";
      for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
        text.erase(at, prefix.size());
      }
      return text;
    }
    return "";
  }

  std::filesystem::path folder_;
};

TEST_F(TraceFiles, AFolderOfProfiles) {
  put("b.json", profile(0));
  put("a.json", profile(1));
  put("notes.txt", "not a trace");
  const TraceJob job = read({folder_.string()});
  EXPECT_EQ(job.format, "Kineto profiles of PyTorch");
  ASSERT_EQ(job.graph.tasks.size(), 1U);
  EXPECT_EQ(job.graph.tasks[0].kind, TaskKind::kAllReduce);
  EXPECT_EQ(job.graph.tasks[0].bytes.count, 400);
  EXPECT_THAT(job.notes, testing::Contains("ranks taken from distributedInfo"));
}

TEST_F(TraceFiles, ExecutionTracesHaveTheirRanksInTheirNames) {
  const TraceJob job = read({put("et_rank1_of2.json", trace()), put("et_rank0_of2.json", trace())});
  EXPECT_EQ(job.format, "execution traces of PyTorch");
  EXPECT_EQ(job.graph.tasks.size(), 1U);
  EXPECT_THAT(job.notes, testing::Contains(testing::StartsWith("execution traces have no times")));
}

TEST_F(TraceFiles, BothOfARankAreOneRun) {
  const TraceJob job = read({put("k0.json", profile(0)), put("k1.json", profile(1)),
                             put("et0.json", trace()), put("et1.json", trace())});
  EXPECT_EQ(job.format, "Kineto profiles and execution traces of PyTorch");
  EXPECT_EQ(job.graph.tasks.size(), 1U);
}

TEST_F(TraceFiles, RanksThatAreTwiceOrMissing) {
  const std::string zero = put("k0.json", profile(0)), one = put("k1.json", profile(1));
  EXPECT_EQ(refusal({zero, one, put("again.json", profile(1))}),
            "again.json: is of rank 1, as k1.json is; give one file for each rank");
  EXPECT_EQ(refusal({one}),
            "k1.json: is of rank 1, and there is no trace of rank 0; give the traces of all ranks "
            "from 0 on");
  EXPECT_EQ(refusal({put("et.json", trace())}),
            "et.json: does not say of which rank it is; give its name the rank, as in "
            "trace.rank3.json");
  EXPECT_EQ(
      refusal({zero, put("et1.json", trace())}),
      "et1.json: is the only trace of rank 1, and others have profiles; give the same formats "
      "for all ranks");
}

TEST_F(TraceFiles, RanksThatDoNotAgree) {
  EXPECT_EQ(
      refusal({put("et0.json", trace()), put("et1.json", trace(50))}),
      "et1.json: node 0 'allreduce': is number 0 of process group '', a ALL_REDUCE of 200 "
      "bytes, and there a ALL_REDUCE of 400; make it agree with et0.json: node 0 'allreduce'");
  const std::string nothing = R"({"schemaVersion": 1, "distributedInfo": {"rank": 1},
                                  "traceEvents": [{"ph": "M"}]})";
  EXPECT_EQ(refusal({put("k0.json", profile(0, "6")), put("k1.json", nothing)}),
            "k1.json: has no calls in process group 6 of ranks 0, 1, of which rank 0 has some; "
            "profile the same steps on all ranks");
}

TEST_F(TraceFiles, OtherFiles) {
  EXPECT_EQ(refusal({put("a.bin", "\x01\x02")}),
            "a.bin: is in no known format; give Kineto profiles of PyTorch, execution traces of "
            "PyTorch, a workload of AICB, or one folder or prefix of Chakra traces");
  EXPECT_EQ(refusal({put("a.json.gz", "\x1f\x8b\x08")}),
            "a.json.gz: is compressed; unpack it: gunzip FILE");
  EXPECT_EQ(refusal({(folder_ / "none").string()}),
            "none: no such file or folder; give traces, or folders of them");
}

TEST_F(TraceFiles, AWorkloadOfAicbIsAllRanks) {
  const std::string path =
      put("w.txt",
          "HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 2 ep: 2 "
          "pp: 1 vpp: 1 ga: 1 all_gpus: 8 checkpoints: 0 "
          "checkpoint_initiates: 0 pp_comm: 0\n"
          "2\n"
          "a -1 9000 ALLREDUCE 1024 8000 ALLREDUCE 1024 1 REDUCESCATTER 4096 1\n"
          "b -1 9000 ALLTOALL_EP 640 1 ALLTOALL_EP 640 1 NONE 0 1\n");
  const TraceJob job = read({path});
  EXPECT_EQ(job.format, "a workload of AICB");
  std::map<TaskKind, int> tasks;
  for (const GraphTask& task : job.graph.tasks) ++tasks[task.kind];
  EXPECT_EQ(tasks[TaskKind::kForward], 16);
  EXPECT_EQ(tasks[TaskKind::kBackward], 8);
  EXPECT_EQ(tasks[TaskKind::kAllReduce], 8);  // of 4 TP groups, forward and backward
  EXPECT_EQ(tasks[TaskKind::kAllToAll], 8);   // of 4 EP groups
  EXPECT_EQ(tasks[TaskKind::kReduceScatter], 2);
  EXPECT_TRUE(is_trace_file(path));
  EXPECT_EQ(refusal({path, put("k0.json", profile(0))}),
            "w.txt: is a workload of AICB, beside traces of ranks; give it alone: it says what all "
            "ranks do");
}

}  // namespace
}  // namespace mixnet
