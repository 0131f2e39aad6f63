#include "compare/training_validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "moe/model_catalog.h"
#include "moe/routing.h"
#include "training/training_job.h"

namespace mixnet {
namespace {

using testing::HasSubstr;

constexpr const char* kHeader =
    "name,model,gpu,gpus,gpus_per_server,tp,ep,etp,pp,vpp,cp,micro_batch,global_batch,seq,"
    "precision,ep_overlap,fabric,nic_gbps,step_seconds,source\n";

std::vector<PublishedRun> parse(const std::string& rows) {
  return parse_published_runs(kHeader + rows, "runs.csv");
}

std::string message_of(const std::string& rows) {
  try {
    parse(rows);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

IterationOptions best() {
  IterationOptions options;
  best_settings(options);
  return options;
}

TEST(ParsePublishedRuns, ReadsARow) {
  const auto runs = parse(
      "a,mixtral-8x7b,h100,64,8,2,8,1,4,,1,1,256,4096,mxfp8,yes,rail-optimized,400,4.5,here\n");
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].name, "a");
  EXPECT_EQ(runs[0].place, "runs.csv:2 (column 'name')");
  EXPECT_EQ(runs[0].plan.etp, 1);
  EXPECT_FALSE(runs[0].plan.vpp);
  EXPECT_EQ(runs[0].precision, Precision::kFp8);
  EXPECT_TRUE(runs[0].overlaps_ep);
  EXPECT_EQ(runs[0].nic_rate, Bandwidth::gbps(400));
  EXPECT_EQ(runs[0].step_seconds, 4.5);
}

TEST(ParsePublishedRuns, NamesWhatIsWrong) {
  const std::string rest = ",1,256,4096,bf16,no,rail-optimized,400,4.5,\n";
  EXPECT_THAT(message_of("a,mixtral-8x7b,h1000,64,8,2,8,1,4,,1" + rest), HasSubstr("'gpu'"));
  EXPECT_THAT(message_of("a,mixtral-8x7b,h100,0,8,2,8,1,4,,1" + rest), HasSubstr("'gpus'"));
  EXPECT_THAT(message_of("a,mixtral-8x7b,h100,64,8,x,8,1,4,,1" + rest), HasSubstr("'tp'"));
  EXPECT_THAT(message_of("a,mixtral-8x7b,h100,64,8,2,99999999,1,4,,1" + rest), HasSubstr("'ep'"));
  const std::string row = "a,mixtral-8x7b,h100,64,8,2,8,1,4,,1,1,256,4096,";
  EXPECT_THAT(message_of(row + "fp4,no,rail-optimized,400,4.5,\n"), HasSubstr("'precision'"));
  EXPECT_THAT(message_of(row + "bf16,some,rail-optimized,400,4.5,\n"), HasSubstr("'ep_overlap'"));
  EXPECT_THAT(message_of(row + "bf16,no,ring,400,4.5,\n"), HasSubstr("'fabric'"));
  EXPECT_THAT(message_of(row + "bf16,no,rail-optimized,0,4.5,\n"), HasSubstr("'nic_gbps'"));
  EXPECT_THAT(message_of(row + "bf16,no,rail-optimized,400,0,\n"), HasSubstr("'step_seconds'"));
  EXPECT_THROW(parse_published_runs("name,model\na,b\n", "runs.csv"), Error);
}

TEST(ValidateTraining, IsAnIterationOfTheRowsPlan) {
  const auto runs = parse(
      "a,mixtral-8x7b,h100,64,8,2,8,1,4,2,1,1,256,4096,bf16,no,rail-optimized,200,4.5,Somebody\n");
  const TrainingValidation validation = validate_training(runs, best());
  ASSERT_EQ(validation.rows.size(), 1U);
  const TrainingRow& row = validation.rows[0];
  EXPECT_EQ(row.dispatch, DispatchMode::kDeduplicated);
  const Model model = find_model("mixtral-8x7b");
  EXPECT_EQ(row.plan, make_plan(model, runs[0].plan));
  IterationOptions options = best();
  options.fidelity.nic_rate = Bandwidth::gbps(200);
  options.zero = 1;
  options.gradient_bytes = 4;
  const FabricKind fabrics[] = {FabricKind::kRailOptimized};
  const TrainingJob job(model, row.plan, find_gpu("h100"),
                        RoutingSource::make("uniform", routing_shape(model, row.plan), 1), fabrics,
                        options);
  EXPECT_EQ(row.simulated_seconds,
            job.simulate(fabrics[0], Bandwidth::gbps(200)).total.to_seconds());
  EXPECT_NEAR(row.error(), row.simulated_seconds / 4.5 - 1, 1e-12);
}

TEST(ValidateTraining, TakesWhatARowDoesNotPrintFromItsSource) {
  const std::string row =
      "a,mixtral-8x7b,h100,64,8,2,8,1,4,,1,1,256,4096,bf16,no,rail-optimized,400,4,";
  const auto plan_of = [&](const std::string& source) {
    return validate_training(parse(row + source + "\n"), best()).rows[0];
  };
  EXPECT_EQ(plan_of("arXiv:2504.14960v2 T3").plan.vpp, 8);  // 32 layers on 4 stages, one a chunk
  EXPECT_EQ(plan_of("arXiv:2504.14960v2 T3").dispatch, DispatchMode::kCopies);
  EXPECT_EQ(plan_of("a talk").plan.vpp, 1);
  EXPECT_EQ(plan_of("a talk").dispatch, DispatchMode::kDeduplicated);
  PublishedRun run;
  run.source = "Megatron-Bridge perf-summary";
  run.model = "gpt-oss-120b";
  EXPECT_EQ(habits_of(run).dispatch, DispatchMode::kCopies);
  run.model = "qwen3-235b-a22b";
  EXPECT_EQ(habits_of(run).dispatch, DispatchMode::kCopies);
  run.plan.gpus_per_server = 72;
  EXPECT_EQ(habits_of(run).dispatch, DispatchMode::kDeduplicated);
  // What is printed stays.
  const auto printed = validate_training(
      parse("a,mixtral-8x7b,h100,64,8,2,8,1,4,1,1,1,256,4096,bf16,no,rail-optimized,400,4,"
            "arXiv:2504.14960v2\n"),
      best());
  EXPECT_EQ(printed.rows[0].plan.vpp, 1);
}

TEST(ValidateTraining, GroupsErrors) {
  const std::string start = "mixtral-8x7b,h100,64,8,2,8,1,4,2,1,1,256,4096,";
  const TrainingValidation validation = validate_training(
      parse("a," + start + "bf16,no,rail-optimized,400,1,\nb," + start +
            "bf16,yes,rail-optimized,400,2,\nc," + start + "fp8,no,rail-optimized,400,4,\n"),
      best());
  const auto group = [&](const std::string& by, const std::string& name) {
    for (const TrainingGroup& one : validation.groups) {
      if (one.by == by && one.name == name) return one;
    }
    return TrainingGroup{};
  };
  EXPECT_EQ(group("all", "").rows, 3U);
  EXPECT_EQ(group("bf16 without overlap", "").rows, 1U);
  EXPECT_EQ(group("bf16 without overlap", "").median, std::abs(validation.rows[0].error()));
  EXPECT_EQ(group("family", "mixtral").rows, 3U);
  EXPECT_EQ(group("precision", "bf16").rows, 2U);
  EXPECT_EQ(group("overlap", "yes").worst, std::abs(validation.rows[1].error()));
  const std::string json = to_json(validation);
  for (const char* part : {"mixnet.validate-training/1", "published_step_seconds",
                           "simulated_step_seconds", "\"error\"", "\"groups\""}) {
    EXPECT_THAT(json, HasSubstr(part));
  }
}

TEST(ValidateTraining, NamesTheRowOfAnImpossiblePlan) {
  const auto runs =
      parse("a,mixtral-8x7b,h100,64,8,3,8,1,4,2,1,1,256,4096,bf16,no,rail-optimized,400,1,\n");
  try {
    validate_training(runs, best());
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("runs.csv:2 (column 'name'): "));
    EXPECT_THAT(error.what(), HasSubstr("nearest possible"));
  }
}

}  // namespace
}  // namespace mixnet
