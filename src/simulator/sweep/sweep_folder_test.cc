#include "sweep/sweep_folder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kText = "degree: [1, 2, 3]\n";

class SweepFolderTest : public testing::Test {
 protected:
  SweepFolderTest()
      : path_(fs::path(testing::TempDir()) /
              fmt::format("sweep_folder_{}_{}", ::getpid(),
                          testing::UnitTest::GetInstance()->current_test_info()->name())),
        plan_(plan_of(kText)) {
    fs::remove_all(path_);
  }
  ~SweepFolderTest() override { fs::remove_all(path_); }

  static SweepPlan plan_of(const std::string& text) {
    const StudyFlag flags[] = {{.names = {"degree"}}};
    return {parse_study(text, "study.yaml", flags), "run"};
  }

  std::unique_ptr<SweepFolder> open(SweepFolder::Options options = {}) const {
    return std::make_unique<SweepFolder>(path_, plan_, plan_.identity("mixnet 1", {}), kText,
                                         options);
  }
  std::string message() const {
    try {
      open({.patience = std::chrono::milliseconds(0)});
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  std::string rows() const { return read_text_file(path_ / "results.jsonl"); }
  void append_raw(std::string_view text) const {
    std::ofstream(path_ / "results.jsonl", std::ios::app | std::ios::binary) << text;
  }

  static std::pair<std::size_t, PointOutcome> good(std::size_t point) {
    return {point, {fmt::format(R"({{"run":{{"n":{}}}}})", point), ""}};
  }
  static std::pair<std::size_t, PointOutcome> bad(std::size_t point) {
    return {point, {"", "why"}};
  }

  fs::path path_;
  SweepPlan plan_;
};

TEST_F(SweepFolderTest, KeepsRowsAsTheyComeAndPutsThemInOrderInTheEnd) {
  const auto folder = open();
  folder->append(std::vector{good(2)});
  EXPECT_EQ(rows(), row_line(plan_, 2, good(2).second));
  EXPECT_FALSE(fs::exists(path_ / "results.csv"));
  folder->append(std::vector{bad(1), good(0)});
  folder->complete();
  EXPECT_EQ(rows(), row_line(plan_, 0, good(0).second) + row_line(plan_, 1, bad(1).second) +
                        row_line(plan_, 2, good(2).second));
  EXPECT_EQ(read_text_file(path_ / "results.csv"),
            "point,axes.degree,status,command,run.n,error\n"
            "1,1,ok,run --degree 1,0,\n2,2,failed,run --degree 2,,why\n3,3,ok,run --degree 3,2,\n");
  EXPECT_EQ(read_text_file(path_ / "study.yaml"), kText);
  ASSERT_EQ(folder->failures().size(), 1u);
  EXPECT_EQ(folder->failures()[0].point, 1u);
  EXPECT_EQ(folder->failures()[0].error, "why");
}

TEST_F(SweepFolderTest, GoesOnWithoutTheHalfLineThatAKillLeft) {
  open()->append(std::vector{good(1)});
  const std::string whole = rows();
  const std::string line = row_line(plan_, 0, good(0).second);
  for (const std::string& rest :
       {line.substr(0, 1), line.substr(0, line.size() / 2), line.substr(0, line.size() - 1),
        std::string(100, '\0'), line.substr(0, 20) + std::string(9, '\0') + "\n"}) {
    append_raw(rest);
    const auto folder = open();
    EXPECT_TRUE(folder->is_finished(1));
    EXPECT_FALSE(folder->is_finished(0));
    EXPECT_EQ(folder->finished(), 1u);
    EXPECT_EQ(rows(), whole);
  }
  append_raw(line);
  EXPECT_EQ(open()->finished(), 2u);
}

TEST_F(SweepFolderTest, NeverHasAPointTwice) {
  const auto folder = open();
  folder->append(std::vector{good(1)});
  folder->append(std::vector{bad(1), good(2)});
  EXPECT_EQ(rows(), row_line(plan_, 1, good(1).second) + row_line(plan_, 2, good(2).second));
  EXPECT_EQ(folder->finished(), 2u);
}

TEST_F(SweepFolderTest, FailedPointsMayBeTriedAgain) {
  open()->append(std::vector{bad(0), good(1)});
  EXPECT_EQ(open()->finished(), 2u);
  const auto folder = open({.retry_failed = true});
  EXPECT_FALSE(folder->is_finished(0));
  EXPECT_EQ(rows(), row_line(plan_, 1, good(1).second));
  folder->append(std::vector{good(0)});
  EXPECT_TRUE(folder->failures().empty());
  EXPECT_EQ(rows(), row_line(plan_, 1, good(1).second) + row_line(plan_, 0, good(0).second));
}

TEST_F(SweepFolderTest, AnotherSweepIsRefusedAndNothingIsTouched) {
  open()->append(std::vector{good(0)});
  const std::string before = rows();
  const auto refusal = [&](const SweepPlan& plan, std::string_view program) -> std::string {
    try {
      SweepFolder(path_, plan, plan.identity(program, {}), "other", {});
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(refusal(plan_of("degree: [1, 2]\n"), "mixnet 1"),
              HasSubstr("holds the results of another study: 'degree' differs"));
  EXPECT_THAT(refusal(plan_of("degree: [1, 2, 3]\nexclude: [{degree: 2}]"), "mixnet 1"),
              HasSubstr("'exclude' differs"));
  EXPECT_THAT(refusal(plan_, "mixnet 2"), HasSubstr("was begun by another program, \"mixnet 1\""));
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(read_text_file(path_ / "study.yaml"), kText);
}

TEST_F(SweepFolderTest, ForeignFilesAreRefused) {
  fs::create_directories(path_);
  write_text_file(path_ / "study.yaml", "another: study");
  EXPECT_THAT(message(), HasSubstr("study.yaml: is another study"));
  write_text_file(path_ / "study.yaml", kText);
  write_text_file(path_ / "results.csv", "a,b\n");
  EXPECT_THAT(message(), HasSubstr("results.csv: is of no sweep"));
  fs::remove(path_ / "results.csv");
  write_text_file(path_ / "notes.txt", "mine");
  EXPECT_EQ(message(), "no error");
  append_raw("not a row\n");
  EXPECT_THAT(message(), HasSubstr("results.jsonl:1"));
  write_text_file(path_ / "sweep.json", "[1]");
  EXPECT_THAT(message(), HasSubstr("sweep.json: is of no sweep"));
}

TEST_F(SweepFolderTest, WhatIsNoFolderIsRefused) {
  write_text_file(path_, "a file");
  EXPECT_THAT(message(), HasSubstr("cannot be made a folder"));
}

TEST_F(SweepFolderTest, IsLockedWhileItIsOpen) {
  auto folder = open();
  EXPECT_THAT(message(), HasSubstr("is in use by another sweep"));
  folder.reset();
  EXPECT_EQ(message(), "no error");
}

}  // namespace
}  // namespace mixnet
