// Figures as CSV.
#include <fmt/format.h>

#include "base/csv.h"
#include "figures/figure.h"

namespace mixnet {

std::string to_csv(const Figure& figure) {
  std::string text = "panel,series,origin,x,y,label\n";
  for (const FigurePanel& panel : figure.panels) {
    for (const FigureSeries& series : panel.series) {
      for (const FigurePoint& point : series.points) {
        const std::string x =
            figure.x.categories.empty()
                ? fmt::format("{}", point.x)
                : csv_cell(figure.x.categories[static_cast<std::size_t>(point.x)]);
        text += fmt::format("{},{},{},{},{},{}\n", csv_cell(panel.title), csv_cell(series.name),
                            to_string(series.origin), x, point.y, csv_cell(point.label));
      }
    }
  }
  return text;
}

std::string to_verdicts_csv(const std::vector<Figure>& figures) {
  std::string text = "figure,claim,published,ours,holds,note\n";
  for (const Figure& figure : figures) {
    for (const FigureVerdict& verdict : figure.verdicts) {
      text += fmt::format("{},{},{},{},{},{}\n", figure.name, csv_cell(verdict.claim),
                          csv_cell(verdict.published), csv_cell(verdict.ours),
                          to_string(verdict.holds), csv_cell(verdict.note));
    }
  }
  return text;
}

std::string to_checks_csv(const std::vector<Figure>& figures) {
  std::string text = "figure,what,unit,fluid,packets,difference\n";
  for (const Figure& figure : figures) {
    for (const FigureCheck& check : figure.checks) {
      text += fmt::format("{},{},{},{},{},{}\n", figure.name, csv_cell(check.what),
                          csv_cell(check.unit), check.fluid, check.packets, check.difference());
    }
  }
  return text;
}

}  // namespace mixnet
