#include "figures/figure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "figures/figure_chart.h"

namespace mixnet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Figure line() {
  Figure figure;
  figure.name = "delay";
  figure.title = "Delay, <fast> & \"slow\"";
  figure.source = "section 7";
  figure.question = "How fast?";
  figure.settings = "none";
  figure.x = {.label = "delay", .unit = "ms", .logarithmic = true, .categories = {}};
  figure.y = {.label = "time", .unit = "s", .logarithmic = false, .categories = {}};
  figure.panels = {
      {.title = "Mixtral",
       .series = {{.name = "mixnet", .points = {{0.001, 1.0 / 3, {}}, {25, -2, "here, there"}}},
                  {.name = "mixnet", .origin = FigureOrigin::kPublished, .points = {{1, 2, {}}}},
                  {.name = "none", .origin = FigureOrigin::kPackets, .points = {}}}}};
  figure.verdicts = {{.claim = "hardly matters, below 25 ms",
                      .published = "1x",
                      .ours = "1.1x",
                      .holds = Holds::kPartly,
                      .note = "it \"does\""}};
  figure.checks = {{.what = "iteration", .unit = "s", .fluid = 2, .packets = 2.5}};
  return figure;
}

Figure bars() {
  Figure figure;
  figure.name = "failures";
  figure.kind = FigureKind::kBar;
  figure.x.categories = {"NIC", "GPU"};
  figure.panels = {{.title = {}, .series = {{.name = "ours", .points = {{1, 5, {}}, {0, 3, {}}}}}}};
  return figure;
}

TEST(Figure, WrittenAndReadItIsTheSame) {
  const std::vector<Figure> figures = {line(), bars()};
  const std::string text = to_figures_json(figures);
  EXPECT_EQ(parse_figures_json(text, "figures.json"), figures);
  EXPECT_EQ(to_figures_json(parse_figures_json(text, "figures.json")), text);
  EXPECT_TRUE(parse_figures_json(to_figures_json({}), "figures.json").empty());
}

TEST(Figure, CategoriesAreWrittenByName) {
  EXPECT_THAT(to_figures_json({bars()}), HasSubstr("\"x\": \"GPU\""));
  EXPECT_EQ(to_csv(bars()),
            "panel,series,origin,x,y,label\n"
            ",ours,ours,GPU,5,\n"
            ",ours,ours,NIC,3,\n");
}

TEST(Figure, CsvQuotesWhatWouldEndAValue) {
  EXPECT_EQ(to_csv(line()),
            "panel,series,origin,x,y,label\n"
            "Mixtral,mixnet,ours,0.001,0.3333333333333333,\n"
            "Mixtral,mixnet,ours,25,-2,\"here, there\"\n"
            "Mixtral,mixnet,published,1,2,\n");
  EXPECT_EQ(to_verdicts_csv({line(), bars()}),
            "figure,claim,published,ours,holds,note\n"
            "delay,\"hardly matters, below 25 ms\",1x,1.1x,partly,\"it \"\"does\"\"\"\n");
  EXPECT_EQ(to_checks_csv({line()}),
            "figure,what,unit,fluid,packets,difference\n"
            "delay,iteration,s,2,2.5,0.25\n");
}

/// What parse_figures_json() says of `text`; "" when it takes it.
std::string complaint(const std::string& text) {
  try {
    parse_figures_json(text, "figures.json");
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

/// The document of line() with the first `from` replaced.
std::string changed(const std::string& from, const std::string& to) {
  std::string text = to_figures_json({line()});
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Figure, WrongFilesAreRefusedInOneLine) {
  EXPECT_EQ(complaint(changed("ms", "us")), "");
  for (const auto& [from, to, words] :
       {std::tuple("mixnet.figures/1", "mixnet.figures/2", "mixnet.figures/1"),
        std::tuple("\"delay\"", "\"../delay\"", "name"), std::tuple("\"delay\"", "\"\"", "name"),
        std::tuple("\"delay\"", "\"verdicts\"", "name"), std::tuple("\"delay\"", "7", "name"),
        std::tuple("\"line\"", "\"pie\"", "kind"), std::tuple("\"partly\"", "\"maybe\"", "holds"),
        std::tuple("\"published\"", "\"theirs\"", "origin"),
        std::tuple("0.001", "0", "axes"),  // on a logarithmic axis
        std::tuple("0.001", "1e999", "figures.json"), std::tuple("0.001", "\"1\"", "x"),
        std::tuple("\"fluid\": 2", "\"fluid\": 0", "spot check"),
        std::tuple("\"categories\": []", "\"categories\": [\"a\", \"a\"]", "x"),
        std::tuple("\"claim\"", "\"claims\"", "claim"),
        std::tuple("\"panels\": [", "\"panels\": 3, \"rest\": [", "panels"),
        std::tuple("}", "", "figures.json")}) {
    const std::string line = complaint(changed(from, to));
    EXPECT_THAT(line, HasSubstr(words)) << from << " -> " << to;
    EXPECT_EQ(line.find('\n'), std::string::npos);
  }
  EXPECT_THAT(complaint(""), HasSubstr("figures.json"));
  EXPECT_THAT(complaint("[]"), HasSubstr("figures.json"));
  EXPECT_THAT(complaint(changed("How fast?", std::string(5000, 'x'))), HasSubstr("question"));
}

TEST(Figure, BrokenInvariantsAreNotWritten) {
  EXPECT_THROW(to_figures_json({line(), line()}), Error);
  Figure figure = line();
  figure.panels[0].series[0].points[0].y = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(to_figures_json({figure}), Error);
  figure = bars();
  figure.panels[0].series[0].points[0].x = 2;
  EXPECT_THROW(to_figures_json({figure}), Error);
  figure.panels[0].series.clear();
  EXPECT_THROW(to_figures_json({figure}), Error);
  figure.panels.clear();
  EXPECT_THROW(to_figures_json({figure}), Error);
}

TEST(FigureChart, TicksAreRoundNumbers) {
  EXPECT_THAT(axis_ticks(0, 10, false, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(axis_ticks(-3, 12, false, 5), ElementsAre(0, 5, 10));
  EXPECT_THAT(axis_ticks(1e6, 3e6, true, 6), ElementsAre(1e6, 2e6));
  EXPECT_THAT(axis_ticks(0.0009, 11000, true, 8),
              ElementsAre(0.001, 0.01, 0.1, 1, 10, 100, 1000, 10000));
  EXPECT_LE(axis_ticks(1e-12, 1e12, true, 6).size(), 7);
}

std::size_t occurrences(const std::string& text, std::string_view of) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(of, at)) != std::string::npos; ++at) ++count;
  return count;
}

TEST(FigureChart, EveryPointIsDrawnAndTextsAreEscaped) {
  const std::string svg = to_svg(line());
  EXPECT_THAT(svg, HasSubstr("&lt;fast&gt; &amp; &quot;slow&quot;"));
  EXPECT_EQ(svg.find("<fast>"), std::string::npos);
  EXPECT_THAT(svg, HasSubstr("delay (ms)"));
  EXPECT_THAT(svg, HasSubstr("time (s)"));
  EXPECT_EQ(occurrences(svg, "<circle"), 2 + 1);  // points, and one in the legend
  EXPECT_EQ(occurrences(svg, "l8 8m0 -8l-8 8"), 1 + 1);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg, to_svg(line()));
}

TEST(FigureChart, EveryBarIsDrawn) {
  const std::string svg = to_svg(bars());
  EXPECT_EQ(occurrences(svg, "<rect"), 2 + 1 + 2);  // bars, legend, background and hatch
  EXPECT_THAT(svg, HasSubstr(">NIC</text>"));
}

TEST(FigureChart, NothingToDrawIsDrawn) {
  Figure figure = line();
  for (FigureSeries& series : figure.panels[0].series) series.points.clear();
  EXPECT_EQ(to_svg(figure).find("nan"), std::string::npos);
  figure.panels[0].series[0].points = {{3, 0, {}}};
  EXPECT_EQ(to_svg(figure).find("nan"), std::string::npos);
}

}  // namespace
}  // namespace mixnet
