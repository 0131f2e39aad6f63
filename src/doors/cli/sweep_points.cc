#include "cli/sweep_points.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <optional>

#include "base/error.h"
#include "cli/compare_flags.h"
#include "moe/model_catalog.h"
#include "shell/strict_flags.h"

namespace mixnet::cli {
namespace {

constexpr std::string_view kFilesOf[] = {"model", "routing", "profile", "prices"};

/// `mixnet compare` without its outputs.
class CompareProgram {
 public:
  CompareProgram() {
    app_.require_subcommand(1);
    command_ = app_.add_subcommand("compare");
    add_compare_flags(*command_, flags_);
    refuse_loose_values(app_);
  }

  const CLI::App& command() const { return *command_; }

  ComparisonRequest parse(const std::vector<std::string>& arguments) {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    reversed.emplace_back("compare");
    try {
      app_.parse(reversed);
    } catch (const CLI::ParseError& error) {
      throw explain(app_, error);
    }
    return flags_.request();
  }

 private:
  CLI::App app_;
  CLI::App* command_ = nullptr;
  CompareFlags flags_;
};

/// What is wrong with the words; "" when nothing is.
std::string complaint_about(const std::vector<std::string>& arguments) {
  try {
    comparison_request(arguments);
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

/// The words of one value, on their own or with a model that makes them a command line.
std::vector<std::string> words_of(const StudySetting& setting, const StudyValue& value) {
  std::vector<std::string> words;
  if (setting.flag != "model") words = {"--model", model_names().front()};
  const std::string flag = "--" + setting.flag;
  words.push_back(setting.is_switch ? flag : flag + "=" + *value.text);
  return words;
}

/// Whether `value` makes sense with the others of some point. Of many, a sample is tried.
bool fits_somewhere(const SweepPlan& plan, std::size_t setting, const StudyValue& value) {
  constexpr std::size_t kMostTries = 1000;
  std::vector<std::size_t> points;
  for (std::size_t point = 0; point < plan.points(); ++point) {
    if (&plan.value(point, setting) == &value) points.push_back(point);
  }
  const std::size_t tries = std::min(points.size(), kMostTries);
  for (std::size_t i = 0; i < tries; ++i) {
    if (complaint_about(plan.arguments(points[i * points.size() / tries])).empty()) return true;
  }
  return false;
}

void check_values(const SweepPlan& plan) {
  const std::vector<StudySetting>& settings = plan.study().settings;
  for (std::size_t s = 0; s < settings.size(); ++s) {
    for (const StudyValue& value : settings[s].values) {
      if (!value.text) continue;
      const std::string& flag = settings[s].flag;
      if ((flag == "fabric" || flag == "bandwidth") && value.text->find(',') != std::string::npos) {
        throw error_at(plan.study(), value, fmt::format("'{}' is not one {}", *value.text, flag),
                       "write several as a list, as in [a, b]");
      }
      // Some flags need another beside them: only what is wrong in every point is wrong.
      const std::string complaint = complaint_about(words_of(settings[s], value));
      if (!complaint.empty() && !fits_somewhere(plan, s, value)) {
        throw error_at(plan.study(), value, complaint);
      }
    }
  }
}

/// What follows the flag among `arguments`; "" when it is not there.
std::string_view value_of(const std::vector<std::string>& arguments, std::string_view flag) {
  const auto found = std::ranges::find(arguments, flag);
  return found == arguments.end() || found + 1 == arguments.end() ? "" : std::string_view(found[1]);
}

PointOutcome run_alone(const std::vector<std::string>& arguments, int threads) {
  ComparisonRequest request = comparison_request(arguments);
  request.iteration.fidelity.threads = threads;
  const Comparison comparison = compare(request);
  return outcome_of(comparison, comparison.runs.at(0));
}

/// Empty when the points cannot be run together: some may be wrong.
std::optional<std::vector<PointOutcome>> run_together(const PointArguments& points, int threads) {
  std::vector<std::pair<FabricKind, Bandwidth>> wanted;
  std::optional<ComparisonRequest> request;
  for (const std::vector<std::string>& arguments : points) {
    const ComparisonRequest own = comparison_request(arguments);
    const FabricKind fabric = own.fabrics.at(0);
    const Bandwidth bandwidth = own.bandwidths.at(0);
    if (!request) request = own;
    if (std::ranges::find(request->fabrics, fabric) == request->fabrics.end()) {
      request->fabrics.push_back(fabric);
    }
    if (std::ranges::find(request->bandwidths, bandwidth) == request->bandwidths.end()) {
      request->bandwidths.push_back(bandwidth);
    }
    wanted.emplace_back(fabric, bandwidth);
  }
  request->iteration.fidelity.threads = threads;
  const Comparison comparison = compare(*request);
  if (!comparison.left_out.empty()) return std::nullopt;  // alone, each says why
  std::vector<PointOutcome> outcomes;
  for (const auto& one : wanted) {
    const auto run = std::ranges::find_if(comparison.runs, [&](const ComparisonRun& candidate) {
      return std::pair(candidate.fabric, candidate.bandwidth) == one;
    });
    outcomes.push_back(outcome_of(comparison, *run));
  }
  return outcomes;
}

}  // namespace

ComparisonRequest comparison_request(const std::vector<std::string>& arguments) {
  return CompareProgram().parse(arguments);
}

std::vector<StudyFlag> study_flags() {
  const CompareProgram program;
  std::vector<StudyFlag> flags;
  for (const CLI::Option* option : program.command().get_options()) {
    if (option->get_lnames().empty() || option->check_lname("help")) continue;
    StudyFlag& flag = flags.emplace_back();
    flag.names = option->get_lnames();
    flag.is_switch = option->get_items_expected_max() == 0;
    flag.names_file = std::ranges::find(kFilesOf, flag.names.front()) != std::end(kFilesOf);
  }
  return flags;
}

SweepPlan plan_sweep(std::string_view text, std::string_view input) {
  Study study = parse_study(text, input, study_flags());
  const auto sets = [&](std::string_view flag) {
    return std::ranges::find(study.settings, flag, &StudySetting::flag) != study.settings.end();
  };
  if (!sets("model")) {
    throw Error(input, "sets no 'model'", "add a line such as 'model: mixtral-8x7b'");
  }
  if (!sets("fabric")) {
    StudySetting& fabrics = study.settings.emplace_back();
    fabrics.flag = "fabric";
    fabrics.is_axis = true;
    for (const FabricKind fabric : default_fabrics()) {
      fabrics.values.push_back({std::string(to_string(fabric)), 0, 0});
    }
  }
  SweepPlan plan(std::move(study), "mixnet compare");
  check_values(plan);
  return plan;
}

std::string point_group(const std::vector<std::string>& arguments) {
  const std::string_view fidelity = value_of(arguments, "--fidelity");
  const bool fluid =
      fidelity.empty() || parse<Fidelity>(fidelity, "--fidelity") == Fidelity::kFluid;
  // A link that fails must be one of the fabric's.
  const bool mixes_fabrics = value_of(arguments, "--fail").empty();
  std::string group;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (fluid && word == "--bandwidth") {
      ++i;
    } else if (fluid && word == "--fabric" && mixes_fabrics) {
      // Servers of other sizes, unless a flag says.
      group +=
          divides_gpu_bandwidth(parse<FabricKind>(arguments[++i], "--fabric")) ? "domains " : "";
    } else {
      group += word + '\n';
    }
  }
  return group;
}

std::vector<PointOutcome> run_points(const PointArguments& points, int threads) {
  if (points.size() > 1) {
    try {
      if (auto outcomes = run_together(points, threads)) return *outcomes;
    } catch (const std::exception&) {
      // One of them is wrong, or all are too much at once: below, each has its own outcome.
    }
  }
  std::vector<PointOutcome> outcomes;
  for (const std::vector<std::string>& arguments : points) {
    PointOutcome& outcome = outcomes.emplace_back();
    try {
      outcome = run_alone(arguments, threads);
    } catch (const Error& error) {
      outcome.error = error.what();
    } catch (const std::bad_alloc&) {
      outcome.error = "out of memory";
    }
  }
  return outcomes;
}

}  // namespace mixnet::cli
