// What the fake does beyond an Env: faults, crashes, clocks that jump. (env_test.cc has the rest.)
#include "base/fake_env.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Operation = FakeEnv::Operation;
using Aftermath = FakeEnv::Aftermath;

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(FakeClock, StandsStillUntilItIsToldToGo) {
  FakeEnv env;
  const MonotonicTime begin = env.monotonic_now();
  const WallTime wall = env.wall_now();
  EXPECT_EQ(env.monotonic_now(), begin);
  env.advance(std::chrono::seconds(5));
  EXPECT_EQ(env.monotonic_now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(env.wall_now() - wall, std::chrono::seconds(5));
  EXPECT_THROW(env.advance(std::chrono::seconds(-1)), std::invalid_argument);
}

TEST(FakeClock, SleepAdvancesItAtOnce) {
  FakeEnv env;
  const MonotonicTime begin = env.monotonic_now();
  env.sleep_until(begin + std::chrono::hours(10));
  EXPECT_EQ(env.monotonic_now() - begin, std::chrono::hours(10));
  env.sleep_until(begin);
  EXPECT_EQ(env.monotonic_now() - begin, std::chrono::hours(10));
}

TEST(FakeClock, OnlyTheWallClockJumps) {
  FakeEnv env;
  const MonotonicTime begin = env.monotonic_now();
  const WallTime wall = env.wall_now();
  env.step_wall_clock(-std::chrono::hours(1));
  EXPECT_EQ(env.monotonic_now(), begin);
  EXPECT_EQ(env.wall_now() - wall, -std::chrono::hours(1));
}

TEST(FakeDisk, GetsFull) {
  FakeEnv env;
  env.limit_space(10);
  EXPECT_FALSE(env.write("a", "123456"));
  EXPECT_EQ(env.append("a", "789abc"), std::errc::no_space_on_device);
  EXPECT_EQ(env.content("a"), "123456789a") << "what fits is written";
  EXPECT_FALSE(env.resize("a", 6));
  EXPECT_FALSE(env.write("b", "1234"));
}

TEST(FakeDisk, FailsTheNthTime) {
  FakeEnv env;
  env.fail(Operation::kAppend, std::errc::io_error, 2, 1);
  EXPECT_FALSE(env.append("a", "12"));
  EXPECT_EQ(env.append("a", "34"), std::errc::io_error);
  EXPECT_FALSE(env.append("a", "56"));
  EXPECT_EQ(env.content("a"), "12356");
}

TEST(FakeDisk, DeniesWhatItIsToldTo) {
  FakeEnv env;
  env.put("x/y/a", "1");
  env.deny("x/y");
  std::string content;
  std::vector<std::string> names;
  EXPECT_EQ(env.read("x/y/a", 10, content), std::errc::permission_denied);
  EXPECT_EQ(env.write("x/y/b", ""), std::errc::permission_denied);
  EXPECT_EQ(env.list("x/y", names), std::errc::permission_denied);
  EXPECT_EQ(env.check_writable("x/y"), std::errc::permission_denied);
  EXPECT_EQ(env.kind("x/y"), Env::FileKind::kFolder);
  EXPECT_EQ(env.kind("x/y/a"), Env::FileKind::kHidden);
  EXPECT_FALSE(env.list("x", names));
  env.allow("x/y");
  EXPECT_FALSE(env.read("x/y/a", 10, content));
}

TEST(FakeDisk, ACrashTearsAWriteAndStopsEverything) {
  FakeEnv env;
  env.put("a", "old");
  env.crash_at(2);
  EXPECT_FALSE(env.append("a", "12"));
  EXPECT_THROW((void)env.append("a", "3456"), FakeEnv::Crash);
  EXPECT_EQ(env.remove("a"), std::errc::io_error);
  env.restart(Aftermath::kKill);
  EXPECT_EQ(env.content("a"), "old1234");
}

TEST(FakeDisk, PowerFailuresTakeWhatWasNotSynced) {
  for (const auto& [aftermath, left] :
       {std::pair(Aftermath::kKill, std::string("safe, not")),
        std::pair(Aftermath::kLost, std::string("safe")),
        std::pair(Aftermath::kZeros, "safe" + std::string(5, '\0'))}) {
    FakeEnv env;
    EXPECT_FALSE(env.write("a", "safe"));
    EXPECT_FALSE(env.sync("a"));
    EXPECT_FALSE(env.append("a", ", not"));
    env.restart(aftermath);
    EXPECT_EQ(env.content("a"), left);
  }
}

// write_text_file() on a disk with faults.

TEST(WriteTextFile, WhateverFailsTheOldFileIsThereAndNothingBeside) {
  struct Case {
    Operation operation;
    std::errc error;
    const char* said;
  };
  for (const Case& one :
       {Case{Operation::kWrite, std::errc::no_space_on_device,
             "a: cannot be written (No space left on device); free some space there"},
        Case{Operation::kWrite, std::errc::io_error, "a: cannot be written (Input/output error)"},
        Case{Operation::kSync, std::errc::io_error, "a: cannot be written (Input/output error)"},
        Case{Operation::kRename, std::errc::read_only_file_system,
             "a: cannot be put in place (Read-only file system); give a path in a folder"}}) {
    FakeEnv env;
    env.put("a", "old");
    env.fail(one.operation, one.error, 1, 2);
    EXPECT_THAT(refusal([&] { write_text_file("a", "new one", env, Outlasts::kPowerFailure); }),
                HasSubstr(one.said));
    EXPECT_EQ(env.content("a"), "old");
    EXPECT_THAT(env.files(), ElementsAre("a"));
  }
}

TEST(WriteTextFile, AFullDiskIsSaidSo) {
  FakeEnv env;
  env.put("x/a", "old");
  env.limit_space(10);
  EXPECT_THAT(refusal([&] { write_text_file("x/a", "far too long", env); }),
              HasSubstr("x/a: cannot be written (No space left on device); free some space"));
  EXPECT_EQ(env.content("x/a"), "old");
  EXPECT_THAT(env.files(), ElementsAre("x/a"));
}

TEST(WriteTextFile, NoCrashLeavesHalfAFile) {
  for (int nth = 1; nth <= 5; ++nth) {
    for (const Aftermath aftermath : {Aftermath::kKill, Aftermath::kLost, Aftermath::kZeros}) {
      FakeEnv env;
      env.put("a", "old");
      env.crash_at(nth);
      bool crashed = false;
      try {
        write_text_file("a", "new", env, Outlasts::kPowerFailure);
      } catch (const FakeEnv::Crash&) {
        crashed = true;
      }
      EXPECT_EQ(crashed, nth <= 4);  // write, sync, rename, sync of the folder
      env.restart(aftermath);
      EXPECT_EQ(env.content("a"), nth <= 3 ? "old" : "new") << nth;
    }
  }
}

TEST(WriteTextFile, ThatOutlastsAKillMayBeEmptyAfterAPowerFailure) {
  FakeEnv env;
  write_text_file("a", "new", env);
  env.restart(Aftermath::kKill);
  EXPECT_EQ(env.content("a"), "new");
  write_text_file("a", "newer", env);
  env.restart(Aftermath::kLost);
  EXPECT_EQ(env.content("a"), "");
}

TEST(ReadTextFile, SaysWhyNot) {
  FakeEnv env;
  env.put("x/a", "1");
  EXPECT_THAT(refusal([&] { read_text_file("x/b", env); }), HasSubstr("x/b: no such file"));
  EXPECT_THAT(refusal([&] { read_text_file("x", env); }), HasSubstr("x: is a folder"));
  env.deny("x");
  EXPECT_THAT(refusal([&] { read_text_file("x/a", env); }),
              HasSubstr("x/a: cannot be read (Permission denied)"));
  env.allow("x");
  env.fail(Operation::kRead, std::errc::io_error);
  EXPECT_THAT(refusal([&] { read_text_file("x/a", env); }),
              HasSubstr("x/a: cannot be read (Input/output error)"));
  EXPECT_EQ(read_text_file("x/a", env), "1");
  EXPECT_THAT(env.take_printed(Env::Stream::kError), IsEmpty());
}

}  // namespace
}  // namespace mixnet
