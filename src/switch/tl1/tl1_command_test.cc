#include "tl1/tl1_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "ocs/test_transcripts.h"
#include "tl1/tl1_reader.h"

namespace mixnet {
namespace {

using testing::ElementsAre;

TEST(Tl1Command, IsCutAtItsColons) {
  const Tl1Command command =
      parse_tl1_command("ed-port-label:\"my switch\":2:c-1::LABEL=\"FCSW49/2/3: in\",B=2:x");
  EXPECT_EQ(command.verb, "ED-PORT-LABEL");
  EXPECT_EQ(command.tid, "my switch");
  EXPECT_EQ(command.aid, "2");
  EXPECT_EQ(command.ctag, "c-1");
  ASSERT_EQ(command.blocks.size(), 3u);
  EXPECT_EQ(tl1_parameter(command.blocks[1], "label"), "FCSW49/2/3: in");
  EXPECT_EQ(tl1_parameter(command.blocks[1], "C"), std::nullopt);
  EXPECT_EQ(command.error, "");
}

TEST(Tl1Command, IsReadInWhateverPiecesItComes) {
  Tl1CommandReader reader;
  for (const char c :
       std::string("\xff\xfb\x01 RTRV-\r\nPATCH:::1\n:; ;ACT-USER::a:2::\"p;w\";R")) {
    reader.feed(std::string_view(&c, 1), "client");
  }
  EXPECT_EQ(reader.next()->verb, "RTRV-PATCH");
  EXPECT_THAT(split_tl1(reader.next()->blocks[1], ','), ElementsAre("p;w"));
  EXPECT_FALSE(reader.next());
}

TEST(Tl1Command, IsDeniedByTheWordsOfAPolatis) {
  int denied = 0;
  for (const Transcript& one : transcripts("tl1_polatis")) {
    if (one.commands.size() != 1) continue;
    const std::string& text = one.commands[0];
    const Tl1Command command = parse_tl1_command(text.substr(0, text.size() - 1));
    Tl1Reader reader("tl1");
    reader.feed(one.answer);
    const auto answer = std::get<Tl1Response>(*reader.next());
    EXPECT_EQ(command.ctag, answer.ctag) << text;
    const bool is_expected = answer.comment.starts_with("Parse error");
    EXPECT_EQ(command.error, is_expected ? answer.error : "") << text;
    EXPECT_EQ(command.comment, is_expected ? answer.comment : "") << text;
    denied += is_expected;
  }
  EXPECT_GE(denied, 3);
}

TEST(Tl1Command, MayLackEverythingAndIsAnsweredStill) {
  for (const auto& [text, error] :
       {std::pair("RTRV-PATCH", "IICT"), std::pair("7", "IICM"),
        std::pair("RTRV PATCH:::1:", "IICM"), std::pair("RTRV-PATCH:::1 2:", "IICT"),
        std::pair("ENT-PATCH::\"1:2:3", "IICT")}) {
    EXPECT_EQ(parse_tl1_command(text).error, error) << text;
    EXPECT_EQ(parse_tl1_command(text).ctag.empty(), false) << text;
  }
}

TEST(Tl1Command, IsRefusedWhenItHasNoEnd) {
  Tl1CommandReader reader;
  reader.feed(std::string(Tl1CommandReader::kMostCommand, 'a'), "10.0.0.1");
  EXPECT_THROW(reader.feed("a", "10.0.0.1"), Error);
}

TEST(Tl1Ports, AreListsAndRanges) {
  std::string wrong;
  EXPECT_THAT(*tl1_ports("11&4&10", 32, wrong), ElementsAre(11, 4, 10));
  EXPECT_THAT(*tl1_ports("1&&3&7", 32, wrong), ElementsAre(1, 2, 3, 7));
  EXPECT_EQ(tl1_list({11, 4, 10}), "11&4&10");
  for (const auto& [list, named] :
       {std::pair("1000", "1000"), std::pair("a&b", "a"), std::pair("-10", "-10"),
        std::pair("1&&640", "640"), std::pair("", ""), std::pair("4&&2", "2"), std::pair("1&", ""),
        std::pair("1&&", ""), std::pair("99999999999", "99999999999")}) {
    EXPECT_FALSE(tl1_ports(list, 32, wrong)) << list;
    EXPECT_EQ(wrong, named) << list;
  }
}

}  // namespace
}  // namespace mixnet
