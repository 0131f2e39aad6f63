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

std::vector<Figure> read_figure_folder(const fs::path& folder, Env& env) {
  const Env::FileKind kind = env.kind(folder);
  if (kind == Env::FileKind::kNone) return {};
  if (kind != Env::FileKind::kFolder && kind != Env::FileKind::kHidden) {
    throw Error(folder.string(), "is no folder", "name a folder for the results");
  }
  const fs::path file = folder / kFile;
  if (env.kind(file) == Env::FileKind::kNone) return {};
  return parse_figures_json(read_text_file(file, env), file.string());
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

void write_figure_folder(const fs::path& folder, const std::vector<Figure>& figures, Env& env) {
  const std::string json = to_figures_json(figures);
  if (const std::error_code reason = env.make_folders(folder)) {
    throw Error(folder.string(), "cannot be made (" + reason.message() + ")",
                "name a folder that can be written");
  }
  for (const Figure& figure : figures) {
    write_text_file(folder / (figure.name + ".csv"), to_csv(figure), env);
    write_text_file(folder / (figure.name + ".svg"), to_svg(figure), env);
  }
  write_text_file(folder / "verdicts.csv", to_verdicts_csv(figures), env);
  write_text_file(folder / "checks.csv", to_checks_csv(figures), env);
  write_text_file(folder / kFile, json, env);
}

}  // namespace mixnet
