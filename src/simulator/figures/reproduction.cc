#include "figures/reproduction.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/suggest.h"
#include "base/text_file.h"
#include "figures/figure_study.h"

namespace mixnet {
namespace {

struct Entry {
  std::string_view name;
  FigureStudy (*study)(const FigureSettings&);
  bool asks_for_validation;
};

constexpr Entry kFigures[] = {{"cost", cost_figure, false},
                              {"iteration", iteration_figure, true},
                              {"pareto", pareto_figure, true},
                              {"failures", failures_figure, false},
                              {"optical-io", optical_io_figure, false},
                              {"copilot", copilot_figure, false},
                              {"eps-links", eps_links_figure, false},
                              {"batch", batch_figure, true},
                              {"scale", scale_figure, true},
                              {"degree", degree_figure, false},
                              {"delay", delay_figure, true}};

Validation validate_published(const Gpu& gpu) {
  const auto path = data_directory() / "published" / "iteration_time.csv";
  ValidationRequest request;
  request.published = parse_published(read_text_file(path), path.string());
  request.fit = request.published;
  request.gpu = gpu;
  request.iteration = published_settings();
  return validate(request);
}

std::vector<Entry> entries_for(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::ranges::find(kFigures, name, &Entry::name) == std::end(kFigures)) {
      throw Error("--figure", fmt::format("there is no figure '{}'", name),
                  suggest(name, figure_names()));
    }
  }
  std::vector<Entry> entries;
  for (const Entry& entry : kFigures) {
    if (names.empty() || std::ranges::find(names, entry.name) != names.end()) {
      entries.push_back(entry);
    }
  }
  return entries;
}

}  // namespace

std::vector<std::string> figure_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kFigures) names.emplace_back(entry.name);
  return names;
}

std::vector<Figure> reproduce(const ReproductionRequest& request) {
  const std::vector<Entry> entries = entries_for(request.figures);
  FigureSettings settings;
  settings.gpu = find_gpu("h100");
  settings.prices = PriceList::load();
  settings.seed = request.seed;
  if (std::ranges::any_of(entries, &Entry::asks_for_validation)) {
    settings.validation = validate_published(settings.gpu);
  }
  std::vector<FigureStudy> studies;
  std::vector<const std::function<void()>*> work;
  studies.reserve(entries.size());
  for (const Entry& entry : entries) studies.push_back(entry.study(settings));
  for (const FigureStudy& study : studies) {
    for (const auto& piece : study.work) work.push_back(&piece);
  }
  {
    ProgressBar progress("reproducing figures", work.size());
    std::mutex mutex;
    parallel_for(work.size(), request.threads, [&](std::size_t step, int) {
      (*work[step])();
      const std::lock_guard lock(mutex);
      progress.advance();
    });
  }
  std::vector<Figure> figures;
  figures.reserve(studies.size());
  for (const FigureStudy& study : studies) figures.push_back(study.figure());
  return figures;
}

}  // namespace mixnet
