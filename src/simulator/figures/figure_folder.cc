#include "figures/figure_folder.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/text_file.h"
#include "figures/figure_chart.h"

namespace mixnet {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kFile = "figures.json";

}  // namespace

std::vector<Figure> read_figure_folder(const fs::path& folder) {
  std::error_code code;
  const fs::file_status status = fs::status(folder, code);
  if (!fs::exists(status)) return {};
  if (!fs::is_directory(status)) {
    throw Error(folder.string(), "is no folder", "name a folder for the results");
  }
  const fs::path file = folder / kFile;
  if (!fs::exists(file, code)) return {};
  return parse_figures_json(read_text_file(file), file.string());
}

std::vector<Figure> merged(std::vector<Figure> before, std::vector<Figure> figures,
                           std::span<const std::string> order) {
  for (Figure& figure : before) {
    if (std::ranges::find(figures, figure.name, &Figure::name) == figures.end()) {
      figures.push_back(std::move(figure));
    }
  }
  std::ranges::stable_sort(figures, {}, [&](const Figure& figure) {
    return std::ranges::find(order, figure.name) - order.begin();
  });
  return figures;
}

void write_figure_folder(const fs::path& folder, const std::vector<Figure>& figures) {
  const std::string json = to_figures_json(figures);
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) {
    throw Error(folder.string(), "cannot be made (" + code.message() + ")",
                "name a folder that can be written");
  }
  for (const Figure& figure : figures) {
    write_text_file(folder / (figure.name + ".csv"), to_csv(figure));
    write_text_file(folder / (figure.name + ".svg"), to_svg(figure));
  }
  write_text_file(folder / "verdicts.csv", to_verdicts_csv(figures));
  write_text_file(folder / "checks.csv", to_checks_csv(figures));
  write_text_file(folder / kFile, json);
}

}  // namespace mixnet
