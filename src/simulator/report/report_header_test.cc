#include "report/report_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "report/test_report_folder.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_reports::row;

/// Two runs, of one plan.
ReportFolder folder() {
  ReportFolder folder;
  folder.sweep = testing_reports::sweep();
  folder.rows = {row({0, 0, 0, 0}, 10, 4e6, 1), row({0, 0, 0, 1}, 20, 1e6, 2)};
  for (ReportRow& one : folder.rows) {
    one.run->gpus = 1024;
    one.run->plan = {.tp = 4,
                     .pp = 4,
                     .ep = 8,
                     .dp = 64,
                     .gpus_per_server = 8,
                     .micro_batch_size = 8,
                     .global_batch_size = 2048,
                     .seq_length = 4096};
  }
  folder.newest = WallTime(std::chrono::seconds(1'764'201'600));
  return folder;
}

TEST(ReportHeader, SaysWhatAllOfItIsOf) {
  EXPECT_THAT(
      header_facts(folder(), "NVIDIA H100"),
      ElementsAre(ReportFact{"Model", "a"}, ReportFact{"GPUs", "1,024 x NVIDIA H100"},
                  ReportFact{"Plan", "TP 4, PP 4, EP 8, DP 64"},
                  ReportFact{"Batch", "global 2,048, micro 8, sequences of 4,096 tokens"},
                  ReportFact{"Simulated by", "mixnet 1"}, ReportFact{"Results of", "2025-11-27"}));
}

TEST(ReportHeader, WhatVariesIsSaidAsARange) {
  ReportFolder varied = folder();
  varied.sweep->axes.push_back({"gpu", {"h100", std::nullopt}});
  varied.rows[1].run->model = "b";
  varied.rows[1].run->gpus = 256;
  varied.rows[1].run->plan.ep = 32;
  varied.rows[1].run->plan.seq_length = 1024;
  const auto facts = header_facts(varied, "NVIDIA H100");
  EXPECT_EQ(facts[0].value, "a, b");
  EXPECT_EQ(facts[1].value, "256 to 1,024 x h100 or the default");
  EXPECT_EQ(facts[2].value, "TP 4, PP 4, EP 8 to 32, DP 64");
  EXPECT_EQ(facts[3].value, "global 2,048, micro 8, sequences of 1,024 to 4,096 tokens");
}

TEST(ReportHeader, OfWhatIsNotKnownThereIsNothing) {
  ReportFolder failed = folder();
  for (ReportRow& one : failed.rows) one.run.reset();
  failed.newest.reset();
  EXPECT_THAT(header_facts(failed, ""), ElementsAre(ReportFact{"Simulated by", "mixnet 1"}));
  EXPECT_EQ(header_facts(folder(), "")[1].value, "1,024");
  EXPECT_TRUE(header_facts(ReportFolder{}, "").empty());
}

TEST(ReportHeader, DaysAreThoseOfUtc) {
  EXPECT_EQ(day_of(WallTime(std::chrono::seconds(1'767'225'599))), "2025-12-31");
  EXPECT_EQ(day_of(WallTime(std::chrono::seconds(1'767'225'600))), "2026-01-01");
  EXPECT_EQ(day_of(WallTime(std::chrono::seconds(-1))), "1969-12-31");
  EXPECT_EQ(day_of(parse_epoch("1767225600", "SOURCE_DATE_EPOCH")), "2026-01-01");
  for (const char* wrong : {"", "x", "1.5", "-1", "9000000001", "99999999999999999999"}) {
    try {
      parse_epoch(wrong, "SOURCE_DATE_EPOCH");
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("SOURCE_DATE_EPOCH: '"));
    }
  }
}

}  // namespace
}  // namespace mixnet
