// A figure of the paper, done again: charts of what we computed, and for every claim that the paper
// makes with it a verdict, the published figure beside ours. `mixnet reproduce` makes them and
// `mixnet report` draws them; in between they are a file, figures.json.
//
// Plain values. Points are numbers in the units that the axes name, finite; on an axis with
// categories, x is the index of one.
//
// The file (schema mixnet.figures/1, docs/reproduce.md) is the same for the same figures, to the
// byte. Reading checks everything: names, kinds, ranges, finite numbers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mixnet {

enum class ChartKind : std::uint8_t { kLine, kBar, kScatter };

struct ChartAxis {
  std::string label;  ///< "iteration time"
  std::string unit;   ///< "s"; may be empty
  bool logarithmic = false;
  std::vector<std::string> categories;  ///< of an x axis without numbers, as of bars
  bool operator==(const ChartAxis&) const = default;
};

struct ChartPoint {
  double x = 0, y = 0;
  bool operator==(const ChartPoint&) const = default;
};

struct ChartSeries {
  std::string name;
  bool published = false;  ///< the paper's, not ours
  bool packets = false;    ///< of a check in packets, not fluid
  std::vector<ChartPoint> points;
  bool operator==(const ChartSeries&) const = default;
};

struct Chart {
  std::string title;
  ChartKind kind = ChartKind::kLine;
  ChartAxis x, y;
  std::vector<ChartSeries> series;
  bool operator==(const Chart&) const = default;
};

/// Whether a claim holds here: in figures, or only in shape.
enum class Holds : std::uint8_t { kYes, kPartly, kNo };

struct Verdict {
  std::string claim;      ///< "one NIC fails, DeepSeek-R1"
  std::string published;  ///< "+3.3 %"
  std::string ours;       ///< "+0.7 %"
  Holds holds = Holds::kNo;
  std::string note;  ///< why, where it does not; may be empty
  bool operator==(const Verdict&) const = default;
};

struct Figure {
  std::string name;      ///< "failures": letters, digits and dashes; files are named after it
  std::string title;     ///< "What failures cost"
  std::string source;    ///< "section 7.5"
  std::string question;  ///< one sentence
  std::vector<Chart> charts;
  std::vector<Verdict> verdicts;
  bool operator==(const Figure&) const = default;
};

std::string_view to_string(ChartKind kind);  ///< "line", "bar", "scatter"
std::string_view to_string(Holds holds);     ///< "yes", "partly", "no"

/// figures.json; ends with a line break.
std::string to_json(const std::vector<Figure>& figures);

/// Every point of the figure as a table: chart, series, source (ours, published, packets), x, y.
std::string to_csv(const Figure& figure);

/// All verdicts as a table: figure, claim, published, ours, holds, note.
std::string verdicts_csv(const std::vector<Figure>& figures);

/// `input` names the text. Throws Error on anything that to_json() does not write.
std::vector<Figure> parse_figures(std::string_view text, std::string_view input);
std::vector<Figure> read_figures(const std::filesystem::path& path);

}  // namespace mixnet
