#include "figures/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/json_reader.h"

namespace mixnet {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::string_view kSchema = "mixnet.figures/1";
constexpr std::size_t kMostFigures = 1000;
constexpr std::size_t kMostPoints = 100'000;  // of a figure; as many categories, panels, ...
constexpr std::size_t kLongestText = 4000;
constexpr std::size_t kLongestName = 40;
constexpr double kLargest = 1e100;
constexpr std::string_view kRemedy = "give the figures.json that 'mixnet reproduce' has written";

std::string read_text(const JsonReader& reader) {
  std::string text = reader.string();
  if (text.size() > kLongestText) {
    throw Error(reader.place(), fmt::format("is longer than {} bytes", kLongestText), kRemedy);
  }
  return text;
}

std::size_t read_size(const JsonReader& array, std::size_t least, std::size_t most) {
  const std::size_t size = array.size();
  if (size < least || size > most) {
    throw Error(array.place(), fmt::format("has {} elements, not {} to {}", size, least, most),
                kRemedy);
  }
  return size;
}

template <typename Read>
void read_each(const JsonReader& array, const Read& read) {
  const std::size_t size = read_size(array, 0, kMostPoints);
  for (std::size_t i = 0; i < size; ++i) read(array.at(i));
}

bool is_name(std::string_view name) {
  if (name == "verdicts" || name == "checks") return false;
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// What to_figures_json() and parse_figures_json() both hold figures to, beyond shapes and sizes.
void check(const std::vector<Figure>& figures, std::string_view input) {
  const auto refuse = [&](std::string_view problem) { throw Error(input, problem, kRemedy); };
  std::set<std::string_view> names;
  for (const Figure& figure : figures) {
    if (!is_name(figure.name)) refuse("has a figure whose name is no name of a figure");
    if (!names.insert(figure.name).second) {
      refuse(fmt::format("has the figure '{}' twice", figure.name));
    }
    const auto fits = [](double value, const FigureAxis& axis) {
      return std::abs(value) <= kLargest && (value >= 1 / kLargest || !axis.logarithmic);
    };
    const std::set<std::string_view> categories(figure.x.categories.begin(),
                                                figure.x.categories.end());
    if (categories.size() != figure.x.categories.size()) {
      refuse(fmt::format("has a category of '{}' twice", figure.name));
    }
    if (!categories.empty() && figure.x.logarithmic) {
      refuse(fmt::format("has categories on a logarithmic axis in '{}'", figure.name));
    }
    for (const FigureCheck& check : figure.checks) {
      if (!(check.fluid > 0 && check.packets > 0 && std::isfinite(check.difference()))) {
        refuse(fmt::format("has a spot check of nothing in '{}'", figure.name));
      }
    }
    if (figure.panels.empty()) refuse(fmt::format("has no panel in '{}'", figure.name));
    for (const FigurePanel& panel : figure.panels) {
      if (panel.series.empty()) refuse(fmt::format("has a panel of nothing in '{}'", figure.name));
      for (const FigureSeries& series : panel.series) {
        for (const FigurePoint& point : series.points) {
          const bool x_fits = categories.empty()
                                  ? fits(point.x, figure.x)
                                  : point.x >= 0 &&
                                        point.x < static_cast<double>(figure.x.categories.size()) &&
                                        point.x == std::floor(point.x);
          if (!x_fits || !fits(point.y, figure.y)) {
            refuse(fmt::format("has a point of '{}' that its axes do not have", figure.name));
          }
        }
      }
    }
  }
}

Json axis_json(const FigureAxis& axis) {
  return {{"label", axis.label},
          {"unit", axis.unit},
          {"logarithmic", axis.logarithmic},
          {"categories", axis.categories}};
}

FigureAxis read_axis(const JsonReader& reader) {
  FigureAxis axis;
  axis.label = read_text(reader.at("label"));
  axis.unit = read_text(reader.at("unit"));
  axis.logarithmic = reader.at("logarithmic").boolean();
  read_each(reader.at("categories"),
            [&](const JsonReader& one) { axis.categories.push_back(read_text(one)); });
  return axis;
}

Json figure_json(const Figure& figure) {
  Json panels = Json::array();
  for (const FigurePanel& panel : figure.panels) {
    Json all = Json::array();
    for (const FigureSeries& series : panel.series) {
      Json points = Json::array();
      for (const FigurePoint& point : series.points) {
        Json one = Json::object();
        if (figure.x.categories.empty()) {
          one["x"] = point.x;
        } else {
          one["x"] = figure.x.categories[static_cast<std::size_t>(point.x)];
        }
        one["y"] = point.y;
        if (!point.label.empty()) one["label"] = point.label;
        points.push_back(std::move(one));
      }
      all.push_back({{"name", series.name},
                     {"origin", to_string(series.origin)},
                     {"points", std::move(points)}});
    }
    panels.push_back({{"title", panel.title}, {"series", std::move(all)}});
  }
  Json verdicts = Json::array();
  for (const FigureVerdict& verdict : figure.verdicts) {
    verdicts.push_back({{"claim", verdict.claim},
                        {"published", verdict.published},
                        {"ours", verdict.ours},
                        {"holds", to_string(verdict.holds)},
                        {"note", verdict.note}});
  }
  Json checks = Json::array();
  for (const FigureCheck& check : figure.checks) {
    checks.push_back({{"what", check.what},
                      {"unit", check.unit},
                      {"fluid", check.fluid},
                      {"packets", check.packets}});
  }
  return {{"name", figure.name},         {"title", figure.title},
          {"source", figure.source},     {"question", figure.question},
          {"settings", figure.settings}, {"kind", to_string(figure.kind)},
          {"x", axis_json(figure.x)},    {"y", axis_json(figure.y)},
          {"panels", std::move(panels)}, {"verdicts", std::move(verdicts)},
          {"checks", std::move(checks)}};
}

class FigureReader {
 public:
  Figure read(const JsonReader& reader) {
    figure_.name = read_text(reader.at("name"));
    figure_.title = read_text(reader.at("title"));
    figure_.source = read_text(reader.at("source"));
    figure_.question = read_text(reader.at("question"));
    figure_.settings = read_text(reader.at("settings"));
    figure_.kind = reader.at("kind").choice<FigureKind>();
    figure_.x = read_axis(reader.at("x"));
    figure_.y = read_axis(reader.at("y"));
    if (!figure_.y.categories.empty()) {
      throw Error(reader.at("y").place(), "has categories", kRemedy);
    }
    const JsonReader panels = reader.at("panels");
    const std::size_t panel_count = read_size(panels, 1, kMostPoints);
    for (std::size_t i = 0; i < panel_count; ++i) read_panel(panels.at(i));
    read_each(reader.at("verdicts"), [&](const JsonReader& verdict) {
      figure_.verdicts.push_back({.claim = read_text(verdict.at("claim")),
                                  .published = read_text(verdict.at("published")),
                                  .ours = read_text(verdict.at("ours")),
                                  .holds = verdict.at("holds").choice<Holds>(),
                                  .note = read_text(verdict.at("note"))});
    });
    read_each(reader.at("checks"), [&](const JsonReader& check) {
      figure_.checks.push_back({.what = read_text(check.at("what")),
                                .unit = read_text(check.at("unit")),
                                .fluid = check.at("fluid").number(),
                                .packets = check.at("packets").number()});
    });
    return std::move(figure_);
  }

 private:
  void read_panel(const JsonReader& reader) {
    FigurePanel panel{.title = read_text(reader.at("title")), .series = {}};
    const JsonReader all = reader.at("series");
    const std::size_t count = read_size(all, 1, kMostPoints);
    for (std::size_t i = 0; i < count; ++i) {
      const JsonReader one = all.at(i);
      FigureSeries series;
      series.name = read_text(one.at("name"));
      series.origin = one.at("origin").choice<FigureOrigin>();
      const JsonReader points = one.at("points");
      const std::size_t size = read_size(points, 0, kMostPoints - points_);
      points_ += size;
      for (std::size_t p = 0; p < size; ++p) series.points.push_back(read_point(points.at(p)));
      panel.series.push_back(std::move(series));
    }
    figure_.panels.push_back(std::move(panel));
  }

  FigurePoint read_point(const JsonReader& reader) const {
    FigurePoint point;
    const JsonReader x = reader.at("x");
    if (figure_.x.categories.empty()) {
      point.x = x.number(-kLargest);
    } else {
      const auto found = std::ranges::find(figure_.x.categories, x.string());
      if (found == figure_.x.categories.end()) {
        throw Error(x.place(), "is no category of the axis", kRemedy);
      }
      point.x = static_cast<double>(found - figure_.x.categories.begin());
    }
    point.y = reader.at("y").number(-kLargest);
    if (reader.has("label")) point.label = read_text(reader.at("label"));
    return point;
  }

  Figure figure_;
  std::size_t points_ = 0;
};

}  // namespace

std::string to_figures_json(const std::vector<Figure>& figures) {
  check(figures, "figures");
  Json all = Json::array();
  for (const Figure& figure : figures) all.push_back(figure_json(figure));
  const Json document = {{"schema", kSchema}, {"figures", std::move(all)}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<Figure> parse_figures_json(std::string_view text, std::string_view input) {
  const nlohmann::json json = parse_json(text, input);
  const JsonReader reader(json, input);
  if (reader.at("schema").string() != kSchema) {
    throw Error(input, fmt::format("is not of the schema {}", kSchema), kRemedy);
  }
  const JsonReader all = reader.at("figures");
  const std::size_t count = read_size(all, 0, kMostFigures);
  std::vector<Figure> figures;
  for (std::size_t i = 0; i < count; ++i) figures.push_back(FigureReader().read(all.at(i)));
  check(figures, input);
  return figures;
}

}  // namespace mixnet
