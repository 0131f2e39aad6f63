#include "shell/output.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "base/error.h"
#include "base/fake_env.h"
#include "base/text_file.h"

namespace mixnet::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TextTable, NamesGoLeftAndNumbersRight) {
  TextTable table({{"fabric", Align::kLeft}, {"USD"}, {"note", Align::kLeft}});
  table.add_row({"mixnet", "12.0", "a"});
  table.add_row({"fat-tree", "5"});
  EXPECT_EQ(table.text(),
            "fabric     USD  note\n"
            "mixnet    12.0  a\n"
            "fat-tree     5\n");
}

TEST(TextTable, EmphasisDoesNotMoveColumns) {
  TextTable table({{"a"}, {"b"}});
  const std::size_t row = table.add_row({"1", "22"});
  table.make_bold(row, 1);
  EXPECT_EQ(table.text(), "a   b\n1  22\n");
  EXPECT_EQ(table.text(true), "a   b\n1  \033[1m22\033[0m\n");
}

TEST(TextTable, WithoutRowsItIsItsHeader) { EXPECT_EQ(TextTable({{"a"}, {"b"}}).text(), "a  b\n"); }

TEST(DescribeSpeed, RateOfPackets) {
  EXPECT_EQ(describe_speed(2, 3'000'000), "simulated in 2 s, 1.5 million packet-hops a second");
  EXPECT_EQ(describe_speed(2, std::nullopt), "simulated in 2 s");
  EXPECT_EQ(describe_speed(0, 3'000'000), "simulated in 0 s");
}

TEST(SplitList, SpacesAroundElementsGo) {
  EXPECT_THAT(split_list("a", "--x"), ElementsAre("a"));
  EXPECT_THAT(split_list(" a, b b ,c", "--x"), ElementsAre("a", "b b", "c"));
  for (const char* bad : {"", ",", "a,", ",a", "a,,b", " "}) {
    EXPECT_THROW(split_list(bad, "--x"), Error) << bad;
  }
}

TEST(AnswersOnStdout, OneOfTwoMay) {
  EXPECT_FALSE(answers_on_stdout(""));
  EXPECT_FALSE(answers_on_stdout("a.json", "b.csv"));
  EXPECT_TRUE(answers_on_stdout("-"));
  EXPECT_TRUE(answers_on_stdout("a.json", "-"));
  EXPECT_THROW(answers_on_stdout("-", "-"), Error);
}

TEST(AnswersOnStdout, TwoAnswersTakeTwoFiles) {
  EXPECT_THROW(answers_on_stdout("a.json", "a.json"), Error);
  EXPECT_THROW(answers_on_stdout("a.json", "./a.json"), Error);
  EXPECT_FALSE(answers_on_stdout("/dev/null", "/dev/null"));
}

TEST(AnswersOnStdout, WhatCannotBeWrittenIsRefusedBeforeTheWork) {
  EXPECT_THROW(answers_on_stdout("/no/such/folder/x.json"), Error);
  EXPECT_THROW(answers_on_stdout("-", "/no/such/folder/x.csv"), Error);
  EXPECT_THROW(answers_on_stdout("."), Error);
  EXPECT_THROW(answers_on_stdout("output_test.json/"), Error);
  EXPECT_FALSE(answers_on_stdout("output_test.json"));
  EXPECT_FALSE(std::filesystem::exists("output_test.json")) << "a check leaves nothing behind";
}

TEST(WriteOutput, AFileIsWrittenWhole) {
  const std::string path = ::testing::TempDir() + "mixnet_output_test";
  write_output(path, "old");
  write_output(path, "new\n");
  EXPECT_EQ(read_text_file(path), "new\n");
  std::filesystem::remove(path);
  try {
    write_output("/no/such/folder/x.json", "");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/no/such/folder/x.json"));
  }
}

TEST(WriteOutput, ADashIsStandardOutput) {
  ::testing::internal::CaptureStdout();
  write_output("-", "one\n");
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "one\n");
}

TEST(WriteOutput, DevicesAndStreamsStayWhatTheyAre) {
  write_output("/dev/null", "gone");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  ::testing::internal::CaptureStdout();
  write_output("/dev/stdout", "one\n");
  write_output("/dev/stdout", "two\n");
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "one\ntwo\n");
  EXPECT_TRUE(std::filesystem::is_symlink("/dev/stdout"));
}

TEST(WriteOutput, AFullDiskIsNamedAndTheOldFileStays) {
  FakeEnv env;
  const auto said = [&](std::string_view file, std::string_view content) -> std::string {
    try {
      write_output(file, content, env);
    } catch (const Error& error) {
      return error.what();
    }
    return "written";
  };
  env.limit_space(10);
  EXPECT_EQ(said("a.json", "12345"), "written");
  EXPECT_EQ(said("a.json", "1234567890"),
            "a.json: cannot be written (No space left on device); free some space there, or give a "
            "path elsewhere");
  EXPECT_EQ(env.content("a.json"), "12345");
  EXPECT_THAT(env.files(), ElementsAre("a.json"));
  EXPECT_EQ(said("-", "table"), "written");
  EXPECT_EQ(env.take_printed(Env::Stream::kOut), "table");
  env.fail_print(std::errc::no_space_on_device);
  EXPECT_EQ(said("-", "table"), "standard output: cannot be written (No space left on device)");
}

TEST(StdoutIsTerminal, UnlessColoursAreNotWanted) {
  FakeEnv env;
  EXPECT_FALSE(stdout_is_terminal(env));
  env.put_terminal(Env::Stream::kError);
  EXPECT_FALSE(stdout_is_terminal(env));
  env.put_terminal(Env::Stream::kOut);
  EXPECT_TRUE(stdout_is_terminal(env));
}

}  // namespace
}  // namespace mixnet::cli
