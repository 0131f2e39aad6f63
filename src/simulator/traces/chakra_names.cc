#include "traces/chakra_names.h"

#include <fmt/format.h>

#include "base/text_fields.h"
#include "graphs/task_exchange.h"

namespace mixnet {
namespace {

constexpr std::string_view kLayer = ", layer ";
constexpr std::string_view kMicroBatch = ", micro-batch ";

/// The number behind the last `label`, which is cut off with it when nothing else follows.
std::optional<std::int32_t> take_number(std::string_view& text, std::string_view label) {
  const std::size_t at = text.rfind(label);
  if (at == std::string_view::npos) return std::nullopt;
  const auto number = number_in<std::int32_t>(text.substr(at + label.size()));
  if (number) text = text.substr(0, at);
  return number;
}

bool is_all_reduce(TaskKind kind) {
  return kind == TaskKind::kAllReduce || kind == TaskKind::kSubAllReduce ||
         kind == TaskKind::kDpAllReduce || kind == TaskKind::kTpAllReduce;
}

std::string full_name(TaskKind kind, std::string_view name, std::int32_t layer,
                      std::int32_t micro_batch) {
  return fmt::format("{}{}{}{}{}{}{}", to_string(kind), name.empty() ? "" : " ", name, kLayer,
                     layer, kMicroBatch, micro_batch);
}

}  // namespace

std::string to_chakra_name(const TaskGraph& graph, const GraphTask& task) {
  const std::string_view name =
      task.kind == TaskKind::kAllToAll ? graph.info_of(task) : graph.name_of(task);
  TaskKind kind = task.kind;
  if (kind == TaskKind::kNominalComm) kind = TaskKind::kP2p;
  if (kind == TaskKind::kComm) {
    kind = runs_on_device(graph, task) ? TaskKind::kForward : TaskKind::kP2p;
  }
  if (is_all_reduce(kind) && task.bytes.count == 0) kind = TaskKind::kBarrier;
  return full_name(kind, name, task.layer, task.micro_batch);
}

std::string message_name(const TaskGraph& graph, const GraphTask& all_to_all) {
  return full_name(TaskKind::kP2p, graph.info_of(all_to_all), all_to_all.layer,
                   all_to_all.micro_batch);
}

std::string signal_name() { return full_name(TaskKind::kP2p, "signal", 0, 0); }

ChakraName parse_chakra_name(std::string_view text) {
  ChakraName parsed;
  std::string_view rest = text;
  const auto micro_batch = take_number(rest, kMicroBatch);
  const auto layer = micro_batch ? take_number(rest, kLayer) : std::nullopt;
  if (layer) {
    parsed.layer = layer;
    parsed.micro_batch = micro_batch;
    text = rest;
  }
  const std::size_t space = std::min(text.find(' '), text.size());
  for (const auto& [name, kind] : Names<TaskKind>::kTable) {
    if (text.substr(0, space) != name) continue;
    parsed.kind = kind;
    text.remove_prefix(std::min(space + 1, text.size()));
    break;
  }
  parsed.name = text.substr(0, kMaxGraphName);
  return parsed;
}

}  // namespace mixnet
