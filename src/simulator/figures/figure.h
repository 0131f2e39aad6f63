// A reproduced figure of a paper as plain values: what it shows, and what it was published to show.
//
// A figure has panels of the same axes; a panel has series of points. A verdict holds one published
// claim against ours:
//   yes      ours is within the tolerance of the published figure
//   partly   the direction holds, the size does not (or only under some of the settings)
//   no       the direction does not hold
//
// figures.json (schema mixnet.figures/1) holds figures in the order given. Writing is
// deterministic; reading refuses, with one Error that names file and place, anything that does not
// keep the invariants:
//   * a name is lower-case letters, digits and '-', at most 40 (it names files), and
//     neither "verdicts" nor "checks"; no two are equal
//   * x and y are from -1e100 to 1e100, on a logarithmic axis from 1e-100
//   * where the x axis has categories, an x is the number of one, from 0, and written as its name
//   * a figure has a panel, a panel a series
//   * both figures of a spot check are above 0
//
// Plain values, pure functions. At most 1000 figures, 100,000 points each, texts of 4000 bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"

namespace mixnet {

struct FigureAxis {
  std::string label;  ///< "bandwidth of a NIC"
  std::string unit;   ///< "Gb/s"; empty where there is none
  bool logarithmic = false;
  std::vector<std::string> categories;  ///< x axis only; empty where x are numbers

  bool operator==(const FigureAxis&) const = default;
};

struct FigurePoint {
  double x = 0;  ///< in the axis' unit, or the number of its category
  double y = 0;
  std::string label;  ///< beside the point, may be empty

  bool operator==(const FigurePoint&) const = default;
};

enum class FigureOrigin {
  kOurs,       ///< simulated or computed, phases as a fluid
  kPackets,    ///< the same in packets: a spot check of the fluid
  kPublished,  ///< by the paper's authors
};

template <>
struct Names<FigureOrigin> {
  static constexpr std::string_view kWhat = "origin";
  static constexpr NamedValue<FigureOrigin> kTable[] = {{"ours", FigureOrigin::kOurs},
                                                        {"packets", FigureOrigin::kPackets},
                                                        {"published", FigureOrigin::kPublished}};
};

struct FigureSeries {
  std::string name;
  FigureOrigin origin = FigureOrigin::kOurs;
  std::vector<FigurePoint> points;

  bool operator==(const FigureSeries&) const = default;
};

struct FigurePanel {
  std::string title;  ///< may be empty where there is one
  std::vector<FigureSeries> series;

  bool operator==(const FigurePanel&) const = default;
};

enum class Holds { kYes, kPartly, kNo };

template <>
struct Names<Holds> {
  static constexpr std::string_view kWhat = "verdict";
  static constexpr NamedValue<Holds> kTable[] = {
      {"yes", Holds::kYes}, {"partly", Holds::kPartly}, {"no", Holds::kNo}};
};

struct FigureVerdict {
  std::string claim;
  std::string published;  ///< with its unit
  std::string ours;
  Holds holds = Holds::kNo;
  std::string note;  ///< why it differs; empty where there is nothing to say

  bool operator==(const FigureVerdict&) const = default;
};

/// A spot check: one figure of the fluid network beside the same in packets.
struct FigureCheck {
  std::string what;  ///< "Mixtral 8x7B, mixnet, 400 Gb/s: iteration"
  std::string unit;  ///< of both
  double fluid = 0;  ///< above 0
  double packets = 0;

  double difference() const { return packets / fluid - 1; }
  bool operator==(const FigureCheck&) const = default;
};

enum class FigureKind { kLine, kBar, kScatter };

template <>
struct Names<FigureKind> {
  static constexpr std::string_view kWhat = "kind of figure";
  static constexpr NamedValue<FigureKind> kTable[] = {
      {"line", FigureKind::kLine}, {"bar", FigureKind::kBar}, {"scatter", FigureKind::kScatter}};
};

struct Figure {
  std::string name;      ///< as on the command line: "optical-io"
  std::string title;     ///< "NVL72 against MixNet with optical I/O"
  std::string source;    ///< "MixNet (SIGCOMM 2025), section 8"
  std::string question;  ///< one sentence
  std::string settings;  ///< one sentence: model, cluster, routing, policy
  FigureKind kind = FigureKind::kLine;
  FigureAxis x, y;
  std::vector<FigurePanel> panels;
  std::vector<FigureVerdict> verdicts;
  std::vector<FigureCheck> checks;

  bool operator==(const Figure&) const = default;
};

/// The whole document; ends with a line break. Throws Error where an invariant is broken.
std::string to_figures_json(const std::vector<Figure>& figures);
/// `input` names the file in errors.
std::vector<Figure> parse_figures_json(std::string_view text, std::string_view input);

/// panel,series,origin,x,y,label: a line a point. Ends with a line break, as the next.
std::string to_csv(const Figure& figure);
/// figure,claim,published,ours,holds,note: a line a verdict, over all figures.
std::string to_verdicts_csv(const std::vector<Figure>& figures);
/// figure,what,unit,fluid,packets,difference: a line a spot check, over all figures.
std::string to_checks_csv(const std::vector<Figure>& figures);

}  // namespace mixnet
