// The system's Env and the fake promise the same of files: the same tests for both.
#include "base/env.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "base/fake_env.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using Kind = Env::FileKind;

template <typename AnEnv>
class Files : public ::testing::Test {
 protected:
  Files() {
    if constexpr (std::is_same_v<AnEnv, FakeEnv>) {
      own_ = std::make_unique<FakeEnv>();
      env_ = own_.get();
      folder_ = "folder";
    } else {
      env_ = &system_env();
      folder_ = fs::path(::testing::TempDir()) / fmt::format("mixnet_env_{}", ::getpid());
      fs::remove_all(folder_);
    }
    EXPECT_FALSE(env_->make_folders(folder_));
  }
  ~Files() override {
    if (own_ == nullptr) fs::remove_all(folder_);
  }

  std::string read(const std::string& name, std::size_t limit = 1000) {
    std::string content = "before";
    const std::error_code error = env_->read(folder_ / name, limit, content);
    return error ? error.message() : content;
  }

  std::unique_ptr<FakeEnv> own_;
  Env* env_;
  fs::path folder_;
};

using Both = ::testing::Types<Env, FakeEnv>;
class BothNames {
 public:
  template <typename AnEnv>
  static std::string GetName(int) {
    return std::is_same_v<AnEnv, FakeEnv> ? "Fake" : "System";
  }
};
TYPED_TEST_SUITE(Files, Both, BothNames);

TYPED_TEST(Files, KnowWhenTheyChanged) {
  Env& env = *this->env_;
  const fs::path a = this->folder_ / "a";
  WallTime first{};
  EXPECT_EQ(env.modified(a, first), std::errc::no_such_file_or_directory);
  ASSERT_FALSE(env.write(a, "x"));
  ASSERT_FALSE(env.modified(a, first));
  // File systems round down, by up to some milliseconds.
  EXPECT_LT(std::chrono::abs(env.wall_now() - first), std::chrono::minutes(1));
  ASSERT_FALSE(env.append(a, "y"));
  WallTime second{};
  ASSERT_FALSE(env.modified(a, second));
  EXPECT_GE(second, first);
}

TYPED_TEST(Files, AreWrittenAddedToAndCut) {
  Env& env = *this->env_;
  const fs::path a = this->folder_ / "a";
  EXPECT_EQ(env.kind(a), Kind::kNone);
  EXPECT_FALSE(env.write(a, std::string_view("on\0e", 4)));
  EXPECT_EQ(env.kind(a), Kind::kFile);
  EXPECT_EQ(this->read("a"), std::string("on\0e", 4));
  EXPECT_FALSE(env.write(a, "one"));
  EXPECT_FALSE(env.append(a, " two"));
  EXPECT_EQ(this->read("a"), "one two");
  EXPECT_EQ(this->read("a", 5), "one t");
  EXPECT_FALSE(env.resize(a, 3));
  EXPECT_FALSE(env.sync(a));
  EXPECT_EQ(this->read("a"), "one");
  EXPECT_FALSE(env.append(this->folder_ / "b", ""));
  EXPECT_EQ(this->read("b"), "");
}

TYPED_TEST(Files, AreRenamedAndRemoved) {
  Env& env = *this->env_;
  const fs::path a = this->folder_ / "a";
  const fs::path b = this->folder_ / "b";
  EXPECT_FALSE(env.write(a, "new"));
  EXPECT_FALSE(env.write(b, "old"));
  EXPECT_FALSE(env.rename(a, b));
  EXPECT_EQ(this->read("b"), "new");
  EXPECT_EQ(env.kind(a), Kind::kNone);
  EXPECT_EQ(env.rename(a, b), std::errc::no_such_file_or_directory);
  EXPECT_EQ(env.rename(b, this->folder_ / "none" / "b"), std::errc::no_such_file_or_directory);
  EXPECT_FALSE(env.make_folders(this->folder_ / "taken"));
  EXPECT_EQ(env.rename(b, this->folder_ / "taken"), std::errc::is_a_directory);
  EXPECT_FALSE(env.remove(b));
  EXPECT_FALSE(env.remove(b)) << "it is not there, as wished";
  EXPECT_EQ(env.kind(b), Kind::kNone);
}

TYPED_TEST(Files, LieInFolders) {
  Env& env = *this->env_;
  const fs::path deep = this->folder_ / "x" / "y";
  EXPECT_EQ(env.write(deep / "a", ""), std::errc::no_such_file_or_directory);
  EXPECT_EQ(env.check_writable(deep), std::errc::no_such_file_or_directory);
  EXPECT_FALSE(env.make_folders(deep));
  EXPECT_FALSE(env.make_folders(deep));
  EXPECT_FALSE(env.check_writable(deep));
  EXPECT_EQ(env.kind(this->folder_ / "x"), Kind::kFolder);
  EXPECT_FALSE(env.write(deep / "b", ""));
  EXPECT_FALSE(env.write(deep / "a", ""));
  EXPECT_FALSE(env.make_folders(deep / "c"));
  std::vector<std::string> names = {"old"};
  EXPECT_FALSE(env.list(deep, names));
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
  EXPECT_FALSE(env.sync(deep));
  EXPECT_EQ(env.write(deep, ""), std::errc::is_a_directory);
  EXPECT_EQ(env.remove(deep), std::errc::directory_not_empty);
  EXPECT_EQ(env.write(deep / "a" / "b", ""), std::errc::not_a_directory);
  EXPECT_EQ(env.list(deep / "a", names), std::errc::not_a_directory);
  EXPECT_EQ(env.list(deep / "none", names), std::errc::no_such_file_or_directory);
  EXPECT_TRUE(env.make_folders(deep / "a" / "b"));
}

TYPED_TEST(Files, WhatIsMissingIsSaidSo) {
  Env& env = *this->env_;
  const fs::path none = this->folder_ / "none";
  EXPECT_EQ(this->read("none"), "No such file or directory");
  EXPECT_EQ(this->read(""), "Is a directory");
  EXPECT_EQ(env.resize(none, 0), std::errc::no_such_file_or_directory);
  EXPECT_EQ(env.sync(none), std::errc::no_such_file_or_directory);
}

TYPED_TEST(Files, AFolderIsLockedOnce) {
  Env& env = *this->env_;
  std::error_code error;
  std::unique_ptr<Env::Lock> first = env.lock(this->folder_, error);
  EXPECT_NE(first, nullptr);
  EXPECT_FALSE(error);
  EXPECT_EQ(env.lock(this->folder_, error), nullptr);
  EXPECT_EQ(error, std::errc::operation_would_block);
  first.reset();
  EXPECT_NE(env.lock(this->folder_, error), nullptr);
  EXPECT_FALSE(error);
  EXPECT_EQ(env.lock(this->folder_ / "none", error), nullptr);
  EXPECT_EQ(error, std::errc::no_such_file_or_directory);
}

TEST(SystemEnv, FollowsLinksAndTellsDevices) {
  Env& env = system_env();
  const fs::path folder = fs::path(::testing::TempDir()) / fmt::format("mixnet_l_{}", ::getpid());
  fs::remove_all(folder);
  fs::create_directory(folder);
  fs::create_symlink("target", folder / "link");
  EXPECT_EQ(env.kind(folder / "link"), Kind::kNone);
  EXPECT_FALSE(env.write(folder / "link", "x"));
  EXPECT_EQ(env.kind(folder / "link"), Kind::kFile);
  EXPECT_EQ(env.real_path(folder / "link").filename(), "target");
  fs::create_symlink("loop", folder / "loop");
  EXPECT_EQ(env.kind(folder / "loop"), Kind::kHidden);
  fs::remove_all(folder);
  EXPECT_EQ(env.kind("/dev/null"), Kind::kOther);
  EXPECT_EQ(env.append("/dev/full", "x"), std::errc::no_space_on_device);
}

TEST(SystemEnv, ClocksGoOn) {
  Env& env = system_env();
  const MonotonicTime begin = env.monotonic_now();
  env.sleep_until(begin + std::chrono::milliseconds(2));
  EXPECT_GE(env.monotonic_now() - begin, std::chrono::milliseconds(2));
  env.sleep_until(begin);  // has passed
  EXPECT_GT(env.wall_now(), WallTime(std::chrono::seconds(1'700'000'000)));
}

TEST(SystemEnv, PrintsAtOnce) {
  ::testing::internal::CaptureStdout();
  EXPECT_FALSE(system_env().print(Env::Stream::kOut, "one"));
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "one");
  ::testing::internal::CaptureStderr();
  EXPECT_FALSE(system_env().print(Env::Stream::kError, "two"));
  EXPECT_FALSE(system_env().is_terminal(Env::Stream::kError));
  EXPECT_EQ(system_env().terminal_width(), 0);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "two");
}

TEST(Env, OneAtATimeDraws) {
  FakeEnv env;
  FakeEnv other;
  EXPECT_TRUE(env.take_drawing());
  EXPECT_FALSE(env.take_drawing());
  EXPECT_TRUE(other.take_drawing());
  env.leave_drawing();
  EXPECT_TRUE(env.take_drawing());
}

}  // namespace
}  // namespace mixnet
