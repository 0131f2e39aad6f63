#include "study/figure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace mixnet {
namespace {

using testing::HasSubstr;

std::vector<Figure> two_figures() {
  return {
      {.name = "delay",
       .title = "How fast must the switch be?",
       .source = "section D.7",
       .question = "From which delay on does it hurt?",
       .charts = {{.title = "Mixtral 8x7B",
                   .kind = ChartKind::kLine,
                   .x = {"reconfiguration delay", "ms", true, {}},
                   .y = {"iteration time", "s", false, {}},
                   .series = {{.name = "mixnet, block",
                               .published = false,
                               .packets = false,
                               .points = {{0.001, 1}, {25, 1.5}}},
                              {.name = "paper",
                               .published = true,
                               .packets = false,
                               .points = {{25, 1.25}}}}}},
       .verdicts = {{"below 25 ms it hardly matters", "flat", "+30 %", Holds::kNo, "a, \"b\""}}},
      {.name = "cost",
       .title = "Cost",
       .source = "section 7.2",
       .question = "What does it cost?",
       .charts = {{.title = "400 Gb/s",
                   .kind = ChartKind::kBar,
                   .x = {"fabric", "", false, {"fat-tree", "mixnet"}},
                   .y = {"network cost", "USD", false, {}},
                   .series = {{.name = "400 Gb/s",
                               .published = false,
                               .packets = true,
                               .points = {{0, 2.5}, {1, 1}}}}}},
       .verdicts = {}}};
}

std::string error_of(const std::string& text) {
  try {
    parse_figures(text, "figures.json");
    return "no error";
  } catch (const Error& error) {
    return error.what();
  }
}

/// figures.json with the value at `pointer` changed.
std::string with(const std::string& pointer, const nlohmann::json& value) {
  auto document = nlohmann::json::parse(to_json(two_figures()));
  document[nlohmann::json::json_pointer(pointer)] = value;
  return document.dump();
}

TEST(Figure, RoundTrip) {
  const std::string text = to_json(two_figures());
  EXPECT_EQ(parse_figures(text, "f"), two_figures());
  EXPECT_EQ(to_json(parse_figures(text, "f")), text);
  EXPECT_TRUE(parse_figures(to_json({}), "f").empty());
}

TEST(Figure, Tables) {
  EXPECT_EQ(to_csv(two_figures()[0]),
            "chart,series,source,x,y\n"
            "Mixtral 8x7B,\"mixnet, block\",ours,0.001,1\n"
            "Mixtral 8x7B,\"mixnet, block\",ours,25,1.5\n"
            "Mixtral 8x7B,paper,published,25,1.25\n");
  EXPECT_EQ(to_csv(two_figures()[1]),
            "chart,series,source,x,y\n"
            "400 Gb/s,400 Gb/s,packets,fat-tree,2.5\n"
            "400 Gb/s,400 Gb/s,packets,mixnet,1\n");
  EXPECT_EQ(verdicts_csv(two_figures()),
            "figure,claim,published,ours,holds,note\n"
            "delay,below 25 ms it hardly matters,flat,+30 %,no,\"a, \"\"b\"\"\"\n");
}

TEST(Figure, WrongFilesAreToldInOneLine) {
  EXPECT_THAT(error_of(""), HasSubstr("figures.json"));
  EXPECT_THAT(error_of("{}"), HasSubstr("schema"));
  EXPECT_THAT(error_of(with("/schema", "mixnet.sweep/1")), HasSubstr("mixnet reproduce"));
  EXPECT_THAT(error_of(with("/figures", 3)), HasSubstr("figures"));
  EXPECT_THAT(error_of(with("/figures/1/name", "delay")), HasSubstr("another 'delay'"));
  EXPECT_THAT(error_of(with("/figures/1/name", "../x")), HasSubstr("small letters"));
  EXPECT_THAT(error_of(with("/figures/0/charts/0/kind", "pie")), HasSubstr("line, bar or scatter"));
  EXPECT_THAT(error_of(with("/figures/0/verdicts/0/holds", true)), HasSubstr("holds"));
  EXPECT_THAT(error_of(with("/figures/0/charts/0/series/0/points/0", {1})), HasSubstr("[x, y]"));
  EXPECT_THAT(error_of(with("/figures/0/charts/0/series/0/points/0/0", 0)),
              HasSubstr("logarithmic"));
  EXPECT_THAT(error_of(with("/figures/1/charts/0/series/0/points/0/0", 2)),
              HasSubstr("index of a category"));
  EXPECT_THAT(error_of(with("/figures/1/charts/0/series/0/points/0/0", 0.5)),
              HasSubstr("index of a category"));
  EXPECT_THAT(error_of(with("/figures/0/title", std::string(5000, 'x'))), HasSubstr("5000"));
}

TEST(Figure, EveryTruncationIsToldInOneLine) {
  const std::string text = to_json(two_figures());
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    const std::string error = error_of(text.substr(0, size));
    ASSERT_THAT(error, HasSubstr("figures.json")) << size;
    ASSERT_EQ(error.find('\n'), std::string::npos) << size;
  }
}

}  // namespace
}  // namespace mixnet
