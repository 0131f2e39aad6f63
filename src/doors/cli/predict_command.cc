#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/progress.h"
#include "cli/answer_flags.h"
#include "cli/commands.h"
#include "compare/prediction_study.h"
#include "moe/model_catalog.h"
#include "moe/routing.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

// The micro-batch of the paper's simulations, 8 sequences of 4096 tokens.
constexpr std::int64_t kTokens = 8 * 4096;
constexpr int kMaxIterations = 1'000'000;
constexpr int kMaxWindow = 1000;
constexpr int kMaxTraceWindow = 1'000'000'000;

struct PredictFlags {
  std::string routing;
  std::string model = "mixtral-8x7b";
  int ep = 8;
  int iterations = PredictionRequest{}.iterations;
  int window = SimplexRegressionOptions{}.window;
  std::optional<int> warm_up;
  int trace_window = PredictionRequest{}.trace_window;
  std::string allocator = "refined";
  std::uint64_t seed = 1;
  JsonAnswer json;
};

void check_range(int value, int least, int most, std::string_view flag) {
  if (value >= least && value <= most) return;
  throw Error(flag, fmt::format("{} is out of range", value),
              fmt::format("give {} to {}", least, most));
}

PredictionRequest request_from(const PredictFlags& flags) {
  const Model model = find_model(flags.model);
  require_simulated(model);
  check_range(flags.ep, 1, model.placed_experts, "--ep");
  check_range(flags.iterations, 2, kMaxIterations, "--iterations");
  check_range(flags.window, 1, kMaxWindow, "--window");
  check_range(flags.trace_window, 1, kMaxTraceWindow, "--tokens");
  PredictionRequest request;
  request.routing = flags.routing;
  request.shape = {.ep = flags.ep,
                   .experts = model.placed_experts,
                   .top_k = model.top_k,
                   .layers = moe_layers(model),
                   .tokens = kTokens};
  request.token_bytes = Bytes{std::int64_t{model.hidden} * kBytesPerNumber};
  request.iterations = flags.iterations;
  request.warm_up = flags.warm_up;
  request.trace_window = flags.trace_window;
  request.seed = flags.seed;
  request.copilot.regression.window = flags.window;
  request.allocator = parse<AllocatorKind>(flags.allocator, "--allocator");
  return request;
}

std::string json_text(const PredictFlags& flags, const PredictionRequest& request,
                      const PredictionReport& report) {
  using Json = nlohmann::ordered_json;
  Json predictors = Json::array();
  for (const PredictorScore& score : report.predictors) {
    predictors.push_back({{"name", score.name},
                          {"top1_accuracy", score.accuracy[0]},
                          {"top2_accuracy", score.accuracy[1]},
                          {"top4_accuracy", score.accuracy[2]},
                          {"load_error", score.load_error},
                          {"all_to_all_ps", score.all_to_all.ps},
                          {"regret", score.regret}});
  }
  const Json document = {{"schema", "mixnet.predict/1"},
                         {"routing", flags.routing},
                         {"model", flags.model},
                         {"ep", request.shape.ep},
                         {"experts", request.shape.experts},
                         {"layers", request.shape.layers},
                         {"seed", request.seed},
                         {"window", flags.window},
                         {"allocator", to_string(request.allocator)},
                         {"degree", request.degree},
                         {"eps_nics", request.eps_nics},
                         {"bandwidth_bps", request.nic_rate.bits_per_second},
                         {"iterations", report.iterations},
                         {"warm_up", report.warm_up},
                         {"gates_scored", report.gates_scored},
                         {"predictors", std::move(predictors)}};
  return document.dump(2) + "\n";
}

void print_report(const PredictionRequest& request, const PredictionReport& report) {
  TextTable table({{"predictor", Align::kLeft},
                   {"top-1"},
                   {"top-2"},
                   {"top-4"},
                   {"load error"},
                   {"all-to-all"},
                   {"regret"}});
  for (const PredictorScore& score : report.predictors) {
    std::vector<std::string> row = {score.name};
    for (const double accuracy : score.accuracy) row.push_back(fmt::format("{:.3f}", accuracy));
    row.push_back(fmt::format("{:.4f}", score.load_error));
    row.push_back(to_string(score.all_to_all));
    // Rounded first, so that what is next to nothing has no sign.
    row.push_back(fmt::format("{:.2f} %", std::round(score.regret * 1e4) / 1e2 + 0.0));
    table.add_row(std::move(row));
  }
  table.print();
  write_output(
      "-", fmt::format("\n{} gates: layers 1 to {} of iterations {} to {}, those before to "
                       "learn from; {} servers, {} OCS + {} EPS NICs of {}, {} circuits\n",
                       report.gates_scored, request.shape.layers - 1, report.warm_up,
                       report.iterations - 1, request.shape.ep, request.degree, request.eps_nics,
                       to_string(request.nic_rate), to_string(request.allocator)));
}

void run_predict(const PredictFlags& flags) {
  const bool quiet = answers_on_stdout(flags.json);
  PredictionRequest request = request_from(flags);
  ProgressBar bar("predict", static_cast<std::uint64_t>(request.iterations));
  request.after_iteration = [&bar] { bar.advance(1); };
  const PredictionReport report = study_prediction(request);
  if (!flags.json.empty()) write_output(flags.json, json_text(flags, request, report));
  if (!quiet) print_report(request, report);
  print_note(flags.json, routing_note(request.routing));
}

}  // namespace

void add_predict_command(Program& app) {
  CLI::App* command = app.add_subcommand(
      "predict", "Predict what gates will decide, and score it against what they did");
  auto flags = std::make_shared<PredictFlags>();
  const auto add = [&](const char* name, auto& value, const char* help) {
    return command->add_option(name, value, help)->capture_default_str();
  };
  command
      ->add_option("--routing", flags->routing,
                   "dynamic, trace:FILE, measured, matrix:FILE or uniform (docs/routing.md)")
      ->required();
  add("--model", flags->model, "Model: a name ('mixnet models') or a config.json");
  add("--ep", flags->ep, "EP ranks, each a server; divides the experts");
  add("--iterations", flags->iterations, "Iterations; a trace may hold fewer");
  command->add_option("--warm-up", flags->warm_up,
                      "Iterations that are not scored [20; half of a trace]");
  add("--window", flags->window, "Iterations that the published predictor looks back on");
  add("--tokens", flags->trace_window, "Tokens of a trace that make an iteration");
  add("--allocator", flags->allocator, "Of the circuits: greedy, refined or exact");
  add("--seed", flags->seed, "Seed of the generated routing");
  add_json_flag(app, *command, flags->json, "Also write the scores as JSON");
  command->footer(
      "docs/copilot.md explains the predictors and the scores.\n\n"
      "Examples:\n"
      "  mixnet predict --routing dynamic --model mixtral-8x7b\n"
      "  mixnet predict --routing trace:routing.csv --tokens 16 --json -");
  command->callback([flags] { run_predict(*flags); });
}

}  // namespace mixnet::cli
