#include "scpi/scpi_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ocs/test_transcripts.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

TEST(ScpiCommands, GoOnFromTheHeaderBefore) {
  EXPECT_THAT(
      parse_scpi_commands(":oxc:swit:conn:only (@1),(@2); stat?;*OPC? ; port? 2;:syst:err?"),
      ElementsAre(ScpiCommand{"OXC:SWIT:CONN:ONLY", "(@1),(@2)"},
                  ScpiCommand{"OXC:SWIT:CONN:STAT?", ""}, ScpiCommand{"*OPC?", ""},
                  ScpiCommand{"OXC:SWIT:CONN:PORT?", "2"}, ScpiCommand{"SYST:ERR?", ""}));
  EXPECT_THAT(parse_scpi_commands("label \"a;b\";;"), SizeIs(1));
  EXPECT_TRUE(parse_scpi_commands(" ; ").empty());
  std::string deep;
  for (int i = 0; i < 80'000; ++i) deep += "a:;";
  for (const ScpiCommand& command : parse_scpi_commands(deep)) {
    ASSERT_LE(command.header.size(), 255u);
  }
}

TEST(ScpiHeaders, AreShortOrLong) {
  constexpr std::string_view kAdd = "OXC:SWITch:CONNect:ADD";
  EXPECT_TRUE(is_scpi("OXC:SWIT:CONN:ADD", kAdd));
  EXPECT_TRUE(is_scpi("OXC:SWITCH:CONN:ADD", kAdd));
  for (const char* other : {"OXC:SWITC:CONN:ADD", "OXC:SWIT:CONN:ADD?", "OXC:SWIT:CONN", "",
                            "OXC:SWIT:CONN:ADD:X", "OXC::CONN:ADD"}) {
    EXPECT_FALSE(is_scpi(other, kAdd)) << other;
  }
  EXPECT_TRUE(is_scpi("*OPC?", "*OPC?"));
}

TEST(ScpiLists, HaveTheirErrors) {
  int code = 0;
  EXPECT_THAT(*parse_scpi_lists("(@1, 2,3) , (@17:19)", 32, code),
              ElementsAre(ElementsAre(1, 2, 3), ElementsAre(17, 18, 19)));
  EXPECT_THAT(*parse_scpi_lists("(@1),(@)", 32, code), ElementsAre(ElementsAre(1), SizeIs(0)));
  for (const auto& [text, expected] :
       {std::pair("", -109), std::pair("1", -102), std::pair("(@1", -102), std::pair("(@a)", -102),
        std::pair("(@99)", -222), std::pair("(@0)", -222), std::pair("(@3:1)", -222),
        std::pair("(@1)(@2)", -102), std::pair("(@1),", -102), std::pair("(@1,)", -102)}) {
    EXPECT_FALSE(parse_scpi_lists(text, 32, code)) << text;
    EXPECT_EQ(code, expected) << text;
  }
}

TEST(ScpiErrors, AreAQueue) {
  ScpiErrorQueue queue;
  EXPECT_EQ(write_scpi_errors(queue.take_all()), "0,\"No error\"");
  queue.push(-113);
  queue.push(-222);
  EXPECT_EQ(write_scpi_errors(queue.take_all()),
            "-113,\"Undefined header\",-222,\"Data out of range\"");
  for (int i = 0; i < 100; ++i) queue.push(-113);
  const std::vector<ScpiError> all = queue.take_all();
  EXPECT_EQ(all.size(), 64u);
  EXPECT_EQ(all.back().code, -350);
  EXPECT_EQ(queue.take().code, 0);
}

TEST(ScpiLines, HaveAnEnd) {
  ScpiLines lines;
  EXPECT_TRUE(lines.feed("a\r\n\n b\n"));
  EXPECT_EQ(lines.next(), "a");
  EXPECT_EQ(lines.next(), "b");
  EXPECT_FALSE(lines.feed(std::string(1 << 20, 'a')));
  EXPECT_EQ(lines.problem(), "a line longer than 256 KiB");
  ScpiLines others;
  EXPECT_FALSE(others.feed("\x01"));
}

// Each answer that the public transcripts show is read as what it is.
TEST(ScpiTranscripts, AreReadBothWays) {
  const auto all = transcripts("scpi_polatis");
  EXPECT_GT(all.size(), 15u);
  int patches = 0, errors = 0;
  for (const Transcript& one : all) {
    SCOPED_TRACE(one.about);
    ScpiLines lines, answers;
    std::vector<ScpiCommand> commands;
    for (const std::string& text : one.commands) ASSERT_TRUE(lines.feed(text));
    while (const auto line = lines.next()) {
      for (const ScpiCommand& command : parse_scpi_commands(*line)) commands.push_back(command);
    }
    ASSERT_TRUE(answers.feed(one.answer));
    ASSERT_FALSE(commands.empty());
    const auto answer = answers.next();
    const ScpiCommand& last = commands.back();
    EXPECT_EQ(answer.has_value(), last.is_query());
    int code = 0;
    for (const ScpiCommand& command : commands) {
      if (command.parameters.starts_with("(@")) {
        EXPECT_TRUE(parse_scpi_lists(command.parameters, 400, code)) << command.parameters;
      }
    }
    if (is_scpi(last.header, "OXC:SWITch:CONNect:STATe?")) {
      EXPECT_TRUE(parse_scpi_patches(*answer));
      ++patches;
    }
    if (is_scpi(last.header, "SYSTem:ERRor:ALL?")) {
      EXPECT_EQ(write_scpi_errors(*parse_scpi_errors(*answer)),
                *answer == "0,\"No error\"" ? "" : *answer);
      ++errors;
    }
    if (is_scpi(last.header, "PMON:POWer?")) {
      EXPECT_THAT(parse_scpi_values(*answer), ElementsAre("-29.55", "-30.05", "-29.85"));
    }
    if (is_scpi(last.header, "OXC:SWITch:PORT:STATe?")) {
      EXPECT_THAT(parse_scpi_values(*answer), ElementsAre("D", "E", "F"));
    }
    if (is_scpi(last.header, "OXC:SWITch:SIZE?")) {
      EXPECT_THAT(parse_scpi_values(*answer), ElementsAre("16", "16"));
    }
  }
  EXPECT_GE(patches, 2);
  EXPECT_GE(errors, 2);
}

}  // namespace
}  // namespace mixnet
