#include "report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "moe/model_catalog.h"
#include "report/report_comparison.h"
#include "report/test_report_folder.h"

namespace mixnet {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing_reports::row;
using testing_reports::sweep;

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

ReportFolder folder() {
  ReportFolder folder;
  folder.sweep = sweep();
  folder.rows = {row({0, 0, 0, 0}, 10, 4e6, 1), row({0, 0, 0, 1}, 20, 1e6, 2),
                 row({0, 0, 1, 0}, 5, 16e6, 1), row({0, 0, 1, 1}, 10, 4e6, 2)};
  return folder;
}

/// A figure of which all texts are `text`.
Figure figure(const std::string& text) {
  Figure figure;
  figure.name = "cost";
  figure.title = figure.source = figure.question = figure.settings = text;
  figure.x = {text, text, false, {text}};
  figure.y = {text, text, false, {}};
  figure.panels = {{text, {{text, FigureOrigin::kPublished, {{0, 1, text}}}}}};
  figure.verdicts = {{text, text, text, Holds::kPartly, text}};
  figure.checks = {{text, text, 1, 1}};
  return figure;
}

ComparisonRequest parsed(const std::vector<std::string>& words) {
  if (words != std::vector<std::string>{"--model", "a b"}) throw Error("--model", "is unknown");
  ComparisonRequest request;
  request.model = find_model("mixtral-8x7b");
  request.plan.gpus = 256;
  request.gpu = find_gpu("h100");
  request.fabrics = {FabricKind::kMixNet};
  request.bandwidths = {Bandwidth::gbps(400)};
  return request;
}

TEST(Report, IsOnePageThatLoadsNothing) {
  const std::string page = html_report(folder(), parsed);
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_THAT(page, HasSubstr("<h1><b>Take mixnet at 100 Gb/s:</b> it gives"));
  EXPECT_THAT(page, HasSubstr("Chart.js v3.9.1"));
  EXPECT_THAT(page, HasSubstr("Released under the MIT License"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr(" src=")));
  EXPECT_THAT(page, Not(HasSubstr("<link")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  EXPECT_EQ(occurrences(page, "{{"), 0u);
}

TEST(Report, TheSameFolderGivesTheSameBytes) {
  EXPECT_EQ(html_report(folder(), parsed), html_report(folder(), parsed));
}

TEST(Report, WhatAFolderHoldsCannotBecomeMarkup) {
  const std::string evil =
      "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{DATA}}";
  ReportFolder hostile = folder();
  hostile.sweep->program = hostile.sweep->command = evil;
  hostile.sweep->axes[0].flag = evil;
  hostile.sweep->axes[0].values[0] = evil;
  hostile.sweep->fixed[0] = {evil, evil};
  for (ReportRow& one : hostile.rows) {
    one.command = evil;
    one.run->model = one.run->policy = one.run->routing = one.run->fidelity = evil;
  }
  ReportRow failed = row({1, 0, 0, 0}, 1, 1, 1);
  failed.run.reset();
  failed.error = evil + "\xff";
  hostile.rows.push_back(failed);
  hostile.figures = {figure(evil)};
  const std::string page = html_report(hostile, parsed);
  const std::string tame = html_report(folder(), parsed);
  EXPECT_EQ(occurrences(page, "<script"), occurrences(tame, "<script"));
  EXPECT_EQ(occurrences(page, "</script"), occurrences(tame, "</script"));
  EXPECT_EQ(occurrences(page, "<img"), 0u);
  EXPECT_THAT(page, HasSubstr("\\u003c/script\\u003e"));
}

TEST(Report, SimulatesAgainWhatRowsDoNotHold) {
  ReportFolder one = folder();
  one.rows[3].command = "mixnet compare --model 'a b'";
  const std::string page = html_report(one, parsed);
  // Of the two speeds of mixnet, that at 400 Gb/s.
  EXPECT_THAT(page, HasSubstr(R"("looks":[{"model":"a","point":4,)"));
  EXPECT_THAT(page, HasSubstr(R"("title":"Mixtral 8x7B")"));
  EXPECT_THAT(page, HasSubstr(R"("part":"dark")"));
}

TEST(Report, WhereThatFailsItSaysSoAndGoesOn) {
  for (const char* command : {"mixnet compare --model c", "", "'", "mixnet"}) {
    ReportFolder one = folder();
    one.rows[3].command = command;
    EXPECT_THAT(html_report(one, parsed), HasSubstr(R"("problem":")")) << command;
  }
}

TEST(Report, SaysOnTopWhatItIsOf) {
  ReportFolder one = folder();
  one.newest = WallTime(std::chrono::seconds(1'764'201'600));
  one.rows[0].command = "mixnet compare --model 'a b'";
  const std::string page = html_report(one, parsed);
  EXPECT_THAT(page, HasSubstr(R"(<dl class="facts" id="facts">)"));
  EXPECT_THAT(page, HasSubstr("<dt>Results of</dt><dd>2025-11-27</dd>"));
  EXPECT_THAT(page, HasSubstr(" x NVIDIA H100 SXM5 80 GB</dd>"));
  one.rows[0].command = "mixnet compare --model gone.json";
  EXPECT_THAT(html_report(one, parsed), Not(HasSubstr(" x NVIDIA H100")));
}

TEST(Report, HasTheMeansOfSeedsBesideTheirRows) {
  ReportFolder seeds = folder();
  EXPECT_THAT(html_report(seeds, parsed), Not(HasSubstr(R"("seeds":)")));
  seeds.sweep->axes[1] = {"seed", {"1", "2"}};
  seeds.rows.insert(seeds.rows.begin() + 1, row({0, 1, 0, 0}, 12, 4e6, 1));
  ReportRow failed = row({1, 0, 0, 0}, 1, 1, 1);
  failed.run.reset();
  seeds.rows.insert(seeds.rows.begin(), failed);  // has no place among the rows of the page
  const std::string page = html_report(seeds, parsed);
  EXPECT_THAT(page, HasSubstr(R"("seeds":{"axis":1,"most":2,"means":[{"point":1,)"));
  EXPECT_THAT(page, HasSubstr(R"("seconds":11.0,"parts")"));
  EXPECT_THAT(page, HasSubstr(R"("of":[0,1],"half":{"seconds":12.7)"));
}

TEST(Report, AComparisonHasNoCommandsAndNothingIsSimulatedAgain) {
  const std::string page =
      html_report(read_report_comparison(testing_reports::comparison_json(), "x.json"), parsed);
  EXPECT_THAT(page, HasSubstr(R"("looks":[])"));
  EXPECT_THAT(page, Not(HasSubstr(R"("command":"")")));
  EXPECT_THAT(page, HasSubstr("<dt>GPUs</dt><dd>1,024 x NVIDIA H100</dd>"));
}

TEST(Report, FiguresNeedNoSweep) {
  ReportFolder figures;
  figures.figures = {figure("What it costs")};
  const std::string page = html_report(figures, parsed);
  EXPECT_THAT(page, HasSubstr("What it costs"));
  EXPECT_THAT(page, HasSubstr("<h1><b>0 of 1 claims of the paper hold:</b> 1 more hold in part"));
}

}  // namespace
}  // namespace mixnet
