#include "figures/figure_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>

#include "base/markup.h"

namespace mixnet {
namespace {

// Sizes in pixels of the document at its natural size.
constexpr double kPanelWidth = 330, kLonePanelWidth = 640, kPanelHeight = 250;
constexpr double kLeft = 62, kRight = 14, kTop = 28, kBottom = 48;  // around a plot, in its panel
constexpr double kMargin = 12;
constexpr double kTitleHeight = 50, kLegendLine = 18;
constexpr double kFont = 11, kGlyph = 6.1;  // of one character, on average
constexpr int kMostColumns = 3;

constexpr std::array<std::string_view, 8> kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                      "#000000", "#E69F00", "#56B4E9", "#7A5C00"};

std::string svg(std::string_view text) { return escaped(text, Markup::kXml); }

/// "32k", "0.25", "1.6M", "16384".
std::string tick_text(double value) {
  const double size = std::abs(value);
  const bool is_uneven = std::fmod(size, 100) != 0 && std::fmod(size, 1) == 0;
  if (size < 1e6 && is_uneven) return fmt::format("{:.0f}", value);
  if (size >= 1e9) return fmt::format("{:.4g}G", value / 1e9);
  if (size >= 1e6) return fmt::format("{:.4g}M", value / 1e6);
  if (size >= 1e4) return fmt::format("{:.4g}k", value / 1e3);
  return fmt::format("{:.4g}", value);
}

/// Never "-0.0".
std::string bar_text(double value, int digits) {
  const bool is_nothing = std::abs(value) < 0.5 * std::pow(10.0, -digits);
  return fmt::format("{:.{}f}", is_nothing ? 0 : value, digits);
}

std::string axis_title(const FigureAxis& axis) {
  return axis.unit.empty() ? axis.label : fmt::format("{} ({})", axis.label, axis.unit);
}

/// From values to pixels.
struct Scale {
  double least = 0, most = 1;
  bool logarithmic = false;
  double from = 0, to = 1;

  double at(double value) const {
    const auto place = [&](double v) { return logarithmic ? std::log(v) : v; };
    const double part = (place(value) - place(least)) / (place(most) - place(least));
    return from + part * (to - from);
  }
};

struct Span {
  double least = INFINITY, most = -INFINITY;
  void add(double value) { least = std::min(least, value), most = std::max(most, value); }
};

class Chart {
 public:
  explicit Chart(const Figure& figure) : figure_(figure) {
    for (const FigurePanel& panel : figure.panels) {
      for (const FigureSeries& series : panel.series) {
        if (std::ranges::find(names_, series.name) == names_.end()) names_.push_back(series.name);
        origins_.insert(series.origin);
      }
    }
  }

  std::string draw() {
    const auto panels = static_cast<int>(figure_.panels.size());
    const int columns = std::min(panels, kMostColumns);
    const int rows = (panels + columns - 1) / columns;
    panel_width_ = panels == 1 ? kLonePanelWidth : kPanelWidth;
    width_ = 2 * kMargin + columns * panel_width_;
    const double legend = legend_height();
    const double height = kTitleHeight + legend + rows * kPanelHeight + kMargin;
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{0:.0f}\" "
        "height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" font-family=\"sans-serif\" "
        "font-size=\"{2:.0f}\">\n<title>{3}</title>\n<desc>{4} {5}</desc>\n"
        "<defs><pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
        "patternTransform=\"rotate(45)\"><rect width=\"5\" height=\"5\" fill=\"#fff\"/><line "
        "y2=\"5\" stroke=\"#444\" stroke-width=\"2\"/></pattern></defs>\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        width_, height, kFont, svg(figure_.title), svg(figure_.question), svg(figure_.settings));
    text(kMargin, 22, figure_.title, "font-size=\"16\" font-weight=\"bold\"");
    text(kMargin, 40, figure_.question, "fill=\"#444\"");
    draw_legend();
    for (int i = 0; i < panels; ++i) {
      const int row = i / columns, column = i % columns;
      draw_panel(figure_.panels[static_cast<std::size_t>(i)], kMargin + column * panel_width_,
                 kTitleHeight + legend + row * kPanelHeight);
    }
    return std::move(out_) + "</svg>\n";
  }

 private:
  std::string_view colour(std::string_view name) const {
    const auto place = static_cast<std::size_t>(std::ranges::find(names_, name) - names_.begin());
    return kColours[place % kColours.size()];
  }
  bool is_bar() const { return figure_.kind == FigureKind::kBar; }

  void text(double x, double y, std::string_view words, std::string_view attributes = {}) {
    out_ +=
        fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, attributes, svg(words));
  }
  void line(double x1, double y1, double x2, double y2, std::string_view attributes) {
    out_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1,
                        y1, x2, y2, attributes);
  }

  /// What the marks stand for, below the names.
  std::vector<std::pair<FigureOrigin, std::string_view>> origin_words() const {
    std::vector<std::pair<FigureOrigin, std::string_view>> words;
    if (is_bar() || origins_.size() < 2) return words;  // hatching says it in the name's box
    words.emplace_back(FigureOrigin::kOurs, "ours");
    if (origins_.contains(FigureOrigin::kPackets)) {
      words.emplace_back(FigureOrigin::kPackets, "ours, in packets");
    }
    if (origins_.contains(FigureOrigin::kPublished)) {
      words.emplace_back(FigureOrigin::kPublished, "published");
    }
    return words;
  }

  /// Calls place(x, line, name) for each name, flowing over lines; returns the lines.
  template <typename Place>
  int flow_names(const Place& place) const {
    double x = kMargin;
    int lines = 1;
    for (const std::string& name : names_) {
      const double width = 30 + kGlyph * static_cast<double>(name.size());
      if (x + width > width_ - kMargin && x > kMargin) x = kMargin, ++lines;
      place(x, lines - 1, name);
      x += width;
    }
    return lines;
  }
  double legend_height() const {
    const int lines = flow_names([](double, int, const std::string&) {});
    return kLegendLine * (lines + (origin_words().empty() ? 0 : 1)) + 8;
  }

  void draw_legend() {
    const int lines = flow_names([&](double x, int row, const std::string& name) {
      const double y = kTitleHeight + kLegendLine * row + 8;
      const bool is_hatched = is_bar() && is_published(name);
      out_ += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"14\" height=\"10\" fill=\"{}\" "
          "stroke=\"{}\"/>\n",
          x, y - 8, is_hatched ? "url(#hatch)" : colour(name), is_hatched ? "#444" : colour(name));
      text(x + 18, y + 1, name);
    });
    double x = kMargin;
    const double y = kTitleHeight + kLegendLine * lines + 8;
    for (const auto& [origin, words] : origin_words()) {
      draw_mark(origin, x + 7, y - 3, "#444");
      text(x + 18, y + 1, words);
      x += 34 + kGlyph * static_cast<double>(words.size());
    }
  }

  bool is_published(std::string_view name) const {
    for (const FigurePanel& panel : figure_.panels) {
      for (const FigureSeries& series : panel.series) {
        if (series.name == name && series.origin == FigureOrigin::kPublished) return true;
      }
    }
    return false;
  }

  void draw_mark(FigureOrigin origin, double x, double y, std::string_view colour) {
    switch (origin) {
      case FigureOrigin::kOurs:
        out_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.8\" fill=\"{}\"/>\n", x, y,
                            colour);
        break;
      case FigureOrigin::kPackets:
        out_ += fmt::format(
            "<path d=\"M{:.1f} {:.1f}l5 5l-5 5l-5 -5z\" fill=\"none\" stroke=\"{}\" "
            "stroke-width=\"1.4\"/>\n",
            x, y - 5, colour);
        break;
      case FigureOrigin::kPublished:
        out_ += fmt::format(
            "<path d=\"M{:.1f} {:.1f}l8 8m0 -8l-8 8\" fill=\"none\" stroke=\"{}\" "
            "stroke-width=\"1.8\"/>\n",
            x - 4, y - 4, colour);
        break;
    }
  }

  static Scale scale_for(Span span, const FigureAxis& axis, bool from_zero) {
    if (span.least > span.most) span = {axis.logarithmic ? 1.0 : 0.0, axis.logarithmic ? 10.0 : 1};
    Scale scale;
    scale.logarithmic = axis.logarithmic;
    if (axis.logarithmic) {
      const double pad = std::max(1.08, std::pow(span.most / span.least, 0.05));
      scale.least = span.least / pad;
      scale.most = span.most * pad;
      return scale;
    }
    if (from_zero) span.add(0);
    double pad = 0.06 * (span.most - span.least);
    if (pad <= 0) pad = std::max(1.0, std::abs(span.most) * 0.1);
    scale.least = from_zero && span.least >= 0 ? 0 : span.least - pad;
    scale.most = from_zero && span.most <= 0 && span.least < 0 ? 0 : span.most + pad;
    return scale;
  }

  void draw_panel(const FigurePanel& panel, double left, double top) {
    Span xs, ys;
    std::set<double> distinct;
    for (const FigureSeries& series : panel.series) {
      for (const FigurePoint& point : series.points) {
        xs.add(point.x);
        ys.add(point.y);
        distinct.insert(point.x);
      }
    }
    const double right = left + panel_width_ - kRight, bottom = top + kPanelHeight - kBottom;
    left += kLeft;
    top += kTop;
    Scale x = scale_for(xs, figure_.x, false), y = scale_for(ys, figure_.y, true);
    if (!figure_.x.categories.empty()) {
      x = {.least = -0.5, .most = static_cast<double>(figure_.x.categories.size()) - 0.5};
    }
    x.from = left, x.to = right;
    y.from = bottom, y.to = top;

    text(left, top - 10, panel.title, "font-weight=\"bold\"");
    for (const double tick : axis_ticks(y.least, y.most, y.logarithmic, 6)) {
      line(left, y.at(tick), right, y.at(tick), "stroke=\"#ddd\"");
      text(left - 6, y.at(tick) + 4, tick_text(tick), "text-anchor=\"end\"");
    }
    draw_x_axis(x, distinct, left, right, bottom);
    line(left, bottom, left, top, "stroke=\"#333\"");
    if (!y.logarithmic && y.least < 0) line(left, y.at(0), right, y.at(0), "stroke=\"#333\"");
    const double middle = (top + bottom) / 2, beside = left - 44;
    text(beside, middle, axis_title(figure_.y),
         fmt::format("text-anchor=\"middle\" transform=\"rotate(-90 {:.1f} {:.1f})\"", beside,
                     middle));
    is_bar() ? draw_bars(panel, x, y) : draw_points(panel, x, y);
  }

  void draw_x_axis(const Scale& x, const std::set<double>& distinct, double left, double right,
                   double bottom) {
    line(left, bottom, right, bottom, "stroke=\"#333\"");
    constexpr std::size_t kFew = 7;
    if (!figure_.x.categories.empty()) {
      for (std::size_t i = 0; i < figure_.x.categories.size(); ++i) {
        text(x.at(static_cast<double>(i)), bottom + 15, figure_.x.categories[i],
             "text-anchor=\"middle\"");
      }
    } else {
      const std::vector<double> ticks = distinct.size() <= kFew && figure_.kind == FigureKind::kLine
                                            ? std::vector<double>(distinct.begin(), distinct.end())
                                            : axis_ticks(x.least, x.most, x.logarithmic, 6);
      for (const double tick : ticks) {
        line(x.at(tick), bottom, x.at(tick), bottom + 4, "stroke=\"#333\"");
        text(x.at(tick), bottom + 16, tick_text(tick), "text-anchor=\"middle\"");
      }
    }
    text((left + right) / 2, bottom + 34, axis_title(figure_.x), "text-anchor=\"middle\"");
  }

  void draw_points(const FigurePanel& panel, const Scale& x, const Scale& y) {
    for (const FigureSeries& series : panel.series) {
      const std::string_view tint = colour(series.name);
      if (series.origin != FigureOrigin::kPackets && series.points.size() > 1) {
        std::string points;
        for (const FigurePoint& point : series.points) {
          points += fmt::format("{:.1f},{:.1f} ", x.at(point.x), y.at(point.y));
        }
        const bool is_dashed = series.origin == FigureOrigin::kPublished;
        out_ += fmt::format(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{:.1f}\"{}/>\n",
            points, tint, line_width(series), is_dashed ? " stroke-dasharray=\"5 4\"" : "");
      }
      for (const FigurePoint& point : series.points) {
        draw_mark(series.origin, x.at(point.x), y.at(point.y), tint);
        if (!point.label.empty() && series.origin == FigureOrigin::kOurs && is_labelled(panel)) {
          text(x.at(point.x), y.at(point.y) - 8, point.label,
               "font-size=\"8\" text-anchor=\"middle\" fill=\"#555\"");
        }
      }
    }
  }
  /// Earlier lines are wider, to be seen beneath later ones that lie on them.
  double line_width(const FigureSeries& series) const {
    if (figure_.kind == FigureKind::kScatter) return 0.8;
    if (series.origin == FigureOrigin::kPublished) return 1.6;
    const auto later = names_.end() - std::ranges::find(names_, series.name) - 1;
    return 1.6 + 0.7 * static_cast<double>(std::min<std::ptrdiff_t>(later, 7));
  }
  /// Labels of many series would lie over each other.
  static bool is_labelled(const FigurePanel& panel) { return panel.series.size() <= 2; }

  void draw_bars(const FigurePanel& panel, const Scale& x, const Scale& y) {
    const auto count = static_cast<double>(panel.series.size());
    const double slot = x.at(1) - x.at(0), width = 0.8 * slot / count;
    const double zero = y.at(y.logarithmic ? y.least : 0);
    // Three digits of the tallest; what is less is nothing here.
    const double tallest = std::max(std::abs(y.least), std::abs(y.most));
    const int digits = std::clamp(2 - static_cast<int>(std::floor(std::log10(tallest))), 0, 2);
    for (std::size_t s = 0; s < panel.series.size(); ++s) {
      const FigureSeries& series = panel.series[s];
      const bool is_hatched = series.origin == FigureOrigin::kPublished;
      for (const FigurePoint& point : series.points) {
        const double left = x.at(point.x) - 0.4 * slot + static_cast<double>(s) * width;
        const double top = std::min(zero, y.at(point.y));
        out_ += fmt::format(
            "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\" "
            "stroke=\"{}\"/>\n",
            left, top, width - 1, std::max(0.5, std::abs(y.at(point.y) - zero)),
            is_hatched ? "url(#hatch)" : colour(series.name),
            is_hatched ? "#444" : colour(series.name));
        constexpr double kTextWidth = 18;
        if (width < kTextWidth) continue;
        text(left + width / 2 - 0.5, top - 3, bar_text(point.y, digits),
             "font-size=\"8\" text-anchor=\"middle\" fill=\"#333\"");
      }
    }
  }

  const Figure& figure_;
  std::vector<std::string> names_;  // of series, as they first appear
  std::set<FigureOrigin> origins_;
  double width_ = 0, panel_width_ = 0;
  std::string out_;
};

}  // namespace

std::vector<double> axis_ticks(double least, double most, bool logarithmic, int wanted) {
  std::vector<double> ticks;
  if (logarithmic) {
    const double decades = std::log10(most / least);
    const int step = std::max(1, static_cast<int>(std::ceil(decades / wanted)));
    for (int e = static_cast<int>(std::floor(std::log10(least))); e <= 308; ++e) {
      const double decade = std::pow(10.0, e);
      if (!(decade <= most)) break;
      if (decades > wanted / 3.0) {
        if (e % step == 0 && decade >= least) ticks.push_back(decade);
        continue;
      }
      for (const int digit : {1, 2, 5}) {
        if (digit * decade >= least && digit * decade <= most) ticks.push_back(digit * decade);
      }
    }
    return ticks;
  }
  const double rough = (most - least) / wanted;
  const double decade = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * decade;
  for (const int digit : {1, 2, 5}) {
    if (digit * decade >= rough) {
      step = digit * decade;
      break;
    }
  }
  // Counted, so that it ends where numbers are too coarse for the step.
  const double first = std::ceil(least / step - 1e-9);
  for (int i = 0; i <= wanted + 1; ++i) {
    const double tick = (first + i) * step;
    if (tick > most + 1e-9 * step) break;
    ticks.push_back(tick == 0 ? 0 : tick);
  }
  return ticks;
}

std::string to_svg(const Figure& figure) { return Chart(figure).draw(); }

}  // namespace mixnet
