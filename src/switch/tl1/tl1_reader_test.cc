#include "tl1/tl1_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ocs/switch_error.h"
#include "ocs/test_transcripts.h"
#include "tl1/tl1_command.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Tl1Message> read(std::string_view text, std::size_t step = 1 << 20) {
  Tl1Reader reader("tl1://switch:3082");
  for (std::size_t at = 0; at < text.size(); at += step) reader.feed(text.substr(at, step));
  std::vector<Tl1Message> messages;
  while (auto message = reader.next()) messages.push_back(std::move(*message));
  return messages;
}

Tl1Response response(std::string_view text) {
  const auto messages = read(text);
  return messages.size() == 1 ? std::get<Tl1Response>(messages[0]) : Tl1Response{"wrong count"};
}

std::string fault(std::string_view text) {
  try {
    read(text);
  } catch (const SwitchError& error) {
    EXPECT_EQ(error.fault(), SwitchFault::kGarbled);
    return error.what();
  }
  return "none";
}

constexpr std::string_view kHeader = "\r\n   POLATIS 26-11-23 14:52:28\r\n";
std::string answer(std::string_view body) { return std::string(kHeader) + std::string(body); }

TEST(Tl1Reader, ReadsAnAnswer) {
  const Tl1Response patches = response(answer("M  123 COMPLD\r\n   \"1,17\"\r\n   \"2,20\"\r\n;"));
  EXPECT_EQ(patches.ctag, "123");
  EXPECT_EQ(patches.completion, Tl1Completion::kCompleted);
  EXPECT_THAT(patches.rows, ElementsAre("1,17", "2,20"));
}

TEST(Tl1Reader, ReadsADenialWithItsCodeAndItsWords) {
  const Tl1Response denied =
      response(answer("M  7 DENY\r\n   IDNV\r\n   /* Invalid OXC\r\n port: 1000; */\r\n;"));
  EXPECT_EQ(denied.completion, Tl1Completion::kDenied);
  EXPECT_EQ(denied.error, "IDNV");
  EXPECT_EQ(denied.comment, "Invalid OXC port: 1000;");
}

TEST(Tl1Reader, ReadsAlarmsByTheirLevel) {
  for (const auto& [mark, level] :
       {std::pair("*C", AlarmLevel::kCritical), std::pair("**", AlarmLevel::kMajor),
        std::pair("*^", AlarmLevel::kMinor), std::pair("* ", AlarmLevel::kMinor),
        std::pair("A ", AlarmLevel::kEvent)}) {
    const auto messages =
        read(answer(std::string(mark) + " 456 REPT ALM CRS\r\n   \"11:CR\"\r\n;"));
    ASSERT_EQ(messages.size(), 1u) << mark;
    EXPECT_EQ(std::get<Tl1Autonomous>(messages[0]),
              (Tl1Autonomous{level, "456", "REPT ALM CRS", "", {"11:CR"}}));
  }
}

TEST(Tl1Reader, JoinsTheePartsOfAnAnswerAmidOthers) {
  const auto messages =
      read(answer("M  7 COMPLD\r\n   \"ONE\"\r\n>") + answer("A  1 REPT EVT\r\n   \"x\"\r\n;") +
           answer("M  8 COMPLD\r\n;") + answer("M  7 COMPLD\r\n   \"TWO\"\r\n;"));
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(std::get<Tl1Response>(messages[1]).ctag, "8");
  EXPECT_THAT(std::get<Tl1Response>(messages[2]).rows, ElementsAre("ONE", "TWO"));
}

TEST(Tl1Reader, SkipsWhatATerminalShows) {
  const auto messages = read(
      "\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0\r\n< rtrv-patch:\"a;b\"::1:;\r\n;\r\n< > IP 1\r\n<" +
      answer("M  1 COMPLD\r\n;\r\n<"));
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(std::get<Tl1Acknowledgement>(messages[0]), (Tl1Acknowledgement{"IP", "1"}));
}

TEST(Tl1Reader, TakesQuotesWithinQuotes) {
  EXPECT_THAT(response(answer("M  1 COMPLD\r\n   \"a,\\\"b;\\\\\\\",c\" \"d\"\r\n;")).rows,
              ElementsAre("a,\"b;\\\",c", "d"));
}

TEST(Tl1Reader, SaysWhatIsNoTl1AndWhere) {
  EXPECT_EQ(fault("SSH-2.0-OpenSSH_9.2p1\r\n"),
            "tl1://switch:3082: at byte 21 of what it sent: 'SSH-2.0-OpenSSH_9.2p1' is neither a "
            "header nor an acknowledgement; it may not speak TL1 at this port");
  EXPECT_THAT(fault("\x01"), HasSubstr("a control character (0x01)"));
  EXPECT_THAT(fault(answer("M  1 PERHAPS\r\n")), HasSubstr("'M  1 PERHAPS' begins neither"));
  EXPECT_THAT(fault(answer("M  1 COMPLD\r\n   \"1,17\r\n")), HasSubstr("quoted text"));
  EXPECT_THAT(fault(answer(";")), HasSubstr("behind its header"));
}

TEST(Tl1Reader, HoldsItsLimits) {
  EXPECT_THAT(fault(answer("M  1 COMPLD\r\n   \"" + std::string(10 << 20, 'a'))),
              HasSubstr("a line is longer than 64 KiB"));
  std::string rows;
  while (rows.size() < Tl1Reader::kMostMessage) rows += "   \"" + std::string(1000, 'a') + "\"\r\n";
  EXPECT_THAT(fault(answer("M  1 COMPLD\r\n" + rows + ";")), HasSubstr("longer than 4 MiB"));
  EXPECT_THAT(fault(answer("M  1 COMPLD\r\n" + rows.substr(0, rows.size() / 2) + ">") +
                    answer("M  1 COMPLD\r\n" + rows.substr(0, rows.size() / 2) + ";")),
              HasSubstr("longer than 4 MiB"));
  std::string begun;
  for (int i = 0; i < 65; ++i) begun += answer("M  " + std::to_string(i) + " COMPLD\r\n>");
  EXPECT_THAT(fault(begun), HasSubstr("more than 64 messages"));
}

TEST(Tl1Reader, ReadsWhatWasWritten) {
  const Tl1Response sent{"12", Tl1Completion::kDenied, "IIAC", "no \"such\" port", {"a\"b", "\\"}};
  EXPECT_EQ(response(encode_tl1(sent, "SID", {})), sent);
  const Tl1Autonomous alarm{AlarmLevel::kMajor, "3", "REPT ALM EQPT", "", {"7:LOS"}};
  EXPECT_EQ(std::get<Tl1Autonomous>(read(encode_tl1(alarm, "SID", {}))[0]), alarm);
  EXPECT_EQ(encode_tl1(sent, "SID",
                       WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 23)) +
                           std::chrono::seconds(53548))
                .substr(0, 28),
            "\r\n   SID 26-11-23 14:52:28\r\n");
  const Tl1Response hostile{"1", Tl1Completion::kDenied, "IIAC", "a */ ;\r\n b", {"c\n;"}};
  EXPECT_EQ(response(encode_tl1(hostile, "SID", {})).rows, std::vector<std::string>{"c?;"});
}

class Tl1Transcripts : public testing::TestWithParam<std::string> {};

TEST_P(Tl1Transcripts, AreReadWholeOrByteByByte) {
  const auto all = transcripts(GetParam());
  EXPECT_GT(all.size(), 8u);
  for (const Transcript& one : all) {
    SCOPED_TRACE(one.about + one.answer);
    const auto messages = read(one.answer);
    EXPECT_EQ(messages, read(one.answer, 1));
    EXPECT_FALSE(messages.empty());
    for (const Tl1Message& message : messages) {
      if (const auto* got = std::get_if<Tl1Response>(&message)) {
        EXPECT_EQ(got->error.empty(), got->completion == Tl1Completion::kCompleted);
      }
    }
  }
}

TEST_P(Tl1Transcripts, AreAnswersToTheTagsOfTheirCommands) {
  for (const Transcript& one : transcripts(GetParam())) {
    SCOPED_TRACE(one.about);
    std::vector<std::string> asked, answered;
    for (const std::string& text : one.commands) {
      Tl1CommandReader reader;
      reader.feed(text, "client");
      const auto command = reader.next();
      ASSERT_TRUE(command) << text;
      asked.push_back(command->ctag);
    }
    for (const Tl1Message& message : read(one.answer)) {
      if (const auto* got = std::get_if<Tl1Response>(&message)) answered.push_back(got->ctag);
    }
    std::ranges::sort(asked);
    std::ranges::sort(answered);
    // Of a command that was acknowledged only, no answer is shown.
    if (!answered.empty() && !asked.empty()) {
      EXPECT_EQ(asked, answered);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Public, Tl1Transcripts,
                         testing::Values("tl1_generic", "tl1_polatis", "tl1_glimmerglass"),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace mixnet
