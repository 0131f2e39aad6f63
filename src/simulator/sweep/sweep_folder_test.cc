#include "sweep/sweep_folder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fake_env.h"
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

/// A folder on a disk that does as the test says.
class FaultySweepFolder : public SweepFolderTest {
 protected:
  FaultySweepFolder() { path_ = "out"; }

  std::unique_ptr<SweepFolder> open() { return SweepFolderTest::open({.env = &env_}); }
  std::string rows() const { return env_.content("out/results.jsonl").value_or("none"); }
  template <typename Call>
  static std::string refusal(Call&& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  /// A whole sweep, from what is there to its end.
  void run() {
    const auto folder = open();
    for (const std::size_t point : {1, 0, 2}) folder->append(std::vector{good(point)});
    folder->complete();
  }

  FakeEnv env_;
};

TEST_F(FaultySweepFolder, AFullDiskCostsTheRowsThatItHadNoRoomFor) {
  auto folder = open();
  folder->append(std::vector{good(1)});
  const std::string whole = rows();
  std::size_t used = 0;
  for (const std::string& file : env_.files()) used += env_.content(file)->size();
  env_.limit_space(used + 20);
  EXPECT_EQ(refusal([&] { folder->append(std::vector{good(2)}); }),
            "out/results.jsonl: cannot be written (No space left on device); finished points are "
            "kept: make room there, and start the sweep again to go on");
  EXPECT_EQ(rows(), whole) << "no half line";
  EXPECT_FALSE(folder->is_finished(2));
  folder.reset();
  EXPECT_THAT(refusal([&] { open(); }), HasSubstr("free some space there")) << "it is still full";
  EXPECT_EQ(rows(), whole);
  env_.limit_space(1 << 20);
  folder = open();
  EXPECT_EQ(folder->finished(), 1u);
  folder->append(std::vector{good(2), good(0)});
  folder->complete();
  EXPECT_EQ(rows(),
            row_line(plan_, 0, good(0).second) + whole + row_line(plan_, 2, good(2).second));
}

TEST_F(FaultySweepFolder, AHalfLineThatCannotBeCutOffIsCutOffByTheNext) {
  auto folder = open();
  folder->append(std::vector{good(1)});
  const std::string whole = rows();
  env_.fail(FakeEnv::Operation::kAppend, std::errc::io_error, 1, 30);
  env_.fail(FakeEnv::Operation::kResize, std::errc::io_error);
  EXPECT_THAT(refusal([&] { folder->append(std::vector{good(2)}); }),
              HasSubstr("results.jsonl: cannot be written (Input/output error)"));
  EXPECT_EQ(rows().size(), whole.size() + 30);
  folder.reset();
  EXPECT_EQ(open()->finished(), 1u);
  EXPECT_EQ(rows(), whole);
}

TEST_F(FaultySweepFolder, WhatCannotBePutInPlaceIsNamedAndMayBeDoneAgain) {
  run();
  const std::string whole = rows();
  env_.fail(FakeEnv::Operation::kRename, std::errc::io_error, 3);  // of study, identity, rows, CSV
  EXPECT_THAT(refusal([&] { run(); }),
              HasSubstr("out/results.jsonl: cannot be put in place (Input/output error)"));
  EXPECT_EQ(rows(), whole);
  env_.fail(FakeEnv::Operation::kSync, std::errc::io_error);
  EXPECT_THAT(refusal([&] { run(); }), HasSubstr("out/study.yaml: cannot be written"));
  run();
  EXPECT_EQ(rows(), whole);
}

TEST_F(FaultySweepFolder, AFolderThatMayNotBeReadIsSaidSo) {
  run();
  env_.deny("out");
  EXPECT_THAT(refusal([&] { open(); }),
              HasSubstr("out/sweep.json: cannot be read (Permission denied)"));
  env_.allow("out");
  env_.deny("out/results.jsonl");
  EXPECT_EQ(refusal([&] { open(); }),
            "out/results.jsonl: cannot be written (Permission denied); give --out a folder that "
            "can be written");
  env_.allow("out/results.jsonl");
  EXPECT_EQ(open()->finished(), 3u);
  path_ = "new";
  env_.deny("new");
  EXPECT_EQ(refusal([&] { open(); }),
            "new: cannot be made a folder (Permission denied); give --out a folder, or a new name");
}

TEST_F(FaultySweepFolder, WaitsForAnotherForAsLongAsItIsToldTo) {
  const auto folder = open();
  const MonotonicTime begin = env_.monotonic_now();
  EXPECT_THAT(
      refusal([&] { SweepFolderTest::open({.patience = std::chrono::seconds(5), .env = &env_}); }),
      HasSubstr("out: is in use by another sweep"));
  EXPECT_EQ(env_.monotonic_now() - begin, std::chrono::seconds(5));
}

TEST_F(FaultySweepFolder, GoesOnWhereLocksCannotBeHad) {
  env_.fail(FakeEnv::Operation::kLock, std::errc::no_lock_available);
  const auto folder = open();
  EXPECT_EQ(refusal([&] { open(); }), "no error");
}

// Wherever a sweep ends, by a kill or by the power, it can go on and comes to the same files.
TEST_F(FaultySweepFolder, EndsAnywhereAndGoesOn) {
  run();
  const std::string rows_at_end = rows();
  const std::string csv_at_end = env_.content("out/results.csv").value();
  int crashes = 0;
  for (const FakeEnv::Aftermath aftermath :
       {FakeEnv::Aftermath::kKill, FakeEnv::Aftermath::kLost, FakeEnv::Aftermath::kZeros}) {
    for (int nth = 1;; ++nth) {
      FakeEnv env;
      const auto sweep = [&] {
        SweepFolder folder(path_, plan_, plan_.identity("mixnet 1", {}), kText, {.env = &env});
        for (const std::size_t point : {1, 0, 2}) folder.append(std::vector{good(point)});
        folder.complete();
      };
      env.crash_at(nth);
      bool crashed = false;
      try {
        sweep();
      } catch (const FakeEnv::Crash&) {
        crashed = true;
      }
      if (!crashed) break;
      ++crashes;
      env.restart(aftermath);
      ASSERT_NO_THROW(sweep()) << "after change " << nth;
      EXPECT_EQ(env.content("out/results.jsonl"), rows_at_end) << nth;
      EXPECT_EQ(env.content("out/results.csv"), csv_at_end) << nth;
      EXPECT_EQ(env.content("out/study.yaml"), kText) << nth;
    }
  }
  EXPECT_GT(crashes, 3 * 15);
}

// Rows that were there stay, though the power fails while a later sweep puts them in order.
TEST_F(FaultySweepFolder, RowsInTheFolderAreNotLost) {
  for (int nth = 1;; ++nth) {
    FakeEnv env;
    const auto open_on = [&] {
      return std::make_unique<SweepFolder>(path_, plan_, plan_.identity("mixnet 1", {}), kText,
                                           SweepFolder::Options{.env = &env});
    };
    open_on()->append(std::vector{good(2), good(1), good(0)});
    ASSERT_FALSE(env.sync("out/results.jsonl"));  // as the system does in the end
    env.crash_at(nth);
    bool crashed = false;
    try {
      open_on()->complete();
    } catch (const FakeEnv::Crash&) {
      crashed = true;
    }
    env.restart(FakeEnv::Aftermath::kLost);
    EXPECT_EQ(open_on()->finished(), 3u) << nth;
    if (!crashed) break;
  }
}

TEST_F(SweepFolderTest, IsLockedWhileItIsOpen) {
  auto folder = open();
  EXPECT_THAT(message(), HasSubstr("is in use by another sweep"));
  folder.reset();
  EXPECT_EQ(message(), "no error");
}

}  // namespace
}  // namespace mixnet
