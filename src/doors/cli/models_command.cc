// `mixnet models`: what models there are, and whether their parameter counts come out right.
#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/answer_flags.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "moe/model_catalog.h"

namespace mixnet::cli {
namespace {

struct ModelsOptions {
  std::vector<std::string> models;
  std::string json;
};

/// "46.7B", "1.03T".
std::string short_count(std::int64_t parameters) {
  const double billions = static_cast<double>(parameters) * 1e-9;
  if (billions >= 999.5) return fmt::format("{:.2f}T", billions * 1e-3);
  return billions >= 99.95 ? fmt::format("{:.0f}B", billions) : fmt::format("{:#.3g}B", billions);
}

double error_percent(const Model& model) {
  const auto derived = static_cast<double>(total_parameters(model));
  return 100 * (derived / static_cast<double>(model.published_parameters) - 1);
}

std::string number_or_dash(std::int64_t number) {
  return number > 0 ? fmt::format("{}", number) : "-";
}

std::string experts_cell(const Model& model) {
  return model.placed_experts == model.experts
             ? fmt::format("{}/{}", model.experts, model.top_k)
             : fmt::format("{} as {}/{}", model.experts, model.placed_experts, model.top_k);
}

void print_table(const std::vector<Model>& models) {
  TextTable table({{"name", Align::kLeft},
                   {"title", Align::kLeft},
                   {"family", Align::kLeft},
                   {"layers"},
                   {"with experts"},
                   {"experts/top-k"},
                   {"hidden"},
                   {"total"},
                   {"active"},
                   {"published"},
                   {"error %"},
                   {"tp"},
                   {"pp"},
                   {"ep"},
                   {"micro-batch"},
                   {"source", Align::kLeft}});
  for (const Model& model : models) {
    const bool published = model.published_parameters > 0;
    table.add_row({model.name, model.title, model.family, fmt::format("{}", model.layers),
                   fmt::format("{}", moe_layers(model)), experts_cell(model),
                   fmt::format("{}", model.hidden), short_count(total_parameters(model)),
                   short_count(active_parameters(model)),
                   published ? short_count(model.published_parameters) : "-",
                   published ? fmt::format("{:+.2f}", error_percent(model)) : "-",
                   number_or_dash(model.defaults.tp), number_or_dash(model.defaults.pp),
                   number_or_dash(model.defaults.ep),
                   number_or_dash(model.defaults.micro_batch_size), model.source});
  }
  table.print();
}

nlohmann::ordered_json number_or_null(std::int64_t number) {
  return number > 0 ? nlohmann::ordered_json(number) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json to_json(const Model& model) {
  nlohmann::ordered_json json;
  json["name"] = model.name;
  json["title"] = model.title;
  json["family"] = model.family;
  json["layers"] = model.layers;
  json["moe_layers"] = moe_layers(model);
  json["experts"] = model.experts;
  json["placed_experts"] = model.placed_experts;
  json["top_k"] = model.top_k;
  json["hidden"] = model.hidden;
  json["expert_intermediate"] = model.expert_intermediate;
  json["shared_intermediate"] = model.shared_intermediate;
  json["total_parameters"] = total_parameters(model);
  json["active_parameters"] = active_parameters(model);
  json["published_parameters"] = number_or_null(model.published_parameters);
  json["published_active_parameters"] = number_or_null(model.published_active_parameters);
  json["error_percent"] = model.published_parameters > 0
                              ? nlohmann::ordered_json(error_percent(model))
                              : nlohmann::ordered_json(nullptr);
  json["defaults"] = {{"tp", number_or_null(model.defaults.tp)},
                      {"pp", number_or_null(model.defaults.pp)},
                      {"ep", number_or_null(model.defaults.ep)},
                      {"micro_batch_size", number_or_null(model.defaults.micro_batch_size)},
                      {"seq_length", number_or_null(model.defaults.seq_length)},
                      {"global_batch_size", number_or_null(model.defaults.global_batch_size)}};
  json["source"] = model.source;
  return json;
}

void write_json(const std::vector<Model>& models, const std::string& file) {
  nlohmann::ordered_json array = nlohmann::ordered_json::array();
  for (const Model& model : models) array.push_back(to_json(model));
  const nlohmann::ordered_json document = {{"schema", "mixnet.models/1"}, {"models", array}};
  // A path need not be UTF-8, which JSON must be.
  constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
  write_output(file, document.dump(2, ' ', false, kReplace) + "\n");
}

void run(const ModelsOptions& options) {
  const bool quiet = answers_on_stdout(options.json);
  std::vector<Model> models;
  for (const std::string& name : options.models.empty() ? model_names() : options.models) {
    models.push_back(find_model(name));
  }
  if (!options.json.empty()) write_json(models, options.json);
  if (!quiet) print_table(models);
}

}  // namespace

void add_models_command(CLI::App& app) {
  const auto options = std::make_shared<ModelsOptions>();
  CLI::App* command =
      app.add_subcommand("models", "List the models, with their parameter counts and plans");
  command->add_option("models", options->models,
                      "Names, or paths of a HuggingFace config.json or its folder\n"
                      "(default: all that come with the program)");
  add_answer_flag(*command, "--json", options->json, "Also write them as JSON");
  command->footer(
      "total and active count parameters from the shapes; error % is total against the published\n"
      "count. Example:\n  mixnet models mixtral-8x7b ./my-model/config.json --json -");
  command->callback([options] { run(*options); });
}

}  // namespace mixnet::cli
