#include "base/text_file.h"

#include <gmock/gmock.h>
#include <stdlib.h>  // NOLINT: setenv is POSIX

#include <filesystem>
#include <string>

#include "base/error.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class TextFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::path(::testing::TempDir()) /
        ("mixnet_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directory(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_;
};

template <typename Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST_F(TextFile, ALinkIsFollowed) {
  write_text_file(folder_ / "file", "old");
  fs::create_symlink(folder_ / "file", folder_ / "link");
  write_text_file(folder_ / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_text_file(folder_ / "file"), "new");
}

TEST_F(TextFile, ComesBackAsItWas) {
  const std::string content("one\r\ntwo\0three\xff", 15);
  write_text_file(folder_ / "a", content);
  EXPECT_EQ(read_text_file(folder_ / "a"), content);
  write_text_file(folder_ / "a", "");
  EXPECT_EQ(read_text_file(folder_ / "a"), "");
}

TEST_F(TextFile, LargerThanABlock) {
  std::string content;
  for (int i = 0; i < 100'000; ++i) content += std::to_string(i);
  write_text_file(folder_ / "a", content);
  EXPECT_EQ(read_text_file(folder_ / "a"), content);
}

TEST_F(TextFile, NothingIsLeftBeside) {
  write_text_file(folder_ / "a", "x");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(TextFile, WhatCannotBeReadIsAnError) {
  EXPECT_THAT(refusal([&] { read_text_file(folder_ / "none"); }), HasSubstr("none: no such file"));
  EXPECT_THAT(refusal([&] { read_text_file(folder_); }), HasSubstr("is a folder"));
}

TEST_F(TextFile, AFailedWriteLeavesNothing) {
  EXPECT_THAT(refusal([&] { write_text_file(folder_ / "no" / "a", "x"); }),
              HasSubstr("cannot be written"));
  fs::create_directory(folder_ / "taken");
  EXPECT_THAT(refusal([&] { write_text_file(folder_ / "taken", "x"); }),
              HasSubstr("cannot be put in place"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(TextFile, TheDataFolderCanBeChosen) {
  ASSERT_EQ(::unsetenv("MIXNET_DATA_DIR"), 0);
  const fs::path shipped = data_directory();
  EXPECT_TRUE(fs::exists(shipped / "gpus.json"));
  ::setenv("MIXNET_DATA_DIR", folder_.c_str(), 1);
  EXPECT_EQ(data_directory(), folder_);
  ::setenv("MIXNET_DATA_DIR", "/no/such/folder", 1);
  EXPECT_THAT(refusal([] { data_directory(); }),
              HasSubstr("MIXNET_DATA_DIR: '/no/such/folder' is not a folder"));
  ::setenv("MIXNET_DATA_DIR", "", 1);
  EXPECT_EQ(data_directory(), shipped);
  ::unsetenv("MIXNET_DATA_DIR");
}

}  // namespace
}  // namespace mixnet
