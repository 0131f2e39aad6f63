#include "sweep/sweep_row.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace mixnet {
namespace {

using testing::HasSubstr;

SweepPlan plan() {
  const StudyFlag flags[] = {{.names = {"fabric"}}, {.names = {"fail"}}};
  return {parse_study("fabric: [a, 'b,c']\nfail: x\n", "study.yaml", flags), "run"};
}

SweepPlan plan_with_axes() {
  const StudyFlag flags[] = {{.names = {"fabric"}}, {.names = {"fail"}}};
  return {parse_study("fabric: [a, 'b,c']\nfail: [~, x]\n", "study.yaml", flags), "run"};
}

TEST(SweepRow, SaysWhatWasAskedAndWhatCameOut) {
  const PointOutcome good{R"({"plan":{"tp":4},"run":{"seconds":0.1}})", ""};
  EXPECT_EQ(row_line(plan_with_axes(), 0, good),
            R"({"schema":"mixnet.sweep/1","point":1,"axes":{"fabric":"a","fail":null},)"
            R"("status":"ok","command":"run --fabric a","plan":{"tp":4},"run":{"seconds":0.1}})"
            "\n");
  EXPECT_EQ(row_line(plan_with_axes(), 3, {"", "no \"luck\""}),
            R"({"schema":"mixnet.sweep/1","point":4,"axes":{"fabric":"b,c","fail":"x"},)"
            R"("status":"failed","command":"run --fabric b,c --fail x","error":"no \"luck\""})"
            "\n");
}

TEST(SweepRow, WhatAKillLeftIsNoRow) {
  EXPECT_EQ(whole_rows("a\nb\n"), "a\nb\n");
  EXPECT_EQ(whole_rows("a\nb"), "a\n");
  EXPECT_EQ(whole_rows("half"), "");
  EXPECT_EQ(whole_rows(std::string_view("a\n\0\0\n", 5)), "a\n");
}

TEST(SweepRow, IsReadBack) {
  const SweepPlan plan = plan_with_axes();
  const RowHead good = read_row(plan, row_line(plan, 2, {R"({"run":{}})", ""}), "rows");
  EXPECT_EQ(good.point, 2u);
  EXPECT_TRUE(good.ok);
  const RowHead bad = read_row(plan, row_line(plan, 1, {"", "why"}), "rows");
  EXPECT_FALSE(bad.ok);
  EXPECT_EQ(bad.error, "why");
}

TEST(SweepRow, OthersAreRefused) {
  const SweepPlan plan = plan_with_axes();
  const std::string point = R"({"schema":"mixnet.sweep/1","point":1,"axes":)";
  for (const std::string& line :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"),
        std::string(R"({"schema":"mixnet.sweep/2","point":1})"),
        std::string(R"({"schema":"mixnet.sweep/1","point":0,"axes":{}})"),
        std::string(R"({"schema":"mixnet.sweep/1","point":5,"axes":{}})"),
        point + R"({"fabric":"b","fail":null},"status":"ok"})",
        point + R"({"fabric":"a","fail":null},"status":"?"})",
        point + R"({"fabric":"a","fail":null},"status":"failed"})"}) {
    EXPECT_THROW(read_row(plan, line, "rows:1"), Error) << line;
  }
}

TEST(RowsCsv, ColumnsArePathsAndNumbersAreThoseOfTheJson) {
  const SweepPlan plan = plan_with_axes();
  const std::vector<std::string> lines = {
      row_line(plan, 0,
               {R"({"run":{"s":0.1,"parts":{"ep":1e-7},"none":null,"list":["u","v"]}})", ""}),
      row_line(plan, 1, {"", "bad, \"very\""}),
      row_line(plan, 2, {R"({"run":{"s":2.0,"more":true}})", ""})};
  EXPECT_EQ(rows_csv(lines),
            "point,axes.fabric,axes.fail,status,command,run.s,run.parts.ep,run.none,run.list,error,"
            "run.more\n"
            "1,a,,ok,run --fabric a,0.1,1e-07,,u v,,\n"
            "2,a,x,failed,run --fabric a --fail x,,,,,\"bad, \"\"very\"\"\",\n"
            "3,\"b,c\",,ok,\"run --fabric b,c\",2.0,,,,,true\n");
  EXPECT_EQ(rows_csv({}), "\n");
}

TEST(SweepRow, FixedSettingsAreNoAxes) {
  EXPECT_THAT(row_line(plan(), 0, {"", "x"}), HasSubstr(R"("axes":{"fabric":"a"})"));
}

}  // namespace
}  // namespace mixnet
