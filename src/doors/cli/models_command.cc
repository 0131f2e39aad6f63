// `mixnet models`: what models there are, and whether their parameter counts come out right.
#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/answer_flags.h"
#include "cli/commands.h"
#include "moe/model_catalog.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

struct ModelsOptions {
  std::vector<std::string> models;
  std::optional<int> seq_length;
  JsonAnswer json;
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

struct Block {
  const char* name;
  std::int64_t BlockCounts::*count;
};

constexpr Block kBlocks[] = {
    {"embeddings", &BlockCounts::embeddings}, {"attention", &BlockCounts::attention},
    {"dense", &BlockCounts::dense},           {"experts", &BlockCounts::experts},
    {"shared", &BlockCounts::shared},         {"router", &BlockCounts::router},
    {"norms", &BlockCounts::norms},           {"head", &BlockCounts::head}};

std::int64_t without_embeddings(const BlockCounts& counts) {
  return counts.total() - counts.embeddings - counts.head;
}

std::int64_t seq_length_of(const Model& model, const ModelsOptions& options) {
  if (options.seq_length) return *options.seq_length;
  return model.defaults.seq_length > 0 ? model.defaults.seq_length : 4096;
}

/// A backward pass costs twice a forward one.
constexpr double kTrainingFlops = 3;

void print_blocks(const Model& model, const ModelsOptions& options) {
  const ModelCounts counts = count_parameters(model);
  TextTable table({{model.name, Align::kLeft}, {"parameters"}, {"active"}});
  const auto add = [&](const char* name, std::int64_t total, std::int64_t active) {
    table.add_row({name, fmt::format("{}", total), fmt::format("{}", active)});
  };
  for (const auto& [name, count] : kBlocks) add(name, counts.total.*count, counts.active.*count);
  add("all", counts.total.total(), counts.active.total());
  add("without embeddings", without_embeddings(counts.total), without_embeddings(counts.active));
  write_output("-", "\n");
  table.print();
  const std::int64_t length = seq_length_of(model, options);
  const double forward = forward_flops_per_token(model, length);
  std::string text = fmt::format("FLOPs a token at {} tokens: {:.4g} forward, {:.4g} in training\n",
                                 length, forward, kTrainingFlops * forward);
  if (!model.note.empty()) text += fmt::format("note: {}\n", model.note);
  if (!model.counted_only.empty()) {
    text += fmt::format("counted only, not simulated: {}\n", model.counted_only);
  }
  write_output("-", text);
}

nlohmann::ordered_json blocks_json(const Model& model) {
  const ModelCounts counts = count_parameters(model);
  nlohmann::ordered_json json;
  for (const auto& [name, count] : kBlocks) {
    json[name] = {{"total", counts.total.*count}, {"active", counts.active.*count}};
  }
  json["without_embeddings"] = {{"total", without_embeddings(counts.total)},
                                {"active", without_embeddings(counts.active)}};
  return json;
}

nlohmann::ordered_json flops_json(const Model& model, const ModelsOptions& options) {
  const std::int64_t length = seq_length_of(model, options);
  const double forward = forward_flops_per_token(model, length);
  return {{"seq_length", length}, {"forward", forward}, {"training", kTrainingFlops * forward}};
}

nlohmann::ordered_json text_or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
}

nlohmann::ordered_json number_or_null(std::int64_t number) {
  return number > 0 ? nlohmann::ordered_json(number) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json to_json(const Model& model, const ModelsOptions& options) {
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
  json["parameters"] = blocks_json(model);
  json["flops_per_token"] = flops_json(model, options);
  json["counted_only"] = text_or_null(model.counted_only);
  json["note"] = text_or_null(model.note);
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

void write_json(const std::vector<Model>& models, const ModelsOptions& options) {
  nlohmann::ordered_json array = nlohmann::ordered_json::array();
  for (const Model& model : models) array.push_back(to_json(model, options));
  const nlohmann::ordered_json document = {{"schema", "mixnet.models/1"}, {"models", array}};
  // A path need not be UTF-8, which JSON must be.
  constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
  write_output(options.json, document.dump(2, ' ', false, kReplace) + "\n");
}

void run(const ModelsOptions& options) {
  if (options.seq_length && *options.seq_length < 1) {
    throw Error("--seq-length", fmt::format("{} is out of range", *options.seq_length),
                "give at least 1 token");
  }
  const bool quiet = answers_on_stdout(options.json);
  std::vector<Model> models;
  for (const std::string& name : options.models.empty() ? model_names() : options.models) {
    models.push_back(find_model(name));
  }
  if (!options.json.empty()) write_json(models, options);
  if (quiet) return;
  print_table(models);
  if (options.models.empty()) return;
  for (const Model& model : models) print_blocks(model, options);
}

}  // namespace

void add_models_command(Program& app) {
  const auto options = std::make_shared<ModelsOptions>();
  CLI::App* command =
      app.add_subcommand("models", "List the models, with their parameter counts and plans");
  command->add_option("models", options->models,
                      "Names, or paths of a HuggingFace config.json or its folder\n"
                      "(default: all that come with the program)");
  command->add_option("--seq-length", options->seq_length,
                      "Tokens of the sequence in which FLOPs of one are counted (default: the\n"
                      "model's own plan's, or 4096)");
  add_json_flag(app, *command, options->json, "Also write them as JSON");
  command->footer(
      "total and active count parameters from the shapes; error % is total against the published\n"
      "count. Of models that are named, also by block (attention, experts, router, ...), and "
      "FLOPs\n"
      "a token. Examples:\n  mixnet models deepseek-v3 --seq-length 8192\n  mixnet models "
      "mixtral-8x7b ./my-model/config.json --json -");
  command->callback([options] { run(*options); });
}

}  // namespace mixnet::cli
