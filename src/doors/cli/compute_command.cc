// `mixnet compute`: our times of a GPU's operations beside those that somebody measured.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/text_file.h"
#include "cli/answer_flags.h"
#include "cli/commands.h"
#include "compute/measured_operations.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

struct ComputeFlags {
  std::string gpu = "h100";
  std::string operations;
  std::string precision{to_string(Precision::kBf16)};
  JsonAnswer json;
};

std::string shown_ms(double milliseconds) { return fmt::format("{:.4f}", milliseconds); }

std::string shown_measured(const std::optional<double>& milliseconds) {
  return milliseconds ? shown_ms(*milliseconds) : "-";
}

std::string shown_error(const std::optional<double>& error) {
  return error ? fmt::format("{:+.1f} %", *error * 100) : "-";
}

std::string shown_median(const std::optional<double>& error) {
  return error ? fmt::format("{:.1f} %", *error * 100) : "-";
}

void print_tables(const MeasuredOperations& measured,
                  const std::vector<PredictedOperation>& predicted) {
  TextTable rows({{"model", Align::kLeft},
                  {"operation", Align::kLeft},
                  {"calls", Align::kLeft},
                  {"split", Align::kLeft},
                  {"seq"},
                  {"tokens"},
                  {"forward ms"},
                  {"ours"},
                  {"error"},
                  {"backward ms"},
                  {"ours"},
                  {"error"}});
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    const MeasuredOperation& row = measured.rows[i];
    const OperationTime& time = predicted[i].time;
    const bool is_loop = row.work.calls == ExpertCalls::kLoop;
    const bool has_calls = row.work.operation == LayerOperation::kExperts;
    rows.add_row({row.model, std::string(to_string(row.work.operation)),
                  !has_calls ? "" : (is_loop ? "loop" : "grouped"),
                  fmt::format("tp {} ep {}", row.work.tp, row.work.ep),
                  fmt::format("{:.0f}", row.work.sequence), fmt::format("{:.0f}", row.work.tokens),
                  shown_measured(row.forward_ms), shown_ms(time.forward.to_seconds() * 1e3),
                  shown_error(predicted[i].forward_error), shown_measured(row.backward_ms),
                  shown_ms(time.backward.to_seconds() * 1e3),
                  shown_error(predicted[i].backward_error)});
  }
  rows.print();

  TextTable kinds(
      {{"operation", Align::kLeft}, {"rows"}, {"median |error| forward"}, {"backward"}});
  for (const OperationErrors& kind : operation_errors(measured, predicted)) {
    kinds.add_row({kind.operation, std::to_string(kind.rows), shown_median(kind.forward_median),
                   shown_median(kind.backward_median)});
  }
  write_output("-", "\n");
  kinds.print();
}

void run(const ComputeFlags& flags) {
  const bool quiet = answers_on_stdout(flags.json);
  const Gpu gpu = find_gpu(flags.gpu);
  const auto precision = parse<Precision>(flags.precision, "--precision");
  const ComputeRates rates = compute_rates(gpu, precision);
  const MeasuredOperations measured =
      parse_measured_operations(read_text_file(flags.operations), flags.operations);
  const std::vector<PredictedOperation> predicted =
      predict_operations(measured, rates, std::filesystem::path(flags.operations).parent_path());
  if (!flags.json.empty()) {
    write_output(flags.json, operations_to_json(measured, predicted, gpu, precision));
  }
  if (!quiet) print_tables(measured, predicted);
}

}  // namespace

void add_compute_command(Program& app) {
  CLI::App* command = app.add_subcommand(
      "compute", "Hold our times of a GPU's operations to those that were measured");
  command->footer(
      "The CSV has a row for each operation that was timed: model, operation (attention, gate,\n"
      "permute, experts, shared_experts, dense_ffn, head, optimizer), tokens, and as far as they\n"
      "matter tp, ep, seq, forward_ms, backward_ms, note (docs/compute.md).\n\n"
      "Example: mixnet compute --gpu h200 --operations times.csv --json -");
  const auto flags = std::make_shared<ComputeFlags>();
  command
      ->add_option("--operations", flags->operations,
                   "CSV of operations, with the times that were measured, if any")
      ->required();
  command->add_option("--gpu", flags->gpu, "Kind of GPU ('mixnet gpus'), or FILE.yaml")
      ->capture_default_str();
  command
      ->add_option("--precision", flags->precision,
                   "bf16, or fp8: GEMMs of projections and experts in e4m3 scaled by blocks")
      ->capture_default_str();
  add_json_flag(app, *command, flags->json, "Also write the rows as JSON");
  command->callback([flags] { run(*flags); });
}

}  // namespace mixnet::cli
