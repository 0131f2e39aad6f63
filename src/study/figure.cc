#include "study/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSchema = "mixnet.figures/1";
constexpr std::array<std::string_view, 3> kKinds = {"line", "bar", "scatter"};
constexpr std::array<std::string_view, 3> kHolds = {"yes", "partly", "no"};
constexpr std::size_t kMostChars = 2000;
constexpr double kMostNumber = 1e300;

Json json_of(const ChartAxis& axis) {
  return {{"label", axis.label},
          {"unit", axis.unit},
          {"logarithmic", axis.logarithmic},
          {"categories", axis.categories}};
}

Json json_of(const ChartSeries& series) {
  Json points = Json::array();
  for (const ChartPoint& point : series.points) points.push_back({point.x, point.y});
  return {{"name", series.name},
          {"published", series.published},
          {"packets", series.packets},
          {"points", std::move(points)}};
}

Json json_of(const Chart& chart) {
  Json series = Json::array();
  for (const ChartSeries& one : chart.series) series.push_back(json_of(one));
  return {{"title", chart.title},
          {"kind", to_string(chart.kind)},
          {"x", json_of(chart.x)},
          {"y", json_of(chart.y)},
          {"series", std::move(series)}};
}

Json json_of(const Verdict& verdict) {
  return {{"claim", verdict.claim},
          {"published", verdict.published},
          {"ours", verdict.ours},
          {"holds", to_string(verdict.holds)},
          {"note", verdict.note}};
}

std::string text_of(const JsonReader& reader) {
  std::string text = reader.string();
  if (text.size() <= kMostChars) return text;
  throw Error(reader.place(), fmt::format("has {} characters", text.size()),
              fmt::format("give at most {}", kMostChars));
}

template <typename Enum, std::size_t kCount>
Enum choice(const JsonReader& reader, const std::array<std::string_view, kCount>& names) {
  const std::string name = reader.string();
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<Enum>(found - names.begin());
  throw Error(reader.place(), fmt::format("is '{}'", name),
              fmt::format("give {}, {} or {}", names[0], names[1], names[2]));
}

template <typename T, typename Read>
std::vector<T> list(const JsonReader& reader, Read read) {
  std::vector<T> values;
  for (std::size_t i = 0; i < reader.size(); ++i) values.push_back(read(reader.at(i)));
  return values;
}

ChartAxis read_axis(const JsonReader& reader) {
  return {.label = text_of(reader.at("label")),
          .unit = text_of(reader.at("unit")),
          .logarithmic = reader.at("logarithmic").boolean(),
          .categories = list<std::string>(reader.at("categories"), text_of)};
}

ChartPoint read_point(const JsonReader& reader, const Chart& chart) {
  if (reader.size() != 2) throw Error(reader.place(), "is no point", "give [x, y]");
  const ChartPoint point{reader.at(0).number(-kMostNumber), reader.at(1).number(-kMostNumber)};
  const auto check = [](const JsonReader& place, const ChartAxis& axis, double value) {
    if (axis.logarithmic && value <= 0) {
      throw Error(place.place(), fmt::format("is {}", value),
                  "give more than 0 on a logarithmic axis");
    }
    if (axis.categories.empty()) return;
    if (value < 0 || value != std::floor(value) ||
        value >= static_cast<double>(axis.categories.size())) {
      throw Error(place.place(), fmt::format("is {}", value), "give the index of a category");
    }
  };
  check(reader.at(0), chart.x, point.x);
  check(reader.at(1), chart.y, point.y);
  return point;
}

Chart read_chart(const JsonReader& reader) {
  Chart chart{.title = text_of(reader.at("title")),
              .kind = choice<ChartKind>(reader.at("kind"), kKinds),
              .x = read_axis(reader.at("x")),
              .y = read_axis(reader.at("y")),
              .series = {}};
  chart.series = list<ChartSeries>(reader.at("series"), [&](const JsonReader& series) {
    return ChartSeries{.name = text_of(series.at("name")),
                       .published = series.at("published").boolean(),
                       .packets = series.at("packets").boolean(),
                       .points = list<ChartPoint>(series.at("points"), [&](const JsonReader& one) {
                         return read_point(one, chart);
                       })};
  });
  return chart;
}

Verdict read_verdict(const JsonReader& reader) {
  return {.claim = text_of(reader.at("claim")),
          .published = text_of(reader.at("published")),
          .ours = text_of(reader.at("ours")),
          .holds = choice<Holds>(reader.at("holds"), kHolds),
          .note = text_of(reader.at("note"))};
}

std::string name_of(const JsonReader& reader) {
  std::string name = text_of(reader);
  const auto is_fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (!name.empty() && std::ranges::all_of(name, is_fine)) return name;
  throw Error(reader.place(), fmt::format("is '{}'", name),
              "give small letters, digits and dashes");
}

Figure read_figure(const JsonReader& reader) {
  return {.name = name_of(reader.at("name")),
          .title = text_of(reader.at("title")),
          .source = text_of(reader.at("source")),
          .question = text_of(reader.at("question")),
          .charts = list<Chart>(reader.at("charts"), read_chart),
          .verdicts = list<Verdict>(reader.at("verdicts"), read_verdict)};
}

/// As RFC 4180 has it.
std::string cell(std::string_view text) {
  if (text.find_first_of(",\"\n\r") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

std::string_view to_string(ChartKind kind) { return kKinds.at(static_cast<std::size_t>(kind)); }
std::string_view to_string(Holds holds) { return kHolds.at(static_cast<std::size_t>(holds)); }

std::string to_json(const std::vector<Figure>& figures) {
  Json list = Json::array();
  for (const Figure& figure : figures) {
    Json charts = Json::array();
    for (const Chart& chart : figure.charts) charts.push_back(json_of(chart));
    Json verdicts = Json::array();
    for (const Verdict& verdict : figure.verdicts) verdicts.push_back(json_of(verdict));
    list.push_back({{"name", figure.name},
                    {"title", figure.title},
                    {"source", figure.source},
                    {"question", figure.question},
                    {"charts", std::move(charts)},
                    {"verdicts", std::move(verdicts)}});
  }
  return Json{{"schema", kSchema}, {"figures", std::move(list)}}.dump(1) + "\n";
}

std::string to_csv(const Figure& figure) {
  std::string table = "chart,series,source,x,y\n";
  for (const Chart& chart : figure.charts) {
    for (const ChartSeries& series : chart.series) {
      for (const ChartPoint& point : series.points) {
        const std::string x = chart.x.categories.empty()
                                  ? fmt::format("{}", point.x)
                                  : cell(chart.x.categories.at(static_cast<std::size_t>(point.x)));
        table += fmt::format("{},{},{},{},{}\n", cell(chart.title), cell(series.name),
                             series.published ? "published"
                             : series.packets ? "packets"
                                              : "ours",
                             x, point.y);
      }
    }
  }
  return table;
}

std::string verdicts_csv(const std::vector<Figure>& figures) {
  std::string table = "figure,claim,published,ours,holds,note\n";
  for (const Figure& figure : figures) {
    for (const Verdict& verdict : figure.verdicts) {
      table += fmt::format("{},{},{},{},{},{}\n", figure.name, cell(verdict.claim),
                           cell(verdict.published), cell(verdict.ours), to_string(verdict.holds),
                           cell(verdict.note));
    }
  }
  return table;
}

std::vector<Figure> parse_figures(std::string_view text, std::string_view input) {
  const nlohmann::json document = parse_json(text, input);
  const JsonReader reader(document, input);
  if (const std::string schema = reader.at("schema").string(); schema != kSchema) {
    throw Error(reader.at("schema").place(), fmt::format("is '{}'", schema),
                fmt::format("give '{}', as mixnet reproduce writes it", kSchema));
  }
  const JsonReader list_reader = reader.at("figures");
  std::vector<Figure> figures = list<Figure>(list_reader, read_figure);
  std::set<std::string> names;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    if (names.insert(figures[i].name).second) continue;
    throw Error(list_reader.at(i).place(), fmt::format("is another '{}'", figures[i].name),
                "give each figure once");
  }
  return figures;
}

std::vector<Figure> read_figures(const std::filesystem::path& path) {
  return parse_figures(read_text_file(path), path.string());
}

}  // namespace mixnet
